"""Does one harm after another to a server under load, and holds the books together after each.

One turn: the harm is done and, where it lasts, let go. Then the director waits until the server
answers everybody again and every process is there; until everything that was sent meanwhile is
known; then compares the client's book with the rows, and, where it is asked to, has the ledger
verified. The load goes on all the time.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise

from msgspec import Struct

from loadtest import attach
from loadtest.drills.audit import Findings
from loadtest.drills.client_book import ClientBook, Entry, Key
from loadtest.drills.fault_audit import compare, compare_books
from loadtest.drills.fault_list import Fault
from loadtest.drills.fault_scene import LOOK_SECONDS, Scene
from loadtest.drills.mixed_load import MESSAGE_SECONDS_MAX, Pulse

CALM_SECONDS = 1.5
"""Without a failure, and with good answers: the server is well again."""
CALM_SECONDS_MAX = 120.0
KNOWN_SECONDS_MAX = MESSAGE_SECONDS_MAX + 30.0
MISSED_SECONDS = 1.0
"""At a constant rate of dozens a second so long without a good answer is an outage."""
KINDS_SHOWN = 5


class Suffered(Struct, frozen=True, kw_only=True):
    """What came of one fault. Seconds count from the harm, or from its end where it lasted."""

    fault: str
    held_seconds: float
    recovery_seconds: float | None
    """until messages that were sent afterwards had good answers again; None where none came"""
    recovery_seconds_max: float | None
    whole_seconds: float | None
    """until every process was there again"""
    error_window_seconds: float
    """from the first failed try to the last"""
    errors: int
    kinds: Mapping[str, int]
    """of failed tries, the most frequent ones"""
    good: int
    """answers that moved money, from the harm until all was well"""
    gap_seconds: float
    """the longest time without one"""
    audited: int
    """messages that were held against the rows"""
    findings: Findings
    verified: bool | None
    """None where that was left for later"""

    @property
    def is_clean(self) -> bool:
        """Nothing lost, nothing twice, nothing open, and no ledger that does not verify."""
        return self.findings.clean and self.verified is not False

    @property
    def in_time(self) -> bool:
        """Whether it recovered, and as fast as was asked."""
        if self.recovery_seconds is None:
            return False
        limit = self.recovery_seconds_max
        return limit is None or self.recovery_seconds <= limit


class Director:
    """Of one server and one client's book."""

    def __init__(
        self, scene: Scene, book: ClientBook, pulse: Pulse, *, institutions: Sequence[str]
    ) -> None:
        """`institutions` are those that nobody but the client of this book works for."""
        self._scene = scene
        self._book = book
        self._pulse = pulse
        self._institutions = institutions
        self._ends: dict[int, int] = {}
        self._opened: dict[str, int] = {}

    async def begin(self) -> None:
        """Before the load: what is in the ledger already. Raises AttachError."""
        self._ends = await attach.read_journal_ends(self._scene.server.data_dir)
        self._opened = await attach.read_person_balances(self._scene.server.data_dir)
        self._book.fresh()

    async def suffer(
        self, fault: Fault, *, hold_seconds: float, verify: bool = True
    ) -> Suffered:
        """One turn, with a verification of the whole ledger or without. Raises LookupError where
        there is nobody to harm, AttachError."""
        pulse, scene = self._pulse, self._scene
        pulse.forget()
        held = hold_seconds if fault.lasts else 0.0
        async with fault.harm(scene):
            hurt_at = scene.hurt_at
            await asyncio.sleep(held)
        over_at = time.monotonic() if fault.lasts else hurt_at
        whole_at = await self._until_calm(over_at)
        calm_at = time.monotonic()
        good, failures = list(pulse.good), list(pulse.failures)
        findings, audited = await self._audited()
        verified = await self._verified(findings) if verify else None
        return Suffered(
            fault=fault.name, held_seconds=held,
            recovery_seconds=recovered(good, over_at),
            recovery_seconds_max=fault.recovery_seconds_max,
            whole_seconds=None if whole_at is None else whole_at - over_at,
            error_window_seconds=failures[-1][0] - failures[0][0] if failures else 0.0,
            errors=len(failures),
            kinds=dict(Counter(kind for _, kind in failures).most_common(KINDS_SHOWN)),
            good=len(good), gap_seconds=longest_gap(good, hurt_at, calm_at),
            audited=audited, findings=findings, verified=verified,
        )  # fmt: skip

    async def close(self, entries: Mapping[Key, Entry]) -> Findings:
        """After the load: the whole book, as it was read from its file, against all rows and the
        ledger's accounts. Raises AttachError."""
        data_dir = self._scene.server.data_dir
        everything = dict.fromkeys(await attach.read_journal_ends(data_dir), -1)
        rows = await attach.read_rows_since(data_dir, everything, self._institutions)
        findings = compare(entries.values(), rows, entries)
        books = await attach.read_institution_books(data_dir, self._institutions)
        balances = await attach.read_person_balances(data_dir)  # who has no account has no row
        ours = {entry.psn_no for entry in entries.values()}
        spent = {
            psn_no: self._opened.get(psn_no, 0) - balances.get(psn_no, 0) for psn_no in ours
        }
        findings.differences += compare_books(entries.values(), books, spent)
        for owner, difference_fen in (await attach.read_trial_balance(data_dir)).items():
            findings.differences.append(f"the book of {owner} is {difference_fen} fen off balance")
        await self._verified(findings)
        return findings

    async def _until_calm(self, over_at: float) -> float | None:
        """Until it answers everybody again; since when it was whole, None where it is not."""
        whole_at: float | None = None
        while time.monotonic() < over_at + CALM_SECONDS_MAX:
            await asyncio.sleep(LOOK_SECONDS)
            is_whole = await asyncio.to_thread(self._scene.is_whole)
            if not is_whole:
                whole_at = None
            elif whole_at is None:
                whole_at = time.monotonic()
            if whole_at is not None and self._is_calm(max(over_at, whole_at)):
                break
        return whole_at

    def _is_calm(self, over_at: float) -> bool:
        pulse = self._pulse
        troubled_at = max(over_at, pulse.failures[-1][0] if pulse.failures else 0.0)
        answered_at = pulse.good[-1][1] if pulse.good else 0.0
        return answered_at > troubled_at and time.monotonic() - troubled_at > CALM_SECONDS

    async def _audited(self) -> tuple[Findings, int]:
        """What was sent since the last audit, and the rows that were booked since. The journals'
        ends are read before the batch is cut: no row of a later batch is before them."""
        data_dir = self._scene.server.data_dir
        ends = await attach.read_journal_ends(data_dir)
        batch = self._book.fresh()
        until = time.monotonic() + KNOWN_SECONDS_MAX
        while any(entry.key in self._book.unknown for entry in batch):
            if time.monotonic() > until:
                break
            await asyncio.sleep(LOOK_SECONDS)
        rows = await attach.read_rows_since(data_dir, self._ends, self._institutions)
        self._ends = ends
        return compare(batch, rows, self._book.entries), len(batch)

    async def _verified(self, findings: Findings) -> bool:
        verdict = await asyncio.to_thread(self._scene.server.verify, hurried=True)
        if not verdict.ok:
            findings.differences.append(f"verify: {verdict.first_bad}")
        return verdict.ok


def recovered(good: Sequence[tuple[float, float]], since: float) -> float | None:
    """Seconds until good answers to messages that were sent since came again, and none was missing
    for longer than `MISSED_SECONDS` from then on; None where none came."""
    answers = sorted(answered_at for sent_at, answered_at in good if sent_at >= since)
    if not answers:
        return None
    ends = [later for earlier, later in pairwise(answers) if later - earlier > MISSED_SECONDS]
    return (ends[-1] if ends else answers[0]) - since


def longest_gap(good: Sequence[tuple[float, float]], begin: float, end: float) -> float:
    """The longest time without a good answer."""
    times = sorted(answered_at for _, answered_at in good if begin <= answered_at <= end)
    edges = [begin, *times, end]
    return max(later - earlier for earlier, later in pairwise(edges))
