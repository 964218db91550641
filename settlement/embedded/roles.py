"""Roles and database of the embedded PostgreSQL: the schema's owner and the application."""

from __future__ import annotations

import asyncpg

from settlement.embedded.directory import DataDirectory
from settlement.embedded.errors import DiskFullError, ServiceError
from settlement.embedded.sqlfile import blocks

OWNER = "settlement_owner"
APP = "settlement_app"
DATABASE = "settlement"
OWNER_SECRET = "settlement-owner-password"  # noqa: S105 - the name of a file
APP_SECRET = "settlement-app-password"  # noqa: S105 - the name of a file
CONNECT_SECONDS = 10.0


async def ensure(
    directory: DataDirectory, *, host: str, port: int, superuser: str, password: str
) -> None:
    """Bring roles, limits and database into their shape; repeating it changes nothing."""

    async def connect(database: str) -> asyncpg.Connection[asyncpg.Record]:
        return await asyncpg.connect(
            host=host,
            port=port,
            user=superuser,
            password=password,
            database=database,
            timeout=CONNECT_SECONDS,
        )

    try:
        await _ensure_roles(await connect("postgres"), directory)
        await _close_public_schema(await connect(DATABASE))
    except asyncpg.InvalidPasswordError as exc:
        raise ServiceError(
            f"the passwords in {directory.secrets} are not those of this server. Restore secrets/ "
            "from the backup that goes with this data."
        ) from exc
    except asyncpg.DiskFullError as exc:
        raise DiskFullError(f"PostgreSQL's roles cannot be prepared: {exc}.") from exc
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as exc:
        raise ServiceError(f"PostgreSQL's roles cannot be prepared: {exc}.") from exc


async def set_password(dsn: str, role: str, password: str) -> None:
    """Give a role a password, as a superuser."""
    try:
        connection = await asyncpg.connect(dsn, timeout=CONNECT_SECONDS)
        try:
            await connection.execute(blocks("roles")["set_password"], role, password)
            await connection.execute(blocks("roles")["take_password"])
        finally:
            await connection.close()
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as exc:
        raise ServiceError(f"the password of {role} cannot be set: {exc}.") from exc


async def _ensure_roles(
    connection: asyncpg.Connection[asyncpg.Record], directory: DataDirectory
) -> None:
    sql = blocks("roles")
    try:
        await connection.execute(
            sql["set_passwords"],
            directory.make_secret(OWNER_SECRET),
            directory.make_secret(APP_SECRET),
        )
        await connection.execute(sql["create_roles"])
        await connection.execute(sql["limit_app"])
        if not await connection.fetchval(sql["database_exists"]):
            await connection.execute(sql["create_database"])
        await connection.execute(sql["close_database"])
    finally:
        await connection.close()


async def _close_public_schema(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    try:
        await connection.execute(blocks("roles")["close_public_schema"])
    finally:
        await connection.close()
