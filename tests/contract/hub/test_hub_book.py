"""The hub answers for its own book, the same over HTTP as in one process: rows of a day, page by
page, to whoever is one side of it, and nothing else to anybody."""

from __future__ import annotations

from datetime import date

import pytest
from msgspec import structs

from loadtest.simulators.hub_faults import Fault, Rule
from loadtest.simulators.hub_party import NOT_A_SIDE, HubParty
from protocol.hub.certificates import HUB
from protocol.hub.messages import (
    KIND_UNKNOWN,
    BookAsked,
    BookRow,
    BookTold,
    CancelAsked,
    Kind,
    Question,
    Refused,
    ReverseAsked,
)
from protocol.hub.post import Post
from settlement.region.hub import NoAnswer, Why
from settlement.telemetry.metrics import METRICS
from tests.contract.hub.conftest import Wire
from tests.kit.hub import INSURED, OTHER, TREATED, a_case, person_asked, shared

DAY = date(2026, 11, 26)
ASKED = BookAsked(day=DAY, treated=TREATED, insured=INSURED, after=0)
CASES = [a_case(f"{TREATED}-{n}") for n in range(1, 4)]


async def ask_hub(
    wire: Wire, question: Question = ASKED, kind: Kind = Kind.BOOK, *, to: str = HUB
) -> object:
    """T asks."""
    return await wire.line.ask(to, kind, question, correlation="B-1", seconds=5.0)


def told(answer: object) -> BookTold:
    """An answer that was proved."""
    assert isinstance(answer, BookTold), answer
    return answer


async def settled(wire: Wire) -> None:
    """Three cases are settled, and the first is taken back."""
    for case in CASES:
        said = await wire.line.ask(
            INSURED, Kind.SETTLE, case, correlation=case.case_no, seconds=5.0
        )
        assert said == shared(case)
    cancel = CancelAsked(
        cancel_no=f"{TREATED}-9", case_no=CASES[0].case_no, settlement_no="1", person_no="1"
    )
    await wire.line.ask(INSURED, Kind.CANCEL, cancel, correlation="C-1", seconds=5.0)


def row(number: int, at: int, sign: int = 1) -> BookRow:
    """What the hub has of a case."""
    case = shared(CASES[at])
    return BookRow(
        number=number, case_no=case.case_no, reversal=sign < 0, total_fen=sign * case.total_fen,
        fund_fen=sign * case.fund_fen, account_fen=sign * case.account_fen,
    )  # fmt: skip


async def test_a_day_comes_page_by_page_in_the_order_of_the_hubs_numbers(wire: Wire) -> None:
    await settled(wire)
    every = (row(2, 0), row(4, 1), row(6, 2), row(8, 0, -1))
    answer = told(await ask_hub(wire))
    assert (answer.rows, answer.more) == (every, False)
    assert (answer.day, answer.treated, answer.insured) == (DAY, TREATED, INSURED)
    assert wire.hub.party is not None
    wire.hub.party.rows_max = 2
    first = told(await ask_hub(wire))
    assert (first.rows, first.more) == (every[:2], True)
    second = told(await ask_hub(wire, structs.replace(ASKED, after=4)))
    assert (second.rows, second.more) == (every[2:], False)
    assert told(await ask_hub(wire, structs.replace(ASKED, day=date(2026, 11, 25)))).rows == ()
    assert {one.kind for one in wire.hub.book.entries} == {Kind.SETTLE, Kind.CANCEL}, (
        "what is said to the hub itself did not pass it"
    )


@pytest.mark.parametrize(
    ("kind", "question", "code"),
    [
        (Kind.BOOK, structs.replace(ASKED, treated=OTHER), NOT_A_SIDE),
        (Kind.PERSON, person_asked(), KIND_UNKNOWN),
        (Kind.REVERSE, ReverseAsked(case_no=f"{TREATED}-1", person_no="1"), KIND_UNKNOWN),
    ],
)
async def test_what_the_hub_does_not_tell(
    wire: Wire, kind: Kind, question: Question, code: str
) -> None:
    answer = await ask_hub(wire, question, kind)
    assert isinstance(answer, Refused) and answer.code == code


async def test_the_side_that_insures_may_ask_as_well(wire: Wire) -> None:
    await settled(wire)
    answer = await wire.insured.line.ask(
        HUB, Kind.BOOK, ASKED, correlation="B-2", seconds=5.0
    )
    assert len(told(answer).rows) == 4


FATES = [
    # what happens at the hub,  what T knows,    alarms
    (Fault.BUSY,                Why.NO_ANSWER,   0),
    (Fault.LOST_BEFORE,         Why.NO_ANSWER,   0),
    (Fault.LOST_AFTER,          Why.NO_ANSWER,   0),
    (Fault.FORGED,              Why.WORTHLESS,   1),
    (Fault.OTHER_ANSWER,        Why.WORTHLESS,   1),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "known", "alarms"), FATES)
async def test_what_is_no_answer_of_the_hubs_to_this_question_counts_for_nothing(
    wire: Wire, fault: Fault, known: Why, alarms: int
) -> None:
    told(await ask_hub(wire))
    before = METRICS.hub_alarms
    wire.hub.faults.add(Rule(fault=fault, kind=Kind.BOOK))
    answer = await ask_hub(wire)
    assert isinstance(answer, NoAnswer) and answer.why is known
    assert METRICS.hub_alarms == before + alarms


async def test_without_keys_it_is_an_older_hub_that_takes_no_such_question(wire: Wire) -> None:
    wire.hub.answer_itself(HubParty(lambda: None, wire.hub.book, wire.hub.clock))
    answer = await ask_hub(wire)
    assert isinstance(answer, NoAnswer) and (answer.why, answer.status) == (Why.NO_ANSWER, 404)


async def test_without_its_certificate_the_hub_is_asked_nothing(wire: Wire) -> None:
    wire.treated.registry = structs.replace(
        wire.treated.registry,
        post=Post(TREATED, identities=[wire.treated.identity], certificates=[]),
    )
    answer = await ask_hub(wire)
    assert answer == NoAnswer(why=Why.NOT_SENT, text=f"no certificate of {HUB} holds")
