"""The audit is a chain: whoever wrote a row, and whatever is done to one afterwards is found."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from settlement.storage.audits import Audited, keep_audit
from tests.kit.town import Town, a_town
from tests.services import FreshDatabase

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(database: FreshDatabase) -> AsyncIterator[Town]:
    """A town in which operators did something."""
    async with a_town(database) as town:
        for number in range(5):
            await note(town.owner, town, f"A{number}")
        yield town


async def note(connection: asyncpg.Connection[asyncpg.Record], town: Town, note: str) -> None:
    """An operator does something."""
    await keep_audit(
        connection,
        Audited(at=town.clock(), actor="测试", action="test", subject="nothing", note=note),
    )


async def links(town: Town) -> list[int]:
    rows = await town.owner.fetch("select l.link_no from settlement.audit_link l order by 1")
    return [row["link_no"] for row in rows]


async def test_every_row_is_linked_when_it_is_committed(town: Town) -> None:
    before = await links(town)
    transaction = town.owner.transaction()
    await transaction.start()
    await note(town.owner, town, "taken back")
    await transaction.rollback()
    assert await links(town) == before == list(range(1, len(before) + 1))
    assert (await town.verified()).ok


async def test_rows_that_are_written_at_once_are_one_chain(town: Town) -> None:
    others = [await asyncpg.connect(town.app_dsn) for _ in range(4)]
    try:
        async with asyncio.TaskGroup() as group:
            for number, other in enumerate(others):
                group.create_task(several(other, town, f"B{number}"))
    finally:
        for other in others:
            await other.close()
    found = await links(town)
    assert found == list(range(1, len(found) + 1))
    assert (await town.verified()).ok


async def several(
    connection: asyncpg.Connection[asyncpg.Record], town: Town, name: str
) -> None:
    for number in range(20):
        await note(connection, town, f"{name}.{number}")


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        ("update settlement.audit set note = 'a3' where note = 'A3'", "was changed"),
        ("update settlement.audit set actor = actor || ' ' where note = 'A2'", "was changed"),
        ("update settlement.audit set at = at + interval '1 microsecond' where note = 'A2'",
         "was changed"),
        ("delete from settlement.audit where note = 'A1'", "is missing"),
        ("delete from settlement.audit_link where link_no = 2", "is missing"),
        ("with gone as (delete from settlement.audit where note = 'A1' returning audit_id)"
         " delete from settlement.audit_link l using gone g where l.audit_id = g.audit_id",
         "is missing"),
    ],
)  # fmt: skip
async def test_what_is_done_to_a_row_is_found(town: Town, damage: str, what: str) -> None:
    await town.owner.execute("create table kept as select * from settlement.audit")
    await town.owner.execute("create table kept_link as select * from settlement.audit_link")
    await town.owner.execute("alter table settlement.audit disable trigger audit_is_linked")
    try:
        await town.owner.execute(damage)
        report = await town.verified()
        assert not report.ok
        assert report.first_bad is not None
        assert "audit" in report.first_bad.what and what in report.first_bad.what
    finally:
        await town.owner.execute(
            "delete from settlement.audit; delete from settlement.audit_link;"
            "insert into settlement.audit overriding system value select * from kept;"
            "insert into settlement.audit_link select * from kept_link;"
            "drop table kept; drop table kept_link;"
            "alter table settlement.audit enable trigger audit_is_linked"
        )
    assert (await town.verified()).ok


async def test_row_that_was_put_in_beside_the_chain_is_found(town: Town) -> None:
    await town.owner.execute("alter table settlement.audit disable trigger audit_is_linked")
    await note(town.owner, town, "beside")
    report = await town.verified()
    await town.owner.execute("delete from settlement.audit where note = 'beside'")
    await town.owner.execute("alter table settlement.audit enable trigger audit_is_linked")
    assert report.first_bad is not None and "not linked" in report.first_bad.what
