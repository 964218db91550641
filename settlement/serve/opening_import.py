"""A file of what persons bring along at the cut-over: checked, totalled, booked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ledger.postgres.pace import Pace
from settlement.intake.faults import Fault, Told
from settlement.intake.openings import COLUMNS, Opening, read_openings, totals_text
from settlement.intake.order import Order
from settlement.intake.report import Counts
from settlement.intake.source import rows_of
from settlement.lanes import lane_of
from settlement.serve.cutover import a_book
from settlement.serve.person_import import RESTS, Site
from settlement.storage import opening_import as store
from settlement.storage.lease import PlainConnection

_AT_ONCE = 5_000


class OpeningImport:
    """One file. `check` first; then `write`, where nothing is at fault."""

    def __init__(self, site: Site, order: Order, connection: PlainConnection) -> None:
        self._site = site
        self._order = order
        self._connection = connection
        self._new: list[store.Placed] = []
        self.told: list[Opening] = []
        self.counts = Counts()
        self.faults: list[Fault] = []
        """rows that cannot be read"""
        self.conflicts: list[Fault] = []
        """persons who are unknown, or have brought something else along already"""

    async def check(self) -> None:
        """Read the file and compare it with what was booked."""
        order = self._order
        rows = rows_of(order.path, order.format, COLUMNS, self.faults)
        self.told = read_openings(rows, self.faults)
        placed = [(lane_of(each.person_no, self._site.lanes), each) for each in self.told]
        for first in range(0, len(placed), _AT_ONCE):
            await self._compare(placed[first : first + _AT_ONCE])
        self.counts.new = len(self._new)
        self.counts.skipped = len({fault.row for fault in self.faults})

    def totals(self, digest: str) -> str:
        """The totals of the file, for two people to sign."""
        return totals_text(self.told, digest)

    async def write(self, at: datetime, file_digest: str) -> None:
        """Book what is new, batch by batch."""
        book = await a_book(
            self._connection, at=at, file_digest=file_digest, shape=self._site.shape
        )
        pace = Pace(rests=RESTS)
        for journal, batch in store.batches(self._new, self._site.journal_of_lane):
            await store.book(self._connection, book, journal, batch)
            await pace.rest(self._connection)

    async def _compare(self, placed: Sequence[store.Placed]) -> None:
        shape = self._site.shape
        unknown = await store.unknown_persons(self._connection, shape, placed)
        before = await store.opened_before(self._connection, shape, placed)
        for lane, each in placed:
            booked = before.get((each.person_no, each.year))
            if each.person_no in unknown:
                self._refuse(each, "psn_no", Told("没有此人", "there is no such person"))
            elif booked is None:
                self._new.append((lane, each))
            elif booked == (each.balance_fen, each.accumulators):
                self.counts.unchanged += 1
            else:
                problem = Told("已有不同的期初", "something else was booked already")
                self._refuse(each, "year", problem)

    def _refuse(self, opening: Opening, column: str, problem: Told) -> None:
        self.conflicts.append(Fault(row=opening.row, column=column, problem=problem))
