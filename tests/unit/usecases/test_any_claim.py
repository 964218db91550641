"""What holds for any claim: no fen is lost, a cancel is its negative, a resend gets the first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from ledger.entry import Transfer
from settlement.claim import AccountUse, ClaimLine
from settlement.decision import Answer, Decision
from settlement.refusal import Refusal
from settlement.rows import MONEY, RowKind
from settlement.usecases.cancel import cancel, reverse
from settlement.usecases.sale import purchase
from settlement.view import View
from tests.unit.usecases.builders import (
    CAP_FEN,
    ON,
    PERSON_NO,
    PHARMACY,
    POOL,
    a_cancel,
    a_moment,
    a_purchase,
    a_reversal,
    a_view,
    a_world,
    balances,
    booked,
    claim_lines,
    row_of,
    schemes,
    uses,
)

AGENCY_PAYABLES = {PHARMACY.account_base, PHARMACY.account_base + 1}
_ENCODE = msgspec.json.Encoder().encode
any_claim = given(
    scheme=schemes,
    lines=claim_lines(),
    use=uses,
    balance=balances,
    used_percent=st.integers(0, 100),
)


def start(scheme: str, balance: int, used_percent: int) -> View:
    """The person before the claim: `used_percent` of the cap is used already."""
    balance_fen = balance if scheme == "310" else 0
    return a_view(scheme, balance_fen=balance_fen, used_fen=CAP_FEN[scheme] * used_percent // 100)


def said(decision: Decision) -> bytes:
    """The output of an answer as it leaves."""
    assert isinstance(decision.reply, Answer)
    return _ENCODE(decision.reply.output)


def moved(transfers: Iterable[Transfer]) -> dict[int, int]:
    """Debits less credits, by account."""
    sums: dict[int, int] = defaultdict(int)
    for transfer in transfers:
        assert transfer.amount_fen > 0
        sums[transfer.debit] += transfer.amount_fen
        sums[transfer.credit] -= transfer.amount_fen
    return sums


@any_claim
def test_every_fen_is_paid_by_somebody_and_posted(
    scheme: str, lines: tuple[ClaimLine, ...], use: AccountUse, balance: int, used_percent: int
) -> None:
    view = start(scheme, balance, used_percent)
    person = view.persons[PERSON_NO]
    opening = person.balance_fen
    effects = booked(purchase(a_purchase(scheme, lines, use, 0), view, a_world(), a_moment()), view)
    row = row_of(effects)
    assert row.total_fen == sum(line.amount_fen for line in lines)
    parts = row.full_self_pay_fen + row.over_ceiling_fen + row.pre_self_pay_fen + row.in_scope_fen
    assert row.total_fen == parts
    assert row.total_fen == row.fund_fen + row.account_fen + row.cash_fen
    assert min(getattr(row, name) for name in MONEY) >= 0
    assert person.balance_fen == opening - row.account_fen >= 0
    assert person.year(ON.year).values.get(POOL[scheme], 0) <= CAP_FEN[scheme]
    assert effects.entry is not None
    sums = moved(effects.entry.transfers)
    assert sum(sums.values()) == 0
    payable = -sum(fen for account, fen in sums.items() if account in AGENCY_PAYABLES)
    assert payable == row.fund_fen + row.account_fen
    assert -sums[PHARMACY.account_base + 8] == row.total_fen


@any_claim
def test_cancel_is_the_exact_negative_and_leaves_the_person_as_before(
    scheme: str, lines: tuple[ClaimLine, ...], use: AccountUse, balance: int, used_percent: int
) -> None:
    view, world = start(scheme, balance, used_percent), a_world()
    person = view.persons[PERSON_NO]
    before = (person.balance_fen, person.year(ON.year).values.get(POOL[scheme], 0))
    sale = booked(purchase(a_purchase(scheme, lines, use, 0), view, world, a_moment()), view)
    row = row_of(sale)
    undone = booked(cancel(a_cancel(row), view, world, a_moment(1)), view)
    negative = row_of(undone)
    assert {name: getattr(negative, name) for name in MONEY} == {
        name: -getattr(row, name) for name in MONEY
    }
    assert (negative.kind, negative.undoes_setl_id) == (RowKind.CANCEL, row.setl_id)
    assert sale.entry is not None
    assert undone.entry is not None
    both = moved([*sale.entry.transfers, *undone.entry.transfers])
    assert not any(both.values())
    year = person.year(ON.year)
    assert (person.balance_fen, year.values.get(POOL[scheme], 0)) == before
    assert year.latest is None
    assert row.business_key not in view.standing


@any_claim
def test_resend_is_answered_as_the_first_time_and_does_nothing(
    scheme: str, lines: tuple[ClaimLine, ...], use: AccountUse, balance: int, used_percent: int
) -> None:
    view, world = start(scheme, balance, used_percent), a_world()
    sale = a_purchase(scheme, lines, use, 0)
    first = purchase(sale, view, world, a_moment())
    row = row_of(booked(first, view))
    again = purchase(sale, view, world, a_moment(5))
    assert said(again) == said(first)
    assert again.effects is None
    undo = a_cancel(row)
    cancelled = cancel(undo, view, world, a_moment(6))
    booked(cancelled, view)
    assert said(cancel(undo, view, world, a_moment(7))) == said(cancelled)
    assert said(purchase(sale, view, world, a_moment(8))) == said(first)


@any_claim
def test_quote_says_what_the_settlement_then_does(
    scheme: str, lines: tuple[ClaimLine, ...], use: AccountUse, balance: int, used_percent: int
) -> None:
    view, world = start(scheme, balance, used_percent), a_world()
    sale = a_purchase(scheme, lines, use, 0)
    quote = purchase(structs.replace(sale, quote=True), view, world, a_moment())
    assert quote.effects is None
    settled = purchase(sale, view, world, a_moment())
    own = ("setl_id", "mdtrt_id")
    quoted, booked_info = (
        {k: v for k, v in msgspec.json.decode(said(d))["setlinfo"].items() if k not in own}
        for d in (quote, settled)
    )
    assert quoted == booked_info


@any_claim
def test_reversal_takes_everything_back_and_the_message_is_dead(
    scheme: str, lines: tuple[ClaimLine, ...], use: AccountUse, balance: int, used_percent: int
) -> None:
    view, world = start(scheme, balance, used_percent), a_world()
    person = view.persons[PERSON_NO]
    opening = person.balance_fen
    sale = a_purchase(scheme, lines, use, 0)
    booked(purchase(sale, view, world, a_moment()), view)
    row = row_of(booked(reverse(a_reversal(sale), view, world, a_moment(1)), view))
    assert row.kind is RowKind.REVERSE
    assert person.balance_fen == opening
    refused = purchase(sale, view, world, a_moment(2)).reply
    assert isinstance(refused, Refusal)
    assert refused.code == "MESSAGE_REVERSED"
