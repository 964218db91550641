"""Asking channels for their bills. Each merchant is asked for itself: what one does not give, or
gives damaged, is kept as such and the others go on.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import date

from msgspec import Struct

from settlement.books.bill import BillError, BillKind
from settlement.channels.port import BillRefusedError, Channel, FundBills
from settlement.finance.bill_books import BillBooks, kinds_of
from settlement.finance.bill_import import Order, Taken, take
from settlement.finance.bill_sources import Claimed, Received
from settlement.payments.payment import ChannelName
from settlement.storage import bills as store
from settlement.storage.bills import Asked, BillKey

NOT_THERE = "尚未出账，或当日无交易 | not there yet, or nothing moved that day"
"""Some channels say the same of both."""
NONE_OR_NOT_YET = frozenset({ChannelName.ALIPAY, ChannelName.UNIONPAY})
"""Those channels: `Channel.bill` is None where they answered so, and raises where they did not."""


class Wanted(Struct, frozen=True, kw_only=True):
    """Which bills are to be fetched."""

    day: date
    channel: str = ""
    merchant: str = ""
    again: bool = False
    """also those that are there: a corrected one may have come"""


class Fetched(Struct, frozen=True, kw_only=True):
    """What became of one merchant's bill."""

    key: BillKey
    taken: tuple[Taken, ...] = ()
    said: str = ""
    """why there is none; empty where there is"""


async def fetch(books: BillBooks, wanted: Wanted, order: Order) -> list[Fetched]:
    """The bills of a day that are not there yet."""
    fetched = []
    for key, channel in expected(books, wanted):
        if not wanted.again and await store.in_force(books.connection, key):
            continue
        fetched.append(await fetch_one(books, key, channel, order))
    return fetched


async def fetch_one(
    books: BillBooks, key: BillKey, channel: Channel, order: Order, *, nothing: bool = False
) -> Fetched:
    """The bill of one merchant. `nothing`: where the channel says that there is none, nothing moved
    that day, and an empty bill is kept."""
    try:
        content = await _ask(channel, key)
        if content is None and nothing and channel.name in NONE_OR_NOT_YET:
            content = b""
        if content is None:
            return await _without(books, key, NOT_THERE)
        received = _received(key, content)
        claimed = Claimed(
            channel=key.channel, merchant=key.merchant, day=key.day, kind=key.kind
        )
        return Fetched(key=key, taken=tuple(await take(books, received, claimed, order)))
    except (BillRefusedError, BillError) as exc:
        return await _without(books, key, str(exc))


def expected(books: BillBooks, wanted: Wanted) -> Iterator[tuple[BillKey, Channel]]:
    """Every bill that configured merchants have of a day."""
    for (name, merchant), channel in sorted(books.merchants.items()):
        if wanted.channel not in ("", name.value) or wanted.merchant not in ("", merchant):
            continue
        for kind in kinds_of(channel):
            yield key_of(books, name, merchant, kind, wanted.day), channel


def key_of(
    books: BillBooks, name: ChannelName, merchant: str, kind: BillKind, day: date
) -> BillKey:
    """Which bill it is."""
    return BillKey(
        lane=books.lane_of(merchant), channel=name.value, merchant=merchant, kind=kind, day=day
    )


async def _ask(channel: Channel, key: BillKey) -> bytes | None:
    if key.kind is BillKind.FUNDS and isinstance(channel, FundBills):
        return await channel.fund_bill(key.day)
    return await channel.bill(key.day)


def _received(key: BillKey, content: bytes) -> Received:
    name = f"{key.channel}-{key.merchant}-{key.day:%Y%m%d}-{key.kind.value}"
    return Received(name=name, open=lambda: io.BytesIO(content))


async def _without(books: BillBooks, key: BillKey, said: str) -> Fetched:
    await store.keep_asked(books.connection, Asked(key=key, at=books.moment.at, said=said))
    return Fetched(key=key, said=said)
