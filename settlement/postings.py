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
    COLLECTIONS_BANK,
    FAMILY_CLEARING,
    ChannelAccount,
    InstitutionAccount,
    RegionAccount,
    channel_account,
)
from settlement.payments.payment import Custody


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


def elsewhere_transfers(
    *, funds: Iterable[tuple[int, int]], account_fen: int, rest_fen: int, region_base: int,
    personal_account: int,
) -> tuple[Transfer, ...]:  # fmt: skip
    """What we pay for care in another region, owed to that region (DOMAIN 6); all in the agency's
    book. `rest_fen` is what the patient and the hospital bear there, a memorandum: with it the
    legs come to the whole bill, and a bill that the patient pays alone is an entry as well."""
    base = region_base
    legs = [
        Transfer(fund, base + RegionAccount.PAYABLE_FUNDS, fen) for fund, fen in funds if fen
    ]
    if account_fen:
        legs.append(Transfer(personal_account, base + RegionAccount.PAYABLE_ACCOUNTS, account_fen))
    if rest_fen:
        legs.append(
            Transfer(
                base + RegionAccount.MEMO_OWN_PART, base + RegionAccount.MEMO_CONTRA, rest_fen
            )
        )
    return tuple(legs)


def remote_transfers(
    *, fund_fen: int, account_fen: int, cash_fen: int, hospital_fen: int, region_base: int,
    institution_base: int,
) -> tuple[Transfer, ...]:  # fmt: skip
    """The transfers of a settlement that another region shares: it owes us what its funds and
    accounts pay (应收异地), and we owe that to the institution (DOMAIN 6)."""
    base, revenue = institution_base, institution_base + InstitutionAccount.REVENUE
    legs = (
        (region_base + RegionAccount.RECEIVABLE_FUNDS,
         base + InstitutionAccount.PAYABLE_FUNDS, fund_fen),
        (region_base + RegionAccount.RECEIVABLE_ACCOUNTS,
         base + InstitutionAccount.PAYABLE_ACCOUNTS, account_fen),
        (base + InstitutionAccount.RECEIVABLE_FUNDS, revenue, fund_fen),
        (base + InstitutionAccount.RECEIVABLE_ACCOUNTS, revenue, account_fen),
        (base + InstitutionAccount.SELF_COLLECTED, revenue, cash_fen),
        (base + InstitutionAccount.BORNE, revenue, hospital_fen),
    )  # fmt: skip
    return tuple(Transfer(debit, credit, fen) for debit, credit, fen in legs if fen)


def remote_hold_transfers(
    *, total_fen: int, region_base: int, institution_base: int
) -> tuple[Transfer, ...]:
    """What a case holds whose shares are not known: the most that the other region may owe, in the
    agency's book and in the institution's."""
    return remote_transfers(
        fund_fen=total_fen, account_fen=0, cash_fen=0, hospital_fen=0, region_base=region_base,
        institution_base=institution_base,
    )


def collecting_transfers(*, amount_fen: int, institution_base: int) -> tuple[Transfer, ...]:
    """What is to be collected for a sale, by whichever channel, against its revenue."""
    debit = channel_account(institution_base, ChannelAccount.COLLECTING)
    return (Transfer(debit, institution_base + InstitutionAccount.REVENUE, amount_fen),)


def rest_transfers(*, amount_fen: int, institution_base: int) -> tuple[Transfer, ...]:
    """What an institution would collect itself of a settlement that is booked already is to be
    collected by a channel."""
    collecting = channel_account(institution_base, ChannelAccount.COLLECTING)
    own = institution_base + InstitutionAccount.SELF_COLLECTED
    return (Transfer(collecting, own, amount_fen),)


def collected_transfers(
    *, channel: str, custody: Custody, amount_fen: int, institution_base: int
) -> tuple[Transfer, ...]:
    """What a channel collected of what was held (DOMAIN 1).

    Under its own custody the money is in the institution's book and a memorandum in the agency's;
    under the agency's custody the agency owes it.
    """
    base = institution_base
    collecting = channel_account(base, ChannelAccount.COLLECTING)
    if custody is Custody.OWN:
        pairs = (
            (channel_account(base, ChannelAccount.CLEARING, channel), collecting),
            (channel_account(base, ChannelAccount.MEMO_COLLECTED),
             channel_account(base, ChannelAccount.MEMO_CONTRA)),
        )  # fmt: skip
    else:
        pairs = (
            (channel_account(base, ChannelAccount.AGENCY_CLEARING, channel),
             channel_account(base, ChannelAccount.AGENCY_COLLECTED)),
            (channel_account(base, ChannelAccount.RECEIVABLE_COLLECTED), collecting),
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


def given_back_by_hand_transfers(
    *, custody: Custody, amount_fen: int, institution_base: int
) -> tuple[Transfer, ...]:
    """What was owed to the payer was given back outside the channel (线下退款): by the institution
    out of what it collects itself, under the agency's custody by the agency out of its bank. The
    channel's clearing account stays as it is: the channel still has that money."""
    if custody is Custody.OWN:
        to_return = channel_account(institution_base, ChannelAccount.TO_RETURN)
        return (
            Transfer(to_return, institution_base + InstitutionAccount.SELF_COLLECTED, amount_fen),
        )
    to_return = channel_account(institution_base, ChannelAccount.AGENCY_TO_RETURN)
    return (Transfer(to_return, COLLECTIONS_BANK, amount_fen),)


def refund_owed_transfers(
    *, channel: str, custody: Custody, amount_fen: int, institution_base: int
) -> tuple[Transfer, ...]:
    """What a channel collected for a sale that is taken back is owed to the payer; under the
    agency's custody the agency does not owe it to the institution any more."""
    base = institution_base
    collecting = channel_account(base, ChannelAccount.COLLECTING)
    _, to_return = _returning(channel, custody, base)
    if custody is Custody.OWN:
        pairs = (
            (collecting, to_return),
            (channel_account(base, ChannelAccount.MEMO_CONTRA),
             channel_account(base, ChannelAccount.MEMO_COLLECTED)),
        )  # fmt: skip
    else:
        pairs = (
            (collecting, channel_account(base, ChannelAccount.RECEIVABLE_COLLECTED)),
            (channel_account(base, ChannelAccount.AGENCY_COLLECTED), to_return),
        )
    return tuple(Transfer(debit, credit, amount_fen) for debit, credit in pairs)


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
