"""A file of what institutions were owed at the cut-over: checked, totalled, booked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from ledger.postgres.pace import Pace
from settlement.institution import Institution
from settlement.intake.faults import Fault, Told
from settlement.intake.order import Order
from settlement.intake.payables import COLUMNS, Payable, read_payables, totals_text
from settlement.intake.report import Counts
from settlement.intake.source import rows_of
from settlement.lanes import lane_of
from settlement.serve.cutover import a_book
from settlement.serve.person_import import RESTS, Site
from settlement.storage import opening_payables as store
from settlement.storage import reference
from settlement.storage.lease import PlainConnection


class PayableImport:
    """One file (`serve.cutover.CutOver`)."""

    def __init__(self, site: Site, order: Order, connection: PlainConnection) -> None:
        self._site = site
        self._order = order
        self._connection = connection
        self._told: list[Payable] = []
        self._new: list[store.Placed] = []
        self._institutions: Mapping[str, Institution] = {}
        self.counts = Counts()
        self.faults: list[Fault] = []
        self.conflicts: list[Fault] = []

    async def check(self) -> None:
        """Read the file and compare it with what was booked."""
        order = self._order
        rows = rows_of(order.path, order.format, COLUMNS, self.faults)
        self._told = read_payables(rows, self.faults)
        self._institutions = await reference.institutions(self._connection)
        placed = [(lane_of(each.institution, self._site.lanes), each) for each in self._told]
        before = await store.booked_before(self._connection, self._site.shape, placed)
        for lane, each in placed:
            booked = before.get(each.institution)
            if each.institution not in self._institutions:
                problem = Told("没有此机构", "there is no such institution")
                self._refuse(each, "fixmedins_code", problem)
            elif booked is None:
                self._new.append((lane, each))
            elif booked == (each.funds_fen, each.accounts_fen):
                self.counts.unchanged += 1
            else:
                problem = Told("已有不同的期初", "something else was booked already")
                self._refuse(each, "funds", problem)
        self.counts.new = len(self._new)
        self.counts.skipped = len({fault.row for fault in self.faults})

    def totals(self, digest: str) -> str:
        """The totals of the file, for two people to sign."""
        return totals_text(self._told, digest)

    async def write(self, at: datetime, file_digest: str) -> None:
        """Book what is new, a journal at a time."""
        book = await a_book(
            self._connection, at=at, file_digest=file_digest, shape=self._site.shape
        )
        owed = [self._institutions[each.institution] for _, each in self._new]
        await store.open_accounts(self._connection, owed)
        pace = Pace(rests=RESTS)
        by_journal: dict[int, list[store.Placed]] = {}
        for lane, each in self._new:
            by_journal.setdefault(self._site.journal_of_lane[lane], []).append((lane, each))
        for journal, batch in sorted(by_journal.items()):
            await store.book(self._connection, book, journal, batch, self._institutions)
            await pace.rest(self._connection)

    def _refuse(self, payable: Payable, column: str, problem: Told) -> None:
        self.conflicts.append(Fault(row=payable.row, column=column, problem=problem))
