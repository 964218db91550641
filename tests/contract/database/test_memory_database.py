"""The database of the simulation answers as PostgreSQL does: every statement that simulated seeds
send is sent there too (ADR 0054)."""

from __future__ import annotations

import asyncio

import pytest
from msgspec import structs

from settlement.embedded.services import Services
from tests.contract.database.replay import Twin
from tests.kit.pair import OTHER, OURS
from tests.services import fresh_database
from tests.simulation.database.driver import Sent, name_of
from tests.simulation.whole.story import Story, play

STATEMENTS_MIN = 500


@pytest.mark.parametrize(("code", "seed"), [(OURS, 26), (OTHER, 16)])
async def test_memory_answers_every_statement_as_postgres_does(
    services: Services, code: str, seed: int
) -> None:
    stories: list[Story] = []

    def watch(story: Story) -> None:
        stories.append(story)
        for city in story.cities:
            city.server.sent = [] if city.code == code else None

    await asyncio.to_thread(play, seed, watch)
    [story] = stories
    server = next(city.server for city in story.cities if city.code == code)
    assert server.sent is not None
    with fresh_database(services) as database:
        twin = Twin(database, code)
        await twin.open()
        try:
            await twin.replay(server.sent)
            await twin.same_books(server.tables)
            with pytest.raises(AssertionError):
                await twin.replay([_otherwise(server.sent)])
        finally:
            await twin.close()
    assert twin.compared > STATEMENTS_MIN


def _otherwise(sent: list[Sent]) -> Sent:
    """A look-up whose answer has a row too many."""
    one = next(one for one in sent if name_of(one.statement) == "lanes")
    return structs.replace(one, answer=[*one.answer, ("0", 1)])
