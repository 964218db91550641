"""`settlement verify` holds sealed days and months against what is booked.

Whoever tampers here has the owner's rights; each test puts right what it did.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from ledger.postgres.shape import Shape
from settlement.backup.published import Published, Unlike, unlike_published
from settlement.finance.proofs import published
from settlement.said import Said
from tests.kit import scenes
from tests.kit.closing import an_office
from tests.kit.tampering import all_tampered, found, tampered
from tests.kit.town import Town, a_town
from tests.services import FreshDatabase

pytestmark = pytest.mark.asyncio(loop_scope="module")

MONTH = date(2026, 11, 1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(database: FreshDatabase) -> AsyncIterator[Town]:
    """A town whose November is sealed."""
    async with a_town(database, shape=Shape.ONE_MACHINE) as town:
        await scenes.sealed(town, Path())
        yield town


async def test_what_was_sealed_verifies(town: Town) -> None:
    assert await found(town) == ""


@pytest.mark.parametrize(
    ("table", "statement", "what"),
    [
        ("settlement.seal", "update settlement.seal set root = sha256('x')",
         "does not fit what is booked"),
        ("settlement.seal", "update settlement.seal set settlements = settlements + 1",
         "does not fit what is booked"),
        ("settlement.seal", "update settlement.seal set signature = sha256('x') || sha256('y')",
         "is not signed by its key"),
        ("settlement.seal", "delete from settlement.seal where begins_on = '2026-11-30'",
         "does not fit what is booked"),
        ("settlement.seal_list", "update settlement.seal_list set digest = sha256('x')",
         "list of seals of 2026-11-23 was changed"),
        ("settlement.seal_list",
         "update settlement.seal_list set settlements = settlements + 1",
         "list of seals of 2026-11-23 was changed"),
        ("settlement.seal_list",
         "update settlement.seal_list set algorithm = 'ed25511' where algorithm <> ''",
         "a list of seals names no algorithm"),
        ("settlement.seal_list",
         "delete from settlement.seal_list where begins_on = ends_on and institutions > 0",
         "list of seals of 2026-11-24 to 2026-11-24 is missing"),
        ("settlement.day_end", "update settlement.day_end set last_block = after_block",
         "end of the business day"),
        ("settlement.day_end", "update settlement.day_end set through_block = through_block + 1",
         "end of the business day"),
        ("settlement.day_end",
         "update settlement.day_end set booked_through = booked_through + interval '1 second'"
         " where business_day = '2026-11-30'",
         "end of the business day 2026-11-30 is wrong"),
        ("settlement.day_end",
         "update settlement.day_end set booked_from = booked_from - interval '1 second'"
         " where business_day = '2026-11-24'",
         "end of the business day 2026-11-24 is wrong"),
        ("settlement.day_total",
         "update settlement.day_total set cash_fen = cash_fen + 1"
         " where business_day = '2026-11-30'",
         "of 2026-11-30 is not what is booked"),
        ("settlement.day_total", "update settlement.day_total set persons[1] = persons[1] + 1",
         "is not what is booked"),
        ("settlement.day_total",
         "delete from settlement.day_total where business_day = '2026-11-24'",
         "of 2026-11-24 is not what is booked"),
        ("settlement.day_total",
         "insert into settlement.day_total select (jsonb_populate_record(d,"
         " '{\"setl_on\": \"2026-11-29\"}')).* from settlement.day_total d"
         " where d.business_day = '2026-11-30'",
         "of 2026-11-30 is not what is booked"),
        ("settlement.day_leaves",
         "update settlement.day_leaves set leaves = sha256('x') where business_day = '2026-11-24'",
         "of 2026-11-24 is not what is booked"),
        ("ledger.fold",
         "update ledger.fold f set credits = f.credits + 1 where f.account <> 0"
         " and f.through_block = (select max(d.through_block) from settlement.day_end d"
         " where d.business_day = '2026-11-24')",
         "at the end of 2026-11-24 are not those of its entries"),
        ("ledger.fold",
         "insert into ledger.fold (account, through_block, debits, credits, debits_pending,"
         " credits_pending, journal) select f.account, f.through_block + 1000000, f.debits + 1,"
         " f.credits, 0, 0, f.journal from ledger.fold f where f.through_block ="
         " (select max(d.through_block) from settlement.day_end d)",
         "are not those of its entries"),
        ("ledger.fold",
         "delete from ledger.fold f where f.through_block ="
         " (select max(d.through_block) from settlement.day_end d)",
         "at the end of 2026-11-30 are not those of its entries"),
        ("settlement.month_step",
         "update settlement.month_step set reference = repeat('0', 64) where act = 4",
         "report of 2026-11 is not the one it was closed by"),
    ],
)  # fmt: skip
async def test_what_was_touched_is_named(
    town: Town, table: str, statement: str, what: str
) -> None:
    async with tampered(town, table, statement):
        assert what in await found(town)
    assert await found(town) == ""


async def test_step_that_no_month_has_is_named(town: Town) -> None:
    """Not only what the database allows: who owns it drops its checks first."""
    async with all_tampered(
        town, ("settlement.month_step",),
        (("alter table settlement.month_step drop constraint month_step_known",),
         ("update settlement.month_step set act = 6 where act = 5",)),
    ):  # fmt: skip
        assert "a step of 2026-11 is none that a month has" in await found(town)
    await town.owner.execute(
        "alter table settlement.month_step add constraint month_step_known"
        " check (act between 1 and 5)"
    )
    assert await found(town) == ""


async def unlike(town: Town, told: tuple[bytes, int]) -> list[Unlike]:
    """Whose month is not what was published."""
    return await unlike_published(
        town.owner, [msgspec.json.decode(told[0], type=Published)]
    )


async def test_newest_rows_cut_off_as_if_they_had_never_been_are_missed(town: Town) -> None:
    """What no chain can show from inside (docs/operating/verify.md), a seal does: the last day's
    sale is taken out with its row, block, entry, and everything that was derived of it."""
    told = await published(await an_office(town), MONTH)
    assert not isinstance(told, Said)
    cut = await town.owner.fetchrow(
        "select e.journal, e.block_no, e.lane, e.entry_id, t.psn_no from ledger.entry e"
        " join settlement.settlement t on t.lane = e.lane and t.setl_id = e.entry_id"
        " where e.code = 1 order by e.entry_id desc limit 1"
    )
    block, entry = (cut["journal"], cut["block_no"]), (cut["lane"], cut["entry_id"])
    async with all_tampered(
        town,
        ("ledger.entry", "ledger.block", "ledger.balance", "settlement.settlement",
         "settlement.settlement_detail", "settlement.message", "settlement.statement_row",
         "settlement.listing", "settlement.person", "settlement.day_end"),
        (
            ("delete from ledger.block where journal = $1 and block_no >= $2", *block),
            ("update ledger.balance b set debits = b.debits - m.debits from ledger.movement m"
             " where m.lane = $1 and m.entry_id = $2 and b.lane = $1 and b.account = m.account",
             *entry),
            ("delete from ledger.entry where journal = $1 and block_no >= $2", *block),
            ("delete from settlement.settlement where lane = $1 and setl_id = $2", *entry),
            ("delete from settlement.settlement_detail where lane = $1 and setl_id = $2", *entry),
            ("delete from settlement.message where lane = $1 and ref = $2", *entry),
            ("delete from settlement.statement_row where lane = $1 and setl_id = $2", *entry),
            ("delete from settlement.listing where journal = $1 and after_block >= $2 - 1",
             *block),
            ("update settlement.listing set through_block = $2 - 1 where journal = $1"
             " and through_block >= $2", *block),
            ("update settlement.person set accumulators = '{}' where psn_no = $1",
             cut["psn_no"]),
            ("delete from settlement.day_end where journal = $1"
             " and greatest(last_block, through_block) >= $2", *block),
        ),
    ):  # fmt: skip
        assert "does not fit what is booked" in await found(town)
        assert [one.institution for one in await unlike(town, told)] == [town.pharmacy.code]
    assert await found(town) == ""
    assert await unlike(town, told) == []
