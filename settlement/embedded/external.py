"""A PostgreSQL of the site's own: is it fit for a ledger, and who is the application there?

`SETTLEMENT_DATABASE_URL` is the schema owner's URL. The application's is
`SETTLEMENT_APP_DATABASE_URL`; where that is missing and the owner may create roles, the role is
made here and its password kept. A role that exists already is never given another password,
because another machine may be using it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg
from msgspec import Struct

from settlement.embedded.directory import DataDirectory
from settlement.embedded.errors import ServiceError
from settlement.embedded.sqlfile import blocks

logger = logging.getLogger("settlement.embedded")

OWNER_VARIABLE = "SETTLEMENT_DATABASE_URL"
APP_VARIABLE = "SETTLEMENT_APP_DATABASE_URL"
APP = "settlement_app"
APP_SECRET = "external-app-password"  # noqa: S105 - the name of a file
VERSION_MIN = 150000
CONNECT_SECONDS = 10.0
LASTING = ("on", "remote_apply")
"""A commit is on this disk, and on that of the synchronous standby where there is one."""
SQL_FOR_A_PERSON = """\
  create role settlement_app login password '…';
  grant connect on database … to settlement_app;
  alter role settlement_app set statement_timeout = '30s';
  alter role settlement_app set idle_in_transaction_session_timeout = '10s';
  alter role settlement_app set plan_cache_mode = 'force_generic_plan';
  alter role settlement_app set synchronous_commit = 'on';"""


class ServerFacts(Struct, frozen=True, kw_only=True):
    """What the server and the owner's role are like; the names of block `describe_server`."""

    server_version_num: int
    server_encoding: str
    fsync: str
    full_page_writes: str
    is_superuser: bool
    can_create_roles: bool
    app_exists: bool


class ExternalDatabase(Struct, frozen=True, kw_only=True):
    """The two URLs of a checked server, and the name of the application's role there."""

    owner_dsn: str
    app_dsn: str
    app_role: str


def unfit(facts: ServerFacts) -> str | None:
    """Why this server cannot hold a ledger, None when it can."""
    if facts.server_version_num < VERSION_MIN:
        major = facts.server_version_num // 10000
        return f"PostgreSQL {major} is too old; 15 is the lowest that this program works with"
    if facts.server_encoding != "UTF8":
        return f"the database is encoded in {facts.server_encoding}; make it with encoding 'UTF8'"
    if facts.fsync != "on" or facts.full_page_writes != "on":
        return "fsync or full_page_writes is off, so a power cut would lose money; turn both on"
    return None


async def prepare_external(
    environment: Mapping[str, str], open_data: Callable[[], DataDirectory]
) -> ExternalDatabase:
    """Check the server and find the application's URL. `open_data` is called only for a password.

    Raises ServiceError that says what to change.
    """
    owner_dsn = environment[OWNER_VARIABLE]
    try:
        connection = await _connect(owner_dsn, OWNER_VARIABLE)
        try:
            facts = await _describe(connection)
            reason = unfit(facts)
            if reason is not None:
                raise ServiceError(f"{OWNER_VARIABLE} names a server that is not fit: {reason}.")
            app_dsn = environment.get(APP_VARIABLE)
            if app_dsn is None:
                app_dsn = await _own_app_dsn(connection, facts, owner_dsn, open_data)
        finally:
            await connection.close()
        app_role = await _check_app(app_dsn)
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as exc:
        raise ServiceError(f"the server of {OWNER_VARIABLE} refused: {exc}.") from exc
    if facts.is_superuser:
        logger.warning(
            "%s logs in as a superuser; an ordinary role that owns the database is enough",
            OWNER_VARIABLE,
            extra={"event": "external.owner.superuser"},
        )
    return ExternalDatabase(owner_dsn=owner_dsn, app_dsn=app_dsn, app_role=app_role)


