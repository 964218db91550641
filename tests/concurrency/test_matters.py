"""What a person has done and what is done for them at the same moment are in one order: an account
is not overdrawn, a step is booked once, and an authorisation is over when it is over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from settlement.people.matter_states import Happening
from settlement.said import Said
from settlement.serve.clerk import Step, clerk_of
from tests.kit.citizen_app import CitizenApp, a_city_app
from tests.kit.clerks import SECOND, Office
from tests.kit.population import CLASS_A, some
from tests.kit.town import Town, a_town
from tests.services import FreshDatabase

pytestmark = pytest.mark.asyncio(loop_scope="module")
AT_ONCE = 4


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(database: FreshDatabase) -> AsyncIterator[Town]:
    """A town whose books are checked at the end."""
    async with a_town(database) as town:
        yield town


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(town: Town) -> AsyncIterator[CitizenApp]:
    """The city's app."""
    async with a_city_app(town) as app:
        yield app


async def confirmed(town: Town, step: Step) -> Said:
    """A clerk's command in a process of its own, as far as the database can tell."""
    connection = await asyncpg.connect(town.owner_dsn)
    try:
        clerk = await clerk_of(connection, town.keyring, clock=town.clock)
        return await clerk.confirm(step)
    finally:
        await connection.close()


async def test_account_is_not_spent_twice(town: Town, app: CitizenApp) -> None:
    """Two clerks take all of it out while two pharmacies sell: what there was is gone once."""
    who, office = town.someone(), Office(town)
    told = await app.post(who, "transfers", {"direction": "out", "region": "430100"})
    number = told.said["matter_no"]
    step = office.step(number, Happening.TAKEN_OUT, 100_000, "LX-1")
    await office.propose(step)
    second = office.step(number, Happening.TAKEN_OUT, 100_000, "LX-1", actor=SECOND)
    *said, sold, sold_too = await asyncio.gather(
        *(confirmed(town, second) for _ in range(AT_ONCE)),
        town.pharmacy.sell(who, some(CLASS_A, 4)),
        town.other_pharmacy.sell(who, some(CLASS_A, 4)),
    )
    spent = sum(int(one.money("acct_pay") * 100) for one in (sold, sold_too))
    taken = any(one.status == 0 for one in said)
    assert await town.balance_fen(who) == 100_000 - spent - (100_000 if taken else 0)
    assert taken is (spent == 0)
    assert all("TRANSFER_EXCEEDS_BALANCE" in one.text for one in said if one.status)


async def test_step_that_many_confirm_is_booked_once(town: Town, app: CitizenApp) -> None:
    who, office = town.someone(), Office(town)
    number = await office.bring_in(who)
    await office.propose(office.step(number, Happening.PAID, 777, "LX-2"))
    second = office.step(number, Happening.PAID, 777, "LX-2", actor=SECOND)
    said = await asyncio.gather(*(confirmed(town, second) for _ in range(AT_ONCE)))
    assert [one.status for one in said] == [0] * AT_ONCE
    assert sum("此前已办" not in one.text for one in said) == 1
    assert await town.balance_fen(who) == 100_777


async def test_letter_is_one_matters_whoever_comes_first(town: Town, app: CitizenApp) -> None:
    first, second = town.strangers()
    office = Office(town)
    steps = []
    for who in (first, second):
        number = await office.bring_in(who)
        await office.propose(office.step(number, Happening.PAID, 900, "LX-3"))
        steps.append(office.step(number, Happening.PAID, 900, "LX-3", actor=SECOND))
    said = await asyncio.gather(*(confirmed(town, step) for step in steps))
    assert sorted(one.status for one in said) == [0, 1]
    balances = [await town.balance_fen(who) for who in (first, second)]
    assert sorted(balances) == [100_000, 100_900]


async def test_filings_of_one_place_at_once_are_one(town: Town, app: CitizenApp) -> None:
    who = town.someone()
    told = await asyncio.gather(*(app.file(who, "resident") for _ in range(AT_ONCE)))
    assert sorted(one.code for one in told) == [""] + ["OFF_SITE_OVERLAPS"] * (AT_ONCE - 1)
    assert (await app.get(who, "status")).said["filings_in_force"] == 1


async def test_filing_and_sales_of_one_person_do_not_lose_each_other(
    town: Town, app: CitizenApp
) -> None:
    who = town.someone()
    places = ("510000", "430000", "420000", "330000")
    told = await asyncio.gather(
        *(app.file(who, "other", place=place) for place in places),
        *(town.pharmacy.sell(who, some(CLASS_A)) for _ in range(AT_ONCE)),
    )
    assert all(getattr(one, "code", "") == "" for one in told[: len(places)])
    assert (await app.get(who, "status")).said["filings_in_force"] == len(places)
    assert len(await town.rows_of(who)) == AT_ONCE
