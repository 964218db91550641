"""Another region (就医地) that treats people of the town, and asks the town to share their cases.

It speaks to the town's hub desk as the hub's door would; what it asks is already proved to be its.
"""

from __future__ import annotations

from datetime import date, datetime, time
from itertools import count
from typing import TypeVar

from msgspec.structs import replace

from protocol.hub.messages import (
    CancelAsked,
    CancelTold,
    Case,
    CaseTold,
    InstitutionTold,
    Kind,
    LineTold,
    PersonAsked,
    PersonTold,
    Question,
    ReconcileAsked,
    ReconcileTold,
    Refused,
    ReverseAsked,
    ReverseTold,
    StatusAsked,
    StatusTold,
    Told,
)
from settlement.clock import CHINA
from settlement.elsewhere.counterpart import Counterpart
from settlement.numbers import NumberBlock
from settlement.serve.service import Service
from tests.kit.clock import TownClock
from tests.kit.population import CHANGSHA, Citizen

_BLOCKS = count(1)
_Told = TypeVar("_Told")


class Abroad:
    """See the module. Cases are outpatient ones of 100.00, all of it in scope, unless told."""

    def __init__(
        self, service: Service, clock: TownClock, region: Counterpart = CHANGSHA
    ) -> None:
        self.service = service
        self.region = region
        self.clock = clock
        self._numbers = NumberBlock(next(_BLOCKS))

    def number(self) -> str:
        """A number as this region makes them."""
        return f"{self.region.region}-{self._numbers.next(3, self.clock.local.date())}"

    def case(self, whom: Citizen, fen: int = 10_000, **changes: object) -> Case:
        """A priced case of somebody, in scope to the fen."""
        self.clock.tick()
        enrolment = whom.insured.enrolments[0]
        case = Case(
            case_no=self.number(),
            person_no=whom.number,
            scheme=enrolment.scheme,
            care_kind="outpatient",
            care_type="11",
            credential_kind="02",
            account_use="1",
            institution=InstitutionTold(
                code=f"H{self.region.region}00001", name="测试外地医院", region=self.region.region,
                hospital_level="5", deductible_level="2",
            ),
            visit_no="V20261120001",
            service_at=self.clock.local.replace(tzinfo=CHINA),
            admitted_on=None,
            discharged_on=None,
            disease="",
            emergency=False,
            referral=False,
            total_fen=fen,
            full_self_pay_fen=0,
            over_ceiling_fen=0,
            pre_self_pay_fen=0,
            in_scope_fen=fen,
            lines=(),
        )  # fmt: skip
        return replace(case, **changes)

    def stay(self, whom: Citizen, fen: int, *, days: int = 5, **changes: object) -> Case:
        """A stay that ended today."""
        today = self.clock.local.date()
        admitted = date.fromordinal(today.toordinal() - days)
        return self.case(
            whom, fen, care_kind="inpatient", care_type="21", admitted_on=admitted,
            discharged_on=today, service_at=datetime.combine(today, time(9), CHINA), **changes,
        )  # fmt: skip

    async def ask(self, kind: Kind, question: Question) -> Told | Refused:
        """Whatever comes."""
        return await self.service.hub_desk.answer(self.region.region, kind, question)

    async def settle(self, case: Case) -> CaseTold:
        """It is settled."""
        return told(await self.ask(Kind.SETTLE, case), CaseTold)

    async def quote(self, case: Case) -> CaseTold:
        """It would be."""
        return told(await self.ask(Kind.QUOTE, case), CaseTold)

    async def refused(self, case: Case, kind: Kind = Kind.SETTLE) -> str:
        """It is refused: with which code."""
        answer = await self.ask(kind, case)
        assert isinstance(answer, Refused), answer
        return answer.code

    def cancelling(self, case: Case, settled: CaseTold) -> CancelAsked:
        """The question to take it back."""
        return CancelAsked(
            cancel_no=self.number(), case_no=case.case_no, settlement_no=settled.settlement_no,
            person_no=case.person_no,
        )  # fmt: skip

    async def cancel(self, case: Case, settled: CaseTold) -> CancelTold:
        """It is taken back."""
        return told(await self.ask(Kind.CANCEL, self.cancelling(case, settled)), CancelTold)

    async def reverse(self, case: Case) -> ReverseTold:
        """It does not stand any more."""
        asked = ReverseAsked(case_no=case.case_no, person_no=case.person_no)
        return told(await self.ask(Kind.REVERSE, asked), ReverseTold)

    async def status(self, case: Case) -> StatusTold:
        """What became of it."""
        asked = StatusAsked(case_no=case.case_no, person_no=case.person_no)
        return told(await self.ask(Kind.STATUS, asked), StatusTold)

    async def page(self, day: date, after: str = "") -> ReconcileTold:
        """A page of the town's rows of a day."""
        return told(
            await self.ask(Kind.RECONCILE, ReconcileAsked(day=day, after=after)), ReconcileTold
        )

    def person(self, whom: Citizen, **changes: object) -> PersonAsked:
        """Somebody shows their identity number."""
        identity = whom.insured.identity
        asked = PersonAsked(
            credential_kind="02", number=identity.certificate_no, certificate_no="", name="",
            card_serial="", on=self.clock.local.date(),
        )  # fmt: skip
        return replace(asked, **changes)

    async def who(self, question: PersonAsked) -> PersonTold:
        """Who that is."""
        return told(await self.ask(Kind.PERSON, question), PersonTold)


def a_line(number: int, fen: int, **parts: int) -> LineTold:
    """A fee line of so much, in scope but for the parts that are said."""
    rest = fen - sum(parts.values())
    split = {"full_self_pay_fen": 0, "over_ceiling_fen": 0, "pre_self_pay_fen": 0} | parts
    return LineTold(
        line_no=str(number), item_code=f"XA{number:03d}ABROAD", item_class="01", charge_kind="09",
        quantity_e4=10_000, price_e6=fen * 10_000, amount_fen=fen, in_scope_fen=rest,
        occurred_on=date(2026, 11, 20), **split,
    )  # fmt: skip


def told(answer: Told | Refused, kind: type[_Told]) -> _Told:
    """An answer of its kind, no refusal."""
    assert isinstance(answer, kind), answer
    return answer
