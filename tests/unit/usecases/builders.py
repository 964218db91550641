"""A world in memory for use cases: one person, one pharmacy, five items, the real policies."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import count

from hypothesis import strategies as st
from msgspec import structs

from ledger.money import half_up
from settlement import keys
from settlement.catalogue import Catalogue
from settlement.claim import AccountUse, CareKind, Claim, ClaimLine
from settlement.clock import Moment, local_time
from settlement.commands import Asked, Cancel, Credential, Purchase, Reverse
from settlement.decision import Answer, Decision
from settlement.institution import Institution, InstitutionKind
from settlement.keyring import KeyMaterial, Keyring
from settlement.numbers import NumberBlock
from settlement.person import Enrolment, Identity
from settlement.policy.loader import load_policies
from settlement.rows import KeptLine, SettlementRow
from settlement.view import Effects, PersonFacts, View, YearDoc
from settlement.world import Suspensions, World
from tests.unit.benefit.builders import an_item

PERSON_NO = "44190099000000000001"
LANE, LANES = 3, 16
SCHEMES = {"310": "11", "390": "15"}
CAP_FEN = {"310": 300_000, "390": 120_000}
POOL = {"310": "outpatient.paid.310102", "390": "outpatient.paid.390102"}
ON = date(2026, 11, 20)
AT = datetime(2026, 11, 20, 9, 0)
ITEMS = (
    an_item("XA001TESTCLASSA"),
    an_item("XB001TESTCLASSB", item_class="02", self_pay_bp=1500),
    an_item("XC001TESTCLASSC", item_class="03", self_pay_bp=10_000),
    an_item("XA002TESTCEILING", ceiling_e6={"1": 3_333_333}),
    an_item("XB002TESTCEILING", item_class="02", self_pay_bp=3333, ceiling_e6={"1": 7_777}),
)
CODES = [*(item.code for item in ITEMS), "ZZ001TESTUNLISTED"]
PHARMACY = Institution(
    code="P44190099001",
    name="测试药店",
    kind=InstitutionKind.PHARMACY,
    region="441900",
    hospital_level="11",
    deductible_level="1",
    ceiling_level="1",
    agreement_from=date(2020, 1, 1),
    agreement_to=date(2099, 12, 31),
    suspended=False,
    care_types=frozenset({"41"}),
    account_base=10_000_010,
)
IDENTITY = Identity(
    name="测试甲",
    certificate_type="01",
    certificate_no="999999198001010001",
    sex="1",
    ethnic_group="01",
    born_on=date(1980, 1, 1),
    card_no="T99000000001",
    card_serial="441900D156",
    employer="测试单位",
)
CREDENTIAL = Credential(
    kind="02", number=IDENTITY.certificate_no, card_serial=None, certificate_no=None, name=None
)
_POLICIES = load_policies()
_PROFILE = _POLICIES.region("441900")
_KEYRING = Keyring((KeyMaterial(version=1, encryption=bytes(32), lookup=bytes(32)),))
_MSGIDS = count(1)


def a_world(**profile: object) -> World:
    """Numbers begin anew in every world; `profile` are changes of the region's."""
    assert _PROFILE is not None
    return World(
        region="441900",
        lanes=LANES,
        profile=structs.replace(_PROFILE, **profile),
        policies=_POLICIES,
        catalogue=Catalogue(ITEMS),
        institutions={PHARMACY.code: PHARMACY},
        suspensions=Suspensions(),
        keyring=_KEYRING,
        next_number=NumberBlock(1).next,
    )


def a_moment(second: int = 0, on: date = ON) -> Moment:
    """Some time on the day of the claims, or on another."""
    at = datetime(on.year, on.month, on.day, 2, 0, second, tzinfo=UTC)
    return Moment(at, local_time(at), on)


