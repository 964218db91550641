"""Posting (记账): the transfers of a settlement, in the agency's book and in the institution's.

Agency: each fund and the personal account owe the institution. Institution: the same sums as
receivables, what it collects itself and what it bears, all against its revenue. Cash that an
institution collects is never a debt of the agency (DOMAIN 2). A cancel swaps debit and credit.
"""

from __future__ import annotations

from collections.abc import Iterable

from ledger.entry import Transfer
from settlement.chart import FAMILY_CLEARING, InstitutionAccount


def settlement_transfers(
    *,
    funds: Iterable[tuple[int, int]],
    account_fen: int,
    cash_fen: int,
    hospital_fen: int,
    institution_base: int,
    personal_account: int,
    family_fen: int = 0,
) -> tuple[Transfer, ...]:
    """The transfers of a settlement. `funds` are (ledger account, fen) of what each fund pays;
    `family_fen` is the part of `account_fen` that comes from relatives, each by an entry of
    their own lane (ADR 0023)."""
    base = institution_base
    revenue = base + InstitutionAccount.REVENUE
    legs = [
        Transfer(fund, base + InstitutionAccount.PAYABLE_FUNDS, fen) for fund, fen in funds if fen
    ]
    fund_fen = sum(leg.amount_fen for leg in legs)
    own_fen = account_fen - family_fen
    if own_fen:
        legs.append(
            Transfer(personal_account, base + InstitutionAccount.PAYABLE_ACCOUNTS, own_fen)
        )
    if family_fen:
        legs.append(
            Transfer(FAMILY_CLEARING, base + InstitutionAccount.PAYABLE_ACCOUNTS, family_fen)
        )
    if fund_fen:
        legs.append(Transfer(base + InstitutionAccount.RECEIVABLE_FUNDS, revenue, fund_fen))
    if account_fen:
        legs.append(Transfer(base + InstitutionAccount.RECEIVABLE_ACCOUNTS, revenue, account_fen))
    if cash_fen:
        legs.append(Transfer(base + InstitutionAccount.SELF_COLLECTED, revenue, cash_fen))
    if hospital_fen:
        legs.append(Transfer(base + InstitutionAccount.BORNE, revenue, hospital_fen))
    return tuple(legs)


def undone(transfers: Iterable[Transfer]) -> tuple[Transfer, ...]:
    """The transfers that take others back exactly."""
    return tuple(Transfer(t.credit, t.debit, t.amount_fen) for t in transfers)