async def _describe(connection: asyncpg.Connection[asyncpg.Record]) -> ServerFacts:
    row = await connection.fetchrow(blocks("external")["describe_server"])
    if row is None:
        raise ServiceError(f"the role of {OWNER_VARIABLE} has vanished; log in again.")
    return ServerFacts(
        server_version_num=row["server_version_num"],
        server_encoding=row["server_encoding"],
        fsync=row["fsync"],
        full_page_writes=row["full_page_writes"],
        is_superuser=row["is_superuser"],
        can_create_roles=row["can_create_roles"],
        app_exists=row["app_exists"],
    )


async def _own_app_dsn(
    connection: asyncpg.Connection[asyncpg.Record],
    facts: ServerFacts,
    owner_dsn: str,
    open_data: Callable[[], DataDirectory],
) -> str:
    directory = open_data()
    if facts.app_exists:
        password = directory.secret(APP_SECRET)
        if password is None:
            raise ServiceError(
                f"the role {APP} exists, but its password is not known here. Set {APP_VARIABLE} "
                f"to its URL (or, if nobody uses it: alter role {APP} password '…')."
            )
        return replace_user(owner_dsn, APP, password)
    if not facts.can_create_roles:
        raise ServiceError(
            f"the owner may not create the application's role. Let an administrator run:\n"
            f"{SQL_FOR_A_PERSON}\nand set {APP_VARIABLE} to its URL."
        )
    sql = blocks("external")
    password = directory.make_secret(APP_SECRET)
    await connection.execute(sql["set_app_password"], password)
    await connection.execute(sql["create_app"])
    logger.info("role %s created", APP, extra={"event": "external.app.created"})
    return replace_user(owner_dsn, APP, password)


async def _check_app(app_dsn: str) -> str:
    """The application's role: it could not change what is booked, and its commits last."""
    connection = await _connect(app_dsn, APP_VARIABLE)
    try:
        row = await connection.fetchrow(blocks("external")["describe_app"])
    finally:
        await connection.close()
    if row is None or row["is_superuser"] or row["is_owner"]:
        raise ServiceError(
            f"the application's role must be neither superuser nor owner of the database, so that "
            f"it cannot change what is booked. Give it a role of its own:\n{SQL_FOR_A_PERSON}\n"
            f"and set {APP_VARIABLE} to its URL."
        )
    if row["synchronous_commit"] not in LASTING:
        raise ServiceError(
            f"synchronous_commit is {row['synchronous_commit']} for {row['name']}, so a power cut "
            "or the loss of a server would lose settlements that were answered. Run: alter role "
            f"{row['name']} set synchronous_commit = 'on'"
        )
    return str(row["name"])


async def _connect(dsn: str, variable: str) -> asyncpg.Connection[asyncpg.Record]:
    try:
        return await asyncpg.connect(
            dsn, timeout=CONNECT_SECONDS, target_session_attrs="read-write"
        )
    except asyncpg.TargetServerAttributeNotMatched as exc:
        raise ServiceError(
            f"the server of {variable} is a standby, or its sessions are read-only. Name the one "
            "that leads, or the port that follows it."
        ) from exc
    except (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError) as exc:
        raise ServiceError(f"the server does not accept user or password of {variable}.") from exc
    except asyncpg.InvalidCatalogNameError as exc:
        raise ServiceError(f"the database that {variable} names does not exist.") from exc
    except (
        OSError,
        TimeoutError,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        ValueError,
    ) as exc:
        raise ServiceError(
            f"the server of {variable} cannot be reached ({exc or type(exc).__name__}). Check the "
            "URL, and that the server runs."
        ) from exc


def replace_user(dsn: str, user: str, password: str) -> str:
    """The same server and database for another user."""
    parts = urlsplit(dsn)
    place = parts.netloc.rpartition("@")[2]
    netloc = f"{quote(user, safe='')}:{quote(password, safe='')}@{place}"
    return urlunsplit((parts.scheme, netloc, parts.path, parts.query, parts.fragment))
