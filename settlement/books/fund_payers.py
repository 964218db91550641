"""Funds that somebody else owes (由其他单位承担的基金), as medical aid (医疗救助) in most places.

The institution gets everything in one stop (一站式结算): the agency pays it the whole, and what
such a fund paid in a period is owed to the agency by the fund's payer (DOMAIN 5, ADR 0073). A *due*
is that of one fund and one period of payouts; what the payer sends comes by files of money in. Who
the payer is, the region profile says; all other funds are the agency's own.

Pure: rows in, transfers and texts out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from hashlib import sha256

import msgspec
from msgspec import Struct

from ledger.entry import Transfer
from settlement import chart
from settlement.chart import EntryCode

AGENCY = "agency"
"""As a profile names the agency itself."""
CLAIM_CODES = (
    EntryCode.SETTLEMENT, EntryCode.CANCEL, EntryCode.REVERSAL, EntryCode.TREATED_ELSEWHERE,
    EntryCode.REIMBURSED,
)  # fmt: skip
"""Entries of claims: what moves a fund's account and is a settlement row."""


class FundPayer(Struct, frozen=True, kw_only=True):
    """Who owes what a fund pays (付款单位)."""

    fund: str
    """fund_pay_type"""
    ledger_code: int
    fund_name: str
    code: str
    """as the profile names the payer"""
    name: str


class Claims(Struct, frozen=True, kw_only=True, order=True, gc=False):
    """What a fund paid in the claims of a period, of one institution and one kind of entry."""

    institution: str
    code: int
    """settlement.chart.EntryCode"""
    rows: int
    amount_fen: int
    """cancels and reversals below zero"""


class Due(Struct, frozen=True, kw_only=True):
    """What a payer owes for a fund and a period, as kept."""

    lane: int
    """of the fund's code"""
    first_on: date
    last_on: date
    fund: str
    ledger_code: int
    payer: str
    payer_name: str
    """as the profile called it then"""
    amount_fen: int
    """below zero where cancels outweigh claims"""
    booked_on: date
    actor: str
    entry_id: int | None
    """None where it comes to nothing"""


def sum_of(claims: Iterable[Claims]) -> int:
    """What claims come to, fen."""
    return sum(one.amount_fen for one in claims)


def merged(claims: Iterable[Claims]) -> list[Claims]:
    """One line for each institution and kind of entry, in order; claims lie in many lanes."""
    found: dict[tuple[str, int], Claims] = {}
    for one in claims:
        key = one.institution, one.code
        known = found.get(key)
        found[key] = one if known is None else Claims(
            institution=one.institution, code=one.code, rows=known.rows + one.rows,
            amount_fen=known.amount_fen + one.amount_fen,
        )  # fmt: skip
    return sorted(found.values())


def due_transfers(ledger_code: int, amount_fen: int) -> tuple[Transfer, ...]:
    """What a due books: the payer owes it, and the fund has it as income; of a period whose cancels
    outweigh its claims the other way."""
    owed, income = chart.payer_account(ledger_code), chart.income_account(ledger_code)
    if amount_fen > 0:
        return (Transfer(owed, income, amount_fen),)
    return (Transfer(income, owed, -amount_fen),) if amount_fen else ()


def due_commitment(due: Due, claims: Sequence[Claims]) -> bytes:
    """What the entry of a due commits to: the due with the claims that it is the sum of, in their
    order. settlement.fund_due_commitment computes the same."""
    told = [
        due.lane, due.entry_id, f"{due.first_on}", f"{due.last_on}", due.fund, due.ledger_code,
        due.payer, due.payer_name, due.amount_fen, due.actor,
        [[one.institution, one.code, one.rows, one.amount_fen] for one in sorted(claims)],
    ]  # fmt: skip
    return sha256(b"\x16" + msgspec.json.encode(told)).digest()


def other_payer(payer: FundPayer, dues: Sequence[Due], owed_fen: int) -> str | None:
    """Who still owes for the fund, or is owed something back, where that is not its payer of now;
    None where a due of this payer may be booked. `dues` are those of the fund, in order."""
    if not owed_fen or not dues or dues[-1].payer == payer.code:
        return None
    return dues[-1].payer_name
