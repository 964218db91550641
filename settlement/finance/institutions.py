"""Matching our settlement rows with what institutions say that they settled (机构对账).

Lane by lane as with channels (matching.py): SQL puts aside what agrees, the rest is classed by
`settlement.institution_matching`, and what differs is kept as differences in the same worklist.
Institutions that sent no file are not spoken of.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from settlement.books.channel_matching import Class, Finding
from settlement.books.institution_matching import INSTITUTION, compare
from settlement.finance.books import Books
from settlement.finance.difference_keeping import keep
from settlement.storage import institutions as store
from settlement.storage.channel_rows import Sum
from settlement.storage.differences import Difference
from settlement.storage.institutions import InstitutionFile, Sides
from settlement.storage.lease import PlainConnection
from settlement.storage.sharing import share_out
from settlement.storage.statements import list_all

LOOKED_AROUND = timedelta(days=31)
"""How far from the period a row is looked for that the other side lacks."""


class Matched(Struct, kw_only=True):
    """What a matching came to: sums by side and institution, and by class what both sides have."""

    first: date
    last: date
    files: list[InstitutionFile]
    sums: dict[tuple[str, str], Sum]
    classes: dict[Class, tuple[int, int, int]]
    new: int = 0

    def total(self, side: str) -> Sum:
        """A side over all institutions."""
        return sum((one for (name, _), one in self.sums.items() if name == side), Sum())

    @property
    def is_explained(self) -> bool:
        """Whether what agrees and what the classes have is what each side has."""
        agreed = self.total("agreed").fen
        ours = agreed + sum(one[1] for one in self.classes.values())
        theirs = agreed + sum(one[2] for one in self.classes.values())
        return (ours, theirs) == (self.total("ours").fen, self.total("theirs").fen)


class _Files:
    """Files in force, and of which days each institution has one."""

    def __init__(self, files: Iterable[InstitutionFile]) -> None:
        self.all = [one for one in files if one.replaced_by is None]
        self._days: dict[str, list[tuple[date, date]]] = defaultdict(list)
        for one in self.all:
            self._days[one.institution].append((one.begins_on, one.ends_on))

    def has(self, institution: str, day: date) -> bool:
        """Whether a file says something of a day."""
        return any(begins <= day <= ends for begins, ends in self._days[institution])


async def match(
    books: Books, first: date, last: date, institution: str | None = None, *,
    beside: Sequence[PlainConnection] = (),
) -> Matched:  # fmt: skip
    """Match the files that say something of days of a period, each as a whole; with connections
    `beside` that of the books, lanes are shared out among them."""
    await list_all(books.connection)
    connection = books.connection
    wide = _Files(
        await store.files_between(
            connection, first - LOOKED_AROUND, last + LOOKED_AROUND, institution
        )
    )
    files = [one for one in wide.all if one.begins_on <= last and one.ends_on >= first]
    matched_files = _Files(files)
    matched = Matched(first=first, last=last, files=files, sums={}, classes={})
    if not files:
        return matched
    days = min(one.begins_on for one in files), max(one.ends_on for one in files)

    async def lane_by_lane(own_connection: PlainConnection, lane: int) -> None:
        own = replace(books, connection=own_connection)
        sides = await store.read_lane(own_connection, lane, files)
        for place, one in sides.sums.items():
            matched.sums[place] = matched.sums.get(place, Sum()) + one
        findings = await _findings(own, lane, sides, wide)
        _count(matched, findings, sides)
        new = await keep(own, lane, findings, days, partial(_was_looked_at, matched_files))
        matched.new += new

    await share_out([connection, *beside], sorted(books.journal_of), lane_by_lane)
    return matched


async def _findings(books: Books, lane: int, sides: Sides, wide: _Files) -> list[Finding]:
    """What the rows of a lane come to, with what lies around them."""
    asked = {one.setl_id for one in sides.ours} | {one.setl_id for one in sides.theirs}
    if not asked:
        return []
    numbers = set(asked)
    around = await store.ours_of(books.connection, lane, numbers)
    numbers |= {one.setl_id for one in around}
    numbers |= {one.undone_by for one in around if one.undone_by is not None}
    ours = {one.setl_id: one for one in await store.ours_of(books.connection, lane, numbers)}
    theirs = await store.theirs_of(books.connection, lane, numbers, wide.all)
    found = compare(ours.values(), theirs, wide.has)
    return [one for one in found if one.key.order_no in asked]


def _count(matched: Matched, findings: Sequence[Finding], sides: Sides) -> None:
    """Add up findings by class, as far as their rows are of the files that were matched."""
    own = {one.setl_id for one in sides.ours}
    rows = {(one.file_no, one.row_no) for one in sides.theirs}
    for one in findings:
        ours_fen = one.ours_fen if one.key.order_no in own else 0
        theirs = [row for row in one.theirs if (row.file_no, row.row_no) in rows]
        if not theirs and (one.ours is None or one.key.order_no not in own):
            continue
        n, ours_before, theirs_before = matched.classes.get(one.found, (0, 0, 0))
        matched.classes[one.found] = (
            n + 1, ours_before + ours_fen,
            theirs_before + sum(row.counts_fen for row in theirs),
        )  # fmt: skip


def _was_looked_at(files: _Files, known: Difference) -> bool:
    """Whether a difference that was not found again is none any more: a file that was matched says
    something of its day."""
    facts = known.last.facts
    return known.name.channel == INSTITUTION and files.has(facts.institution, facts.day)
