"""A process dies while it walks through a settlement with relatives: nothing is lost or doubled.

Two relatives: six batches, in the order of ADR 0023. After each the database may be gone for the
process, or before it, as if the process had died there. What is then true, and what the background
makes of it, does not depend on the process any more.
"""

from __future__ import annotations

import asyncio

import pytest

from settlement.gateway import Unavailable
from settlement.lanes import lane_of
from settlement.serve.service import Service
from tests.kit.counter import Message
from tests.kit.population import BALANCE_FEN, DEAR, Citizen, some
from tests.kit.proxy import DatabaseLine, Fault
from tests.kit.reply import Reply, assert_done, assert_refused, assert_same_answer
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")

HELD, PAID, RELEASED, RETURNED = 1, 2, 3, 4
OPENED, FIRST_HELD, SECOND_HELD, SETTLED, ONE_PAID, BOTH_PAID = range(6)
"""The batches of a settlement with two relatives."""
UNDONE, ONE_RETURNED, BOTH_RETURNED, ENDED = range(4)
"""The batches of undoing it."""


def shared(town: Town, patient: Citizen) -> Message:
    """A sale that uses up three accounts."""
    return town.pharmacy.sale(patient, some(DEAR, 4)).edited({"input.druginfo.acct_used_flag": "2"})


async def heard(message: Message, service: Service) -> Reply | Unavailable:
    """The answer, or that there is none yet."""
    try:
        return await message.to(service)
    except Unavailable as exc:
        return exc


async def spent(town: Town, *people: Citizen) -> list[int]:
    """What their accounts have paid."""
    return [BALANCE_FEN - await town.balance_fen(one) for one in people]


async def family(town: Town) -> tuple[Citizen, Citizen, Citizen]:
    """A patient and two relatives, of two journals: what they do at once is not one batch."""
    patient, first, second = town.people(3)
    while await journal_of(town, first) == await journal_of(town, second):
        second = town.someone()
    await town.bind(patient, first, second)
    return patient, first, second


async def journal_of(town: Town, citizen: Citizen) -> int:
    found: int = await town.owner.fetchval(
        "select l.journal from ledger.lane l where l.lane = $1", lane_of(citizen.number, town.lanes)
    )
    return found


@pytest.mark.parametrize("fault", list(Fault))
@pytest.mark.parametrize(
    "batch", [OPENED, FIRST_HELD, SECOND_HELD, SETTLED, ONE_PAID, BOTH_PAID]
)  # fmt: skip
async def test_process_that_dies_at_any_step_of_settling(
    town: Town, worker: Service, line: DatabaseLine, batch: int, fault: Fault
) -> None:
    patient, first, second = await family(town)
    message = shared(town, patient)
    line.break_at_next_batch(fault, away=True, after=batch)
    reply = await heard(message, worker)
    assert line.broken.is_set()
    await line.open()
    decided = batch > SETTLED or (batch == SETTLED and fault is Fault.AFTER_COMMIT)
    assert len(await town.rows_of(patient)) == decided
    if isinstance(reply, Unavailable):
        assert batch <= SETTLED
    else:
        assert batch > SETTLED
        assert_done(reply)
    if not decided and (batch, fault) != (OPENED, Fault.BEFORE_SEND):
        assert_refused(
            await message.to(town.service), "UNDERTAKING_OPEN", field="input.druginfo.psn_no",
            retry="later",
        )  # fmt: skip
    await town.end_what_was_left()
    assert await town.under_way(patient) is None
    assert await spent(town, patient, first, second) == [BALANCE_FEN * decided] * 3
    again = await message.to(town.service)
    assert_done(again)
    assert bool(again.warn_msg) is decided
    assert len(await town.rows_of(patient)) == 1
    assert await spent(town, patient, first, second) == [BALANCE_FEN] * 3
    assert await town.end_what_was_left() == 0


@pytest.mark.parametrize("fault", list(Fault))
@pytest.mark.parametrize("batch", [UNDONE, ONE_RETURNED, BOTH_RETURNED, ENDED])
async def test_process_that_dies_at_any_step_of_undoing(
    town: Town, worker: Service, line: DatabaseLine, batch: int, fault: Fault
) -> None:
    patient, first, second = await family(town)
    settled = await shared(town, patient).to(town.service)
    message = town.pharmacy.cancel(settled)
    line.break_at_next_batch(fault, away=True, after=batch)
    reply = await heard(message, worker)
    assert line.broken.is_set()
    await line.open()
    decided = (batch, fault) != (UNDONE, Fault.BEFORE_SEND)
    assert len(await town.rows_of(patient)) == 1 + decided
    if decided and (batch, fault) != (ENDED, Fault.AFTER_COMMIT):
        assert_refused(
            await shared(town, patient).to(town.service), "UNDERTAKING_OPEN",
            field="input.druginfo.psn_no", retry="later",
        )  # fmt: skip
    await town.end_what_was_left()
    assert await town.under_way(patient) is None
    assert await spent(town, patient, first, second) == [BALANCE_FEN * (not decided)] * 3
    again = await message.to(town.service)
    assert_done(again)
    if isinstance(reply, Reply):
        assert_same_answer(reply, again)
    assert await spent(town, patient, first, second) == [0, 0, 0]
    assert await town.end_what_was_left() == 0


async def test_late_process_finds_its_undertaking_ended_and_settles_nothing(
    town: Town, worker: Service, line: DatabaseLine
) -> None:
    """The background was faster: what the process has held is released all the same."""
    patient, donor = town.people(2)
    await town.bind(patient, donor)
    message = shared(town, patient)
    line.break_at_next_batch(Fault.AFTER_COMMIT, away=True, after=FIRST_HELD)
    assert isinstance(await heard(message, worker), Unavailable)
    await line.open()
    await town.end_what_was_left()
    assert await town.moves_of(donor) == [(HELD, BALANCE_FEN), (RELEASED, BALANCE_FEN)]
    assert await spent(town, patient, donor) == [0, 0]


async def test_nobody_touches_what_is_under_way_for_less_than_a_request_takes(
    town: Town, worker: Service, line: DatabaseLine
) -> None:
    patient, donor = town.people(2)
    await town.bind(patient, donor)
    line.break_at_next_batch(Fault.AFTER_COMMIT, away=True, after=FIRST_HELD)
    assert isinstance(await heard(shared(town, patient), worker), Unavailable)
    await line.open()
    assert await town.end_what_was_left(after_seconds=10) == 0
    assert await town.under_way(patient) is not None
    assert await town.end_what_was_left() > 0


async def test_service_that_is_stopped_first_finishes_what_is_under_way(town: Town) -> None:
    leaving = await town.start_service()
    patient, donor = town.people(2)
    await town.bind(patient, donor)
    asking = asyncio.create_task(shared(town, patient).to(leaving))
    await asyncio.sleep(0)
    await town.stop_service(leaving)
    settled = await asking
    assert_done(settled)
    assert [kind for kind, _ in await town.moves_of(donor)] == [HELD, PAID]
    assert await town.end_what_was_left() == 0
