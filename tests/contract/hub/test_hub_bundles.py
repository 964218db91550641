"""Questions that are asked in one turn of the event loop, the same over HTTP as in one process."""

from __future__ import annotations

import asyncio

import pytest
from msgspec import structs

from loadtest.simulators.hub_faults import Fault, Rule
from protocol.hub.envelope import Says
from protocol.hub.messages import Case, Kind, Question, Refused, StatusAsked, StatusTold, Told
from protocol.hub.post import Post
from settlement.region import hub_bundles, hub_door
from settlement.region.hub import NoAnswer, OutcomeUnknownError, Why
from settlement.region.hub_line import PostLine
from tests.contract.hub.conftest import Wire
from tests.kit.hub import INSURED, TREATED, a_case, shared
from tests.kit.hub_desk import MemoryDesk

CASES = [a_case(f"441900-{number}", lines=1) for number in range(1, 4)]
PATIENCE = 5.0


class OneIsSlow(MemoryDesk):
    """Does not know about one case until it is told to go on; then still does not."""

    def __init__(self, case_no: str) -> None:
        super().__init__()
        self.case_no = case_no
        self.go_on = asyncio.Event()

    async def answer(self, origin: str, kind: Kind, question: Question) -> Told | Refused:
        """See the port."""
        if getattr(question, "case_no", "") == self.case_no:
            await self.go_on.wait()
            raise OutcomeUnknownError
        return await super().answer(origin, kind, question)


async def settle(wire: Wire, case: Case, kind: Kind = Kind.SETTLE) -> object:
    """Ask I about one case."""
    return await wire.line.ask(INSURED, kind, case, correlation=case.case_no, seconds=PATIENCE)


async def settle_all(wire: Wire) -> list[object]:
    """In one turn of the loop."""
    return await asyncio.gather(*(settle(wire, case) for case in CASES))


def messages(wire: Wire) -> list[list[str]]:
    """The numbers of the questions in each message that came to the hub."""
    found: dict[str, list[str]] = {}
    for entry in wire.hub.book.entries:
        if entry.says is Says.ASKED:
            found.setdefault(entry.digest, []).append(entry.correlation)
    return list(found.values())


def whys(answers: list[object]) -> list[Why]:
    """Why there is no answer to any of them."""
    return [answer.why for answer in answers if isinstance(answer, NoAnswer)]


async def test_questions_of_one_turn_travel_together_and_each_has_its_answer(wire: Wire) -> None:
    assert await settle_all(wire) == [shared(case) for case in CASES]
    assert messages(wire) == [[case.case_no for case in CASES]]
    assert [question for _, _, question in wire.desk.asked] == CASES
    assert {
        number: case.amounts and case.amounts.total_fen
        for number, case in wire.hub.book.cases.items()
    } == {case.case_no: case.total_fen for case in CASES}


async def test_who_asks_alone_asks_alone(wire: Wire) -> None:
    for case in CASES:
        await settle(wire, case)
    assert messages(wire) == [[case.case_no] for case in CASES]


async def test_region_that_does_not_read_them_is_asked_one_by_one(wire: Wire) -> None:
    _, theirs = wire.insured.identity
    old = structs.replace(theirs, message_version=1)
    post = Post(TREATED, identities=[wire.treated.identity], certificates=[old])
    wire.treated.registry = structs.replace(wire.treated.registry, post=post)
    assert await settle_all(wire) == [shared(case) for case in CASES]
    assert sorted(map(len, messages(wire))) == [1, 1, 1]


async def test_other_kinds_have_a_message_of_their_own(wire: Wire) -> None:
    await settle_all(wire)
    told = await asyncio.gather(
        settle(wire, a_case("441900-8")), settle(wire, a_case("441900-9"), Kind.QUOTE),
        *(
            wire.line.ask(
                INSURED, Kind.STATUS, StatusAsked(case_no=c.case_no, person_no=c.person_no),
                correlation=f"{c.case_no}-s", seconds=PATIENCE,
            )
            for c in CASES[:2]
        ),
    )  # fmt: skip
    assert [isinstance(one, StatusTold) for one in told] == [False, False, True, True]
    assert sorted(map(len, messages(wire))) == [1, 1, 2, 3]


async def test_question_asked_twice_in_one_turn_has_one_effect_and_one_answer(wire: Wire) -> None:
    case, other = CASES[:2]
    answers = await asyncio.gather(*(settle(wire, one) for one in (case, other, case)))
    assert answers == [shared(case), shared(other), shared(case)]
    assert sorted(map(len, messages(wire))) == [1, 2]
    assert wire.hub.book.totals()["441900>430100"]["settled_count"] == 2


