"""What another region hears when our region cannot answer: nothing that could turn out wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from protocol.hub.messages import (
    CancelTold,
    CaseState,
    CaseTold,
    Kind,
    Question,
    Refused,
    ReverseAsked,
    ReverseTold,
    StatusAsked,
    Told,
)
from settlement.region.hub import OutcomeUnknownError
from settlement.serve.service import Service
from tests.kit.abroad import Abroad
from tests.kit.population import BALANCE_FEN
from tests.kit.proxy import DatabaseLine, Fault
from tests.kit.town import Town, small_limits

pytestmark = pytest.mark.asyncio(loop_scope="module")

FAULTS = list(Fault)


async def ask(worker: Service, abroad: Abroad, kind: Kind, question: Question) -> Told | Refused:
    """A question, at a worker behind the line."""
    return await worker.hub_desk.answer(abroad.region.region, kind, question)


async def all_at_once(
    worker: Service, abroad: Abroad, kind: Kind, questions: Sequence[Question]
) -> list[Told | Refused | BaseException]:
    """Ask all of them in one turn of the loop."""
    asked = [ask(worker, abroad, kind, question) for question in questions]
    return await asyncio.gather(*asked, return_exceptions=True)


async def test_full_queue_gives_a_case_no_answer_and_refuses_what_has_no_effect(
    town: Town,
) -> None:
    abroad = Abroad(town.service, town.clock)
    full = await town.start_service(small_limits(queue_length_max=1, batch_size_max=1))
    cases = [abroad.case(someone) for someone in town.people(40)]
    answers = await all_at_once(full, abroad, Kind.SETTLE, cases)
    unknown = {n for n, one in enumerate(answers) if isinstance(one, OutcomeUnknownError)}
    assert unknown
    assert all(isinstance(answers[n], CaseTold) for n in set(range(40)) - unknown)
    for number, case in enumerate(cases):
        state = (await abroad.status(case)).state
        assert state is (CaseState.UNKNOWN if number in unknown else CaseState.SETTLED)
    asked = [StatusAsked(case_no=case.case_no, person_no=case.person_no) for case in cases]
    told = await all_at_once(full, abroad, Kind.STATUS, asked)
    refused = [one for one in told if isinstance(one, Refused)]
    assert {(one.code, one.retry) for one in refused} == {("OVERLOADED", "later")}
    await town.stop_service(full)


@pytest.mark.parametrize("fault", FAULTS)
async def test_broken_line_is_resolved_by_ourselves_when_the_database_is_there(
    town: Town, worker: Service, line: DatabaseLine, fault: Fault
) -> None:
    abroad = Abroad(worker, town.clock)
    case = abroad.case(town.someone())
    line.break_at_next_batch(fault)
    settled = await abroad.settle(case)
    assert line.broken.is_set()
    asked = abroad.cancelling(case, settled)
    line.break_at_next_batch(fault)
    cancelled = await ask(worker, abroad, Kind.CANCEL, asked)
    assert isinstance(cancelled, CancelTold)
    assert await ask(worker, abroad, Kind.CANCEL, asked) == cancelled


@pytest.mark.parametrize("fault", FAULTS)
async def test_case_whose_commit_nobody_saw_gets_no_answer_and_can_be_reversed(
    town: Town, worker: Service, line: DatabaseLine, fault: Fault
) -> None:
    abroad = Abroad(worker, town.clock)
    someone = town.someone()
    case = abroad.case(someone)
    line.break_at_next_batch(fault, away=True)
    with pytest.raises(OutcomeUnknownError):
        await ask(worker, abroad, Kind.SETTLE, case)
    await line.open()
    expected = CaseState.SETTLED if fault is Fault.AFTER_COMMIT else CaseState.UNKNOWN
    assert (await abroad.status(case)).state is expected
    line.break_at_next_batch(fault)
    undone = await abroad.reverse(case)
    assert undone.undone is (fault is Fault.AFTER_COMMIT)
    assert await abroad.refused(case) == "CASE_REVERSED"
    assert await town.balance_fen(someone) == BALANCE_FEN


async def test_database_away_gives_a_case_no_answer_and_tells_others_to_come_later(
    town: Town, worker: Service, line: DatabaseLine
) -> None:
    abroad = Abroad(worker, town.clock)
    someone = town.someone()
    case = abroad.case(someone)
    await line.cut()
    with pytest.raises(OutcomeUnknownError):
        await ask(worker, abroad, Kind.SETTLE, case)
    later = [
        await ask(worker, abroad, kind, question)
        for kind, question in (
            (Kind.PERSON, abroad.person(someone)),
            (Kind.QUOTE, case),
            (Kind.REVERSE, ReverseAsked(case_no=case.case_no, person_no=case.person_no)),
        )
    ]
    assert {(one.code, one.retry) for one in later if isinstance(one, Refused)} == {
        ("UNAVAILABLE", "later")
    }
    await line.open()
    answer = await ask(
        worker, abroad, Kind.REVERSE,
        ReverseAsked(case_no=case.case_no, person_no=case.person_no),
    )  # fmt: skip
    assert isinstance(answer, ReverseTold)
    assert not answer.undone
