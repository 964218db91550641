"""Another region and its cases, for use cases in memory: beside builders.py."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from hypothesis import strategies as st
from msgspec.structs import replace

from protocol.hub.messages import CancelAsked, Case, InstitutionTold, LineTold
from settlement.clock import CHINA
from settlement.decision import Answer, Decision
from settlement.desk import USE_CASES
from settlement.elsewhere.counterpart import Counterpart
from settlement.elsewhere.home_commands import HomeCommand
from settlement.translate.home_cases import HomeTranslator
from settlement.view import View
from settlement.world import World
from tests.unit.usecases.builders import LANES, ON, PERSON_NO, a_moment, a_world

CHANGSHA = Counterpart(region="430100", name="长沙市", account_base=5_000_010)
CASE_NO = "430100-2611000300001000001"


def a_world_of_regions(**profile: object) -> World:
    """The world of builders.py, with another region in it."""
    world = a_world(**profile)
    return replace(world, counterparts={CHANGSHA.region: CHANGSHA})


def a_hub_case(scheme: str = "310", fen: int = 10_000, **changes: object) -> Case:
    """An outpatient case of Changsha, in scope to the fen unless told."""
    case = Case(
        case_no=CASE_NO, person_no=PERSON_NO, scheme=scheme, care_kind="outpatient",
        care_type="11", credential_kind="02", account_use="1",
        institution=InstitutionTold(
            code="H43010000001", name="测试外地医院", region="430100", hospital_level="5",
            deductible_level="2",
        ),
        visit_no="V1", service_at=datetime(2026, 11, 20, 9, tzinfo=CHINA), admitted_on=None,
        discharged_on=None, disease="", emergency=False, referral=False, total_fen=fen,
        full_self_pay_fen=0, over_ceiling_fen=0, pre_self_pay_fen=0, in_scope_fen=fen, lines=(),
    )  # fmt: skip
    return replace(case, **changes)


def a_stay_case(scheme: str = "310", fen: int = 1_000_000, **changes: object) -> Case:
    """A stay of five days in Changsha."""
    stay: dict[str, object] = {
        "care_kind": "inpatient", "care_type": "21", "admitted_on": date(2026, 11, 15),
        "discharged_on": ON,
    }  # fmt: skip
    return a_hub_case(scheme, fen, **{**stay, **changes})


def translator(world: World) -> HomeTranslator:
    """Questions to commands, in the world's lanes."""
    return HomeTranslator(lanes=LANES, keyring=world.keyring)


def decide(command: HomeCommand, view: View, world: World, second: int = 0) -> Decision:
    """What is decided on a question; what it does is in the view then."""
    decision = USE_CASES[type(command)](command, view, world, a_moment(second))
    if decision.effects is not None:
        view.apply(decision.effects)
    return decision


def settled(case: Case, view: View, world: World) -> Answer:
    """A case is settled."""
    command = translator(world).share(case, CHANGSHA, quote=False)
    reply = decide(command, view, world).reply
    assert isinstance(reply, Answer), reply
    return reply


def a_cancelling(settlement_no: str, number: int = 2) -> CancelAsked:
    """The question to take the case back."""
    return CancelAsked(
        cancel_no=f"430100-261100030000100000{number}", case_no=CASE_NO,
        settlement_no=settlement_no, person_no=PERSON_NO,
    )  # fmt: skip


@st.composite
def hub_lines(draw: st.DrawFn) -> tuple[LineTold, ...]:
    """One to six lines, each split in its four parts in any way."""
    lines = []
    for number in range(draw(st.integers(1, 6))):
        parts = [draw(st.integers(0, 2_000_000)) for _ in range(4)]
        lines.append(
            LineTold(
                line_no=str(number + 1), item_code="XA001ABROAD", item_class="01", charge_kind="09",
                quantity_e4=10_000, price_e6=sum(parts) * 10_000, amount_fen=sum(parts),
                full_self_pay_fen=parts[0], over_ceiling_fen=parts[1], pre_self_pay_fen=parts[2],
                in_scope_fen=parts[3], occurred_on=ON,
            )
        )
    return tuple(lines)


def of_lines(case: Case, lines: Sequence[LineTold]) -> Case:
    """The case that these lines make."""
    parts = ("full_self_pay_fen", "over_ceiling_fen", "pre_self_pay_fen", "in_scope_fen")
    sums = {name: sum(getattr(line, name) for line in lines) for name in parts}
    return replace(case, lines=tuple(lines), total_fen=sum(sums.values()), **sums)
