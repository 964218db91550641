"""The line to other regions, the same over HTTP as in one process: what is known, and what nobody
knows."""

from __future__ import annotations

import logging

import pytest
from msgspec import structs

from loadtest.simulators.hub import HubSimulator
from loadtest.simulators.hub_faults import Fault, Rule
from loadtest.simulators.hub_world import hub_regions
from loadtest.simulators.virtual_clock import VirtualClock
from protocol.hub.messages import Kind, Question, ReverseAsked, StatusAsked, StatusTold
from protocol.hub.post import Written
from settlement.refusal import Refusal
from settlement.region.hub import NoAnswer, Why
from settlement.region.hub_line import HttpCarrier, PostLine
from settlement.telemetry.metrics import METRICS
from tests.contract.hub.conftest import Wire
from tests.kit.hub import INSURED, OTHER, TREATED, a_case, person_asked, shared
from tests.kit.hub_desk import NOBODY, MemoryDesk

CASE = a_case()
STATUS = StatusAsked(case_no=CASE.case_no, person_no=CASE.person_no)
PATIENCE = 5.0


async def settle(wire: Wire, *, to: str = INSURED, seconds: float = PATIENCE) -> object:
    """Ask I to settle the case."""
    return await ask(wire, Kind.SETTLE, CASE, to=to, seconds=seconds)


async def ask(
    wire: Wire, kind: Kind, question: Question, *, to: str = INSURED, seconds: float = PATIENCE
) -> object:
    """Ask, under the case's number."""
    return await wire.line.ask(to, kind, question, correlation=CASE.case_no, seconds=seconds)


def why(answer: object) -> Why:
    """Why there is no answer."""
    assert isinstance(answer, NoAnswer), answer
    return answer.why


async def test_question_is_answered_by_the_desk_of_the_other_region(wire: Wire) -> None:
    assert await settle(wire) == shared(CASE)
    assert wire.desk.asked == [("441900", Kind.SETTLE, CASE)]


async def test_refusal_arrives_as_what_it_is(wire: Wire) -> None:
    assert await ask(wire, Kind.PERSON, person_asked()) == NOBODY


async def test_same_question_asked_twice_has_one_effect_and_one_answer(wire: Wire) -> None:
    assert await settle(wire) == await settle(wire) == shared(CASE)
    assert len(wire.desk.asked) == 2
    assert wire.hub.book.totals()["441900>430100"]["settled_count"] == 1


FATES = [
    # what happens at the hub,  what T knows,     did I hear it
    (Fault.BUSY,                Why.NO_ANSWER,    False),
    (Fault.LOST_BEFORE,         Why.NO_ANSWER,    False),
    (Fault.LOST_AFTER,          Why.NO_ANSWER,    True),
    (Fault.ARRIVES_LATE,        Why.NO_ANSWER,    False),
    (Fault.FORGED,              Why.WORTHLESS,    True),
    (Fault.TWICE,               None,             True),
    (Fault.AGAIN_LATER,         None,             True),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "known", "heard"), FATES)
async def test_what_the_hub_does_to_a_question(
    wire: Wire, fault: Fault, known: Why | None, heard: bool
) -> None:
    wire.hub.faults.add(Rule(fault=fault, kind=Kind.SETTLE))
    answer = await settle(wire)
    assert (answer == shared(CASE)) if known is None else (why(answer) is known)
    assert bool(wire.desk.asked) is heard
    told = await ask(wire, Kind.STATUS, STATUS)
    assert isinstance(told, StatusTold)
    assert (told.case == shared(CASE)) is heard


async def test_answer_of_another_question_is_worthless(wire: Wire) -> None:
    assert await ask(wire, Kind.PERSON, person_asked()) == NOBODY
    wire.hub.faults.add(Rule(fault=Fault.OTHER_ANSWER, kind=Kind.SETTLE))
    alarms = METRICS.hub_alarms
    assert why(await settle(wire)) is Why.WORTHLESS
    assert METRICS.hub_alarms == alarms + 1


async def test_nobody_waits_longer_than_asked_for(wire: Wire) -> None:
    wire.hub.faults.add(Rule(fault=Fault.ANSWERS_LATE, kind=Kind.SETTLE, delay_seconds=60))
    assert why(await settle(wire, seconds=0.2)) is Why.NO_ANSWER
    assert len(wire.desk.asked) == 1


async def test_late_question_arrives_when_its_time_has_come(wire: Wire) -> None:
    wire.hub.faults.add(Rule(fault=Fault.ARRIVES_LATE, kind=Kind.SETTLE, delay_seconds=60))
    assert why(await settle(wire)) is Why.NO_ANSWER
    await wire.hub.clock.advance(59)
    assert not wire.desk.asked
    await wire.hub.clock.advance(1)
    assert wire.desk.standing == {CASE.case_no: shared(CASE).fund_fen + shared(CASE).account_fen}


