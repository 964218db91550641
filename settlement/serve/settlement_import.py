"""A file of old settlements that can still be cancelled: checked, totalled, brought along."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from ledger.postgres.pace import Pace
from settlement.intake.faults import Fault, Told
from settlement.intake.old_settlements import (
    COLUMNS,
    OldSettlement,
    read_old_settlements,
    totals_text,
)
from settlement.intake.order import Order
from settlement.intake.report import Counts
from settlement.intake.source import rows_of
from settlement.lanes import lane_of
from settlement.serve.cutover import a_book
from settlement.serve.person_import import RESTS, Site
from settlement.storage import opening_settlements as store
from settlement.storage import reference
from settlement.storage.lease import PlainConnection
from settlement.storage.opening_settlements import Placed
from settlement.storage.policies import load_policy_set
from settlement.usecases.carried import before, misfit, year_of

_AT_ONCE = 5_000
_SETTLED_HERE = Told(
    "此人在本系统已有结算，旧结算须先导入",
    "the person has settled here: old settlements come before that",
)


class SettlementImport:
    """One file (`serve.cutover.CutOver`)."""

    def __init__(
        self, site: Site, order: Order, connection: PlainConnection, at: datetime
    ) -> None:
        self._site = site
        self._order = order
        self._connection = connection
        self._at = at
        self._told: list[OldSettlement] = []
        self._new: list[Placed] = []
        self.counts = Counts()
        self.faults: list[Fault] = []
        self.conflicts: list[Fault] = []

    async def check(self) -> None:
        """Read the file and compare it with who is known, the policies, and what was brought along
        before."""
        order, site = self._order, self._site
        self._told = read_old_settlements(
            rows_of(order.path, order.format, COLUMNS, self.faults), self.faults
        )
        institutions = await reference.institutions(self._connection)
        policies = await load_policy_set(self._connection)
        placed: list[Placed] = []
        for each in self._told:
            policy = policies.find(site.region, each.scheme, each.begun_at.date())
            fault = misfit(each, policy)
            if each.institution not in institutions:
                words = Told("没有此机构", "there is no such institution")
                self._refuse(each, "fixmedins_code", words)
            elif not before(each, self._at):
                self._refuse(each, "setl_time", Told("晚于现在", "is later than now"))
            elif fault is not None or policy is None:
                self._refuse(each, *(fault or ("insutype", Told("无政策", "no policy"))))
            else:
                placed.append(Placed(lane_of(each.person_no, site.lanes), each, policy))
        for first in range(0, len(placed), _AT_ONCE):
            await self._compare(placed[first : first + _AT_ONCE])
        self._new = await self._covered(self._new)
        self.counts.new = len(self._new)
        self.counts.skipped = len({fault.row for fault in self.faults})

    def totals(self, digest: str) -> str:
        """The totals of the file, for two people to sign."""
        return totals_text(self._told, digest)

    async def write(self, at: datetime, file_digest: str) -> None:
        """Bring along what is new, batch by batch. What belongs to somebody who settled here since
        the file was checked is told, and the others' is brought."""
        book = await a_book(
            self._connection, at=at, file_digest=file_digest, shape=self._site.shape
        )
        await store.open_accounts(self._connection)
        pace = Pace(rests=RESTS)
        for journal, batch in store.batches(self._new, self._site.journal_of_lane):
            left = await store.bring(self._connection, book, journal, batch)
            for one in left:
                self._refuse(one.old, "psn_no", _SETTLED_HERE)
            self.counts.new -= len(left)
            await pace.rest(self._connection)

    async def numbers(self) -> list[tuple[str, str, str, str]]:
        """What the settlements of the file are called here, for the hospitals: institution, earlier
        number, person, setl_id (which is mdtrt_id too)."""
        placed = [(lane_of(each.person_no, self._site.lanes), each) for each in self._told]
        known = await store.brought_before(self._connection, self._site.shape, placed)
        return [
            (institution, earlier_no, one.person_no, str(one.setl_id))
            for (institution, earlier_no), one in sorted(known.items())
        ]

    async def _compare(self, placed: Sequence[Placed]) -> None:
        """Known persons, who have settled nothing here; and nothing that was brought along
        otherwise."""
        shape = self._site.shape
        people = await self._persons(placed)
        known = await store.brought_before(
            self._connection, shape, [(one.lane, one.old) for one in placed]
        )
        for one in placed:
            old, person = one.old, people.get(one.old.person_no)
            earlier = known.get((old.institution, old.earlier_no))
            if earlier is not None and earlier.fingerprint == old.fingerprint:
                self.counts.unchanged += 1
            elif earlier is not None:
                words = Told("已有不同的期初", "something else was brought along already")
                self._refuse(old, "earlier_setl_id", words)
            elif person is None:
                self._refuse(old, "psn_no", Told("没有此人", "there is no such person"))
            elif person.latest_row is not None:
                self._refuse(old, "psn_no", _SETTLED_HERE)
            else:
                self._new.append(one)

    async def _covered(self, placed: Sequence[Placed]) -> list[Placed]:
        """Those whose increments are within what the person has accumulated: a cancel takes them
        off again, and none may fall below zero."""
        people = await self._persons(placed)
        added: dict[tuple[str, int], Counter[str]] = {}
        for one in placed:
            key = one.old.person_no, year_of(one.old, one.policy)
            added.setdefault(key, Counter()).update(one.old.increments)
        fine = []
        for one in placed:
            year = year_of(one.old, one.policy)
            document = people[one.old.person_no].years.get(str(year))
            values = {} if document is None else document.values
            short = _short(added[one.old.person_no, year], values)
            if short:
                words = Told(f"年度累计不足：{short}，请先导入累计",
                             f"more than was accumulated: {short}; import openings first")
                self._refuse(one.old, "accumulators", words)
            else:
                fine.append(one)
        return fine

    async def _persons(self, placed: Sequence[Placed]) -> dict[str, store.Person]:
        lanes = {one.old.person_no: one.lane for one in placed}
        return await store.persons(
            self._connection, self._site.shape, list(lanes.values()), list(lanes)
        )

    def _refuse(self, old: OldSettlement, column: str, problem: Told) -> None:
        self.conflicts.append(Fault(row=old.row, column=column, problem=problem))


def _short(added: Mapping[str, int], values: Mapping[str, int]) -> str:
    """The accumulators that hold less than was added, by name."""
    return "、".join(name for name, fen in sorted(added.items()) if fen > values.get(name, 0))
