"""Taking files of institutions (机构对账文件): read whole and proven first, counted last.

As bills of channels are taken (bill_import.py), under the same lock, kept in the same way. Whose
file it is and of which days is said by whoever brings it, and held against our own books: a file of
another institution, or of another day, is refused.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from msgspec import Struct

from settlement.books.bill import BillError, RowFault
from settlement.finance.bill_books import BillBooks
from settlement.finance.bill_import import Order
from settlement.institution import Institution
from settlement.intake.institution_lines import (
    ACCOUNT,
    FUND,
    TOTAL,
    Line,
    Lines,
    read_lines,
)
from settlement.numbers import parse
from settlement.storage import bills, reference
from settlement.storage import institutions as store
from settlement.storage.audits import Audited, keep_audit
from settlement.storage.bills import Content
from settlement.storage.institutions import InstitutionFile

LOOKED_AT = 2_000
"""So many rows tell whose file it is."""


class Claim(Struct, frozen=True, kw_only=True):
    """What whoever brings a file says of it."""

    institution: str
    first: date
    last: date

    @property
    def days(self) -> str:
        """For people."""
        return f"{self.first}" if self.first == self.last else f"{self.first}—{self.last}"


class TakenFile(Struct, frozen=True, kw_only=True):
    """What became of a file."""

    file: InstitutionFile
    faults: Sequence[RowFault] = ()
    replaces: Sequence[int] = ()
    came_before: bool = False
    previewed: bool = False


async def take(books: BillBooks, path: Path, claim: Claim, order: Order) -> TakenFile:
    """Take one. Raises BillError, and then nothing of it is kept."""
    known = await reference.institutions(books.connection)
    _check_claim(books, claim, known)
    content = Content()
    try:
        with path.open("rb") as source:
            await asyncio.to_thread(content.read, source)
        read = await asyncio.to_thread(read_lines, path)
        await _check_whose(books, read.lines, claim)
        file = _file(books, read, claim, order, content, path.name)
        if order.preview:
            return await _previewed(books, file, read)
        async with bills.importing(books.connection, books.lanes):
            return await _keep(books, file, read, content, order)
    finally:
        content.close()


def _check_claim(
    books: BillBooks, claim: Claim, known: Mapping[str, Institution]
) -> None:
    if claim.institution not in known:
        raise BillError(
            f"没有机构 {claim.institution} | there is no institution {claim.institution}"
        )
    if claim.last > books.moment.local.date():
        raise BillError(f"{claim.last} 还没有到 | {claim.last} has not come yet")


async def _check_whose(books: BillBooks, lines: Sequence[Line], claim: Claim) -> None:
    """Whether most of the rows that we know are of that institution and those days."""
    step = max(len(lines) // LOOKED_AT, 1)
    numbers = [number for one in lines[::step] if (number := parse(one.setl_id)) is not None]
    by_institution: Counter[str] = Counter()
    by_day: Counter[date] = Counter()
    for institution, day, count in await store.whose(books.connection, numbers):
        by_institution[institution] += count
        if institution == claim.institution:
            by_day[day] += count
    mostly, count = by_institution.most_common(1)[0] if by_institution else ("", 0)
    if mostly not in ("", claim.institution) and count * 2 > by_institution.total():
        raise BillError(
            f"多数行是机构 {mostly} 的，不是 {claim.institution} 的 | most rows are of institution "
            f"{mostly}, not of {claim.institution}"
        )
    within = sum(count for day, count in by_day.items() if claim.first <= day <= claim.last)
    if by_day and within * 2 < by_day.total():
        day = by_day.most_common(1)[0][0]
        raise BillError(
            f"多数行是 {day} 的，不是 {claim.days} 的 | most rows are of {day}, not of {claim.days}"
        )


def _file(
    books: BillBooks, read: Lines, claim: Claim, order: Order, content: Content, name: str
) -> InstitutionFile:
    lane = books.lane_of(claim.institution)
    return InstitutionFile(
        lane=lane, file_no=0 if order.preview else books.number(lane),
        received_at=books.moment.at, institution=claim.institution, begins_on=claim.first,
        ends_on=claim.last, sha256=content.sha256, size_bytes=content.size_bytes, name=name,
        form=read.form, actor=order.actor, rows=len(read.lines),
        total_fen=read.total_fen(TOTAL), fund_fen=read.total_fen(FUND),
        account_fen=read.total_fen(ACCOUNT), faults=len(read.faults),
    )  # fmt: skip


async def _previewed(books: BillBooks, file: InstitutionFile, read: Lines) -> TakenFile:
    """What would become of it: nothing new, or the place of the one that counts."""
    same = await _same(books, file)
    if same is not None:
        return TakenFile(file=same, came_before=True, previewed=True)
    replaced = await _replaced(books, file)
    return TakenFile(file=file, faults=read.faults, replaces=replaced, previewed=True)


async def _same(books: BillBooks, file: InstitutionFile) -> InstitutionFile | None:
    """The file with these very bytes, if it came before."""
    before = await store.came_before(books.connection, file)
    if before is None:
        return None
    found = await store.files_between(
        books.connection, file.begins_on, file.ends_on, file.institution
    )
    (same,) = (one for one in found if one.file_no == before)
    return same


async def _keep(
    books: BillBooks, file: InstitutionFile, read: Lines, content: Content, order: Order
) -> TakenFile:
    connection = books.connection
    same = await _same(books, file)
    if same is not None:
        return TakenFile(file=same, came_before=True)
    replaced = await _replaced(books, file)
    await bills.begin(connection, file.lane, file.file_no, books.moment.at)
    await content.write(connection, file.lane)
    await store.write_rows(connection, file, read.lines, books.lanes)
    await store.keep_file(connection, file, read.faults, replaced)
    subject = f"{file.institution} {file.begins_on} {file.ends_on} {file.file_no}"
    audited = Audited(
        at=books.moment.at, actor=order.actor, action="institution-file.taken", subject=subject,
        note=order.reason,
    )  # fmt: skip
    await keep_audit(connection, audited)
    return TakenFile(file=file, faults=read.faults, replaces=replaced)


async def _replaced(books: BillBooks, file: InstitutionFile) -> list[int]:
    """The file of the same days whose place it takes. One of other days that overlap is in the
    way: a day has one file."""
    replaced = []
    for number, begins, ends in await store.around(
        books.connection, file.lane, file.institution, file.begins_on, file.ends_on
    ):
        if (begins, ends) != (file.begins_on, file.ends_on):
            raise BillError(
                f"{begins}—{ends} 已有文件 {number}：请按同样的期间更正 | there is a file of other "
                f"days that overlap: correct it by one of the same days"
            )
        replaced.append(number)
    return replaced
