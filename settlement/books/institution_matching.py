"""Comparing our settlement rows with an institution's own file, number by number (机构对账).

Pure, and in the words of matching with channels (books/channel_matching.py): every row is in
exactly one finding, every finding in one class. What a finding has of either side is what funds and
personal accounts pay of it, which is what the institution is owed (DOMAIN 2); that the total fee
differs alone is told as well, with nothing due.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date

from msgspec import Struct

from settlement.books.channel_matching import CLASS_ZH as CHANNEL_CLASS_ZH
from settlement.books.channel_matching import (
    EDGE,
    Class,
    Finding,
    Key,
    Kind,
    Ours,
    Said,
    Sent,
    Theirs,
)
from settlement.rows import RowKind

INSTITUTION = "institution"
"""Stands where a channel does, in differences with institutions."""
CLASS_ZH = {
    **CHANNEL_CLASS_ZH, Class.ONLY_THEIRS: "仅机构有", Class.CUSTODY: "他机构申报",
}  # fmt: skip
"""In differences with institutions two classes have other words."""
HasFile = Callable[[str, date], bool]
"""Whether an institution's file of a day is here."""


class OurRow(Struct, frozen=True, kw_only=True, gc=False):
    """A settlement or a cancel of ours."""

    setl_id: str
    institution: str
    kind: RowKind
    day: date
    total_fen: int
    fund_fen: int
    account_fen: int
    undone_kind: RowKind | None = None
    undone_by: str | None = None

    @property
    def is_reversed(self) -> bool:
        """It never existed for the institution (DOMAIN 9)."""
        return self.undone_kind is RowKind.REVERSE

    @property
    def is_cancelled(self) -> bool:
        """A cancel took it back: its line may be marked as a refund or not."""
        return self.undone_kind is RowKind.CANCEL

    @property
    def is_cancel(self) -> bool:
        """It takes another back."""
        return self.kind is RowKind.CANCEL


class TheirRow(Struct, frozen=True, kw_only=True, gc=False):
    """A row of a file in force."""

    file_no: int
    row_no: int
    institution: str
    setl_id: str
    refund: bool
    total_fen: int
    fund_fen: int
    account_fen: int
    begins_on: date
    ends_on: date


def compare(
    ours: Iterable[OurRow], theirs: Iterable[TheirRow], has_file: HasFile
) -> list[Finding]:
    """Every row in one finding, by number."""
    here = {one.setl_id: one for one in ours}
    there: dict[str, list[TheirRow]] = defaultdict(list)
    for row in theirs:
        there[row.setl_id].append(row)
    cancelled = {one.undone_by: one for one in here.values() if one.is_cancelled}
    findings: list[Finding] = []
    for setl_id in sorted({*here, *there}):
        mine, rows = here.get(setl_id), there.get(setl_id, [])
        if mine is None:
            findings += _alone(rows)
            continue
        own = [row for row in rows if row.institution == mine.institution]
        strange = [row for row in rows if row.institution != mine.institution]
        if own:
            findings += _pair(mine, own)
        else:
            found = _missing(mine, cancelled.get(setl_id), there, has_file)
            findings.append(_finding(found, mine, ()))
        findings += [
            _finding(Class.CUSTODY, mine, (row,), nth=len(own) + nth, alone=True)
            for nth, row in enumerate(strange, 1)
        ]
    return findings


def _missing(
    mine: OurRow, original: OurRow | None, there: dict[str, list[TheirRow]], has_file: HasFile
) -> Class:
    """What a row is that no file has."""
    # A settlement and its cancel that are both left out come to nothing.
    left_out = original is not None and original.setl_id not in there
    if mine.is_reversed or left_out or (mine.is_cancelled and mine.undone_by not in there):
        return Class.AGREES
    if not has_file(mine.institution, mine.day):
        return Class.UNBILLED
    if not has_file(mine.institution, mine.day + EDGE):
        return Class.DAY_EDGE
    return Class.ONLY_OURS if original is None else Class.STATUS


