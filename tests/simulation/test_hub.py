"""Many cases over a hub that fails: in the end T, I and the hub say the same of each.

T does what it has to do about an answer that did not come: it asks for the status, reverses what I
does not know or it does not want, and asks again until somebody answers. Time is virtual.
"""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from loadtest.simulators.hub import HubSimulator
from loadtest.simulators.hub_book import HubBook
from loadtest.simulators.hub_faults import Fault, Faults, Plan
from loadtest.simulators.hub_world import HubRegion, hub_regions
from loadtest.simulators.virtual_clock import VirtualClock
from protocol.hub.messages import (
    CancelAsked,
    Case,
    CaseState,
    CaseTold,
    Kind,
    Question,
    Refused,
    ReverseAsked,
    StatusAsked,
    StatusTold,
    Told,
)
from settlement.region.hub import NoAnswer
from tests.kit.hub import AT, INSURED, TREATED, a_case
from tests.kit.hub_desk import MemoryDesk

CASES = 300
SHARE_PPM = 250_000
TRIES_MAX = 200
HOUR = 3_600.0


class Treating:
    """T: what it believes of each case, in fen that I pays."""

    def __init__(self, region: HubRegion, clock: VirtualClock, rng: random.Random) -> None:
        self.believes: dict[str, int] = {}
        self._region = region
        self._clock = clock
        self._rng = rng
        self._serial = 0

    async def settle(self, case: Case) -> None:
        """Settle it, whatever it takes; or know that it is not settled."""
        said = await self._ask(Kind.SETTLE, case, case.case_no)
        if isinstance(said, NoAnswer):
            said = await self._find_out(case)
        if isinstance(said, CaseTold):
            self.believes[case.case_no] = said.fund_fen + said.account_fen

    async def cancel(self, case: Case) -> None:
        """Take a settled case back, under one number until it is answered."""
        number = f"{case.case_no}-9"
        asked = CancelAsked(
            cancel_no=number, case_no=case.case_no, settlement_no="1", person_no=case.person_no
        )
        await self._insist(Kind.CANCEL, asked, number)
        del self.believes[case.case_no]

    async def _find_out(self, case: Case) -> Told | Refused:
        """What became of it; what is not there is reversed, so that it never comes."""
        number, who = case.case_no, case.person_no
        told = await self._insist(Kind.STATUS, StatusAsked(case_no=number, person_no=who))
        assert isinstance(told, StatusTold)
        if told.state is CaseState.SETTLED and told.case is not None and self._rng.random() < 0.5:
            return told.case
        return await self._insist(Kind.REVERSE, ReverseAsked(case_no=number, person_no=who))

    async def _insist(self, kind: Kind, question: Question, number: str = "") -> Told | Refused:
        for _ in range(TRIES_MAX):
            said = await self._ask(kind, question, number)
            if not isinstance(said, NoAnswer):
                return said
            await self._clock.advance(self._rng.uniform(1, 120))
        raise AssertionError("nobody ever answered")

    async def _ask(
        self, kind: Kind, question: Question, number: str
    ) -> Told | Refused | NoAnswer:
        self._serial += 1
        return await self._region.line.ask(
            INSURED, kind, question, correlation=number or f"{TREATED}-{self._serial}",
            seconds=10.0,
        )  # fmt: skip


async def test_three_books_agree_whatever_the_hub_does(rng: random.Random) -> None:
    clock = VirtualClock(AT)
    plan = Plan(seed=rng.randrange(10**9), share_ppm=SHARE_PPM)
    hub = HubSimulator(clock=clock, book=HubBook(), faults=Faults(plan))
    regions = hub_regions(hub, [TREATED, INSURED])
    desk = regions[INSURED].desk = MemoryDesk()
    regions[TREATED].clock.seconds = rng.uniform(-120, 120)
    treating = Treating(regions[TREATED], clock, rng)
    for number in range(CASES):
        case = a_case(f"{TREATED}-{number:08d}", lines=rng.randint(1, 20))
        if number == CASES // 2:
            hub.take_down(INSURED, HOUR)
        await treating.settle(case)
        if case.case_no in treating.believes and rng.random() < 0.2:
            await treating.cancel(case)
        await clock.advance(rng.uniform(0, 5))
    await clock.advance(timedelta(hours=1).total_seconds())
    standing = {
        one.case: one.amounts.fund_fen + one.amounts.account_fen
        for one in hub.book.cases.values() if one.stands and one.amounts is not None
    }  # fmt: skip
    assert treating.believes == desk.standing == standing
    assert set(hub.faults.happened) == set(Fault)
    await clock.close()


@pytest.mark.parametrize("seconds", [-290.0, 290.0])
async def test_clocks_that_are_nearly_too_far_apart_do_no_harm(
    rng: random.Random, seconds: float
) -> None:
    clock = VirtualClock(AT)
    hub = HubSimulator(clock=clock, faults=Faults(Plan(seed=1, share_ppm=SHARE_PPM)))
    regions = hub_regions(hub, [TREATED, INSURED])
    desk = regions[INSURED].desk = MemoryDesk()
    regions[TREATED].clock.seconds = seconds
    treating = Treating(regions[TREATED], clock, rng)
    for number in range(40):
        await treating.settle(a_case(f"{TREATED}-{number:08d}", lines=1))
    await clock.advance(HOUR)
    assert treating.believes == desk.standing
    await clock.close()
