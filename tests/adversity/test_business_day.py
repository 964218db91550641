"""The business day is closed while claims come in: they count on the next day, none is lost."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timedelta

import pytest

from ledger.postgres.schema import close_day
from ledger.rules import Outcome
from tests.kit.population import CLASS_A, some
from tests.kit.reply import assert_done, assert_same_answer
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def close(town: Town, day: date) -> None:
    """The agency closes its books for the day."""
    outcome = await close_day(town.owner, business_day=day, closed_at=town.clock())
    assert outcome is Outcome.OK


async def test_claim_after_the_close_counts_on_the_next_day(town: Town) -> None:
    citizen = town.someone()
    today = town.clock.local.date()
    early = town.pharmacy.sale(citizen, some(CLASS_A))
    first = await town.pharmacy.send(early)
    await close(town, today)
    assert_done(await town.pharmacy.sell(citizen, some(CLASS_A)))
    assert_same_answer(first, await town.pharmacy.send(early))
    days = [row["business_day"] for row in await town.rows_of(citizen)]
    assert days == [today, today + timedelta(1)]


async def test_close_in_the_middle_of_many_claims_loses_none(town: Town) -> None:
    town.clock.move_to(datetime(2026, 11, 25, 9, 0))
    today = town.clock.local.date()
    worker = await town.start_service()
    people = town.people(60)
    messages = [town.pharmacy.sale(citizen, some(CLASS_A)) for citizen in people for _ in range(3)]
    workers = (worker, town.service)
    sent = [asyncio.create_task(m.to(workers[n % 2])) for n, m in enumerate(messages)]
    await asyncio.wait(sent, return_when=asyncio.FIRST_COMPLETED)
    await close(town, today)
    replies = await asyncio.gather(*sent)
    last = await town.pharmacy.sell(town.someone(), some(CLASS_A))
    assert len({reply.setl_id for reply in [*replies, last]}) == len(messages) + 1
    rows = [row for citizen in people for row in await town.rows_of(citizen)]
    assert {row["business_day"] for row in rows} <= {today, today + timedelta(1)}
    assert len(rows) == len(messages)


async def test_old_year_closed_early_keeps_its_claims_in_the_old_fiscal_year(town: Town) -> None:
    citizen = town.someone()
    town.clock.move_to(datetime(2026, 12, 31, 22, 0))
    await close(town, date(2026, 12, 31))
    assert_done(await town.pharmacy.sell(citizen, some(CLASS_A)))
    [row] = await town.rows_of(citizen)
    assert (row["business_day"], row["year"]) == (date(2027, 1, 1), 2026)
