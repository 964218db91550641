"""A stay (住院) as its events tell it: pure, from the heads of the events alone.

A stay may have twenty thousand lines, in hundreds of uploads. Each upload is sealed; beside it, in
clear, stands its *head*: the sums of its lines, their numbers, and what they take back of earlier
lines. A quote and a settlement are decided on heads, and no line is opened.

A stay is settled in segments (分段结算): a segment takes all lines that stand and belong to no
earlier one. The last segment is the final one; after it nothing is added.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, datetime

import msgspec
from msgspec import Struct

from settlement.case import Stay
from settlement.entitlement import CareDates
from settlement.pricing import LineTotals
from settlement.rows import EventKind, EventRow
from settlement.trace import Boxes, Mark, boxes_of
from settlement.view import VisitFact

NOTHING = LineTotals(
    total_fen=0, full_self_pay_fen=0, over_ceiling_fen=0, pre_self_pay_fen=0, in_scope_fen=0
)


class LinesHead(Struct, frozen=True, array_like=True):
    """The head of an upload, or of a withdrawal of lines: there the sums are the negatives, and the
    day is the first of the upload that brought them."""

    msgid: str
    totals: LineTotals
    line_nos: list[str]
    refunds: list[tuple[str, str, int]]
    """number of a line, number of the line that it takes back, and how much of it (e4)"""
    first_on: date
    last_on: date
    traces: list[Mark] = []
    """drug trace codes of its lines"""


class SegmentHead(Struct, frozen=True, array_like=True):
    """The head of a settlement of a segment."""

    final: bool
    covers: list[int]
    """numbers of the events whose lines it settled"""
    deductible_fen: int
    year: int
    applied: list[tuple[int, int]] = []
    """deposits that paid of it, by number, and how much each"""


class Segment(Struct, frozen=True, kw_only=True):
    """A settled segment that stands."""

    number: int
    setl_id: int
    head: SegmentHead


class StayState(Struct, kw_only=True):
    """What stands of a stay after all its events."""

    withdrawn: bool = False
    said: EventRow | None = None
    """the newest change of what was said at admission"""
    discharge: EventRow | None = None
    open: dict[int, LinesHead] = {}
    """uploads and withdrawals that no segment settled yet, by number of the event"""
    event_of: dict[str, int] = {}
    """number of the event that brought each line that stands"""
    refund_of: dict[str, tuple[str, int]] = {}
    """what a standing line takes back: number of the original, and how much of it (e4)"""
    refunded: dict[str, int] = {}
    """how much of a line is taken back by those that stand (e4)"""
    segments: list[Segment] = []
    held: bool = False
    """a payment under way is to settle what is open"""

    @property
    def final(self) -> Segment | None:
        """The final settlement, where it stands."""
        last = self.segments[-1] if self.segments else None
        return last if last is not None and last.head.final else None

    @property
    def discharged_at(self) -> datetime | None:
        """When the person left."""
        return None if self.discharge is None else datetime.fromisoformat(self.discharge.head)

    def totals(self) -> LineTotals:
        """The sums of what is not settled yet."""
        return sum_of(head.totals for head in self.open.values())

    def dates(self, admitted: date) -> CareDates:
        """The dates of what is not settled yet; uploads that were withdrawn whole do not count."""
        standing = set(self.event_of.values())
        heads = [head for number, head in self.open.items() if number in standing]
        discharged_at = self.discharged_at
        discharged = None if discharged_at is None else discharged_at.date()
        return CareDates(
            min((head.first_on for head in heads), default=admitted),
            max((head.last_on for head in heads), default=discharged or admitted),
            admitted,
            discharged,
        )

    def borne(self, year: int) -> Stay | None:
        """What earlier segments bore of the deductible; None before the first settlement."""
        if not self.segments:
            return None
        heads = [segment.head for segment in self.segments]
        return Stay(
            deductible_fen=sum(head.deductible_fen for head in heads),
            deductible_this_year_fen=sum(
                head.deductible_fen for head in heads if head.year == year
            ),
        )

    def open_line_nos(self) -> list[str]:
        """The numbers of the lines that stand and are not settled yet."""
        return [line_no for line_no, number in self.event_of.items() if number in self.open]

    def taking_back(self, originals: Collection[str]) -> list[str]:
        """The numbers of the lines that stand and take some of these back."""
        return [no for no, (original, _) in self.refund_of.items() if original in originals]

    def open_day_of(self, line_no: str) -> date | None:
        """The day under which a line that stands and is not settled was uploaded."""
        head = self.open.get(self.event_of.get(line_no, 0))
        return None if head is None else head.first_on

    def open_on(self, day: date) -> LineTotals:
        """The sums of what is not settled yet of the uploads that begin on a day."""
        return sum_of(head.totals for head in self.open.values() if head.first_on == day)

    def by_day(self, line_nos: Iterable[str]) -> list[tuple[date, list[str]]]:
        """Unsettled lines, once each, by the day on which their upload begins."""
        days: dict[date, list[str]] = {}
        for line_no in dict.fromkeys(line_nos):
            days.setdefault(self.open[self.event_of[line_no]].first_on, []).append(line_no)
        return sorted(days.items())

    def open_boxes(self) -> Boxes:
        """The boxes of drugs on lines that stand and are not settled yet. A line that takes another
        back frees the boxes that it names."""
        marks = [
            mark
            for number, head in self.open.items()
            for mark in head.traces
            if self.event_of.get(mark.line_no) == number
        ]
        freed = {mark.key for mark in marks if mark.line_no in self.refund_of}
        return boxes_of(mark for mark in marks if mark.key not in freed)


def fold_stay(fact: VisitFact) -> StayState:
    """What stands of a stay after all its events, in their order."""
    state = StayState()
    heads: dict[int, LinesHead] = {}
    for event in fact.events:
        match event.kind:
            case EventKind.LINES | EventKind.LINES_WITHDRAWN:
                heads[event.event_no] = head = _DECODE_LINES(event.head)
                state.open[event.event_no] = head
                _count_lines(state, event, head)
            case EventKind.CHANGED:
                state.said = event
            case EventKind.DISCHARGED:
                state.discharge = event
            case EventKind.DISCHARGE_WITHDRAWN:
                state.discharge = None
            case EventKind.WITHDRAWN:
                state.withdrawn = True
            case EventKind.HELD:
                state.held = True
            case EventKind.RELEASED:
                state.held = False
            case EventKind.SETTLED:
                state.held = False
                segment = _DECODE_SEGMENT(event.head)
                for number in segment.covers:
                    state.open.pop(number, None)
                state.segments.append(
                    Segment(
                        number=int(event.batch_no), setl_id=event.setl_id or 0, head=segment
                    )
                )
            case EventKind.UNDONE:
                undone = state.segments.pop()
                state.open |= {number: heads[number] for number in undone.head.covers}
    return state


def _count_lines(state: StayState, event: EventRow, head: LinesHead) -> None:
    """Lines come with what they take back, and go with it."""
    refunded = state.refunded
    if event.kind is EventKind.LINES:
        state.event_of |= dict.fromkeys(head.line_nos, event.event_no)
        for line_no, original, quantity_e4 in head.refunds:
            state.refund_of[line_no] = original, quantity_e4
            refunded[original] = refunded.get(original, 0) + quantity_e4
        return
    for line_no in head.line_nos:
        state.event_of.pop(line_no, None)
        original, quantity_e4 = state.refund_of.pop(line_no, ("", 0))
        if original:
            refunded[original] -= quantity_e4


def sum_of(totals: Iterable[LineTotals]) -> LineTotals:
    """Add up sums."""
    full_fen = over_fen = pre_fen = scope_fen = total_fen = 0
    for one in totals:
        total_fen += one.total_fen
        full_fen += one.full_self_pay_fen
        over_fen += one.over_ceiling_fen
        pre_fen += one.pre_self_pay_fen
        scope_fen += one.in_scope_fen
    return LineTotals(
        total_fen=total_fen,
        full_self_pay_fen=full_fen,
        over_ceiling_fen=over_fen,
        pre_self_pay_fen=pre_fen,
        in_scope_fen=scope_fen,
    )


def negative(totals: LineTotals) -> LineTotals:
    """The sums that take others back."""
    return LineTotals(
        total_fen=-totals.total_fen,
        full_self_pay_fen=-totals.full_self_pay_fen,
        over_ceiling_fen=-totals.over_ceiling_fen,
        pre_self_pay_fen=-totals.pre_self_pay_fen,
        in_scope_fen=-totals.in_scope_fen,
    )


def lines_head(text: str) -> LinesHead:
    """The head of an upload, as stored."""
    return _DECODE_LINES(text)


def segment_head(text: str) -> SegmentHead:
    """The head of a settlement of a segment, as stored."""
    return _DECODE_SEGMENT(text)


def head_text(head: Struct) -> str:
    """A head as stored."""
    return _ENCODE(head).decode()


_ENCODE = msgspec.json.Encoder().encode
_DECODE_LINES = msgspec.json.Decoder(LinesHead).decode
_DECODE_SEGMENT = msgspec.json.Decoder(SegmentHead).decode
