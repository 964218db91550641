"""The tables: dictionaries by primary key, and what undoes a change.

A value is never changed in place, so that a reader keeps what it has read and an undo puts back
what was there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

import asyncpg
from msgspec import Struct, defstruct, structs

from ledger.account import Balance
from ledger.memory import MemoryLedger
from settlement.elsewhere.home_rows import HomeCaseRow
from settlement.elsewhere.remote_rows import CaseDueRow, CaseEventRow, CaseRow, ElsewhereRow
from settlement.payments.mobile_rows import MobileDueRow, MobileEventRow, MobileOrderRow, OutboxRow
from settlement.payments.mobile_states import Happening
from settlement.payments.payment_rows import DueRow, PaymentEventRow, PaymentRow
from settlement.rows import (
    EventRow,
    FilingRow,
    MappingRow,
    MoveKind,
    SettlementRow,
    ShareRow,
    TraceRow,
    UploadRow,
    VisitRow,
)

Key = tuple[Any, ...]


class Person(Struct, frozen=True, kw_only=True, gc=False):
    """A row of settlement.person."""

    lane: int
    psn_no: str
    account: int
    key_version: int
    identity: bytes
    enrolments: str
    version: int = 0
    accumulators: str = "{}"
    latest_row: int | None = None
    latest_visit: int | None = None
    open_stay: int | None = None
    filings: str = ""
    undertaking: int | None = None
    home_region: str = ""
    family: str = "[]"


class Detail(Struct, frozen=True, gc=False):
    """A row of settlement.settlement_detail."""

    key_version: int
    salt: bytes
    payload: bytes


class Message(Struct, frozen=True, gc=False):
    """A row of settlement.message."""

    outcome: int
    ref: int
    fingerprint: bytes
    recorded_at: datetime


class Kept(Struct, frozen=True, gc=False):
    """A row that is written with the time of its batch, which the row itself does not say."""

    row: Any
    at: datetime


def as_object(row: type[Struct]) -> type[Struct]:
    """The row with named fields, where what is committed to is an array."""
    fields: list[Any] = [
        (field.name, field.type) if field.required else (field.name, field.type, field.default)
        for field in structs.fields(row)
    ]
    return defstruct(f"Named{row.__name__}", fields, frozen=True, kw_only=True, gc=False)


GONE = object()


class Tables:
    """All of one region's database. `log` holds what undoes what was changed since it was empty."""

    def __init__(
        self, *, region: str, lanes: int, journals: int, opened_at: datetime, schema_version: int
    ) -> None:
        self.region = region
        self.lanes = lanes
        self.opened_at = opened_at
        self.schema_version = schema_version
        self.ledger = MemoryLedger(lanes=lanes, journals=journals, opened_at=opened_at)
        self.journal_of = {lane: lane % journals + 1 for lane in range(lanes)}
        self.closed_days: dict[date, datetime] = {}
        self.number_block = 0
        self.versions: dict[str, int] = {}
        self.institutions: dict[str, Any] = {}
        self.counterparts: dict[str, Any] = {}
        self.credentials: dict[str, tuple[Any, ...]] = {}
        self.items: list[tuple[Any, ...]] = []
        self.suspended: dict[tuple[str, str], str] = {}
        self.receivers: dict[tuple[str, str], Any] = {}
        self.persons: dict[tuple[int, str], Person] = {}
        self.lookup: dict[tuple[int, int, bytes], str] = {}
        self.tokens: dict[tuple[int, str, bytes], tuple[str, datetime]] = {}
        self.messages: dict[tuple[int, bytes], Message] = {}
        self.settlements: dict[tuple[int, int], SettlementRow] = {}
        self.details: dict[tuple[int, int], Detail] = {}
        self.undone_by: dict[tuple[int, int], int] = {}
        self.claims: dict[tuple[int, bytes], tuple[int, ...]] = {}
        """settlements by business key"""
        self.visits: dict[tuple[int, int], VisitRow] = {}
        self.events: dict[tuple[int, int], tuple[EventRow, ...]] = {}
        self.filings: dict[tuple[int, int], FilingRow] = {}
        self.withdrawn: dict[tuple[int, int], int] = {}
        self.uploads: dict[tuple[int, int], UploadRow] = {}
        self.mappings: dict[tuple[int, str, str], tuple[MappingRow, ...]] = {}
        self.traces: dict[tuple[int, bytes], tuple[TraceRow, ...]] = {}
        self.undertakings: dict[tuple[int, int], Kept] = {}
        self.shares: dict[tuple[int, int], tuple[ShareRow, ...]] = {}
        self.paid_shares: dict[tuple[int, int], int] = {}
        """the settlement that a hold pays"""
        self.returned_shares: dict[tuple[int, int], int] = {}
        self.moves: dict[tuple[int, int], tuple[Kept, ...]] = {}
        self.pay_orders: dict[tuple[int, bytes], tuple[int, str]] = {}
        self.payments: dict[tuple[int, int], PaymentRow] = {}
        self.payment_events: dict[tuple[int, int], tuple[PaymentEventRow, ...]] = {}
        self.attempts: dict[tuple[int, str], tuple[int, int]] = {}
        self.payment_due: dict[tuple[int, int], DueRow] = {}
        self.home_cases: dict[tuple[int, int], HomeCaseRow] = {}
        self.cases: dict[tuple[int, int], CaseRow] = {}
        self.case_events: dict[tuple[int, int], tuple[CaseEventRow, ...]] = {}
        self.case_due: dict[tuple[int, int], CaseDueRow] = {}
        self.elsewhere: dict[tuple[int, int], ElsewhereRow] = {}
        self.mobile_orders: dict[tuple[int, int], MobileOrderRow] = {}
        self.mobile_events: dict[tuple[int, int], tuple[MobileEventRow, ...]] = {}
        self.mobile_due: dict[tuple[int, int], MobileDueRow] = {}
        self.outbox: dict[tuple[int, int, int], OutboxRow] = {}
        self.day_ends: dict[tuple[int, date], Any] = {}
        self.folds: dict[tuple[int, int], dict[int, Balance]] = {}
        """sums by account, by journal and block"""
        self.seal_lists: dict[tuple[int, date, date], Any] = {}
        self.seals: dict[tuple[date, date, str], tuple[int, bytes, bytes]] = {}
        """settlements, root and signature"""
        self.month_steps: dict[tuple[int, date], tuple[tuple[Any, ...], ...]] = {}
        self._open_finance()
        self.listing: dict[tuple[int, int], int] = {}
        """how far a journal was listed, from which block"""
        self.stated: dict[tuple[int, int], tuple[str, date]] = {}
        """rows that are listed, with their institution and day"""
        self.copied: dict[str, list[tuple[Any, ...]]] = {}
        self.log: list[Callable[[], object]] = []

    def _open_finance(self) -> None:
        """What only finance people write."""
        self.bill_begun: dict[tuple[int, int], datetime] = {}
        self.bill_files: dict[tuple[int, int], Any] = {}
        self.bill_replaced: dict[tuple[int, int], int] = {}
        """by which file"""
        self.bill_rows: list[Any] = []
        self.channel_rows: dict[tuple[int, str, str, int], Any] = {}
        self.channel_days: dict[date, datetime] = {}
        self.matched_days: dict[date, int] = {}
        self.differences: dict[tuple[int, int], tuple[Any, datetime]] = {}
        """by what they are known, and when they were found"""
        self.difference_steps: dict[tuple[int, int], tuple[Any, ...]] = {}
        self.clearing_steps: dict[int, tuple[Any, ...]] = {}
        self.payout_periods: dict[tuple[int, date], date] = {}
        """the last day of periods that were stated, by lane and first day"""
        self.payout_steps: dict[tuple[int, str, date], tuple[Any, ...]] = {}
        self.payout_lines: dict[tuple[int, str, date], tuple[date, tuple[Any, ...]]] = {}
        """the last day of the period, and its lines"""
        self.payout_accounts: dict[tuple[int, str], tuple[Any, ...]] = {}
        self.payout_files: dict[tuple[int, bytes], tuple[Any, ...]] = {}

    def sealed_days(self) -> set[date]:
        """Days whose seals are kept."""
        return {first for _, first, last in self.seal_lists if first == last}

    def open_holds(self) -> list[tuple[int, int]]:
        """What is held of relatives' accounts and neither paid nor released."""
        ends = {MoveKind.PAID, MoveKind.RELEASED}
        return [
            key for key, moves in self.moves.items()
            if not ends & {kept.row.kind for kept in moves}
        ]  # fmt: skip

    def mobile_paid(self, order_no: int) -> int | None:
        """The settlement that an order of mobile payment was paid by, whatever became of it."""
        for (_, number), events in self.mobile_events.items():
            if number == order_no:
                paid = (one for one in events if one.kind in (Happening.PAID, Happening.DONE))
                return next((one.setl_id for one in paid), None)
        return None

    def mobile_own_fen(self, order_no: int) -> int:
        """What a wallet collected of an order that was paid, and did not give back."""
        paid = self.mobile_paid(order_no)
        [events] = [rows for (_, number), rows in self.mobile_events.items() if number == order_no]
        back = {Happening.ALL_BACK, Happening.CASH_BACK}
        if paid is None or any(one.kind in back for one in events):
            return 0
        [row] = [row for (_, number), row in self.settlements.items() if number == paid]
        return row.cash_fen

    def put(self, table: Mapping[Any, Any], key: Any, value: Any) -> None:
        """Write a row, whatever was there."""
        rows: dict[Any, Any] = table  # type: ignore[assignment]
        before = rows.get(key, GONE)
        self.log.append(lambda: _back(rows, key, before))
        rows[key] = value

    def insert(self, table: Mapping[Any, Any], key: Any, value: Any, constraint: str) -> None:
        """Write a row that is not there yet."""
        if key in table:
            raise asyncpg.UniqueViolationError(f"duplicate key: {constraint} {key}")
        self.put(table, key, value)

    def append(self, table: Mapping[Any, Any], key: Any, value: Any) -> None:
        """One more of what belongs to a key, in order."""
        self.put(table, key, (*table.get(key, ()), value))

    def remove(self, table: Mapping[Any, Any], key: Any) -> None:
        """Take a row away, where it is."""
        rows: dict[Any, Any] = table  # type: ignore[assignment]
        if key in rows:
            before = rows.pop(key)
            self.log.append(lambda: _back(rows, key, before))

    def undo(self) -> None:
        """Everything is as it was when the log was empty."""
        while self.log:
            self.log.pop()()


def _back(rows: dict[Any, Any], key: Any, before: Any) -> None:
    if before is GONE:
        rows.pop(key, None)
    else:
        rows[key] = before
