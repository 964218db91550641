"""The line to the database breaks at a chosen place: what the caller hears is what is true."""

from __future__ import annotations

import asyncio

import pytest

from settlement.catalogue import Catalogue
from settlement.gateway import Unavailable
from settlement.serve import catalogue_watch, reference_watch
from settlement.serve.catalogue_watch import CatalogueWatch
from settlement.serve.service import Service
from tests.kit.counter import Message
from tests.kit.population import BALANCE_FEN, CLASS_A, Citizen, some
from tests.kit.proxy import DatabaseLine, Fault
from tests.kit.reply import assert_done, assert_money, assert_refused
from tests.kit.town import Town
from tests.kit.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

FAULTS = list(Fault)


async def booked(town: Town, citizen: Citizen) -> int:
    """How many settlement rows the person has."""
    return len(await town.rows_of(citizen))


async def refused_for_now(message: Message, worker: Service) -> Unavailable:
    """What a caller hears where no definite answer can be given."""
    with pytest.raises(Unavailable) as heard:
        await message.to(worker)
    return heard.value


@pytest.mark.parametrize("fault", FAULTS)
async def test_broken_connection_is_resolved_by_ourselves_when_the_database_is_there(
    town: Town, worker: Service, line: DatabaseLine, fault: Fault
) -> None:
    citizen = town.someone()
    line.break_at_next_batch(fault)
    reply = await town.pharmacy.sale(citizen, some(CLASS_A, 2)).to(worker)
    assert line.broken.is_set()
    assert_money(reply, total="25.00", fund="15.00", account="10.00", cash="0.00")
    assert await booked(town, citizen) == 1
    assert await town.balance_fen(citizen) == BALANCE_FEN - 1000


@pytest.mark.parametrize("fault", FAULTS)
async def test_unknown_outcome_is_resolved_by_the_same_message_once_the_database_is_back(
    town: Town, worker: Service, line: DatabaseLine, fault: Fault
) -> None:
    citizen = town.someone()
    message = town.pharmacy.sale(citizen, some(CLASS_A, 2))
    line.break_at_next_batch(fault, away=True)
    assert (await refused_for_now(message, worker)).retry == "same_msgid"
    assert await booked(town, citizen) == (fault is Fault.AFTER_COMMIT)
    await line.open()
    reply = await message.to(worker)
    assert_money(reply, total="25.00", fund="15.00", account="10.00", cash="0.00")
    assert bool(reply.warn_msg) is (fault is Fault.AFTER_COMMIT)
    assert await booked(town, citizen) == 1


@pytest.mark.parametrize("fault", FAULTS)
async def test_whole_batch_is_written_once_whatever_breaks(
    town: Town, worker: Service, line: DatabaseLine, fault: Fault
) -> None:
    people = town.people(40)
    messages = [town.pharmacy.sale(who, some(CLASS_A)) for who in people for _ in range(2)]
    line.break_at_next_batch(fault)
    replies = await asyncio.gather(*[message.to(worker) for message in messages])
    assert line.broken.is_set()
    assert len({reply.setl_id for reply in replies}) == len(messages)
    assert [await booked(town, who) for who in people] == [2] * len(people)


async def test_database_away_from_the_start_means_later_and_nothing_booked(
    town: Town, worker: Service, line: DatabaseLine
) -> None:
    citizen = town.someone()
    await line.cut()
    message = town.pharmacy.sale(citizen, some(CLASS_A))
    heard = await refused_for_now(message, worker)
    assert (heard.retry, heard.seconds >= 1) == ("later", True)
    assert not worker.readiness().ready
    assert await booked(town, citizen) == 0
    await line.open()
    assert_done(await message.to(worker))
    assert worker.readiness().ready


async def test_readiness_comes_back_with_the_database_before_anybody_asks(
    town: Town, worker: Service, line: DatabaseLine
) -> None:
    """Whoever balances load by it sends nobody to a process that is not ready."""
    await line.cut()
    await refused_for_now(town.pharmacy.sale(town.borrowed(), some(CLASS_A)), worker)
    assert not worker.readiness().ready
    await line.open()

    async def is_ready() -> bool:
        await town.owner.fetchval("select 1")
        return worker.readiness().ready

    await until(is_ready)


