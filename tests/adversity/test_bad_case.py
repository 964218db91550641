"""One case that cannot be decided or written stands alone: those beside it go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.kit.population import CLASS_A, Citizen, some
from tests.kit.reply import assert_done, assert_refused
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")

OTHERS = 40


@asynccontextmanager
async def the_database_refuses(town: Town, citizen: Citizen) -> AsyncIterator[None]:
    """A check of the database lets no settlement of this person through."""
    await town.owner.execute(
        "alter table settlement.settlement add constraint not_this_one"
        f" check (psn_no <> '{citizen.number}') not valid"
    )
    yield
    await town.owner.execute("alter table settlement.settlement drop constraint not_this_one")


async def send_with_others(town: Town, citizen: Citizen) -> None:
    """The bad case among good ones: it is refused as our own fault, they are booked."""
    people = town.people(OTHERS)
    messages = [town.pharmacy.sale(who, some(CLASS_A)) for who in (*people, citizen)]
    async with asyncio.timeout(30):
        replies = await asyncio.gather(*map(town.pharmacy.send, reversed(messages)))
    bad, *good = replies
    assert_refused(bad, "INTERNAL", retry="same_msgid")
    for reply in good:
        assert_done(reply)
    assert [len(await town.rows_of(who)) for who in people] == [1] * OTHERS
    assert await town.rows_of(citizen) == []


async def test_case_that_the_database_refuses_stands_alone(town: Town) -> None:
    citizen = town.someone()
    async with the_database_refuses(town, citizen):
        await send_with_others(town, citizen)
    assert_done(await town.pharmacy.sell(citizen, some(CLASS_A)))


async def test_person_whose_record_is_damaged_stands_alone(town: Town) -> None:
    citizen = town.someone()
    sealed = await town.owner.fetchval(
        "select p.identity from settlement.person p where p.psn_no = $1", citizen.number
    )
    await _replace_identity(town, citizen, bytes(len(sealed)))
    await send_with_others(town, citizen)
    await _replace_identity(town, citizen, sealed)
    assert_done(await town.pharmacy.sell(citizen, some(CLASS_A)))


async def _replace_identity(town: Town, citizen: Citizen, sealed: bytes) -> None:
    await town.owner.execute(
        "update settlement.person set identity = $2 where psn_no = $1", citizen.number, sealed
    )
