"""Cases under the shipped policies, built directly: what an enrolment and an institution would say
is given here, so that a row of a table is one line."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from settlement.benefit import Benefit, adjudicate
from settlement.case import Case, Stay
from settlement.claim import AccountUse
from settlement.entitlement import Entitlement
from settlement.person import YearToDate
from settlement.policy.model import Policy
from tests.unit.benefit.builders import ON, SHIPPED, some_totals

NAMED: Mapping[str, Policy] = {policy.name: policy for policy in SHIPPED.policies()}
INPATIENT, OUTPATIENT = "21", "11"


def entitled_under(policy: Policy, care_type: str, category: str = "") -> Entitlement:
    """Somebody whom nothing is closed for; by default of the policy's first category."""
    category = category or next(iter(policy.categories))
    return Entitlement(
        scheme=policy.scheme,
        person_type=next(t for t, c in policy.category_by_person_type.items() if c == category),
        category=category,
        care_type=care_type,
        ruling_on=ON,
        closed={},
        account_closed="" if policy.account is not None else "no_account",
    )


def a_stay(
    policy: str,
    in_scope_fen: int,
    *,
    full_fen: int = 0,
    pre_fen: int = 0,
    category: str = "",
    care_type: str = INPATIENT,
    counted: Mapping[str, int] | None = None,
    **changes: object,
) -> Case:
    """A stay (or visit) at level 3, nothing counted yet, no account; `counted` is by accumulator,
    without the name of the group."""
    rules = NAMED[policy]
    group = rules.care[care_type].group
    values = {f"{group}.{name}": amount for name, amount in (counted or {}).items()}
    case = Case(
        totals=some_totals(in_scope_fen, full_fen=full_fen, pre_fen=pre_fen),
        entitlement=entitled_under(rules, care_type, category),
        level="3",
        year_to_date=YearToDate(year=2026, values=values),
        account_balance_fen=0,
        account_use=AccountUse.NONE,
        credential_type="01",
    )
    return replace(case, **changes)


def paid(benefit: Benefit) -> dict[str, int]:
    """What each fund pays; those that pay nothing are left out."""
    return {s.fund_pay_type: s.amount_fen for s in benefit.shares if s.amount_fen}


def after(case: Case, benefit: Benefit) -> YearToDate:
    """What counts of the year once `benefit` stands."""
    values = dict(case.year_to_date.values)
    for name, amount in benefit.increments.items():
        values[name] = values.get(name, 0) + amount
    return YearToDate(year=case.year_to_date.year, values=values)


def next_segment(policy: Policy, case: Case, rest: Case) -> Benefit:
    """Settle `rest` as the second segment of the stay that `case` began."""
    first = adjudicate(case, policy)
    stay = Stay(
        deductible_fen=first.deductible_fen, deductible_this_year_fen=first.deductible_fen
    )
    return adjudicate(replace(rest, stay=stay, year_to_date=after(case, first)), policy)