async def test_reference_data_in_memory_serves_while_the_database_is_away(
    town: Town, worker: Service, line: DatabaseLine
) -> None:
    await line.cut()

    async def is_degraded() -> bool:
        await refused_for_now(town.pharmacy.sale(town.borrowed(), some(CLASS_A)), worker)
        return "reference" in worker.readiness().degraded

    await until(is_degraded)
    assert worker.credential(town.pharmacy.caller.access_key) is not None
    await line.open()
    assert_done(await town.pharmacy.sale(town.someone(), some(CLASS_A)).to(worker))

    async def is_fresh() -> bool:
        await town.owner.fetchval("select 1")
        return not worker.readiness().degraded

    await until(is_fresh)


async def test_enquiry_and_quote_without_a_database_say_later(
    town: Town, worker: Service, line: DatabaseLine
) -> None:
    citizen = town.someone()
    settled = await town.pharmacy.sell(citizen, some(CLASS_A))
    await line.cut()
    quote = town.pharmacy.quote(citizen, some(CLASS_A))
    assert (await refused_for_now(quote, worker)).retry == "later"
    cancel = town.pharmacy.cancel(settled)
    assert (await refused_for_now(cancel, worker)).retry == "later"
    await line.open()
    assert_done(await cancel.to(worker))


@pytest.mark.parametrize("fault", FAULTS)
async def test_reversal_survives_a_broken_line(
    town: Town, worker: Service, line: DatabaseLine, fault: Fault
) -> None:
    citizen = town.someone()
    message = town.pharmacy.sale(citizen, some(CLASS_A))
    assert_done(await town.pharmacy.send(message))
    line.break_at_next_batch(fault)
    reversal = town.pharmacy.reversal(message, citizen)
    assert_done(await reversal.to(worker))
    assert [row["kind"] for row in await town.rows_of(citizen)] == [1, 3]


@pytest.mark.parametrize("fault", FAULTS)
async def test_visit_survives_a_broken_line_at_every_step(
    town: Town, worker: Service, line: DatabaseLine, fault: Fault
) -> None:
    citizen = town.someone()
    registration = town.hospital.registration(citizen)
    line.break_at_next_batch(fault)
    first = await registration.to(worker)
    again = await registration.to(worker)
    assert line.broken.is_set()
    assert first.output == again.output
    visit = await town.hospital.open_visit(citizen)
    for message in (visit.diagnosis(), visit.lines(some(CLASS_A))):
        line.break_at_next_batch(fault)
        assert_done(await message.to(worker))
        assert line.broken.is_set()
    quoted = visit.quote(some(CLASS_A))
    settlement = visit.settlement(quoted, await quoted.to(worker))
    line.break_at_next_batch(fault)
    settled = await settlement.to(worker)
    assert_money(settled, total="12.50", fund="7.50", account="5.00", cash="0.00")
    assert len(await town.rows_of(citizen)) == 1


async def test_stop_switch_is_in_force_although_the_line_fell_silent(
    town: Town, worker: Service, line: DatabaseLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference_watch, "LOOK_SECONDS_MAX", 0.5)
    citizen = town.someone()

    async def is_sure() -> bool:
        return worker.reference.fresh

    async def is_not_sure() -> bool:
        return not worker.reference.fresh

    await until(is_sure)
    line.fall_silent()
    await until(is_not_sure)
    await town.switch("person", citizen.number, on=True)
    await until(is_sure)
    # The queue's own connection is silent too; it is given up after the time of a read.
    refused = await town.pharmacy.sale(citizen, some(CLASS_A)).to(worker)
    assert_refused(refused, "PERSON_SUSPENDED", field="input.druginfo.psn_no")


async def test_catalogue_is_read_again_although_the_line_fell_silent_while_it_came(
    line: DatabaseLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue_watch, "LOAD_SECONDS_MAX", 0.5)
    known, swapped, silent = Catalogue([]), list[Catalogue](), [line.fall_silent]

    def present() -> Catalogue:
        """What is known; it is asked for when the connection is there."""
        if silent:
            silent.pop()()
        return known

    async def is_over() -> bool:
        return not watch.loading

    watch = CatalogueWatch(line.dsn, present, swapped.append)
    watch.want(7)
    await until(is_over)
    assert (swapped, watch.version, watch.fresh) == ([], 0, True)
    watch.want(7)
    await until(is_over)
    assert (len(swapped), watch.version) == (1, 7)
