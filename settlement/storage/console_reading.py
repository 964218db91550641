"""What the console's reading pages show: catalogue, institutions, filings, notices. Every statement
about somebody's affairs takes the scope, as those of console_cases."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from asyncpg import Connection, Record
from msgspec import Struct

from settlement.catalogue import Item
from settlement.numbers import lane_in
from settlement.people.filing import FilingKind
from settlement.rows import FilingRow
from settlement.storage.console_cases import Scope
from settlement.storage.institutions import InstitutionFile
from settlement.storage.queries import CONSOLE_READING
from settlement.storage.reference import item_of

BEFORE_ALL = ("", date.min)
"""The place before the first item of the catalogue."""


class Institution(Struct, frozen=True, kw_only=True):
    """An institution with all that its page says of it at once."""

    code: str
    name: str
    kind: str
    account_base: int
    region: str
    hospital_level: str
    deductible_level: str
    ceiling_level: str
    care_types: list[str]
    agreement_from: date
    agreement_to: date
    suspended: bool
    since: datetime | None
    reason: str | None
    staff_count: int


class Receiver(Struct, frozen=True, kw_only=True):
    """Where it wants to be told."""

    kind: str
    url: str
    access_key: str
    since: datetime


class AccountSum(Struct, frozen=True, kw_only=True):
    """One of its ledger accounts as it stands."""

    account: int
    name: str
    owner: str
    debits_fen: int
    credits_fen: int


class LastSettlement(Struct, frozen=True, kw_only=True):
    """Its newest settlement row."""

    setl_on: date
    setl_id: int
    setl_time: datetime
    infno: str
    total_fen: int


class PayoutStep(Struct, frozen=True, kw_only=True):
    """A step of paying it."""

    first_on: date
    last_on: date
    act: int
    recorded_at: datetime
    fund_fen: int
    account_fen: int
    reference: str


class ShownFiling(Struct, frozen=True, kw_only=True):
    """A filing, and what took it back."""

    row: FilingRow
    withdrawn_at: datetime | None
    without_from: date | None
    """the first day on which it does not stand any more"""

    def state_on(self, day: date) -> str:
        """withdrawn, coming, over or stands."""
        if self.without_from is not None:
            return "withdrawn"
        if self.row.begins_on > day:
            return "coming"
        return "over" if self.row.ends_on is not None and self.row.ends_on < day else "stands"


class FilingQuery(Struct, frozen=True, kw_only=True):
    """Which filings are wanted."""

    kinds: tuple[FilingKind, ...] = tuple(FilingKind)
    state: str = "any"
    """any, stands, over, or withdrawn"""
    before: tuple[datetime, int] | None = None
    """where the page before ended"""


class Notice(Struct, frozen=True, kw_only=True):
    """A notice; `due_at` None where it was delivered."""

    case_no: int
    notice_no: int
    kind: str
    topic: str
    institution: str
    told_at: datetime
    due_at: datetime | None
    attempts: int
    after_case: int | None
    http_status: int | None = None
    came: str | None = None
    said: str | None = None


class NoticeQuery(Struct, frozen=True, kw_only=True):
    """Which notices are wanted."""

    institution: str | None = None
    kind: str | None = None
    after: tuple[datetime, int, int] | None = None


class Owed(Struct, frozen=True, kw_only=True):
    """How much waits for one receiver."""

    institution: str
    kind: str
    owed: int
    oldest_at: datetime
    attempts: int


class Attempt(Struct, frozen=True, kw_only=True):
    """One attempt to deliver."""

    notice_no: int
    attempt_no: int
    began_at: datetime
    took_ms: int
    http_status: int | None
    came: str
    said: str


async def catalogue_page(
    connection: Connection[Record], text: str, *, after: tuple[str, date], on: date | None,
    limit: int,
) -> list[Item]:  # fmt: skip
    """Items whose code begins so, or in whose name it is."""
    rows = await connection.fetch(
        CONSOLE_READING["console_catalogue"], text, *after, on, limit
    )
    return [item_of(row) for row in rows]


async def item_names(
    connection: Connection[Record], codes: Sequence[str], on: date
) -> dict[str, str]:
    """What items are called."""
    rows = await connection.fetch(CONSOLE_READING["console_catalogue_names"], list(codes), on)
    return {row["code"]: row["name"] for row in rows}


async def institution(
    connection: Connection[Record], scope: Scope, code: str
) -> Institution | None:
    """One institution, where it is within the scope."""
    row = await connection.fetchrow(CONSOLE_READING["console_institution"], scope, code)
    return None if row is None else Institution(**dict(row))


async def institution_names(connection: Connection[Record]) -> dict[str, str]:
    """By code."""
    rows = await connection.fetch(CONSOLE_READING["console_institution_names"])
    return {row["code"]: row["name"] for row in rows}


async def receivers(connection: Connection[Record], scope: Scope, code: str) -> list[Receiver]:
    """Where it wants to be told."""
    rows = await connection.fetch(CONSOLE_READING["console_receivers"], scope, code)
    return [Receiver(**dict(row)) for row in rows]


async def accounts(connection: Connection[Record], base: int) -> list[AccountSum]:
    """The ledger accounts of an institution that was found within the scope."""
    rows = await connection.fetch(CONSOLE_READING["console_institution_accounts"], base)
    return [AccountSum(**dict(row)) for row in rows]


async def last_settlement(
    connection: Connection[Record], scope: Scope, code: str
) -> LastSettlement | None:
    """The newest that is listed."""
    row = await connection.fetchrow(CONSOLE_READING["console_last_settlement"], scope, code)
    return None if row is None else LastSettlement(**dict(row))


async def payout_steps(
    connection: Connection[Record], scope: Scope, lane: int, code: str, *, limit: int
) -> list[PayoutStep]:
    """The newest first."""
    rows = await connection.fetch(
        CONSOLE_READING["console_payout_steps"], scope, lane, code, limit
    )
    return [PayoutStep(**dict(row)) for row in rows]


async def filings(
    connection: Connection[Record], scope: Scope, query: FilingQuery, *, on: date, limit: int
) -> list[ShownFiling]:
    """A page of filings, the newest first; of withdrawn ones the last that was taken back."""
    kinds = [int(kind) for kind in query.kinds]
    before = query.before or (None, None)
    if query.state == "withdrawn":
        rows = await connection.fetch(
            CONSOLE_READING["console_filings_withdrawn"], scope, kinds, *before, limit
        )
    else:
        rows = await connection.fetch(
            CONSOLE_READING["console_filings"], scope, kinds, *before, query.state, on, limit
        )
    return [_filing(row) for row in rows]


async def filing(
    connection: Connection[Record], scope: Scope, filing_no: int
) -> ShownFiling | None:
    """One, by number."""
    row = await connection.fetchrow(
        CONSOLE_READING["console_filing"], scope, lane_in(filing_no), filing_no
    )
    return None if row is None else _filing(row)


async def filings_of_person(
    connection: Connection[Record], scope: Scope, lane: int, person_no: str, *, limit: int
) -> list[ShownFiling]:
    """All of a person's, the newest first."""
    rows = await connection.fetch(
        CONSOLE_READING["console_filings_of_person"], scope, lane, person_no, limit
    )
    return [_filing(row) for row in rows]


