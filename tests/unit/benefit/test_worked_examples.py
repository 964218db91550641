"""Worked examples: replies recorded from real platforms, published examples, and sums made from
published rules. Each is tested for what it is and for no more.

Ids and sources (grades: A first-hand, B sound secondary, C weak secondary):

A02-A04      recorded replies 2204, 2206/2207, 2208, Hebei 2021 (newtouch-cloud/openhis client), A
A06, A07     recorded replies 2305, 2301, Chongqing 2021 (the same client), A
A09          recorded reply 5261/5265, Hainan 2021 (fengzaiqishi11/hsa-his), A
A10          comments of a client of the Zhejiang interface, 2022, A
A11-A13      recorded requests 3203, 3201, 2301, Nanyang 2024 (apifox a53b17a3), A
A14          a request in an interface log, Chongqing 2021, A
B01          isslerlaw.com, Guangzhou formula, C
B02          wodefinance.com kbwbvalgua, C; the sums are computed, only base and ratio are published
B04a-c       shouchaobaoquan.com, C
B05          woyaojiankangwang.com cwjlozqbzc, C
B07          m.cameronpac.com 11-211682, C
D01, D03     ssmc-sz.com, Shenzhen tier 2, 2024-05-06, B; the answers are computed
D05, D07     wodefinance.com mbcrjgsari, Beijing, B; the answers are computed
D09, D11     notice of Ulanqab Central Hospital (little-tiger-aowu/ULANQAB), B; computed
D13          the same notice, C; the base of the aid is assumed
D14          isslerlaw.com jahhpxiggc, Zhongshan, C; computed

C01 (a difference of 61.00 between two totals) and D16 (quality deposits) wait for finance.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest
from msgspec.structs import replace

from ledger.money import share_bp
from settlement.benefit import adjudicate, negative_of
from settlement.case import Case
from settlement.claim import CareKind, PricedLine
from settlement.person import YearToDate
from settlement.policy.loader import parse_policies
from settlement.pricing import price, totals_of
from settlement.refusal import Refusal
from tests.unit.benefit.builders import (
    DONGGUAN,
    ON,
    POLICY,
    REGION_PROFILE,
    a_case,
    a_catalogue,
    a_claim,
    a_line,
    an_institution,
    an_item,
    entitled,
    some_totals,
)
from tests.unit.benefit.shipped import NAMED, a_stay, after, paid

ULANQAB = NAMED["ulanqab-resident"].line_classes


class Line(NamedTuple):
    """Price in fen, quantity, and what the catalogue says of the item."""

    price_fen: int
    quantity: int
    item_class: str = "01"
    self_pay_bp: int = 0
    ceiling_fen: int | None = None


def priced(lines: tuple[Line, ...], kind: CareKind = CareKind.OUTPATIENT) -> tuple[PricedLine, ...]:
    """Price lines, each of an item of its own."""
    items = [
        an_item(
            f"TEST{number}",
            item_class=line.item_class,
            self_pay_bp=line.self_pay_bp,
            ceiling_e6=None if line.ceiling_fen is None else {"1": line.ceiling_fen * 10_000},
        )
        for number, line in enumerate(lines)
    ]
    charged = [
        a_line(item.code, line.price_fen * 10_000, line.quantity * 10_000,
               line.price_fen * line.quantity)
        for item, line in zip(items, lines, strict=True)
    ]  # fmt: skip
    result = price(a_claim(*charged, kind=kind), a_catalogue(*items), an_institution(), DONGGUAN)
    assert not isinstance(result, Refusal), result
    return result


LINE_CASES = [
    # id, lines; total, full self-pay, over the ceiling, pre-self-pay, in scope
    ("A02", (Line(452, 1, "02", 500),),                    (    452,       0, 0,      23,     429)),
    ("A10", (Line(12_000, 10, "01", 10_000),),             (120_000, 120_000, 0,       0,       0)),
    ("B05", (Line(10_000, 1, "02", 500),),                 ( 10_000,       0, 0,     500,   9_500)),
    (
        "A07",
        (
            *(Line(200, 3, "01", 0, 200),) * 2,
            Line(100, 1, "01", 0, 100),
            Line(800, 2, "01", 0, 800),
            *(Line(150, 1, "03", 10_000),) * 2,
            *(Line(300, 1, "01", 0, 300),) * 2,
            *(Line(150, 1, "03", 10_000),) * 3,
            Line(200, 1, "01", 0, 200),
            Line(800, 1, "01", 0, 800),
            Line(400, 9, "01", 0, 400),
            Line(500, 9, "01", 0, 500),
            Line(350, 9, "01", 0, 350),
        ),
        (16_500, 750, 0, 0, 15_750),
    ),
    (
        "D09",  # self-pay ratios as the shipped policy's classes of lines say
        (
            Line(1_000_000, 1),
            Line(500_000, 1, "02", ULANQAB["b"]),
            Line(200_000, 1, "02", ULANQAB["special_exam"]),
            Line(800_000, 1, "02", ULANQAB["implant_domestic"]),
            Line(600_000, 1, "02", ULANQAB["implant_imported"]),
            Line(100_000, 1, "03", 10_000),
        ),
        (3_200_000, 100_000, 0, 740_000, 2_360_000),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "lines", "expected"), LINE_CASES)
def test_lines_are_split_as_in_the_example(
    name: str, lines: tuple[Line, ...], expected: tuple[int, ...]
) -> None:
    totals = totals_of(priced(lines))
    assert (totals.total_fen, *totals.parts()) == expected, name


def test_a13_refund_line_is_negative_in_quantity_and_amount_only() -> None:
    charged, refund = priced((Line(17_600, 20), Line(17_600, -20)), CareKind.INPATIENT)
    assert (refund.line.amount_fen, refund.line.price_e6) == (-352_000, 176_000_000)
    assert refund.in_scope_fen == -charged.in_scope_fen


RATIO_CASES = [
    # id, pre-self-pay, ratio; effective ratio
    ("B04a",     0, 7_500, 7_500),
    ("B04b", 1_000, 7_500, 6_750),
    ("B04c", 2_000, 7_500, 6_000),
]  # fmt: skip


@pytest.mark.parametrize(("name", "pre_bp", "ratio_bp", "effective_bp"), RATIO_CASES)
def test_pre_self_pay_comes_off_before_the_ratio(
    name: str, pre_bp: int, ratio_bp: int, effective_bp: int
) -> None:
    """Ratios only are published: 100.00 in one line show them in fen."""
    (line,) = priced((Line(10_000, 1, "02", pre_bp),))
    assert share_bp(line.in_scope_fen, ratio_bp) == effective_bp, name


BEIJING, SHENZHEN = "beijing-employee", "shenzhen-employee-tier2"
RESIDENT, EMPLOYEE = "ulanqab-resident", "ulanqab-employee"
D13_LEFT = a_stay(RESIDENT, 1_491_429, full_fen=1_008_571, tags=("dibao",))

SHIPPED_CASES = [
    # id, policy, case; what each fund pays
    ("D01", SHENZHEN, a_stay(SHENZHEN, 2_000_000),                      {"310100": 1_746_000}),
    ("D03", SHENZHEN, a_stay(SHENZHEN, 800_000, category="retired", level="2"),
                                                                        {"310100":   722_000}),
    ("D05", BEIJING,  a_stay(BEIJING, 5_000_000),                       {"310100": 4_289_500}),
    # the whole bill is above 30 000, so that the government's aid joins: 40 % of 9 040 left
    ("D09", RESIDENT, a_stay(RESIDENT, 2_360_000, full_fen=100_000, pre_fen=740_000),
                                                     {"390100": 1_456_000, "999109": 361_600}),
    ("D11", EMPLOYEE, a_stay(EMPLOYEE, 20_000_000, where="outside", filing="referral"),
                                                                        {"310100": 17_830_000}),
    # 14 914.29 - 1 200 at 65 % leave 6 000.00 in scope; total 25 000. That the aid shares this is
    # assumed, as is everything that makes the 6 000 remain
    ("D13", RESIDENT, D13_LEFT,                            {"390100": 891_429, "610100": 420_000}),
    ("D14", "zhongshan", a_stay("zhongshan", 1_000_000, level="1"),     {"310100":   900_000}),
    ("B01", "guangzhou-employee", a_stay("guangzhou-employee", 850_000, full_fen=150_000),
                                                                        {"310100":   520_000}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "policy", "case", "funds"), SHIPPED_CASES)
def test_shipped_policy_pays_as_in_the_example(
    name: str, policy: str, case: Case, funds: dict[str, int]
) -> None:
    benefit = adjudicate(case, NAMED[policy])
    assert paid(benefit) == funds, name
    assert benefit.person_fen == case.totals.total_fen - sum(funds.values())


def test_d07_a_year_of_visits_not_one_visit() -> None:
    """5 000 in scope in a year, 1 800 of it deductible, 70 %: 2 240, in three visits here."""
    year, funds = YearToDate(year=2026), []
    for in_scope_fen in (120_000, 180_000, 200_000):
        case = a_stay(BEIJING, in_scope_fen, care_type="11", year_to_date=year)
        benefit = adjudicate(case, NAMED[BEIJING])
        funds.append(benefit.fund_fen)
        year = after(case, benefit)
    assert funds == [0, 84_000, 140_000]
    assert sum(funds) == 224_000


def test_a03_deductible_eats_the_visit_and_a04_its_cancel_gives_all_back() -> None:
    policy = POLICY["deductible"]
    a03 = a_case(
        some_totals(429, pre_fen=23), entitled("deductible", "11"), account_balance_fen=137_823
    )
    benefit = adjudicate(a03, policy)
    assert (benefit.deductible_fen, benefit.fund_fen) == (429, 0)
    assert (benefit.account_fen, benefit.cash_fen, benefit.person_fen) == (452, 0, 452)
    assert a03.account_balance_fen - benefit.account_fen == 137_371
    a04 = negative_of(adjudicate(replace(a03, totals=some_totals(2_487, pre_fen=23)), policy))
    assert (a04.totals.total_fen, a04.totals.pre_self_pay_fen) == (-2_510, -23)
    assert (a04.totals.in_scope_fen, a04.deductible_fen) == (-2_487, -2_487)
    assert (a04.account_fen, a04.fund_fen, a04.cash_fen) == (-2_510, 0, 0)
    assert a04.increments == {"outpatient.deductible": -2_487}


def test_a09_wholly_self_paid_stay_uses_no_fund_and_no_deductible() -> None:
    """In the recorded query the person's fields are 0: total = funds + person closes only here."""
    case = a_stay("guangzhou-employee", 0, full_fen=330_000)
    benefit = adjudicate(case, NAMED["guangzhou-employee"])
    assert (benefit.fund_fen, benefit.deductible_fen, benefit.account_fen) == (0, 0, 0)
    assert benefit.cash_fen == 330_000


