"""What funds paid and channels collected, from sums of transfers by the pair of their accounts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from msgspec import Struct

from settlement.chart import CHANNEL_OFFSET, FUND_BASE, ChannelAccount

Money = Mapping[tuple[int, int], int]
"""Debited and credited account → fen."""

_CHANNEL_OF_OFFSET = {
    **{ChannelAccount.CLEARING + n: name for name, n in CHANNEL_OFFSET.items()},
    **{ChannelAccount.AGENCY_CLEARING + n: name for name, n in CHANNEL_OFFSET.items()},
}
_FUNDS = range(FUND_BASE, 2 * FUND_BASE)


class ChannelMoney(Struct, kw_only=True):
    """What a channel collected and gave back."""

    name: str
    collected_fen: int = 0
    returned_fen: int = 0


def funds_paid(money: Money) -> Counter[int]:
    """What each fund paid, by its account, less what was taken back."""
    spent: Counter[int] = Counter()
    for (debit, credit), amount in money.items():
        if debit in _FUNDS:
            spent[debit] += amount
        if credit in _FUNDS:
            spent[credit] -= amount
    return spent


def channels_moved(money: Money) -> list[ChannelMoney]:
    """What came in and went out over each channel; those over which nothing did are left out."""
    found = {name: ChannelMoney(name=name) for name in CHANNEL_OFFSET}
    for (debit, credit), amount in money.items():
        into, out = _channel_of(debit), _channel_of(credit)
        if into is not None:
            found[into].collected_fen += amount
        if out is not None:
            found[out].returned_fen += amount
    return [one for one in found.values() if one.collected_fen or one.returned_fen]


def _channel_of(account: int) -> str | None:
    if not 100_000_000 <= account < 10**12:
        return None
    return _CHANNEL_OF_OFFSET.get(account % 100)
