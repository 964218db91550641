"""What the console shows, read within a scope: the institution whose cases alone may be seen, or
None for all. Every statement takes it (sql/console.sql), so no page can leave it out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import TypeAlias

from asyncpg import Connection, Record
from msgspec import Struct

from settlement.numbers import lane_in
from settlement.storage.queries import CONSOLE

Scope: TypeAlias = "str | None"


class CaseRow(Struct, frozen=True, kw_only=True):
    """A settlement row as lists show it."""

    lane: int
    setl_id: int
    kind: int
    setl_time: datetime
    institution: str
    institution_name: str | None
    psn_no: str
    infno: str
    msgid: str
    care_type: str
    invoice_no: str
    total_fen: int
    fund_fen: int
    account_fen: int
    cash_fen: int
    hospital_fen: int
    undoes_setl_id: int | None
    undone_by: int | None


class EntryLeg(Struct, frozen=True, kw_only=True):
    """One transfer of an entry, with the names of its accounts."""

    entry_id: int
    leg: int
    kind: int
    code: int
    pending_id: int | None
    debit: int
    credit: int
    amount_fen: int
    booked_at: datetime
    business_day: date
    journal: int
    block_no: int
    debit_name: str
    debit_owner: str
    credit_name: str
    credit_owner: str


class OpenPayment(Struct, frozen=True, kw_only=True):
    """A payment that is not at its end."""

    lane: int
    pay_no: int
    due_at: datetime
    channel: str


class Doubt(Struct, frozen=True, kw_only=True):
    """How much is not at its end, and since when."""

    payments: int
    amount_fen: int
    oldest_at: datetime | None


class OwedNotice(Struct, frozen=True, kw_only=True):
    """A notice that was not delivered."""

    case_no: int
    notice_no: int
    topic: str
    institution: str
    told_at: datetime
    due_at: datetime
    attempts: int
    http_status: int | None
    came: str | None
    said: str | None
    owed: int


class ShownInstitution(Struct, frozen=True, kw_only=True):
    """An institution, and why it is stopped where it is."""

    code: str
    name: str
    kind: str
    account_base: int
    region: str
    hospital_level: str
    agreement_from: date
    agreement_to: date
    suspended: bool
    since: datetime | None
    reason: str | None


class SwitchOn(Struct, frozen=True, kw_only=True):
    """A stop switch that is on."""

    subject_kind: str
    subject: str
    since: datetime
    reason: str


class AuditQuery(Struct, frozen=True, kw_only=True):
    """What of the audit is wanted; None where it is of no account."""

    actor: str | None = None
    action: str | None = None
    subject: str | None = None
    begins_at: datetime | None = None
    ends_at: datetime | None = None
    before: int | None = None


class AuditRow(Struct, frozen=True, kw_only=True):
    """A row of the audit with its place in the chain."""

    audit_id: int
    at: datetime
    actor: str
    action: str
    subject: str
    note: str
    origin: str
    link_no: int | None


async def cases(
    connection: Connection[Record], scope: Scope, numbers: Sequence[int]
) -> list[CaseRow]:
    """Settlement rows by number, the newest first."""
    lanes = [lane_in(number) for number in numbers]
    rows = await connection.fetch(CONSOLE["console_settlements"], scope, lanes, list(numbers))
    return [CaseRow(**dict(row)) for row in rows]


async def cases_by_message(
    connection: Connection[Record], scope: Scope, keys: Sequence[bytes]
) -> list[int]:
    """Numbers of settlement rows that messages made."""
    rows = await connection.fetch(CONSOLE["console_settlements_by_key"], scope, list(keys))
    return [row["number"] for row in rows]


async def cases_by_invoice(
    connection: Connection[Record], scope: Scope, invoice_no: str
) -> list[int]:
    """Numbers of settlement rows with an invoice."""
    rows = await connection.fetch(CONSOLE["console_settlements_by_invoice"], scope, invoice_no)
    return [row["number"] for row in rows]


async def payments_by_number(
    connection: Connection[Record], scope: Scope, text: str, *, limit: int
) -> list[tuple[int, int | None]]:
    """Payments by the institution's order number, ours at the channel, or the channel's own
    reference; each with the settlement that it pays."""
    rows = await connection.fetch(CONSOLE["console_payments_by_order"], scope, text, limit)
    return [(row["number"], row["setl_id"]) for row in rows]


async def may_see_payment(connection: Connection[Record], scope: Scope, pay_no: int) -> bool:
    """Whether there is such a payment within the scope."""
    found = await connection.fetchval(
        CONSOLE["console_payment"], scope, lane_in(pay_no), pay_no
    )
    return found is not None


async def entries(
    connection: Connection[Record], lane: int, numbers: Sequence[int]
) -> list[EntryLeg]:
    """Entries of a case that was found within the scope, with what resolves them."""
    rows = await connection.fetch(CONSOLE["console_entries"], lane, list(numbers))
    return [EntryLeg(**dict(row)) for row in rows]


async def cases_of_person(
    connection: Connection[Record], scope: Scope, lane: int, person_no: str, *, limit: int
) -> list[int]:
    """Numbers of a person's settlement rows, the newest first, of so many that are looked at."""
    rows = await connection.fetch(CONSOLE["console_person_rows"], scope, lane, person_no, limit)
    return [row["setl_id"] for row in rows]


