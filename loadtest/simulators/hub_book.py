"""What the simulated hub itself says about the money between regions: every message that passed it.

Written from the outside of messages alone, and never read from what a region believes. What a case
comes to is folded from the answers that passed, in their order.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import msgspec
from msgspec import Struct

from protocol.hub.envelope import Amounts, Envelope, Says
from protocol.hub.messages import Kind
from settlement.clock import local_time


class HubEntry(Struct, frozen=True, kw_only=True, gc=False):
    """A message, as the hub saw it."""

    seq: int
    at: datetime
    day: str
    """of the hub's own clock, yyyy-mm-dd"""
    kind: Kind
    says: Says
    correlation: str
    case: str
    origin: str
    to: str
    digest: str
    """SHA-256 of the message"""
    answers: str
    total_fen: int | None = None
    fund_fen: int | None = None
    account_fen: int | None = None


class Ended(StrEnum):
    """How a case stopped to stand."""

    NO = ""
    CANCELLED = "cancelled"
    REVERSED = "reversed"
    STATUS = "status"
    """a status said that it does not stand; the message that ended it never passed"""


class HubCase(Struct, kw_only=True):
    """A case as the answers have it so far."""

    case: str
    treated: str
    insured: str
    amounts: Amounts | None = None
    settled_day: str = ""
    settled_seq: int = 0
    ended: Ended = Ended.NO
    ended_day: str = ""
    ended_seq: int = 0

    @property
    def stands(self) -> bool:
        """Whether it is settled now."""
        return self.amounts is not None and self.ended is Ended.NO


class HubRow(Struct, frozen=True, kw_only=True):
    """A case on a day: settled, or taken back (amounts below zero)."""

    number: int
    """of the entry that made it"""
    case: str
    treated: str
    insured: str
    reversal: bool
    total_fen: int
    fund_fen: int
    account_fen: int


class HubBook:
    """The book of the hub."""

    def __init__(self, path: Path | None = None) -> None:
        """Goes on where the file ends; without one it is in memory only."""
        self.entries: list[HubEntry] = []
        self.cases: dict[str, HubCase] = {}
        self._asked: dict[str, int] = {}
        self._days: dict[tuple[str, str, str], list[HubRow]] = {}
        """by treated, insured and day, in the order of their numbers"""
        if path is not None and path.exists():
            for line in path.read_bytes().splitlines():
                self._take(msgspec.json.decode(line, type=HubEntry))
        self._file = None if path is None else path.open("ab", buffering=0)

    def write(self, envelope: Envelope, *, at: datetime, digest: str) -> HubEntry:
        """It passed."""
        amounts = envelope.amounts
        entry = HubEntry(
            seq=len(self.entries) + 1, at=at, day=local_time(at).date().isoformat(),
            kind=envelope.kind, says=envelope.says, correlation=envelope.correlation,
            case=envelope.case, origin=envelope.origin, to=envelope.to, digest=digest,
            answers=envelope.answers,
            total_fen=None if amounts is None else amounts.total_fen,
            fund_fen=None if amounts is None else amounts.fund_fen,
            account_fen=None if amounts is None else amounts.account_fen,
        )  # fmt: skip
        if self._file is not None:
            self._file.write(msgspec.json.encode(entry) + b"\n")
        self._take(entry)
        return entry

    def rows_of(self, day: str) -> list[HubRow]:
        """What a day has of every case, in the order of their numbers."""
        found = []
        for case in sorted(self.cases.values(), key=lambda one: one.case):
            if case.amounts is None:
                continue
            if case.settled_day == day:
                found.append(_row(case, case.amounts, 1))
            if case.ended is not Ended.NO and case.ended_day == day:
                found.append(_row(case, case.amounts, -1))
        return found

    def page(
        self, treated: str, insured: str, day: str, *, after: int, limit: int
    ) -> list[HubRow]:
        """Rows of a day between two regions whose numbers are above `after`, in their order."""
        rows = self._days.get((treated, insured, day), [])
        begin = bisect_right(rows, after, key=lambda row: row.number)
        return rows[begin : begin + limit]

    def totals(self, day: str | None = None) -> dict[str, dict[str, int]]:
        """By `treated>insured`: counts and fen of what was settled and what was taken back."""
        sums: dict[str, Counter[str]] = {}
        for case in self.cases.values():
            if case.amounts is None:
                continue
            own = sums.setdefault(f"{case.treated}>{case.insured}", Counter())
            if day in (None, case.settled_day):
                _count(own, "settled", case.amounts)
            if case.ended is not Ended.NO and day in (None, case.ended_day):
                _count(own, "taken_back", case.amounts)
        return {pair: dict(own) for pair, own in sorted(sums.items())}

    def close(self) -> None:
        """No more entries."""
        if self._file is not None:
            self._file.close()

    def _take(self, entry: HubEntry) -> None:
        self.entries.append(entry)
        if entry.says is Says.ASKED:
            self._asked.setdefault(entry.digest, entry.seq)
        elif entry.says is Says.TOLD and entry.case:
            case = self.cases.get(entry.case)
            if case is None:
                case = HubCase(case=entry.case, treated=entry.to, insured=entry.origin)
                self.cases[entry.case] = case
            self._fold(case, entry)

    def _fold(self, case: HubCase, entry: HubEntry) -> None:
        """What ended stays ended: an answer that comes late, or again, changes nothing."""
        if case.ended is not Ended.NO:
            return
        if entry.total_fen is not None:
            if case.amounts is None:
                case.amounts = Amounts(
                    total_fen=entry.total_fen, fund_fen=entry.fund_fen or 0,
                    account_fen=entry.account_fen or 0,
                )  # fmt: skip
                case.settled_day, case.settled_seq = entry.day, entry.seq
                self._keep(case, case.amounts, 1, entry)
            return
        ended = self._ended(case, entry)
        if ended is not Ended.NO:
            case.ended, case.ended_day, case.ended_seq = ended, entry.day, entry.seq
            if case.amounts is not None:
                self._keep(case, case.amounts, -1, entry)

    def _keep(self, case: HubCase, amounts: Amounts, sign: int, entry: HubEntry) -> None:
        key = case.treated, case.insured, entry.day
        self._days.setdefault(key, []).append(_row(case, amounts, sign))

    def _ended(self, case: HubCase, entry: HubEntry) -> Ended:
        match entry.kind:
            case Kind.CANCEL:
                return Ended.CANCELLED
            case Kind.REVERSE:
                return Ended.REVERSED
            case Kind.STATUS if case.amounts is not None:
                # Only where it was asked after the case was settled does it say that it ended.
                asked_seq = self._asked.get(entry.answers, 0)
                return Ended.STATUS if asked_seq > case.settled_seq else Ended.NO
        return Ended.NO


def _row(case: HubCase, amounts: Amounts, sign: int) -> HubRow:
    return HubRow(
        number=case.settled_seq if sign > 0 else case.ended_seq, case=case.case,
        treated=case.treated, insured=case.insured, reversal=sign < 0,
        total_fen=sign * amounts.total_fen, fund_fen=sign * amounts.fund_fen,
        account_fen=sign * amounts.account_fen,
    )  # fmt: skip


def _count(sums: Counter[str], what: str, amounts: Amounts) -> None:
    sums[f"{what}_count"] += 1
    sums[f"{what}_total_fen"] += amounts.total_fen
    sums[f"{what}_fund_fen"] += amounts.fund_fen
    sums[f"{what}_account_fen"] += amounts.account_fen
