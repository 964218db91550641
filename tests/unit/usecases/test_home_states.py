"""A case of another region: every state and every question, as the table has it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest

from protocol.hub.messages import CaseState, CaseTold, ReverseAsked, StatusAsked, StatusTold
from settlement.decision import Answer
from settlement.elsewhere.home_states import NEXT, SAME, Ask, HomeState
from settlement.refusal import Refusal
from settlement.refusals import REFUSALS
from settlement.usecases.home_cases import state_of
from settlement.view import View
from settlement.world import World
from tests.unit.usecases.builders import PERSON_NO, a_view
from tests.unit.usecases.home_builders import (
    CASE_NO,
    CHANGSHA,
    a_cancelling,
    a_hub_case,
    a_world_of_regions,
    decide,
    settled,
    translator,
)

REVERSAL = ReverseAsked(case_no=CASE_NO, person_no=PERSON_NO)
STATUS = StatusAsked(case_no=CASE_NO, person_no=PERSON_NO)
TOLD = {
    HomeState.NONE: CaseState.UNKNOWN,
    HomeState.SETTLED: CaseState.SETTLED,
    HomeState.CANCELLED: CaseState.CANCELLED,
    HomeState.REVERSED: CaseState.REVERSED,
    HomeState.TOMBSTONE: CaseState.REVERSED,
}


class Region:
    """Our region in one state of the case."""

    def __init__(self, state: HomeState) -> None:
        self.world: World = a_world_of_regions()
        self.view: View = a_view("310", balance_fen=100_000, used_fen=0)
        self.settlement_no = ""
        REACHED_BY[state](self)

    def settle(self) -> Answer | Refusal:
        command = translator(self.world).share(a_hub_case(), CHANGSHA, quote=False)
        return decide(command, self.view, self.world).reply

    def settled(self) -> None:
        told = settled(a_hub_case(), self.view, self.world).output
        assert isinstance(told, CaseTold)
        self.settlement_no = told.settlement_no

    def cancel(self, number: int = 2) -> Answer | Refusal:
        asked = a_cancelling(self.settlement_no, number)
        return decide(translator(self.world).cancel(asked, CHANGSHA), self.view, self.world).reply

    def reverse(self) -> Answer | Refusal:
        command = translator(self.world).reverse(REVERSAL, CHANGSHA)
        return decide(command, self.view, self.world).reply

    def status(self) -> Answer | Refusal:
        command = translator(self.world).status(STATUS, CHANGSHA)
        return decide(command, self.view, self.world).reply

    @property
    def state(self) -> HomeState:
        return state_of(translator(self.world).status(STATUS, CHANGSHA), self.view)[0]


def cancelled(region: Region) -> None:
    """It was settled, and another cancel took it back."""
    region.settled()
    assert isinstance(region.cancel(9), Answer)


def reversed_(region: Region) -> None:
    """It was settled, and reversed."""
    region.settled()
    assert isinstance(region.reverse(), Answer)


def forestalled(region: Region) -> None:
    """It was reversed before it came."""
    assert isinstance(region.reverse(), Answer)


REACHED_BY: dict[HomeState, Callable[[Region], None]] = {
    HomeState.NONE: lambda region: None,
    HomeState.SETTLED: Region.settled,
    HomeState.CANCELLED: cancelled,
    HomeState.REVERSED: reversed_,
    HomeState.TOMBSTONE: forestalled,
}
ASKED_BY: dict[Ask, Callable[[Region], Answer | Refusal]] = {
    Ask.SETTLE: Region.settle,
    Ask.CANCEL: Region.cancel,
    Ask.REVERSE: Region.reverse,
    Ask.STATUS: Region.status,
}


def test_table_has_every_pair_and_its_refusals_have_rows() -> None:
    assert set(NEXT) == set(product(HomeState, Ask))
    codes = {n for n in NEXT.values() if n is not SAME and not isinstance(n, HomeState)}
    assert codes <= set(REFUSALS)


@pytest.mark.parametrize(("state", "ask"), list(product(HomeState, Ask)))
def test_every_question_in_every_state_does_what_the_table_says(
    state: HomeState, ask: Ask
) -> None:
    region = Region(state)
    assert region.state is state
    balance_fen = region.view.persons[PERSON_NO].balance_fen
    reply = ASKED_BY[ask](region)
    follows = NEXT[state, ask]
    if isinstance(follows, HomeState):
        assert isinstance(reply, Answer), reply
        assert region.state is follows
        return
    assert region.state is state
    assert region.view.persons[PERSON_NO].balance_fen == balance_fen
    if follows is SAME:
        assert isinstance(reply, Answer), reply
    else:
        assert isinstance(reply, Refusal)
        assert reply.code == follows


@pytest.mark.parametrize("state", list(HomeState))
def test_status_tells_the_state_and_what_was_answered(state: HomeState) -> None:
    region = Region(state)
    reply = region.status()
    assert isinstance(reply, Answer)
    told = reply.output
    assert isinstance(told, StatusTold)
    assert told.state is TOLD[state]
    assert (told.case is not None) is (state in (HomeState.SETTLED, HomeState.CANCELLED))
    assert (told.cancel is not None) is (state is HomeState.CANCELLED)


@pytest.mark.parametrize("ask", list(Ask))
def test_asked_twice_the_answer_is_the_same(ask: Ask) -> None:
    for state in HomeState:
        region = Region(state)
        first, second = ASKED_BY[ask](region), ASKED_BY[ask](region)
        if isinstance(first, Answer) and isinstance(second, Answer):
            assert first.output == second.output
        elif isinstance(first, Refusal):
            assert isinstance(second, Refusal)