async def person(connection: Connection[Record], lane: int, person_no: str) -> Record | None:
    """Who a person is, encrypted, with the balance of the account."""
    row: Record | None = await connection.fetchrow(CONSOLE["console_person"], lane, person_no)
    return row


async def payments_open(
    connection: Connection[Record], scope: Scope, *, after: int | None = None, limit: int
) -> list[OpenPayment]:
    """What is not at its end, the oldest first; what comes after the number of one."""
    lane = None if after is None else lane_in(after)
    rows = await connection.fetch(CONSOLE["console_payments_open"], scope, after, lane, limit)
    return [OpenPayment(**dict(row)) for row in rows]


async def doubt(connection: Connection[Record], scope: Scope) -> Doubt:
    """How much of it there is."""
    row = await connection.fetchrow(CONSOLE["console_doubt"], scope)
    return Doubt(**dict(row))


async def undelivered(
    connection: Connection[Record], scope: Scope, *, limit: int
) -> list[OwedNotice]:
    """What we owe and have not delivered, the oldest first."""
    rows = await connection.fetch(CONSOLE["console_undelivered"], scope, limit)
    return [OwedNotice(**dict(row)) for row in rows]


async def institutions(
    connection: Connection[Record], scope: Scope, text: str, *, after: str = "", limit: int
) -> list[ShownInstitution]:
    """Institutions by a part of their code or name, from after one on."""
    rows = await connection.fetch(CONSOLE["console_institutions"], scope, text, after, limit)
    return [ShownInstitution(**dict(row)) for row in rows]


async def switches(connection: Connection[Record]) -> list[SwitchOn]:
    """Stop switches that are on."""
    return [SwitchOn(**dict(row)) for row in await connection.fetch(CONSOLE["console_switches"])]


async def subject_name(
    connection: Connection[Record], kind: str, subject: str, *, account: int, lane: int
) -> str | None:
    """What is called so, or None where there is nothing of the kind."""
    found: str | None = await connection.fetchval(
        CONSOLE["console_subject"], kind, subject, account, lane
    )
    return found


async def audit_page(
    connection: Connection[Record], query: AuditQuery, *, limit: int
) -> list[AuditRow]:
    """The audit, the newest first."""
    rows = await connection.fetch(
        CONSOLE["console_audit_page"], query.actor, query.action, query.subject, query.begins_at,
        query.ends_at, query.before, limit,
    )  # fmt: skip
    return [AuditRow(**dict(row)) for row in rows]
