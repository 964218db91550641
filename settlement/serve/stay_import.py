"""A file of stays that were open at the cut-over: checked, totalled, opened."""

from __future__ import annotations

from datetime import datetime

from ledger.postgres.pace import Pace
from settlement.institution import Institution
from settlement.intake.faults import Fault, Told
from settlement.intake.order import Order
from settlement.intake.report import Counts
from settlement.intake.source import rows_of
from settlement.intake.stays import COLUMNS, OpenStay, read_stays, totals_text
from settlement.lanes import lane_of
from settlement.serve.cutover import a_book
from settlement.serve.person_import import RESTS, Site
from settlement.storage import opening_stays as store
from settlement.storage import reference
from settlement.storage.keyfile import load_keyring
from settlement.storage.lease import PlainConnection

_AT_ONCE = 500


class StayImport:
    """One file (`serve.cutover.CutOver`)."""

    def __init__(self, site: Site, order: Order, connection: PlainConnection) -> None:
        self._site = site
        self._order = order
        self._connection = connection
        self._placed: list[store.Placed] = []
        self._new: list[store.Placed] = []
        self.counts = Counts()
        self.faults: list[Fault] = []
        self.conflicts: list[Fault] = []

    async def check(self) -> None:
        """Read the file and compare it with who is known, and who is in hospital."""
        order, shape = self._order, self._site.shape
        rows = rows_of(order.path, order.format, COLUMNS, self.faults)
        stays = read_stays(rows, self.faults)
        self._placed = [(lane_of(each.person_no, self._site.lanes), each) for each in stays]
        institutions = await reference.institutions(self._connection)
        before = await store.brought_before(self._connection, shape, self._placed)
        patients = await store.patients(self._connection, shape, self._placed)
        for lane, each in self._placed:
            known = before.get((each.institution, each.earlier_no))
            fault = _fault(
                each, patients.get(each.person_no), institutions.get(each.institution), known
            )
            if fault is not None:
                self.conflicts.append(fault)
            elif known is None:
                self._new.append((lane, each))
        self.counts.new = len(self._new)
        self.counts.unchanged = len(stays) - len(self._new) - len(self.conflicts)
        self.counts.skipped = len({fault.row for fault in self.faults})

    def totals(self, digest: str) -> str:
        """The totals of the file, for two people to sign."""
        return totals_text([each for _, each in self._placed], digest)

    async def write(self, at: datetime, file_digest: str) -> None:
        """Open what is new, batch by batch. Who was admitted since the file was checked stays where
        they are: their row is a fault that is told, and the others are opened."""
        book = await a_book(
            self._connection, at=at, file_digest=file_digest, shape=self._site.shape
        )
        keyring = load_keyring(self._site.key_file)
        pace = Pace(rests=RESTS)
        by_journal: dict[int, list[store.Placed]] = {}
        for lane, each in self._new:
            by_journal.setdefault(self._site.journal_of_lane[lane], []).append((lane, each))
        for journal, own in sorted(by_journal.items()):
            for first in range(0, len(own), _AT_ONCE):
                batch = own[first : first + _AT_ONCE]
                left = await store.open_stays(self._connection, book, keyring, journal, batch)
                self.conflicts += [_in_hospital(each) for _, each in left]
                self.counts.new -= len(left)
                await pace.rest(self._connection)

    async def numbers(self) -> list[tuple[str, str, str, str]]:
        """What the stays of the file are called here, for the hospitals: institution, earlier
        number, person, mdtrt_id."""
        known = await store.brought_before(self._connection, self._site.shape, self._placed)
        return [
            (institution, earlier_no, stay.person_no, str(stay.mdtrt_id))
            for (institution, earlier_no), stay in sorted(known.items())
        ]


def _fault(
    stay: OpenStay, patient: store.Patient | None, institution: Institution | None,
    known: store.Known | None,
) -> Fault | None:  # fmt: skip
    """What does not fit; None for a stay that can be opened, or was."""
    if known is not None:
        if known.fingerprint == stay.fingerprint:
            return None
        return _of(stay, "earlier_mdtrt_id", "已有不同的期初", "something else was opened already")
    if institution is None:
        return _of(stay, "fixmedins_code", "没有此机构", "there is no such institution")
    if stay.care_type not in institution.care_types:
        return _of(stay, "med_type", "本机构未开通", "the institution is not approved for it")
    if patient is None:
        return _of(stay, "psn_no", "没有此人", "there is no such person")
    if stay.scheme not in patient.schemes:
        return _of(stay, "insutype", "此人未参保该险种", "the person is not in this scheme")
    return None if patient.open_stay is None else _in_hospital(stay)


def _in_hospital(stay: OpenStay) -> Fault:
    return _of(stay, "psn_no", "此人已在院", "the person is in hospital already")


def _of(stay: OpenStay, column: str, zh: str, en: str) -> Fault:
    return Fault(row=stay.row, column=column, problem=Told(zh, en))
