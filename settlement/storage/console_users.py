"""Who may sign in at the console, who is signed in, and what they did: as stored.

Decides nothing: what a password must be, how long a name is left alone and what a role may do are
in settlement/console.
"""

from __future__ import annotations

from datetime import datetime

from asyncpg import Connection, Record
from msgspec import Struct

from settlement.storage.queries import CONSOLE


class StoredUser(Struct, frozen=True, kw_only=True):
    """One row of settlement.console_user."""

    name: str
    display_name: str
    role: str
    institution: str | None
    password_hash: str
    password_at: datetime
    must_change: bool
    locked: bool
    totp_key: bytes | None
    totp_key_version: int
    totp_step: int
    created_at: datetime


class ListedUser(Struct, frozen=True, kw_only=True):
    """A user as others see them: no secret is in it."""

    name: str
    display_name: str
    role: str
    institution: str | None
    password_at: datetime
    must_change: bool
    locked: bool
    has_totp: bool
    created_at: datetime
    seen_at: datetime | None


class StoredSession(Struct, frozen=True, kw_only=True):
    """A session with its user as they are now."""

    started_at: datetime
    seen_at: datetime
    draft: bytes | None
    draft_version: int
    name: str
    display_name: str
    role: str
    institution: str | None
    must_change: bool
    locked: bool
    has_totp: bool


class NewUser(Struct, frozen=True, kw_only=True):
    """Who is added."""

    name: str
    display_name: str
    role: str
    institution: str | None
    password_hash: str
    must_change: bool = True


class Noted(Struct, frozen=True, kw_only=True):
    """What the audit is told."""

    actor: str
    action: str
    subject: str
    note: str = ""
    origin: str = ""


async def find_user(connection: Connection[Record], name: str) -> StoredUser | None:
    """By login name."""
    row = await connection.fetchrow(CONSOLE["console_user"], name)
    return None if row is None else StoredUser(**dict(row))


async def all_users(connection: Connection[Record]) -> list[ListedUser]:
    """Everybody."""
    return [ListedUser(**dict(row)) for row in await connection.fetch(CONSOLE["console_users"])]


async def add_user(connection: Connection[Record], user: NewUser, *, at: datetime) -> bool:
    """False where the name is taken."""
    added = await connection.fetchval(
        CONSOLE["add_console_user"], at, user.must_change, user.name, user.display_name, user.role,
        user.institution, user.password_hash,
    )  # fmt: skip
    return added is not None


async def set_password(
    connection: Connection[Record], name: str, password_hash: str, *, at: datetime,
    must_change: bool,
) -> bool:  # fmt: skip
    """False where there is no such user."""
    found = await connection.fetchval(
        CONSOLE["set_console_password"], name, password_hash, at, must_change
    )
    return found is not None


async def set_lock(connection: Connection[Record], name: str, *, locked: bool) -> bool:
    """Lock or unlock; False where that changes nothing. Who is locked is signed out."""
    found = await connection.fetchval(CONSOLE["set_console_lock"], name, locked)
    if locked:
        await end_sessions(connection, name)
    return found is not None


async def set_role(
    connection: Connection[Record], name: str, role: str, institution: str | None
) -> bool:
    """False where there is no such user."""
    found = await connection.fetchval(CONSOLE["set_console_role"], name, role, institution)
    return found is not None


async def set_totp(
    connection: Connection[Record], name: str, sealed: bytes | None, *, key_version: int, step: int
) -> None:
    """The key of the second factor, or none."""
    await connection.fetchval(CONSOLE["set_console_totp"], name, sealed, key_version, step)


async def use_totp(connection: Connection[Record], name: str, step: int) -> bool:
    """False where the code of this step, or of a later one, was used already."""
    return await connection.fetchval(CONSOLE["use_console_totp"], name, step) is not None


async def attempts(connection: Connection[Record], key: bytes) -> tuple[int, datetime | None]:
    """How often in a row a name was tried in vain, and until when it is left alone."""
    row = await connection.fetchrow(CONSOLE["console_attempt"], key)
    return (0, None) if row is None else (row["failures"], row["blocked_until"])


async def count_attempt(
    connection: Connection[Record], key: bytes, *, before: int, blocked_until: datetime
) -> bool:
    """One more; False where another one was counted meanwhile."""
    counted = await connection.fetchval(
        CONSOLE["count_console_attempt"], key, before + 1, blocked_until, before
    )
    return counted is not None


async def forget_attempts(
    connection: Connection[Record], key: bytes, *, older_than: datetime
) -> None:
    """Those of a name, and all that are old."""
    await connection.execute(CONSOLE["forget_console_attempts"], key, older_than)


async def open_session(
    connection: Connection[Record], token_hash: bytes, user_name: str, *, address: str,
    draft: bytes | None, draft_version: int, at: datetime,
) -> None:  # fmt: skip
    """Somebody signed in."""
    await connection.execute(
        CONSOLE["open_console_session"], at, token_hash, user_name, address, draft, draft_version
    )


async def find_session(
    connection: Connection[Record], token_hash: bytes
) -> StoredSession | None:
    """By the hash of what the cookie holds."""
    row = await connection.fetchrow(CONSOLE["console_session"], token_hash)
    return None if row is None else StoredSession(**dict(row))


async def touch_session(
    connection: Connection[Record], token_hash: bytes, *, at: datetime
) -> None:
    """It was heard of."""
    await connection.execute(CONSOLE["touch_console_session"], token_hash, at)


async def drop_draft(connection: Connection[Record], token_hash: bytes) -> None:
    """What was kept is in the form again."""
    await connection.execute(CONSOLE["drop_console_draft"], token_hash)


async def end_session(connection: Connection[Record], token_hash: bytes) -> None:
    """Signed out here."""
    await connection.execute(CONSOLE["end_console_session"], token_hash)


async def end_sessions(connection: Connection[Record], name: str) -> None:
    """Signed out everywhere."""
    await connection.execute(CONSOLE["end_console_sessions"], name)


async def drop_sessions(
    connection: Connection[Record], *, started_before: datetime, seen_before: datetime
) -> None:
    """Those whose time is over."""
    await connection.execute(CONSOLE["drop_console_sessions"], started_before, seen_before)


async def note(connection: Connection[Record], noted: Noted, *, at: datetime) -> None:
    """Tell the audit."""
    await connection.execute(
        CONSOLE["console_audit"], at, noted.actor, noted.action, noted.subject, noted.note,
        noted.origin,
    )  # fmt: skip


def totp_record(name: str) -> bytes:
    """What the key of a second factor is sealed for."""
    return b"console second factor/" + name.encode()
