"""Questions of another region about one case, at the same time, through different processes.

The hub delivers late, twice and out of order. Whichever way a race ends, the books must show what
was answered.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from protocol.hub.messages import (
    CancelTold,
    Case,
    CaseState,
    CaseTold,
    Kind,
    Question,
    Refused,
    ReverseAsked,
    ReverseTold,
    Told,
)
from settlement.serve.service import Service
from tests.kit.abroad import Abroad
from tests.kit.population import BALANCE_FEN, CHANGSHA, CLASS_A, some
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROUNDS = 30
Asked = tuple[Kind, Question]


async def race(
    rng: random.Random, workers: Sequence[Service], *questions: Asked, turns_max: int = 12
) -> list[Told | Refused]:
    """Ask all at once, each at a worker of its own, each so many turns of the loop late."""
    places = rng.sample(list(workers), len(questions))
    answers: dict[int, Told | Refused] = {}

    async def ask(which: int, worker: Service) -> None:
        for _ in range(rng.randrange(turns_max)):
            await asyncio.sleep(0)
        answers[which] = await worker.hub_desk.answer(CHANGSHA.region, *questions[which])

    async with asyncio.TaskGroup() as group:
        for which, worker in enumerate(places):
            group.create_task(ask(which, worker))
    return [answers[which] for which in range(len(questions))]


def reversal(case: Case) -> ReverseAsked:
    """The question to undo it."""
    return ReverseAsked(case_no=case.case_no, person_no=case.person_no)


async def test_case_that_comes_twice_at_once_is_booked_once_and_answered_alike(
    town: Town, workers: list[Service], rng: random.Random
) -> None:
    abroad = Abroad(town.service, town.clock)
    for someone in town.people(ROUNDS):
        case = abroad.case(someone)
        answers = await race(rng, workers, *[(Kind.SETTLE, case)] * 3)
        assert isinstance(answers[0], CaseTold), answers[0]
        assert answers == [answers[0]] * 3
        assert [row["kind"] for row in await town.rows_of(someone)] == [1]
        assert await town.balance_fen(someone) == BALANCE_FEN - 4_000


async def test_one_number_with_two_contents_is_one_case(
    town: Town, workers: list[Service], rng: random.Random
) -> None:
    abroad = Abroad(town.service, town.clock)
    for someone in town.people(ROUNDS):
        case = abroad.case(someone)
        other = replace(case, total_fen=20_000, in_scope_fen=20_000)
        answers = await race(rng, workers, (Kind.SETTLE, case), (Kind.SETTLE, other))
        refused = [answer for answer in answers if isinstance(answer, Refused)]
        assert [answer.code for answer in refused] == ["CASE_CONFLICT"]
        assert len(await town.rows_of(someone)) == 1


async def test_case_and_its_reversal_at_once_never_leave_it_standing(
    town: Town, workers: list[Service], rng: random.Random
) -> None:
    abroad = Abroad(town.service, town.clock)
    seen: Counter[str] = Counter()
    for someone in town.people(ROUNDS):
        case = abroad.case(someone)
        settled, undone = await race(
            rng, workers, (Kind.SETTLE, case), (Kind.REVERSE, reversal(case)), turns_max=400
        )
        assert isinstance(undone, ReverseTold), undone
        kinds = [row["kind"] for row in await town.rows_of(someone)]
        if undone.undone:
            assert isinstance(settled, CaseTold)
            assert kinds == [1, 3]
        else:
            assert isinstance(settled, Refused)
            assert (settled.code, kinds) == ("CASE_REVERSED", [])
        assert (await abroad.status(case)).state is CaseState.REVERSED
        assert await town.balance_fen(someone) == BALANCE_FEN
        seen["undone" if undone.undone else "kept out"] += 1
    assert seen.total() == ROUNDS, seen


async def test_cancel_and_reversal_at_once_take_a_case_back_once(
    town: Town, workers: list[Service], rng: random.Random
) -> None:
    abroad = Abroad(town.service, town.clock)
    for someone in town.people(ROUNDS):
        case = abroad.case(someone)
        asked = abroad.cancelling(case, await abroad.settle(case))
        cancelled, again, undone = await race(
            rng, workers, (Kind.CANCEL, asked), (Kind.CANCEL, asked),
            (Kind.REVERSE, reversal(case)),
        )  # fmt: skip
        assert isinstance(undone, ReverseTold)
        assert undone.undone
        if isinstance(cancelled, CancelTold):
            assert again == cancelled
            kinds = [1, 2]
        else:
            assert isinstance(again, Refused)
            kinds = [1, 3]
        assert [row["kind"] for row in await town.rows_of(someone)] == kinds
        assert await town.balance_fen(someone) == BALANCE_FEN


async def test_one_account_never_pays_twice_at_home_and_in_another_region(
    town: Town, workers: list[Service], rng: random.Random
) -> None:
    abroad = Abroad(town.service, town.clock)
    for someone in town.people(ROUNDS):
        case = abroad.case(someone, 245_000)
        sale = town.pharmacy.sale(someone, some(CLASS_A, 200))

        async def sell(sale: object = sale) -> None:
            worker = rng.choice(workers)
            reply = await sale.to(worker)  # type: ignore[attr-defined]
            assert reply.infcode == 0

        async with asyncio.TaskGroup() as group:
            group.create_task(sell())
            (settled,) = await race(rng, workers, (Kind.SETTLE, case))
        assert isinstance(settled, CaseTold)
        rows = await town.rows_of(someone)
        assert sum(row["account_fen"] for row in rows) == BALANCE_FEN
        assert sum(row["fund_fen"] for row in rows) == 297_000
        assert await town.balance_fen(someone) == 0
