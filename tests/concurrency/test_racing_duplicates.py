"""A message twice at once through different processes, where deciding takes several reads.

The facts are read at more than one moment, so a duplicate may see what the first one did without
seeing that it was the first one. It must be answered like the first all the same, never refused.
"""

from __future__ import annotations

import random
from decimal import Decimal

import pytest

from settlement.serve.service import Service
from tests.kit.counter import Message
from tests.kit.population import CLASS_A, DEAR, Citizen, some
from tests.kit.racing import race
from tests.kit.town import Town
from tests.kit.ward import admit

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROUNDS = 40


async def a_cancel(town: Town, citizen: Citizen) -> Message:
    return town.pharmacy.cancel(await town.pharmacy.sell(citizen, some(CLASS_A)))


async def a_visit_settlement(town: Town, citizen: Citizen) -> Message:
    visit = await town.hospital.open_visit(citizen, some(CLASS_A))
    quoted = visit.quote(some(CLASS_A))
    return visit.settlement(quoted, await town.hospital.send(quoted))


async def a_line_upload(town: Town, citizen: Citizen) -> Message:
    return (await town.hospital.open_visit(citizen)).lines(some(CLASS_A))


async def a_discharge(town: Town, citizen: Citizen) -> Message:
    return (await admit(town.hospital, citizen, some(CLASS_A))).discharge()


async def a_stay_settlement(town: Town, citizen: Citizen) -> Message:
    stay = await admit(town.hospital, citizen, some(DEAR))
    assert (await town.hospital.send(stay.discharge())).infcode == 0
    quoted = stay.quote(Decimal("2000.00"))
    return stay.settlement(quoted, await town.hospital.send(quoted))


@pytest.mark.parametrize(
    "prepare", [a_cancel, a_visit_settlement, a_line_upload, a_discharge, a_stay_settlement]
)
async def test_racing_duplicates_of_a_later_step_are_answered_alike(
    town: Town, workers: list[Service], rng: random.Random, prepare: object
) -> None:
    assert callable(prepare)
    for citizen in town.people(ROUNDS):
        message = await prepare(town, citizen)
        replies = await race(rng, workers, message, message, message)
        refused = [f"{reply.err_code} {reply.err_msg}" for reply in replies if reply.infcode]
        assert refused == []
        assert [reply.output for reply in replies] == [replies[0].output] * 3
