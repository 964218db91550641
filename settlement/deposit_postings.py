"""What deposits of stays (住院预交金) leave in the books (DOMAIN 4).

A deposit is a debt to the patient: the institution's, or the agency's where its merchants
collected. It is held like a sale, as the institution's debt, before it is known which channel will
have the money; what the agency then has, the institution does not owe.
"""

from __future__ import annotations

from collections.abc import Iterable

from ledger.entry import Transfer
from settlement.chart import ChannelAccount, InstitutionAccount, channel_account
from settlement.deposit import Part
from settlement.payments.payment import Custody
from settlement.postings import collected_transfers


def deposit_held_transfers(*, amount_fen: int, institution_base: int) -> tuple[Transfer, ...]:
    """What a channel is to collect of a deposit."""
    base = institution_base
    return _all(amount_fen, (_of(base, ChannelAccount.COLLECTING), _deposits(base, Custody.OWN)))


def deposit_collected_transfers(
    *, channel: str, custody: Custody, amount_fen: int, institution_base: int
) -> tuple[Transfer, ...]:
    """What a channel collected of a deposit that was held."""
    base = institution_base
    if custody is Custody.OWN:
        return collected_transfers(
            channel=channel, custody=custody, amount_fen=amount_fen, institution_base=base
        )
    clearing = channel_account(base, ChannelAccount.AGENCY_CLEARING, channel)
    return _all(
        amount_fen,
        (clearing, _deposits(base, Custody.AGENCY)),
        (_deposits(base, Custody.OWN), _of(base, ChannelAccount.COLLECTING)),
    )


def deposit_declared_transfers(*, amount_fen: int, institution_base: int) -> tuple[Transfer, ...]:
    """A deposit that the institution took itself: cash, or its own card terminal (DOMAIN 27)."""
    base = institution_base
    cash = base + InstitutionAccount.SELF_COLLECTED
    return _all(amount_fen, (cash, _deposits(base, Custody.OWN)))


def deposit_applied_transfers(
    *, custody: Custody, amount_fen: int, institution_base: int
) -> tuple[Transfer, ...]:
    """A deposit pays what the patient owes for a settlement (抵扣)."""
    base = institution_base
    revenue = base + InstitutionAccount.REVENUE
    if custody is Custody.OWN:
        return _all(amount_fen, (_deposits(base, custody), revenue))
    return _all(
        amount_fen,
        (_deposits(base, custody), _of(base, ChannelAccount.AGENCY_COLLECTED)),
        (_of(base, ChannelAccount.RECEIVABLE_COLLECTED), revenue),
    )


def deposit_transfers(parts: Iterable[Part], base: int) -> tuple[Transfer, ...]:
    """Deposits, or parts of them, pay what the patient owes for one settlement."""
    return tuple(
        transfer
        for part in parts
        for transfer in deposit_applied_transfers(
            custody=part.deposit.head.custody, amount_fen=part.amount_fen, institution_base=base
        )
    )


def deposit_owed_transfers(
    *, custody: Custody, amount_fen: int, institution_base: int
) -> tuple[Transfer, ...]:
    """A deposit, or what is left of it, is to go back through its channel."""
    base = institution_base
    if custody is Custody.AGENCY:
        to_return = _of(base, ChannelAccount.AGENCY_TO_RETURN)
        return _all(amount_fen, (_deposits(base, custody), to_return))
    return _all(
        amount_fen,
        (_deposits(base, custody), _of(base, ChannelAccount.TO_RETURN)),
        (_of(base, ChannelAccount.MEMO_CONTRA), _of(base, ChannelAccount.MEMO_COLLECTED)),
    )


def deposit_handed_back_transfers(
    *, amount_fen: int, institution_base: int
) -> tuple[Transfer, ...]:
    """The institution gives a deposit back that it took itself."""
    base = institution_base
    cash = base + InstitutionAccount.SELF_COLLECTED
    return _all(amount_fen, (_deposits(base, Custody.OWN), cash))


def _all(amount_fen: int, *pairs: tuple[int, int]) -> tuple[Transfer, ...]:
    return tuple(Transfer(debit, credit, amount_fen) for debit, credit in pairs)


def _of(base: int, account: ChannelAccount) -> int:
    return channel_account(base, account)


def _deposits(base: int, custody: Custody) -> int:
    own = custody is Custody.OWN
    return _of(base, ChannelAccount.DEPOSITS if own else ChannelAccount.AGENCY_DEPOSITS)