INLINE_HEAD = """
format = "benefit-policy/2"
name = "test-example"
title = "测试"
region = "999999"
scheme = "310"
effective_from = 2024-01-01
verified = false
categories = [ { name = "active", title = "在职", person_types = ["11"] } ]
care = [ { care_types = ["21"], kind = "inpatient", rules = "stay", clearing_type = "21" } ]
sources = { test = "算例" }
"""
FUND_ROW = """
[[funds]]
code = "{code}"
name = "基金"
name_en = "fund"
kind = "fund"
amount_field = "{field}"
ledger_code = {code}
"""
B02 = """
[[rules.stay]]
step = "deductible"
amount_fen = 30_000
per = "case"
source = "test"

[[rules.stay]]
step = "share"
fund = "310100"
ratio_bp = RATIO
source = "test"
""" + FUND_ROW.format(code="310100", field="hifp_pay")
B07 = """
[[rules.stay]]
step = "share"
fund = "310100"
ratio_bp = 10_000
case_cap_fen = 12_000_000
source = "test"

[[rules.stay]]
step = "share"
fund = "999109"
take = ["in_scope_own"]
threshold_fen = 1_000_000
ratio_bp = 10_000
source = "test"

[[rules.stay]]
step = "share"
fund = "999110"
take = ["full_self_pay"]
threshold_fen = 2_000_000
ratio_bp = 8000
source = "test"
""" + "".join(
    FUND_ROW.format(code=code, field=field)
    for code, field in (("310100", "hifp_pay"), ("999109", "oth_pay"), ("999110", "oth_pay"))
)