async def notices(
    connection: Connection[Record], scope: Scope, query: NoticeQuery, *, limit: int
) -> list[Notice]:
    """What waits, the oldest first."""
    after = query.after or (None, None, None)
    rows = await connection.fetch(
        CONSOLE_READING["console_notices"], scope, query.institution, query.kind, *after, limit
    )
    return [Notice(**dict(row)) for row in rows]


async def notices_counted(connection: Connection[Record], scope: Scope) -> list[Owed]:
    """How much waits for whom."""
    rows = await connection.fetch(CONSOLE_READING["console_notices_counted"], scope)
    return [Owed(**dict(row)) for row in rows]


async def notices_of(
    connection: Connection[Record], scope: Scope, case_no: int
) -> list[Notice]:
    """All of a case."""
    rows = await connection.fetch(
        CONSOLE_READING["console_notices_of"], scope, lane_in(case_no), case_no
    )
    return [Notice(**dict(row)) for row in rows]


async def attempts_of(
    connection: Connection[Record], scope: Scope, case_no: int, *, limit: int
) -> list[Attempt]:
    """Every attempt to deliver what a case owes, the newest first."""
    rows = await connection.fetch(
        CONSOLE_READING["console_notice_attempts"], scope, lane_in(case_no), case_no, limit
    )
    return [Attempt(**dict(row)) for row in rows]


def _filing(row: Record) -> ShownFiling:
    return ShownFiling(
        row=FilingRow(
            lane=row["lane"], filing_no=row["filing_no"], recorded_at=row["recorded_at"],
            withdraws=None, kind=FilingKind(row["kind"]), psn_no=row["psn_no"],
            institution=row["institution"], begins_on=row["begins_on"], ends_on=row["ends_on"],
            payload=row["payload"],
        ),
        withdrawn_at=row["withdrawn_at"], without_from=row["without_from"],
    )  # fmt: skip


async def institution_files(
    connection: Connection[Record], scope: str | None, days: tuple[date, date],
    institution: str | None, *, limit: int, skip: int,
) -> tuple[list[InstitutionFile], int]:  # fmt: skip
    """Files of institutions about some days, the newest first, and how many there are in all."""
    rows = await connection.fetch(
        CONSOLE_READING["console_institution_files"], scope, *days, institution, limit, skip
    )
    return [_institution_file(row) for row in rows], rows[0]["in_all"] if rows else 0


async def institution_file(
    connection: Connection[Record], scope: str | None, file_no: int
) -> InstitutionFile | None:
    """One of them."""
    row = await connection.fetchrow(
        CONSOLE_READING["console_institution_file"], scope, lane_in(file_no), file_no
    )
    return None if row is None else _institution_file(row)


def _institution_file(row: Record) -> InstitutionFile:
    return InstitutionFile(**{name: row[name] for name in InstitutionFile.__struct_fields__})