def a_view(scheme: str, *, balance_fen: int, used_fen: int) -> View:
    """What the database says of the one person."""
    enrolment = Enrolment(
        scheme=scheme,
        category=SCHEMES[scheme],
        status="1",
        enrolled_on=date(2015, 1, 1),
        benefit_from=date(2015, 1, 1),
        suspended_on=None,
        region="441900",
        civil_servant=False,
    )
    view = View()
    view.persons[PERSON_NO] = PersonFacts(
        lane=LANE,
        person_no=PERSON_NO,
        version=1,
        account=10**12 + 1,
        identity=IDENTITY,
        enrolments=(enrolment,),
        years={str(ON.year): YearDoc(values={POOL[scheme]: used_fen})},
        balance_fen=balance_fen,
        latest_row=None,
        latest_visit=None,
    )
    return view


def asked(infno: str) -> Asked:
    """A message of its own."""
    msgid = f"{PHARMACY.code}20261120100000{next(_MSGIDS) % 10_000:04d}"
    return Asked(
        infno=infno,
        institution=PHARMACY,
        msgid=msgid,
        operator="0001",
        lane=LANE,
        person_no=PERSON_NO,
        message_key=keys.message_key(PHARMACY.code, infno, msgid, 0),
        fingerprint=b"\x01" + bytes(24),
    )


def a_purchase(scheme: str, lines: tuple[ClaimLine, ...], use: AccountUse, nth: int) -> Purchase:
    """A sale; the `nth` differs from others in its time."""
    claim = Claim(
        kind=CareKind.PHARMACY,
        care_type="41",
        scheme=scheme,
        institution_code=PHARMACY.code,
        person_no=PERSON_NO,
        account_use=use,
        total_fen=sum(line.amount_fen for line in lines),
        service_at=AT.replace(second=nth % 60, minute=nth // 60),
        lines=lines,
    )
    return Purchase(
        asked=asked("2102"),
        business_key=nth.to_bytes(16, "big"),
        claim=claim,
        credential=CREDENTIAL,
        kept_lines=tuple(KeptLine(occurred_at="2026-11-20 09:00:00", extra={}) for _ in lines),
        kept={},
        invoice_no="",
        quote=False,
    )


def a_cancel(row: SettlementRow) -> Cancel:
    """2103 of a settlement."""
    return Cancel(
        asked=asked("2103"), setl_ids=(row.setl_id,), setl_id=row.setl_id, mdtrt_id=row.mdtrt_id,
        kind=CareKind.PHARMACY,
    )  # fmt: skip


def a_reversal(of: Purchase) -> Reverse:
    """2601 of a sale."""
    key = of.asked.message_key
    return Reverse(
        asked=asked("2601"),
        other_keys=tuple((lane, key) for lane in range(LANES)),
        original_infno="2102",
        original_msgid=of.asked.msgid,
        original_key=key,
    )


def booked(decision: Decision, view: View) -> Effects:
    """The effects of a decision that was no refusal, applied."""
    assert isinstance(decision.reply, Answer), decision.reply
    assert decision.effects is not None
    view.apply(decision.effects)
    return decision.effects


def row_of(effects: Effects) -> SettlementRow:
    """The settlement row among the effects."""
    assert effects.settlement is not None
    return effects.settlement


@st.composite
def claim_lines(draw: st.DrawFn) -> tuple[ClaimLine, ...]:
    """One to eight lines of any items, quantities and prices, amounts rounded as counters do."""
    lines = []
    for number in range(draw(st.integers(1, 8))):
        price_e6 = draw(st.integers(1, 5_000_000_000))
        quantity_e4 = draw(st.integers(1, 500_000))
        lines.append(
            ClaimLine(
                line_no=str(number + 1),
                item_code=draw(st.sampled_from(CODES)),
                institution_item_code="SHOP",
                quantity_e4=quantity_e4,
                price_e6=price_e6,
                amount_fen=half_up(price_e6 * quantity_e4, 10**8),
                occurred_on=ON,
            )
        )
    return tuple(lines)


schemes = st.sampled_from(sorted(SCHEMES))
uses = st.sampled_from([AccountUse.NONE, AccountUse.OWN])
balances = st.one_of(st.just(0), st.integers(0, 2_000_000))
