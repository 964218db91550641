"""What an institution and we hold against each other (对账): sums, lines, and where they differ.

Pure. Sums follow 5203 row by row: what a reversal (冲正) undid is not there at all; a cancel (撤销)
is a row of its own with negative amounts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from enum import IntEnum

from msgspec import Struct


class Scope(Struct, frozen=True, kw_only=True):
    """Which rows: of one institution, settled on these days, of a scheme and clearing type."""

    institution: str
    begin_on: date
    end_on: date
    clearing_type: str
    scheme: str | None = None
    """None: of every scheme"""
    with_refunds: bool = True
    """False: neither cancels nor what they cancel"""


class Figures(Struct, frozen=True, kw_only=True):
    """What rows come to."""

    settlement_count: int
    total_fen: int
    fund_fen: int
    account_fen: int
    cash_fen: int


class Difference(Struct, frozen=True):
    """A figure that differs: whose name the reader knows, theirs and ours."""

    name: str
    theirs: int
    ours: int


class Verdict(IntEnum):
    """对账结果 of one line, by the codes in use (0 平, 1 中心多, 2 医药机构多, 3 数据不一致)."""

    AGREES = 0
    ONLY_HERE = 1
    ONLY_THERE = 2
    DIFFERS = 3


class OurLine(Struct, frozen=True, kw_only=True, gc=False):
    """One settlement row of ours."""

    setl_id: str
    mdtrt_id: str
    person_no: str
    msgid: str
    refund: bool
    reversed: bool
    """a reversal undid it: it counts for nothing, and is known only to say so"""
    cancelled: bool = False
    """a cancel undid it: its line may be marked as a refund or not, no source says which"""
    total_fen: int
    fund_fen: int
    account_fen: int


class TheirLine(Struct, frozen=True, kw_only=True, gc=False):
    """One line that the institution sent."""

    setl_id: str
    mdtrt_id: str
    person_no: str
    refund: bool
    total_fen: int
    fund_fen: int
    account_fen: int


class Matched(Struct, frozen=True, gc=False):
    """A line of either side with its counterpart, where it has one."""

    verdict: Verdict
    theirs: TheirLine | None
    ours: OurLine | None


def differences(theirs: dict[str, int], ours: dict[str, int]) -> list[Difference]:
    """The figures that differ, by name, in the order of theirs."""
    return [
        Difference(name, value, ours[name])
        for name, value in theirs.items()
        if value != ours[name]
    ]


def repeated(lines: Sequence[TheirLine]) -> tuple[int, int] | None:
    """The first line that names a settlement again: its place and the earlier one's, from 0."""
    seen: dict[str, int] = {}
    for place, line in enumerate(lines):
        earlier = seen.setdefault(line.setl_id, place)
        if earlier != place:
            return place, earlier
    return None


def match(theirs: Sequence[TheirLine], ours: Sequence[OurLine]) -> list[Matched]:
    """Every settlement once: theirs in their order, then what only we have in ours."""
    known = {line.setl_id: line for line in ours}
    met: set[str] = set()
    matched = []
    for line in theirs:
        own = known.get(line.setl_id)
        if own is not None:
            met.add(own.setl_id)
        matched.append(Matched(_verdict(line, own), line, own))
    matched += [
        Matched(Verdict.ONLY_HERE, None, line)
        for line in ours
        if not line.reversed and line.setl_id not in met
    ]
    return matched


def _verdict(theirs: TheirLine, ours: OurLine | None) -> Verdict:
    if ours is None or ours.reversed:
        return Verdict.ONLY_THERE
    agrees = _said(theirs) == _said(ours) and (ours.cancelled or theirs.refund == ours.refund)
    return Verdict.AGREES if agrees else Verdict.DIFFERS


def _said(line: TheirLine | OurLine) -> tuple[object, ...]:
    return line.mdtrt_id, line.person_no, line.total_fen, line.fund_fen, line.account_fen