INLINE_CASES = [
    # id, rules, in scope, full self-pay; what each fund pays
    ("B02", B02.replace("RATIO", "7000"),     100_000,         0, {"310100": 49_000}),
    ("B02", B02.replace("RATIO", "8000"),     100_000,         0, {"310100": 56_000}),
    # the basic 120 000 are given, here as a fixed amount; 40 000 and 8 000 are the example
    ("B07", B07,                           17_000_000, 3_000_000,
     {"310100": 12_000_000, "999109": 4_000_000, "999110": 800_000}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "rules", "in_scope_fen", "full_fen", "funds"), INLINE_CASES)
def test_rules_of_no_shipped_policy_pay_as_in_the_example(
    name: str, rules: str, in_scope_fen: int, full_fen: int, funds: dict[str, int]
) -> None:
    files = {"region.toml": REGION_PROFILE.encode(), "b.toml": (INLINE_HEAD + rules).encode()}
    policy = parse_policies(files).find("999999", "310", ON)
    assert policy is not None
    entitlement = replace(entitled("deductible", "11"), care_type="21")
    case = a_case(some_totals(in_scope_fen, full_fen=full_fen), entitlement)
    assert paid(adjudicate(case, policy)) == funds, name


IDENTITY_CASES = [
    # id, total, full self-pay, over ceiling, pre-self-pay, in scope, funds, hospital, person
    ("A06", -337_926, -95_634, -18_631, -19_722, -203_939, -203_939, -3_286, -130_701),
    ("A14",      900,       0,       0,       0,      900, None,     None,   None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "total", "full", "over", "pre", "scope", "funds", "hospital", "person"), IDENTITY_CASES
)
def test_recorded_amounts_add_up(
    name: str, total: int, full: int, over: int, pre: int, scope: int,
    funds: int | None, hospital: int | None, person: int | None,
) -> None:  # fmt: skip
    """No rule of the region is published: only that the amounts close, as ours must."""
    assert total == full + over + pre + scope, name
    if funds is not None and hospital is not None and person is not None:
        assert total == funds + hospital + person, name


TOTAL_CASES = [
    # id, total, funds, account, cash
    ("A11", 304_364,  36_304,      0, 268_060),
    ("A12", 895_823, 181_904, 38_823, 675_096),  # 3201 does not send the cash: it is implied
]  # fmt: skip


@pytest.mark.parametrize(("name", "total", "funds", "account", "cash"), TOTAL_CASES)
def test_totals_of_a_period_close(
    name: str, total: int, funds: int, account: int, cash: int
) -> None:
    assert total == funds + account + cash, name


def test_every_example_is_here_or_waits() -> None:
    tables = (LINE_CASES, RATIO_CASES, SHIPPED_CASES, INLINE_CASES, IDENTITY_CASES, TOTAL_CASES)
    in_tables = {row[0] for table in tables for row in table}
    by_themselves, waiting = {"A03", "A04", "A09", "A13", "D07"}, {"C01", "D16"}
    assert len(in_tables | by_themselves | waiting) == 28