async def test_late_question_finds_the_tombstone(wire: Wire) -> None:
    wire.hub.faults.add(Rule(fault=Fault.ARRIVES_LATE, kind=Kind.SETTLE, delay_seconds=60))
    await settle(wire)
    await ask(wire, Kind.REVERSE, ReverseAsked(case_no=CASE.case_no, person_no=CASE.person_no))
    await wire.hub.clock.advance(60)
    assert [kind for _, kind, _ in wire.desk.asked] == [Kind.REVERSE, Kind.SETTLE]
    assert wire.desk.standing == {}


async def test_recording_that_is_played_later_never_reaches_the_desk(
    wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    wire.hub.faults.add(Rule(fault=Fault.AGAIN_LATER, kind=Kind.SETTLE, delay_seconds=301))
    await settle(wire)
    alarms = METRICS.hub_alarms
    with caplog.at_level(logging.ERROR, logger="settlement.hub"):
        await wire.hub.clock.advance(301)
    assert len(wire.desk.asked) == 1
    assert METRICS.hub_alarms == alarms + 1
    [record] = caplog.records
    assert vars(record)["event"] == "hub.message.attack"
    assert vars(record)["fault"] == "outside window"
    assert "43010000000000000001" not in str(vars(record))


async def test_region_that_is_down_does_not_answer_and_comes_back(wire: Wire) -> None:
    wire.hub.take_down(INSURED, 3_600)
    assert why(await settle(wire)) is Why.NO_ANSWER
    await wire.hub.clock.advance(3_600)
    assert await settle(wire) == shared(CASE)


async def test_hub_whose_clock_runs_carries_too() -> None:
    hub = HubSimulator(clock=VirtualClock())
    regions = hub_regions(hub, [TREATED, INSURED])
    regions[INSURED].desk = MemoryDesk()

    async def ask_who() -> object:
        return await regions[TREATED].line.ask(
            INSURED, Kind.PERSON, person_asked(), correlation=CASE.case_no, seconds=PATIENCE
        )

    assert await ask_who() == NOBODY
    hub.take_down(INSURED, 3_600)
    assert why(await ask_who()) is Why.NO_ANSWER


async def test_desk_that_does_not_know_says_nothing(wire: Wire) -> None:
    wire.desk.is_silent = True
    assert why(await settle(wire)) is Why.NO_ANSWER


async def test_region_where_nobody_answers_says_nothing(wire: Wire) -> None:
    assert why(await settle(wire, to=OTHER)) is Why.NO_ANSWER


async def test_what_cannot_be_sent_had_no_effect(wire: Wire) -> None:
    assert why(await settle(wire, to="460100")) is Why.NOT_SENT
    counterparts = wire.treated.counterparts
    counterparts[INSURED] = structs.replace(counterparts[INSURED], active=False)
    assert why(await settle(wire)) is Why.NOT_SENT
    assert wire.desk.asked == []
    assert isinstance(await ask(wire, Kind.STATUS, STATUS), StatusTold)


CLOCKS = [
    # seconds that T's clock is ahead, does I believe it
    (0, True), (299, True), (-299, True), (301, False), (-301, False),
]  # fmt: skip


@pytest.mark.parametrize(("ahead", "believed"), CLOCKS)
async def test_clocks_may_be_apart_within_the_window(
    wire: Wire, ahead: int, believed: bool
) -> None:
    wire.treated.clock.seconds = ahead
    answer = await settle(wire)
    assert (answer == shared(CASE)) if believed else (why(answer) is Why.NO_ANSWER)


async def test_a_kind_that_is_not_known_is_refused_with_a_proof_and_never_reaches_the_desk(
    wire: Wire,
) -> None:
    post = wire.treated.registry.post
    written = post.ask(
        STATUS, to=INSURED, kind=Kind.STATUS, correlation="1", at=wire.treated.clock()
    )
    assert isinstance(written, Written)
    alarms = METRICS.hub_alarms
    outside = structs.replace(written.envelope, kind="weather")
    answer = await wire.insured.door.take(post.written(outside, b"{}"))
    assert isinstance(answer, bytes) and b'"says":"refused"' in answer, answer
    changed = post.written(outside, b"{}").replace(b"weather", b"whether")
    assert await wire.insured.door.take(changed) == Refusal(code="HUB_SIGNATURE_WRONG")
    assert (wire.desk.asked, METRICS.hub_alarms) == ([], alarms + 1)


async def test_without_a_connection_no_byte_has_left(wire: Wire) -> None:
    carrier = HttpCarrier("http://127.0.0.1:1", connect_seconds=1.0)
    line = PostLine(lambda: wire.treated.registry, carrier, wire.treated.clock)
    answer = await line.ask(
        INSURED, Kind.SETTLE, CASE, correlation=CASE.case_no, seconds=PATIENCE
    )
    assert why(answer) is Why.NOT_SENT
    carrier.close()
