"""Taking bills: read whole and proven first, then written, counted last.

A bill is read from its first row to its last into a spool beside the database, and held against its
own summary, its merchant and its day. Only then are its rows written, in short statements, and its
file after them: until that row is there none of them counts, and what a killed import leaves behind
the next one removes (settlement/storage/bills.py).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import date

from msgspec import Struct
from msgspec.structs import replace

from settlement.books.bill import BillError, Reading, RowFault, Totals, day_of_rows
from settlement.finance.bill_books import BillBooks
from settlement.finance.bill_sources import Claimed, Received, readings_of
from settlement.payments.payment import ChannelName
from settlement.storage import bills as store
from settlement.storage.audits import Audited, keep_audit
from settlement.storage.bill_copy import FileRows, RowSpool
from settlement.storage.bills import BillFile, BillKey, Content


class Order(Struct, frozen=True, kw_only=True):
    """Who has bills taken, and how."""

    actor: str
    reason: str
    fetched: bool = False
    preview: bool = False
    """prove them and say what they come to; write nothing"""


class Taken(Struct, frozen=True, kw_only=True):
    """What became of one bill."""

    file: BillFile
    faults: Sequence[RowFault] = ()
    came_before: bool = False
    """the very same bytes were taken before; nothing changed"""
    previewed: bool = False


class _Read(Struct, kw_only=True):
    """A bill that is proven, its rows beside the database."""

    reading: Reading
    totals: Totals
    spool: RowSpool


async def take(
    books: BillBooks, received: Received, claimed: Claimed, order: Order
) -> list[Taken]:
    """All bills of one file. Raises BillError, and then nothing of the file is kept."""
    with ExitStack() as held:
        content = Content()
        held.callback(content.close)
        found = await _read_and_pack(books, received, claimed, content, held)
        files = [_file(books, one, received, claimed, order, content) for one in found]
        if order.preview:
            return [
                await _previewed(books, one, file)
                for one, file in zip(found, files, strict=True)
            ]
        async with store.importing(books.connection, books.lanes):
            return [
                await _keep(books, one, file, content, order)
                for one, file in zip(found, files, strict=True)
            ]


async def _read_and_pack(
    books: BillBooks, received: Received, claimed: Claimed, content: Content, held: ExitStack
) -> list[_Read]:
    """Rows and bytes side by side. A thread is not cut short: both are waited for."""
    packing = asyncio.to_thread(content.read, held.enter_context(received.open()))
    reading = asyncio.to_thread(_read_all, books, received, claimed, held)
    packed, found = await asyncio.gather(packing, reading, return_exceptions=True)
    if isinstance(found, BaseException):
        raise found
    if isinstance(packed, BaseException):
        raise packed
    return found


def _read_all(
    books: BillBooks, received: Received, claimed: Claimed, held: ExitStack
) -> list[_Read]:
    return [
        _read(books, reading, claimed, held)
        for reading in readings_of(received, claimed, held)
    ]


def _read(
    books: BillBooks, reading: Reading, claimed: Claimed, held: ExitStack
) -> _Read:
    if claimed.channel and claimed.channel != reading.channel:
        raise BillError(
            f"这是 {reading.channel} 的账单，不是 {claimed.channel} 的 | a bill of "
            f"{reading.channel}, not of {claimed.channel}"
        )
    totals = Totals()
    spool = RowSpool(reading.kind, lanes=books.lanes)
    held.callback(spool.close)
    spool.take(totals.adding(reading.rows()), lambda: reading.merchant or claimed.merchant)
    return _Read(reading=reading, totals=totals, spool=spool)


def _merchant(books: BillBooks, reading: Reading, claimed: Claimed) -> str:
    named, said = reading.merchant, claimed.merchant
    if named and said and named != said:
        raise BillError(
            f"账单属于商户 {named}，不是 {said} | the bill is of merchant {named}, not {said}"
        )
    merchant = named or said
    if not merchant:
        raise BillError(
            "文件没有写明商户，请用 --merchant 指明 | the file names no merchant: say --merchant"
        )
    known = books.known
    is_known = (ChannelName(reading.channel), merchant) in known if known else bool(said)
    if not is_known:
        raise BillError(
            f"商户 {merchant} 不是本区配置的 {reading.channel} 商户；确认无误请补配置"
            f"{'' if known else '，或用 --merchant 指明'} | merchant {merchant} is none of ours at "
            f"{reading.channel}: configure it{'' if known else ', or say --merchant'}"
        )
    return merchant


def _day(books: BillBooks, reading: Reading, claimed: Claimed) -> date:
    by_day: Counter[str] = reading.times.by_day
    told, said = reading.day, claimed.day
    day = said or told or day_of_rows(by_day)
    if day is None:
        raise BillError("文件没有行也没有日期，请用 --day 指明 | no rows and no day: say --day")
    if told is not None and told != day:
        raise BillError(f"账单是 {told} 的，不是 {day} 的 | the bill is of {told}, not of {day}")
    if by_day and by_day[str(day)] * 2 < by_day.total():
        mostly = day_of_rows(by_day)
        raise BillError(
            f"多数行是 {mostly} 的，不是 {day} 的账单 | most rows are of {mostly}: not the bill of "
            f"{day}"
        )
    if day > books.moment.local.date():
        raise BillError(f"{day} 还没有到 | {day} has not come yet")
    return day


def _file(
    books: BillBooks, one: _Read, received: Received, claimed: Claimed, order: Order,
    content: Content,
) -> BillFile:  # fmt: skip
    """What the file is to be known as. Raises BillError: another merchant's, or another day's."""
    reading = one.reading
    merchant = _merchant(books, reading, claimed)
    lane = books.lane_of(merchant)
    key = BillKey(
        lane=lane, channel=reading.channel, merchant=merchant, kind=reading.kind,
        day=_day(books, reading, claimed),
    )  # fmt: skip
    return BillFile(
        key=key, file_no=0 if order.preview else books.number(lane),
        received_at=books.moment.at, sha256=content.sha256, size_bytes=content.size_bytes,
        name=received.name, fetched=order.fetched, actor=order.actor, totals=one.totals,
        fee_told=reading.fee_told, faults=len(reading.faults),
    )  # fmt: skip


async def _previewed(books: BillBooks, one: _Read, file: BillFile) -> Taken:
    """What would become of it: nothing new, or the place of the one that counts."""
    before = await store.came_before(books.connection, file.key, file.sha256)
    if before is not None:
        return Taken(file=before, came_before=True, previewed=True)
    replaced = await store.in_force(books.connection, file.key)
    return Taken(
        file=replace(file, replaces=tuple(replaced)), faults=one.reading.faults, previewed=True
    )


async def _keep(
    books: BillBooks, one: _Read, file: BillFile, content: Content, order: Order
) -> Taken:
    connection, key, faults = books.connection, file.key, one.reading.faults
    before = await store.came_before(connection, key, file.sha256)
    if before is not None:
        return Taken(file=before, came_before=True)
    replaced = await store.in_force(connection, key)
    await store.begin(connection, key.lane, file.file_no, books.moment.at)
    await content.write(connection, key.lane)
    rows = FileRows(
        file_no=file.file_no, day=key.day, channel=key.channel, merchant=key.merchant
    )
    await one.spool.write(connection, rows)
    await store.keep_file(connection, file, faults, replaced)
    subject = f"{key.channel} {key.merchant} {key.day} {key.kind.value} {file.file_no}"
    await keep_audit(
        connection,
        Audited(
            at=books.moment.at, actor=order.actor, action="bill.taken", subject=subject,
            note=order.reason,
        ),
    )  # fmt: skip
    return Taken(file=replace(file, replaces=tuple(replaced)), faults=faults)
