"""The outbox (待发通知) as stored: what is due, what came of it, and who is told where."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from asyncpg import Connection, Record
from msgspec import Struct

from protocol.nhsa.libcrypto import Sm2UnavailableError
from settlement.keyring import Keyring, UndecipherableError
from settlement.numbers import lane_in
from settlement.outbox import Attempt, Came, Kind, next_try
from settlement.seals import Keys, keys_of
from settlement.storage.queries import QUERIES, REFERENCE, SCATTER
from settlement.storage.reference import body_keys_record, credential_record
from settlement.usecases.mobile_payloads import open_notice


class Receiver(Struct, frozen=True, kw_only=True):
    """Where somebody is told, and what both sides share."""

    url: str
    keys: Keys
    """appId and secret; the public key checks answers, where one is registered"""


class Owed(Struct, frozen=True, kw_only=True):
    """A notice that is due. Without `data` our keys do not open it."""

    lane: int
    case_no: int
    notice_no: int
    attempts: int
    kind: Kind
    topic: str
    institution: str
    told_at: datetime
    data: bytes | None
    receiver: Receiver | None


class Undelivered(Struct, frozen=True, kw_only=True):
    """What is on the worklist, with what came of the last attempt."""

    case_no: int
    notice_no: int
    kind: Kind
    topic: str
    institution: str
    told_at: datetime
    due_at: datetime
    attempts: int
    tried_at: datetime | None
    status: int | None
    came: str
    said: str


class Logged(Struct, frozen=True, kw_only=True):
    """An attempt in the delivery log."""

    notice_no: int
    attempt_no: int
    attempt: Attempt


class Backlog(Struct, frozen=True):
    """How much is owed, and since when the oldest of it."""

    notices: int
    oldest_at: datetime | None


async def due_notices(
    connection: Connection[Record], keyring: Keyring, *, by: datetime, each: int
) -> list[Owed]:
    """The oldest of each case that is due, at most `each` of an institution."""
    rows = await connection.fetch(SCATTER["outbox_next"], by, each)
    return [_owed(row, keyring) for row in rows]


async def keep_attempt(connection: Connection[Record], owed: Owed, attempt: Attempt) -> bool:
    """Log what came of it: delivered, or when to try next; False where somebody else delivered it
    meanwhile."""
    place = owed.lane, owed.case_no, owed.notice_no
    what = attempt.took_ms, attempt.status, attempt.came.value, attempt.said
    if attempt.came is Came.DELIVERED:
        found = await connection.fetchval(
            QUERIES["outbox_delivered"], *place, attempt.began_at, *what
        )
    else:
        due_at = next_try(owed.attempts + 1, attempt.began_at)
        found = await connection.fetchval(
            QUERIES["outbox_attempted"], *place, attempt.began_at, due_at, *what
        )
    return found is not None


async def resend(
    connection: Connection[Record], case_no: int, notice_no: int | None, *, at: datetime
) -> list[int]:
    """Have notices of a case tried at once, delivered ones too; which there are."""
    rows = await connection.fetch(
        QUERIES["outbox_resend"], lane_in(case_no), case_no, notice_no, at
    )
    return [row["notice_no"] for row in rows]


async def undelivered(connection: Connection[Record], *, limit: int) -> list[Undelivered]:
    """The worklist, the oldest first."""
    return [
        Undelivered(
            case_no=row["case_no"], notice_no=row["notice_no"], kind=Kind(row["kind"]),
            topic=row["topic"], institution=row["institution"], told_at=row["told_at"],
            due_at=row["due_at"], attempts=row["attempts"], tried_at=row["began_at"],
            status=row["http_status"], came=row["came"] or "", said=row["said"] or "",
        )
        for row in await connection.fetch(SCATTER["outbox_undelivered"], limit)
    ]  # fmt: skip


async def log_of(connection: Connection[Record], case_no: int) -> list[Logged]:
    """Every attempt to tell of a case."""
    return [
        Logged(
            notice_no=row["notice_no"], attempt_no=row["attempt_no"],
            attempt=Attempt(
                came=Came(row["came"]), status=row["http_status"], said=row["said"],
                began_at=row["began_at"], took_ms=row["took_ms"],
            ),
        )
        for row in await connection.fetch(QUERIES["outbox_log"], lane_in(case_no), case_no)
    ]  # fmt: skip


async def backlog(connection: Connection[Record]) -> Backlog:
    """For the metrics."""
    row = await connection.fetchrow(SCATTER["outbox_backlog"])
    return Backlog(0, None) if row is None else Backlog(row["notices"], row["oldest_at"])


async def set_receiver(
    connection: Connection[Record], institution: str, kind: Kind, place: tuple[str, str] | None, *,
    reason: str, actor: str, at: datetime,
) -> bool:  # fmt: skip
    """Where an institution is told (URL and access key), or nowhere any more; audited, and known to
    every process within a second. False where it has no such credential, or no such receiver."""
    async with connection.transaction():
        if place is None:
            found = await connection.fetchval(REFERENCE["drop_receiver"], institution, kind.value)
        else:
            url, access_key = place
            found = await connection.fetchval(
                REFERENCE["keep_receiver"], institution, kind.value, url, access_key, at
            )
        if found is None:
            return False
        action = "remove-receiver" if place is None else "set-receiver"
        subject = f"receiver {institution} {kind.value}"
        note = reason if place is None else f"{place[0]} {place[1]}: {reason}"
        await connection.execute(REFERENCE["audit"], at, actor, action, subject, note)
        await connection.execute(REFERENCE["bump"], "institutions")
    return True


async def receivers_shown(connection: Connection[Record]) -> Sequence[Record]:
    """Institution, kind, URL, access key and since when of every receiver."""
    rows: list[Record] = await connection.fetch(REFERENCE["receivers_shown"])
    return rows


def _owed(row: Record, keyring: Keyring) -> Owed:
    return Owed(
        lane=row["lane"], case_no=row["case_no"], notice_no=row["notice_no"],
        attempts=row["attempts"], kind=Kind(row["kind"]), topic=row["topic"],
        institution=row["institution"], told_at=row["told_at"], data=_data(row, keyring),
        receiver=_receiver(row, keyring),
    )  # fmt: skip


def _data(row: Record, keyring: Keyring) -> bytes | None:
    """One that does not open holds up its case alone."""
    try:
        return open_notice(
            row["payload"], keyring, lane=row["lane"], case_no=row["case_no"],
            notice_no=row["notice_no"],
        )  # fmt: skip
    except UndecipherableError:
        return None


def _receiver(row: Record, keyring: Keyring) -> Receiver | None:
    """None where there is no address any more, or its keys cannot be used here."""
    access_key, version = row["access_key"], row["key_version"]
    if row["url"] is None or access_key is None:
        return None
    try:
        secret = keyring.open(row["secret"], credential_record(access_key), version).decode()
        stored = b"{}"
        if row["body_keys"] is not None:
            stored = keyring.open(row["body_keys"], body_keys_record(access_key), version)
        keys = keys_of(stored, access_key=access_key, secret=secret)
    except (UndecipherableError, ValueError, Sm2UnavailableError):
        return None
    return Receiver(url=row["url"], keys=keys)
