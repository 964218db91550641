"""The rows of what persons have done for them (个人办件): a struct a table, fields as the columns.

As settlement/rows.py is for settlements. Knows no SQL and no addresses.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from hashlib import sha256

import msgspec
from msgspec import Struct

from settlement.people.matter_states import Happening, MatterKind, State, fold


class MatterRow(Struct, frozen=True, kw_only=True, gc=False):
    """One row of settlement.matter."""

    lane: int
    matter_no: int
    opened_at: datetime
    kind: MatterKind
    psn_no: str
    """whose it is"""
    agent_no: str
    """of an authorisation: who may act; else empty"""
    payload: bytes
    """sealed: what was applied for (usecases/matter_payloads.py)"""


class MatterEventRow(Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """One row of settlement.matter_event; an entry that it books commits to it."""

    lane: int
    matter_no: int
    event_no: int
    kind: Happening
    recorded_at: datetime
    business_day: date
    entry_id: int | None
    amount_fen: int
    """what was moved; 0 where nothing was"""
    actor: str
    """`person:` and psn_no of who acted, or `staff:` and a login name"""
    through: str
    """the app that sent it; empty for staff"""
    reference: str
    """联系函号 or bank's number, where money moved"""
    coverage_months: int
    """缴费年限 that goes with a transfer, in months"""
    note: str


class MatterFact(Struct, kw_only=True):
    """A matter as read, with its events in order."""

    row: MatterRow
    events: list[MatterEventRow]

    @property
    def state(self) -> State:
        """What stands."""
        return fold(self.row.kind, (event.kind for event in self.events))

    def when(self, happening: Happening) -> MatterEventRow | None:
        """The event of a kind, where it happened."""
        return next((event for event in self.events if event.kind is happening), None)


_ENCODE = msgspec.json.Encoder().encode
PERSON, STAFF = "person:", "staff:"


def matter_commitment(row: MatterEventRow) -> bytes:
    """What the entry of a transfer commits to: every column of its event, 32 bytes;
    `settlement.matter_commitment` in SQL does the same."""
    return sha256(b"\x09" + _ENCODE(row)).digest()


def coverage_in(facts: Sequence[MatterFact]) -> int:
    """Months of coverage (缴费年限) that came with transfers in that stand."""
    return sum(
        event.coverage_months
        for fact in facts
        if fact.row.kind is MatterKind.TRANSFER_IN and fact.state is State.DONE
        for event in fact.events
        if event.kind is Happening.PAID
    )
