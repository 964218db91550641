"""Claims, items, persons and policies for these tests: small, synthetic, all defaults harmless."""

from __future__ import annotations

from datetime import date, datetime

from msgspec.structs import replace

from settlement.case import Case
from settlement.catalogue import OPEN_END, Catalogue, Item
from settlement.claim import AccountUse, CareKind, Claim, ClaimLine
from settlement.entitlement import Entitlement, entitle
from settlement.institution import Institution, InstitutionKind
from settlement.person import Enrolment, YearToDate
from settlement.policy.loader import PolicySet, load_policies, parse_policies
from settlement.policy.model import Policy
from settlement.policy.region import RegionProfile
from settlement.pricing import LineTotals
from settlement.refusal import Refusal

ON = date(2026, 11, 20)
SCHEME = {"employee": "310", "resident": "390", "deductible": "310"}

DEDUCTIBLE_POLICY = """
format = "benefit-policy/2"
name = "test-deductible"
title = "测试政策"
region = "999999"
scheme = "310"
effective_from = 2024-01-01
verified = false
categories = [ { name = "active", title = "在职", person_types = ["11"] } ]
care = [ { care_types = ["11"], kind = "outpatient", rules = "visit", clearing_type = "11" } ]

[sources]
test = "测试"

[account]
fund = "310200"
credential_types = ["01", "02", "03"]
pays = ["deductible", "pre_self_pay"]
while_suspended = false
while_waiting = false
source = "test"

[amounts_fen.yearly]
by = ["level"]
rows = [
  ["1", 10_000],
  ["*", 10_000],
]
source = "test"

[caps.pool]
amount_fen = 50000
funds = ["310102"]
source = "test"

[[rules.visit]]
step = "deductible"
amount_fen = "yearly"
per = "year"
source = "test"

[[rules.visit]]
step = "share"
fund = "310102"
ratio_bp = 7000
cap = "pool"
source = "test"

[[rules.visit]]
step = "share"
fund = "330100"
take = ["own", "over_cap"]
ratio_bp = 8000
source = "test"

[[funds]]
code = "310102"
name = "统筹"
name_en = "pool"
kind = "fund"
amount_field = "hifp_pay"
ledger_code = 1

[[funds]]
code = "330100"
name = "大额"
name_en = "large"
kind = "fund"
amount_field = "hifob_pay"
ledger_code = 2

[[funds]]
code = "310200"
name = "账户"
name_en = "account"
kind = "account"
amount_field = "acct_pay"
ledger_code = 3
"""

REGION_PROFILE = """
format = "region-profile/1"
code = "999999"
name = "测试区"
unknown_item = "refuse"
unknown_item_charge_kind = "14"
item_code_pattern = '^[A-Z0-9]{4,30}$'
refund_lines = ["inpatient"]
scheme_order = ["310", "390"]
fund_total_includes_account = false
ruling_date = { pharmacy = "fee", outpatient = "settlement", inpatient = "discharge" }
backdating_days_max = { pharmacy = 10, outpatient = 10, inpatient = 10 }
"""


def _found(policy: Policy | None) -> Policy:
    assert policy is not None
    return policy


def _profile(policies: PolicySet, code: str) -> RegionProfile:
    profile = policies.region(code)
    assert profile is not None
    return profile


SHIPPED = load_policies()
TESTED = parse_policies(
    {"region.toml": REGION_PROFILE.encode(), "policy.toml": DEDUCTIBLE_POLICY.encode()}
)
DONGGUAN = _profile(SHIPPED, "441900")
STRICT_REGION = _profile(TESTED, "999999")
POLICY = {
    "employee": _found(SHIPPED.find("441900", "310", ON)),
    "resident": _found(SHIPPED.find("441900", "390", ON)),
    "deductible": _found(TESTED.find("999999", "310", ON)),
}


def an_item(code: str, **changes: object) -> Item:
    item = Item(
        code=code,
        name="测试药品",
        list_type="101",
        item_class="01",
        charge_kind="09",
        self_pay_bp=0,
        effective_from=date(2024, 1, 1),
        effective_to=OPEN_END,
    )
    return replace(item, **changes)


def a_line(code: str, price_e6: int, quantity_e4: int, amount_fen: int) -> ClaimLine:
    return ClaimLine(
        line_no="1",
        item_code=code,
        institution_item_code="T1",
        quantity_e4=quantity_e4,
        price_e6=price_e6,
        amount_fen=amount_fen,
        occurred_on=ON,
    )


def a_claim(*lines: ClaimLine, **changes: object) -> Claim:
    claim = Claim(
        kind=CareKind.PHARMACY,
        care_type="41",
        scheme="310",
        institution_code="P99999900001",
        person_no="T0001",
        account_use=AccountUse.OWN,
        total_fen=sum(line.amount_fen for line in lines),
        service_at=datetime(2026, 11, 20, 9, 0),
        lines=lines,
    )
    return replace(claim, **changes)


def an_institution(**changes: object) -> Institution:
    institution = Institution(
        code="P99999900001",
        name="测试药店",
        kind=InstitutionKind.PHARMACY,
        region="441900",
        hospital_level="",
        deductible_level="9",
        ceiling_level="1",
        agreement_from=date(2025, 1, 1),
        agreement_to=date(2026, 12, 31),
        suspended=False,
        care_types=frozenset({"11", "41"}),
        account_base=10_000_000,
    )
    return replace(institution, **changes)


def an_enrolment(**changes: object) -> Enrolment:
    enrolment = Enrolment(
        scheme="310",
        category="11",
        status="1",
        enrolled_on=date(2020, 1, 1),
        benefit_from=date(2020, 1, 1),
        suspended_on=None,
        region="441900",
        civil_servant=False,
    )
    return replace(enrolment, **changes)


def a_catalogue(*items: Item) -> Catalogue:
    return Catalogue(items)


def entitled(
    policy: str = "employee", care_type: str = "41", on: date = ON, **changes: object
) -> Entitlement:
    category = "15" if policy == "resident" else "11"
    enrolment = an_enrolment(**{"scheme": SCHEME[policy], "category": category, **changes})
    result = entitle((enrolment,), SCHEME[policy], care_type, an_institution(), on, POLICY[policy])
    assert not isinstance(result, Refusal)
    return result


def some_totals(
    in_scope_fen: int, *, full_fen: int = 0, over_fen: int = 0, pre_fen: int = 0
) -> LineTotals:
    return LineTotals(
        total_fen=in_scope_fen + full_fen + over_fen + pre_fen,
        full_self_pay_fen=full_fen,
        over_ceiling_fen=over_fen,
        pre_self_pay_fen=pre_fen,
        in_scope_fen=in_scope_fen,
    )


def a_case(totals: LineTotals, entitlement: Entitlement, **changes: object) -> Case:
    case = Case(
        totals=totals,
        entitlement=entitlement,
        level="1",
        year_to_date=YearToDate(year=2026),
        account_balance_fen=0,
        account_use=AccountUse.OWN,
        credential_type="01",
    )
    return replace(case, **changes)