def _pair(mine: OurRow, rows: Sequence[TheirRow]) -> list[Finding]:
    """A row of ours with what its institution has under its number."""
    ordered = sorted(rows, key=lambda row: (_differs(mine, row), _place(row)))
    first, more = ordered[0], ordered[1:]
    findings = [_finding(_class(mine, first), mine, (first,))]
    findings += [
        _finding(Class.DUPLICATE, mine, (row,), nth=nth, alone=True)
        for nth, row in enumerate(more, 1)
    ]
    return findings


def _class(mine: OurRow, row: TheirRow) -> Class:
    """What a pair is, the most serious first."""
    if mine.is_reversed:
        return Class.REVERSED_HERE
    if row.refund != mine.is_cancel and not mine.is_cancelled:
        return Class.STATUS
    if _differs(mine, row):
        return Class.AMOUNT
    apart = abs(_their_day(row, mine.day) - mine.day)
    if apart > EDGE:
        return Class.LATE
    return Class.DAY_EDGE if apart else Class.AGREES


def _alone(rows: Sequence[TheirRow]) -> list[Finding]:
    """What only institutions have."""
    ordered = sorted(rows, key=_place)
    return [
        _finding(Class.DUPLICATE if nth else Class.ONLY_THEIRS, None, (row,), nth=nth)
        for nth, row in enumerate(ordered)
    ]


def _finding(
    found: Class, mine: OurRow | None, rows: tuple[TheirRow, ...], *, nth: int = 0,
    alone: bool = False,
) -> Finding:  # fmt: skip
    """`alone`: what is told of is theirs, beside the pair that has our row."""
    refund = mine.is_cancel if mine is not None else rows[0].refund or rows[0].total_fen < 0
    kind = Kind.REFUND if refund else Kind.PAYMENT
    setl_id = mine.setl_id if mine is not None else rows[0].setl_id
    day = None if mine is None else mine.day
    return Finding(
        found=found, key=Key(setl_id, "", "", kind), nth=nth,
        ours=None if mine is None or alone else _ours(mine, kind),
        theirs=tuple(_theirs(row, kind, day) for row in rows),
        sent=None if not rows else Sent(
            pay_no=0, institution=rows[0].institution, merchant="", custody=""
        ),
    )  # fmt: skip


def _ours(mine: OurRow, kind: Kind) -> Ours:
    return Ours(
        pay_no=0, kind=kind, channel=INSTITUTION, merchant=mine.institution, custody="",
        institution=mine.institution, order_no=mine.setl_id, refund_no="", channel_no="",
        amount_fen=_sized(kind, mine.fund_fen + mine.account_fen), day=mine.day,
        reversed=mine.is_reversed,
    )  # fmt: skip


def _theirs(row: TheirRow, kind: Kind, day: date | None) -> Theirs:
    return Theirs(
        file_no=row.file_no, row_no=row.row_no, kind=kind, channel=INSTITUTION,
        merchant=row.institution, order_no=row.setl_id, refund_no="", channel_no="",
        amount_fen=_sized(kind, row.fund_fen + row.account_fen), fee_fen=0,
        day=_their_day(row, day), said=Said.DONE,
    )  # fmt: skip


def _their_day(row: TheirRow, day: date | None) -> date:
    """Of a file of several days, the one that is nearest to ours."""
    if day is None or day < row.begins_on:
        return row.begins_on
    return min(day, row.ends_on)


def _differs(mine: OurRow, row: TheirRow) -> bool:
    return (mine.total_fen, mine.fund_fen, mine.account_fen) != (
        row.total_fen, row.fund_fen, row.account_fen,
    )  # fmt: skip


def _sized(kind: Kind, payable_fen: int) -> int:
    return payable_fen if kind is Kind.PAYMENT else -payable_fen


def _place(row: TheirRow) -> tuple[date, int, int]:
    return row.begins_on, row.file_no, row.row_no
