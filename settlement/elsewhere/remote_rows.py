"""The rows of people who are insured in another region: one struct a table, fields as the columns.

As settlement/rows.py is for settlements. Knows no SQL and no wire names.
"""

from __future__ import annotations

from datetime import date, datetime
from hashlib import sha256

import msgspec
from msgspec import Struct, structs

from settlement.committed import committed_part
from settlement.elsewhere.remote_states import CaseEvent, Happening, Standing, fold


class StrangerRow(Struct, frozen=True, kw_only=True, gc=False):
    """What is written of somebody insured elsewhere (异地参保人), a row of settlement.person."""

    lane: int
    psn_no: str
    home_region: str
    key_version: int
    identity: bytes
    """sealed"""
    enrolments: str


class CaseRow(Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """One row of settlement.remote_case; the entry that holds for it commits to every column."""

    lane: int
    case_no: int
    """number of the settlement that it becomes"""
    hold_id: int
    opened_at: datetime
    psn_no: str
    institution: str
    insured_region: str
    infno: str
    msgid: str
    mdtrt_id: int
    total_fen: int
    payload: bytes
    """sealed: what is asked, and what is booked once it is answered (usecases/remote_payloads)"""


class CaseEventRow(Struct, frozen=True, kw_only=True, gc=False):
    """One row of settlement.remote_event."""

    lane: int
    case_no: int
    event_no: int
    kind: Happening
    recorded_at: datetime
    setl_id: int | None
    reference: str
    payload: bytes


class CaseDueRow(Struct, frozen=True, kw_only=True, gc=False):
    """One row of settlement.remote_due, or its end."""

    lane: int
    case_no: int
    due_at: datetime | None


class ElsewhereRow(Struct, frozen=True, kw_only=True, gc=False):
    """One row of settlement.insured_elsewhere, beside a settlement row."""

    lane: int
    setl_id: int
    setl_on: date
    institution: str
    insured_region: str
    visit_no: str
    settlement_no: str
    paid_in_advance: bool
    certificate: bytes
    """sealed"""


class CaseFact(Struct, kw_only=True):
    """A case as read, with its events in order."""

    row: CaseRow
    events: list[CaseEvent]

    @property
    def standing(self) -> Standing:
        """What stands."""
        return fold(self.events)

    @property
    def settled(self) -> bool:
        """It was settled, whatever became of it since."""
        return any(event.happening is Happening.SETTLED for event in self.events)

    def copy(self) -> CaseFact:
        """The same, to which events can be added that are not written yet."""
        return CaseFact(row=self.row, events=list(self.events))


_ENCODE = msgspec.json.Encoder().encode


def case_commitment(row: CaseRow) -> bytes:
    """What the pending entry of a case commits to: every column, 32 bytes;
    `settlement.case_commitment` in SQL does the same."""
    told = structs.replace(row, payload=committed_part(row.payload))
    return sha256(b"\x0b" + _ENCODE(told)).digest()


def event_row(row: CaseRow, event: CaseEvent) -> CaseEventRow:
    """An event as stored."""
    return CaseEventRow(
        lane=row.lane, case_no=row.case_no, event_no=event.number, kind=event.happening,
        recorded_at=event.at, setl_id=event.setl_id, reference=event.reference,
        payload=event.payload,
    )  # fmt: skip


def event_of(row: CaseEventRow) -> CaseEvent:
    """The event that a row is."""
    return CaseEvent(
        number=row.event_no, happening=Happening(row.kind), at=row.recorded_at,
        setl_id=row.setl_id, reference=row.reference, payload=row.payload,
    )  # fmt: skip


_TOLD = "@"


def told_policy(region: str, policy: str) -> str:
    """What stands for the policy in a row that another region decided: none of ours."""
    return f"{_TOLD}{region} {policy}"


def told_by(policy: str) -> str:
    """Which other region decided a row, by what stands for its policy; empty for our own."""
    return policy[1:7] if policy.startswith(_TOLD) else ""


def case_number(region: str, case_no: int) -> str:
    """A case between regions (就医地结算编号): ours begins with our region, and is for ever."""
    return f"{region}-{case_no}"