FATES = [
    # what happens at the hub,  what T knows of each, did I hear them
    (Fault.BUSY,                Why.NO_ANSWER,        False),
    (Fault.LOST_BEFORE,         Why.NO_ANSWER,        False),
    (Fault.LOST_AFTER,          Why.NO_ANSWER,        True),
    (Fault.ARRIVES_LATE,        Why.NO_ANSWER,        False),
    (Fault.FORGED,              Why.WORTHLESS,        True),
    (Fault.TWICE,               None,                 True),
    (Fault.AGAIN_LATER,         None,                 True),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "known", "heard"), FATES)
async def test_what_the_hub_does_to_a_message_it_does_to_all_in_it(
    wire: Wire, fault: Fault, known: Why | None, heard: bool
) -> None:
    wire.hub.faults.add(Rule(fault=fault, kind=Kind.SETTLE, case=CASES[1].case_no))
    answers = await settle_all(wire)
    if known is None:
        assert answers == [shared(case) for case in CASES]
    else:
        assert whys(answers) == [known] * len(CASES)
    assert bool(wire.desk.asked) is heard
    assert await settle_all(wire) == [shared(case) for case in CASES]
    assert wire.hub.book.totals()["441900>430100"]["settled_count"] == len(CASES)


async def test_answer_of_other_questions_is_worthless_for_all(wire: Wire) -> None:
    await settle_all(wire)
    wire.hub.faults.add(Rule(fault=Fault.OTHER_ANSWER, kind=Kind.SETTLE))
    assert whys(await settle_all(wire)) == [Why.WORTHLESS] * len(CASES)


async def test_recording_is_refused_as_a_whole(wire: Wire) -> None:
    wire.hub.faults.add(Rule(fault=Fault.AGAIN_LATER, kind=Kind.SETTLE, delay_seconds=301))
    await settle_all(wire)
    await wire.hub.clock.advance(301)
    assert len(wire.desk.asked) == len(CASES)


async def test_question_that_the_desk_does_not_know_about_keeps_none_of_the_others(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = CASES[1]
    wire.insured.desk = desk = OneIsSlow(slow.case_no)
    monkeypatch.setattr(hub_door, "BEHIND_SECONDS_MAX", 0.05)
    answers = await settle_all(wire)
    assert [one == shared(case) for one, case in zip(answers, CASES, strict=True)] == [
        True, False, True
    ]  # fmt: skip
    assert whys(answers) == [Why.NO_ANSWER]
    desk.go_on.set()  # it raises then, and nobody is told
    assert whys(await settle_all(wire)) == [Why.NO_ANSWER]


async def test_where_nothing_is_known_nothing_is_said(wire: Wire) -> None:
    wire.desk.is_silent = True
    assert whys(await settle_all(wire)) == [Why.NO_ANSWER] * len(CASES)


async def test_who_gives_up_before_the_message_leaves_is_not_asked_for(wire: Wire) -> None:
    tasks = [asyncio.ensure_future(settle(wire, case)) for case in CASES]
    asyncio.get_running_loop().call_soon(tasks[1].cancel)
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(answers[1], asyncio.CancelledError)
    assert messages(wire) == [[CASES[0].case_no, CASES[2].case_no]]


async def test_carrier_that_fails_keeps_nobody_waiting(wire: Wire) -> None:
    class Broken:
        async def carry(self, address: str, message: bytes, *, seconds: float) -> NoAnswer:
            raise RuntimeError("测试")

    wire.line = PostLine(lambda: wire.treated.registry, Broken(), wire.treated.clock)
    asked = (settle(wire, case) for case in CASES)
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(answer) for answer in answers] == [RuntimeError] * len(CASES)


async def test_too_large_together_is_asked_one_by_one(wire: Wire) -> None:
    theirs = wire.insured.identity[1]
    post = Post(
        TREATED, identities=[wire.treated.identity], certificates=[theirs], bytes_max=2_500
    )
    wire.treated.registry = structs.replace(wire.treated.registry, post=post)
    assert await settle_all(wire) == [shared(case) for case in CASES]
    assert sorted(map(len, messages(wire))) == [1, 1, 1]


async def test_more_than_one_message_holds_are_several_messages(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_bundles, "ITEMS_MAX", 2)
    assert await settle_all(wire) == [shared(case) for case in CASES]
    assert sorted(map(len, messages(wire))) == [1, 2]
