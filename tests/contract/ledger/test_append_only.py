"""The application's role inserts and reads; nothing that was booked can be edited by it."""

from __future__ import annotations

import asyncpg
import pytest

from ledger.postgres.shape import Shape
from tests.contract.ledger.world import DAY

pytestmark = pytest.mark.parametrize("shape", list(Shape))

APPEND_ONLY = (
    "account", "block", "closed_day", "entry", "fold", "journal", "lane",
)  # fmt: skip


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("command", ["update ledger.{} set {} = {}", "delete from ledger.{}"])
async def test_the_application_may_not_change_rows(
    postgres_pool: asyncpg.Pool[asyncpg.Record], table: str, command: str
) -> None:
    column = await postgres_pool.fetchval(
        "select attname from pg_attribute where attrelid = $1::text::regclass and attnum = 1",
        f"ledger.{table}",
    )
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await postgres_pool.execute(command.format(table, column, column))


@pytest.mark.parametrize("table", [*APPEND_ONLY, "balance"])
async def test_the_application_may_not_truncate(
    postgres_pool: asyncpg.Pool[asyncpg.Record], table: str
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await postgres_pool.execute(f"truncate ledger.{table}")


@pytest.mark.parametrize(
    "command",
    [
        "update ledger.balance set account = account",
        "delete from ledger.balance",
        "insert into ledger.balance (lane, account, credits) values (0, 1000000000009, 5)",
        "insert into ledger.lane (lane, journal) values (9, 9)",
        "update ledger.journal set closed_at = $1::text::date",
        "select ledger.grant_rights('settlement_app', 'settlement_app')",
        "alter table ledger.entry disable trigger all",
        "drop table ledger.fold",
        "create table ledger.mine (number integer)",
    ],
)
async def test_the_application_owns_nothing(
    postgres_pool: asyncpg.Pool[asyncpg.Record], command: str
) -> None:
    arguments = [str(DAY)] if "$1" in command else []
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await postgres_pool.execute(command, *arguments)


async def test_every_table_is_covered_by_these_tests(
    postgres_pool: asyncpg.Pool[asyncpg.Record],
) -> None:
    rows = await postgres_pool.fetch(
        "select relname from pg_class where relnamespace = 'ledger'::regnamespace and relkind = 'r'"
    )
    assert {row["relname"] for row in rows} == {*APPEND_ONLY, "balance"}
