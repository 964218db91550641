"""Posting (记账): the transfers of a settlement, in the agency's book and in the institution's,
and those of money that goes over a payment channel.

Agency: each fund and the personal account owe the institution. Institution: the same sums as
receivables, what it collects itself and what it bears, all against its revenue. Cash that an
institution collects is never a debt of the agency (DOMAIN 2). A cancel swaps debit and credit.
"""

from __future__ import annotations

from collections.abc import Iterable

from ledger.entry import Transfer
from settlement.chart import (
    FAMILY_CLEARING,
    ChannelAccount,
    InstitutionAccount,
    channel_account,
)
from settlement.payment import Custody


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


def collected_transfers(
    *, channel: str, custody: Custody, amount_fen: int, institution_base: int
) -> tuple[Transfer, ...]:
    """What a channel collects for a sale (DOMAIN 1), against the institution's revenue.

    Under its own custody the money is in the institution's book and a memorandum in the agency's;
    under the agency's custody the agency owes it.
    """
    base = institution_base
    revenue = base + InstitutionAccount.REVENUE
    if custody is Custody.OWN:
        pairs = (
            (channel_account(base, ChannelAccount.CLEARING, channel), revenue),
            (channel_account(base, ChannelAccount.MEMO_COLLECTED),
             channel_account(base, ChannelAccount.MEMO_CONTRA)),
        )  # fmt: skip
    else:
        pairs = (
            (channel_account(base, ChannelAccount.AGENCY_CLEARING, channel),
             channel_account(base, ChannelAccount.AGENCY_COLLECTED)),
            (channel_account(base, ChannelAccount.RECEIVABLE_COLLECTED), revenue),
        )  # fmt: skip
    return tuple(Transfer(debit, credit, amount_fen) for debit, credit in pairs)


def surplus_transfers(
    *, channel: str, custody: Custody, amount_fen: int, institution_base: int
) -> tuple[Transfer, ...]:
    """Money that a channel collected and nobody can use: it is owed to the payer."""
    clearing, to_return = _returning(channel, custody, institution_base)
    return (Transfer(clearing, to_return, amount_fen),)


def given_back_transfers(
    *, channel: str, custody: Custody, amount_fen: int, institution_base: int
) -> tuple[Transfer, ...]:
    """What was owed to the payer went back through the channel."""
    clearing, to_return = _returning(channel, custody, institution_base)
    return (Transfer(to_return, clearing, amount_fen),)


def refund_owed_transfers(
    *, channel: str, custody: Custody, amount_fen: int, institution_base: int
) -> tuple[Transfer, ...]:
    """A sale's collected part is taken back: the payer is owed what the channel collected."""
    base = institution_base
    legs = []
    for transfer in undone(
        collected_transfers(
            channel=channel, custody=custody, amount_fen=amount_fen, institution_base=base
        )
    ):
        clearing, to_return = _returning(channel, custody, base)
        credit = to_return if transfer.credit == clearing else transfer.credit
        legs.append(Transfer(transfer.debit, credit, transfer.amount_fen))
    return tuple(legs)


def _returning(channel: str, custody: Custody, base: int) -> tuple[int, int]:
    """The clearing account that money comes to and goes from, and what is owed of it."""
    if custody is Custody.OWN:
        accounts = ChannelAccount.CLEARING, ChannelAccount.TO_RETURN
    else:
        accounts = ChannelAccount.AGENCY_CLEARING, ChannelAccount.AGENCY_TO_RETURN
    return channel_account(base, accounts[0], channel), channel_account(base, accounts[1])


def undone(transfers: Iterable[Transfer]) -> tuple[Transfer, ...]:
    """The transfers that take others back exactly."""
    return tuple(Transfer(t.credit, t.debit, t.amount_fen) for t in transfers)
