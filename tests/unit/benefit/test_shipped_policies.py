"""Every shipped policy on cases of our own, each worked out by hand beside its row.

Amounts are fen. The published examples are in test_worked_examples.py; the Dongguan demonstration
is in test_benefit.py.
"""

from __future__ import annotations

import pytest

from settlement.benefit import adjudicate
from settlement.case import Case
from settlement.claim import AccountUse
from settlement.explanation import Closure, render_en, render_zh
from tests.unit.benefit.shipped import NAMED, OUTPATIENT, a_stay, next_segment, paid

POOL, LARGE, CRITICAL, AID, OTHER = "310100", "330100", "390200", "610100", "999109"
RESIDENT_POOL = "390100"
SHENZHEN, BEIJING, SHANGLUO = "shenzhen-employee-tier2", "beijing-employee", "shangluo-employee"
RESIDENT, EMPLOYEE = "ulanqab-resident", "ulanqab-employee"
GUANGZHOU, ZHONGSHAN = "guangzhou-employee", "zhongshan"

Row = tuple[int, dict[str, object], dict[str, int]]
"""In scope; what is special about the case; what each fund pays."""


def admitted(times: int, **counted: int) -> dict[str, int]:
    """What counts so far: admissions, and what else is named (`paid_310100` for `paid.310100`)."""
    named = {name.replace("paid_", "paid."): amount for name, amount in counted.items()}
    return {"admissions": times, **named}


def check(policy: str, row: Row) -> None:
    in_scope, special, funds = row
    case = a_stay(policy, in_scope, **special)  # type: ignore[arg-type]
    benefit = adjudicate(case, NAMED[policy])
    assert paid(benefit) == funds
    assert render_zh(benefit.explanation) and render_en(benefit.explanation)


@pytest.mark.parametrize("row", [
    # 20 000 less the deductible, times the ratio
    (2_000_000, {"level": "1"},                            {POOL: 1_821_600}),  # 19 800 x 92 %
    (2_000_000, {"level": "2"},                            {POOL: 1_783_600}),  # 19 600 x 91 %
    (2_000_000, {"level": "3"},                            {POOL: 1_746_000}),  # 19 400 x 90 %
    (2_000_000, {"level": "community"},                    {POOL: 1_821_600}),
    (2_000_000, {"level": "9"},                            {POOL: 1_746_000}),  # ungraded
    (2_000_000, {"level": "1", "counted": admitted(1)},    {POOL: 1_830_800}),  # 19 900 x 92 %
    (2_000_000, {"level": "2", "counted": admitted(1)},    {POOL: 1_801_800}),  # 19 800 x 91 %
    (2_000_000, {"level": "3", "counted": admitted(1)},    {POOL: 1_773_000}),  # 19 700 x 90 %
    (2_000_000, {"level": "3", "counted": admitted(7)},    {POOL: 1_773_000}),
    (2_000_000, {"level": "1", "category": "retired"},     {POOL: 1_881_000}),  # 19 800 x 95 %
    (2_000_000, {"level": "2", "category": "retired"},     {POOL: 1_862_000}),  # 19 600 x 95 %
    (2_000_000, {"level": "3", "category": "retired"},     {POOL: 1_843_000}),  # 19 400 x 95 %
    # a transfer is an admission with a deductible of its own; elsewhere is as here
    (2_000_000, {"transfer": True, "counted": admitted(1)}, {POOL: 1_773_000}),
    (2_000_000, {"where": "outside"},                      {POOL: 1_746_000}),
    (   59_999, {},                                        {}),                 # all deductible
    (   60_001, {},                                        {POOL: 1}),          # 0.9 of a fen
])  # fmt: skip
def test_shenzhen_employee_tier_2(row: Row) -> None:
    check(SHENZHEN, row)


@pytest.mark.parametrize("row", [
    # brackets with the deductible in them: 28 700 x 85 %, 10 000 x 90 %, 10 000 x 95 %
    ( 5_000_000, {},                                       {POOL: 4_289_500}),
    ( 5_000_000, {"level": "1"},                           {POOL: 4_289_500}),  # assumed
    # six tenths of the person's ratio: 28 700 x 91 %, 10 000 x 94 %, 10 000 x 97 %
    ( 5_000_000, {"category": "retired"},                  {POOL: 4_521_700}),
    # the second admission: 650, and brackets from where the year stands
    ( 2_000_000, {"counted": admitted(1, in_scope=5_000_000)}, {POOL: 1_838_250}),  # 19 350 x 95 %
    # 25 650 - 30 000 at 85 %, 10 000 at 90 %, 5 000 at 95 %: 3 697.50 + 9 000 + 4 750
    ( 2_000_000, {"counted": admitted(1, in_scope=2_500_000)}, {POOL: 1_744_750}),
    # cap 100 000: 24 395 + 9 000 + 66 605 = 95 % of 70 110.53; 39 889.47 are above, at 80 %
    (15_000_000, {},                                {POOL: 10_000_000, LARGE: 3_191_158}),
    # 26 117 + 9 400 + 64 483 = 97 % of 66 477.32; 43 522.68 are above, at 80 % as for everybody
    (15_000_000, {"category": "retired"},           {POOL: 10_000_000, LARGE: 3_481_814}),
    # the pool used up: 9 350 x 80 %; the large-amount fund nearly so
    ( 1_000_000, {"counted": admitted(1, in_scope=15_000_000, paid_310100=10_000_000)},
                                                           {LARGE: 748_000}),
    ( 1_000_000, {"counted": admitted(1, in_scope=15_000_000, paid_310100=10_000_000,
                                      paid_330100=39_900_000)}, {LARGE: 100_000}),
])  # fmt: skip
def test_beijing_employee_in_hospital(row: Row) -> None:
    check(BEIJING, row)


@pytest.mark.parametrize("row", [
    (100_000, {"counted": {"deductible": 180_000}},                       {POOL: 70_000}),
    (100_000, {"counted": {"deductible": 180_000}, "level": "2"},         {POOL: 70_000}),
    (100_000, {"counted": {"deductible": 180_000}, "level": "9"},         {POOL: 70_000}),
    (100_000, {"counted": {"deductible": 180_000}, "level": "community"}, {POOL: 90_000}),
    (100_000, {"counted": {"deductible": 130_000}, "level": "community", "category": "retired"},
                                                                          {POOL: 90_000}),
    (100_000, {"counted": {"deductible": 130_000}, "category": "retired", "age": 69},
                                                                          {POOL: 85_000}),
    (100_000, {"counted": {"deductible": 130_000}, "category": "retired", "age": 70},
                                                                          {POOL: 90_000}),
    (100_000, {"counted": {"deductible": 170_000}},                       {POOL: 63_000}),
    (200_000, {"category": "retired", "age": 60},                         {POOL: 59_500}),
    (180_000, {},                                                         {}),
    # no cap since 2023
    (100_000, {"counted": {"deductible": 180_000, "paid.310100": 5_000_000}}, {POOL: 70_000}),
])  # fmt: skip
def test_beijing_employee_as_an_outpatient(row: Row) -> None:
    """1 000 after a deductible of 1 800 (retired 1 300) a year: 70, 85, 90 %."""
    check(BEIJING, (row[0], {**row[1], "care_type": OUTPATIENT}, row[2]))


@pytest.mark.parametrize("row", [
    # 11 200 - 1 200 at 65 %; 100 less for each further admission, never less than nothing
    (1_120_000, {},                                          {RESIDENT_POOL: 650_000}),
    (1_120_000, {"level": "1"},                              {RESIDENT_POOL: 650_000}),  # assumed
    (1_120_000, {"counted": admitted(1)},                    {RESIDENT_POOL: 656_500}),
    (1_120_000, {"counted": admitted(2)},                    {RESIDENT_POOL: 663_000}),
    (1_120_000, {"counted": admitted(12)},                   {RESIDENT_POOL: 728_000}),
    (1_120_000, {"counted": admitted(40)},                   {RESIDENT_POOL: 728_000}),
    # the year's own share crosses 14 000: 13 000 + 4 700, 3 700 x 60 %
    (1_120_000, {"counted": {"own_share": 1_300_000}},
                                             {RESIDENT_POOL: 650_000, CRITICAL: 222_000}),
    # critical illness: 1 000 left of 500 000
    (1_120_000, {"counted": {"own_share": 90_000_000, "paid.390200": 49_900_000}},
                                             {RESIDENT_POOL: 650_000, CRITICAL: 100_000}),
    # the pool has 5 000 left: 80 % of 6 250. Own 1 250, above 12 650, deductible 1 100: 60 %
    (2_000_000, {"counted": admitted(1, in_scope=23_000_000, paid_390100=15_500_000,
                                     own_share=6_000_000)},
                                             {RESIDENT_POOL: 500_000, CRITICAL: 900_000}),
    # first 15 % or 20 % off: (9 520 - 1 200) x 65 %, (8 960 - 1 200) x 65 %
    (1_120_000, {"where": "in_province", "filing": "referral"},  {RESIDENT_POOL: 540_800}),
    (1_120_000, {"where": "outside", "filing": "referral"},      {RESIDENT_POOL: 504_400}),
    (1_120_000, {"where": "outside", "filing": "emergency"},     {RESIDENT_POOL: 650_000}),
    (1_120_000, {"where": "outside", "filing": "long_term"},     {RESIDENT_POOL: 650_000}),
    (1_120_000, {"where": "outside", "filing": "none"},          {}),
    (1_120_000, {"where": "in_province", "filing": "temporary"}, {}),
    # nor does any other layer pay for that
    (9_000_000, {"where": "outside", "filing": "none", "tags": ("orphan",)}, {}),
])  # fmt: skip
def test_ulanqab_resident(row: Row) -> None:
    check(RESIDENT, row)


@pytest.mark.parametrize("row", [
    # 15 000 in all, 11 200 in scope: the pool leaves 4 700, below the threshold of 7 000
    (1_120_000, 380_000, ("dibao",),           {}, {RESIDENT_POOL: 650_000, AID: 329_000}),
    (1_120_000, 380_000, ("low_income",),      {}, {RESIDENT_POOL: 650_000, AID: 329_000}),
    (1_120_000, 380_000, ("five_guarantee",),  {}, {RESIDENT_POOL: 650_000, AID: 470_000}),
    (1_120_000, 380_000, ("destitute",),       {}, {RESIDENT_POOL: 650_000, AID: 470_000}),
    (1_120_000, 380_000, ("orphan",),          {}, {RESIDENT_POOL: 650_000, AID: 470_000}),
    (1_120_000, 380_000, ("dibao", "orphan"),  {}, {RESIDENT_POOL: 650_000, AID: 470_000}),
    (1_120_000, 380_000, ("registered_poor",), {}, {RESIDENT_POOL: 650_000}),
    (1_120_000, 380_000, ("unknown",),         {}, {RESIDENT_POOL: 650_000}),
    # 1 000 left of the yearly 10 000; at a dearer stay 91 000 of 100 000
    (1_120_000, 380_000, ("dibao",), {"paid.610100": 900_000},
                                                   {RESIDENT_POOL: 650_000, AID: 100_000}),
    # 30 000.00 is not above 30 000; a fen more is: 80 %, and 40 % of the 940 left
    (1_120_000, 1_880_000, ("dibao",), {},         {RESIDENT_POOL: 650_000, AID: 329_000}),
    (1_120_000, 1_880_001, ("dibao",), {},
                                       {RESIDENT_POOL: 650_000, AID: 376_000, OTHER: 37_600}),
    (1_120_000, 1_880_001, ("dibao",), {"paid.610100": 900_000},
                                       {RESIDENT_POOL: 650_000, AID: 376_000, OTHER: 37_600}),
    (1_120_000, 1_880_001, ("registered_poor",), {},
                                       {RESIDENT_POOL: 650_000, AID: 376_000, OTHER: 37_600}),
    (1_120_000, 1_880_000, (), {},                 {RESIDENT_POOL: 650_000}),
    (1_120_000, 1_880_001, (), {},                 {RESIDENT_POOL: 650_000, OTHER: 188_000}),
    # poor: from 7 000 at 65 %, and no cap: 4 700 x 65 %, then 70 % of 1 645
    (1_120_000, 500_000, ("dibao",), {"own_share": 90_000_000, "paid.390200": 49_900_000},
                              {RESIDENT_POOL: 650_000, CRITICAL: 305_500, AID: 115_150}),
])  # fmt: skip
def test_ulanqab_resident_in_aid(
    row: tuple[int, int, tuple[str, ...], dict[str, int], dict[str, int]]
) -> None:
    in_scope, full, tags, counted, funds = row
    check(RESIDENT, (in_scope, {"full_fen": full, "tags": tags, "counted": counted}, funds))


@pytest.mark.parametrize("row", [
    # 80 000 in scope: 28 800 x 65 % + 40 000 x 70 % + 10 000 x 75 % = 54 220, which leave 25 780;
    # (25 780 - 14 000) x 60 % = 7 068; 40 % of 18 712. The ceiling of 72 000 does not bind
    ( 8_000_000, 0, (), {RESIDENT_POOL: 5_422_000, CRITICAL: 706_800, OTHER: 748_480}),
    # dibao: (25 780 - 7 000) x 65 % = 12 207; of 80 % of 13 573 the ceiling leaves 5 573
    ( 8_000_000, 0, ("dibao",), {RESIDENT_POOL: 5_422_000, CRITICAL: 1_220_700, AID: 557_300}),
    # 200 000: 144 220; 41 780 x 60 %; 30 712 left: 12 000 + 356, but 90 % leave 10 712 only
    (20_000_000, 0, (), {RESIDENT_POOL: 14_422_000, CRITICAL: 2_506_800, OTHER: 1_071_200}),
    (20_000_000, 1_000_000, (),
                        {RESIDENT_POOL: 14_422_000, CRITICAL: 2_506_800, OTHER: 1_235_600}),
    # 400 000: pool to its cap, 226 000 x 60 %; of 104 400 left 12 000 + 10 000 + 32 640, cap 50 000
    (40_000_000, 0, (), {RESIDENT_POOL: 16_000_000, CRITICAL: 13_560_000, OTHER: 5_000_000}),
])  # fmt: skip
def test_ulanqab_resident_through_all_layers(
    row: tuple[int, int, tuple[str, ...], dict[str, int]]
) -> None:
    in_scope, full, tags, funds = row
    check(RESIDENT, (in_scope, {"full_fen": full, "tags": tags}, funds))


def test_ceiling_says_so_where_it_binds() -> None:
    benefit = adjudicate(a_stay(RESIDENT, 8_000_000, tags=("dibao",)), NAMED[RESIDENT])
    assert benefit.fund_fen == 7_200_000
    notes = {share.fund_pay_type: share.note for share in benefit.shares}
    assert notes[AID] == notes[OTHER] == Closure.CEILING_REACHED


@pytest.mark.parametrize("row", [
    # 48 800 x 85 % + 10 000 x 90 %; 48 500; 48 000
    ( 6_000_000, {},                                       {POOL: 5_048_000}),
    ( 6_000_000, {"category": "retired"},                  {POOL: 5_048_000}),  # assumed
    ( 6_000_000, {"level": "1"},                           {POOL: 5_048_000}),  # assumed
    ( 6_000_000, {"where": "in_province"},                 {POOL: 5_022_500}),
    ( 6_000_000, {"where": "outside", "filing": "none"},   {POOL: 4_980_000}),
    # a second stay above 150 000: 8 800 x 95 %
    ( 1_000_000, {"counted": {"in_scope": 16_000_000}},    {POOL: 836_000}),
    # 41 480 + 90 000, and 128 520 to the cap is 95 % of 135 284.21; 95 % of the 114 715.79 above
    (40_000_000, {},                                {POOL: 26_000_000, LARGE: 10_898_000}),
    # both caps: 380 000 in all, as published
    (50_000_000, {},                                {POOL: 26_000_000, LARGE: 12_000_000}),
])  # fmt: skip
def test_ulanqab_employee(row: Row) -> None:
    check(EMPLOYEE, row)


@pytest.mark.parametrize("row", [
    # 20 000 less 300/220/180, 400/300/200, 600/460/320, at 94, 93, 92 %; retired two more
    (2_000_000, {"level": "1"},                                  {POOL: 1_851_800}),
    (2_000_000, {"level": "1", "counted": admitted(1)},          {POOL: 1_859_320}),
    (2_000_000, {"level": "1", "counted": admitted(2)},          {POOL: 1_863_080}),
    (2_000_000, {"level": "1", "counted": admitted(9)},          {POOL: 1_863_080}),
    (2_000_000, {"level": "2"},                                  {POOL: 1_822_800}),
    (2_000_000, {"level": "2", "counted": admitted(1)},          {POOL: 1_832_100}),
    (2_000_000, {"level": "2", "counted": admitted(2)},          {POOL: 1_841_400}),
    (2_000_000, {"level": "3"},                                  {POOL: 1_784_800}),
    (2_000_000, {"level": "3", "counted": admitted(1)},          {POOL: 1_797_680}),
    (2_000_000, {"level": "3", "counted": admitted(2)},          {POOL: 1_810_560}),
    (2_000_000, {"level": "community"},                          {POOL: 1_851_800}),
    (2_000_000, {"level": "3", "category": "retired"},           {POOL: 1_823_600}),
    (  500_000, {"level": "3"},                                  {POOL: 404_800}),  # assumed
    # a visit of 500: 470 x 70 %, 440 x 65 %, 410 x 60 %; retired five more
    (50_000, {"care_type": OUTPATIENT, "level": "1"},            {POOL: 32_900}),
    (50_000, {"care_type": OUTPATIENT, "level": "2"},            {POOL: 28_600}),
    (50_000, {"care_type": OUTPATIENT, "level": "3"},            {POOL: 24_600}),
    (50_000, {"care_type": OUTPATIENT, "level": "3", "category": "retired"}, {POOL: 26_650}),
    (50_000, {"care_type": OUTPATIENT, "level": "1", "counted": {"deductible": 3_000}},
                                                                 {POOL: 32_900}),  # every visit
    ( 3_000, {"care_type": OUTPATIENT, "level": "1"},            {}),
    # 100 left of 1 500: 70 % of 142.86; 90 % of the 327.14 above. Used up: 470 x 90 %
    (50_000, {"care_type": OUTPATIENT, "level": "1", "counted": {"paid.310100": 140_000}},
                                                                 {POOL: 10_000, LARGE: 29_443}),
    (50_000, {"care_type": OUTPATIENT, "level": "1", "counted": {"paid.310100": 150_000}},
                                                                 {LARGE: 42_300}),
    # retired: 2 000
    (50_000, {"care_type": OUTPATIENT, "level": "1", "category": "retired",
              "counted": {"paid.310100": 140_000}},              {POOL: 35_250}),
])  # fmt: skip
def test_shangluo_employee(row: Row) -> None:
    check(SHANGLUO, row)


@pytest.mark.parametrize("row", [
    (1_000_000, {"level": "1"},                                  {POOL:   900_000}),
    (2_000_000, {"level": "2"},                                  {POOL: 1_800_000}),
    (1_000_000, {"level": "3"},                                  {POOL:   800_000}),
    (2_000_000, {"level": "3"},                                  {POOL: 1_650_000}),  # 8 000, 8 500
    (2_000_000, {"level": "3", "category": "retired"},           {POOL: 1_650_000}),  # assumed
    (2_000_000, {"level": "1", "where": "outside"},              {POOL: 1_610_000}),  # 7 800, 8 300
    (2_000_000, {"level": "3", "where": "in_province"},          {POOL: 1_610_000}),
    # 90 % of the 3 500, of the 1 000 left
    (2_000_000, {"level": "3", "tags": ("supplementary",)},      {POOL: 1_650_000, OTHER: 315_000}),
    (1_000_000, {"level": "1", "tags": ("supplementary",)},      {POOL:   900_000, OTHER:  90_000}),
])  # fmt: skip
def test_zhongshan(row: Row) -> None:
    check(ZHONGSHAN, row)


@pytest.mark.parametrize("row", [
    (850_000, {},                              {POOL: 520_000}),  # 6 500 x 80 %
    (850_000, {"level": "1"},                  {POOL: 520_000}),  # assumed
    (850_000, {"category": "retired"},         {POOL: 520_000}),  # assumed
    (850_000, {"full_fen": 150_000},           {POOL: 520_000}),  # the published example
    (200_000, {},                              {}),
    (200_001, {},                              {POOL: 1}),        # 0.8 of a fen
])  # fmt: skip
def test_guangzhou_employee(row: Row) -> None:
    check(GUANGZHOU, row)


@pytest.mark.parametrize("policy", [BEIJING, EMPLOYEE, SHANGLUO, ZHONGSHAN, GUANGZHOU])
def test_account_pays_what_is_in_scope_and_pre_self_pay_but_no_full_self_pay(policy: str) -> None:
    case = a_stay(
        policy, 1_000_000, full_fen=20_000, pre_fen=3_000,
        account_balance_fen=10**9, account_use=AccountUse.OWN,
    )  # fmt: skip
    benefit = adjudicate(case, NAMED[policy])
    assert benefit.cash_fen == 20_000
    assert benefit.account_fen == 1_003_000 - benefit.fund_fen


@pytest.mark.parametrize("policy", [SHENZHEN, RESIDENT])
def test_no_account_pays_where_the_scheme_has_none(policy: str) -> None:
    case = a_stay(policy, 1_000_000, account_balance_fen=10**9, account_use=AccountUse.OWN)
    assert adjudicate(case, NAMED[policy]).account_fen == 0


@pytest.mark.parametrize(
    ("policy", "first", "rest", "deductible", "fund"),
    [
        # (30 000 - 600) x 90 %, in two segments
        (SHENZHEN, 1_000_000, 2_000_000, (60_000, 0),        (846_000, 1_800_000)),
        # a first segment below the deductible leaves the rest of it to the second
        (SHENZHEN,    40_000, 2_000_000, (40_000, 20_000),   (      0, 1_782_000)),
        # 25 000 and 25 000: 23 700 x 85 %; 5 000 x 85 %, 10 000 x 90 %, 10 000 x 95 %
        (BEIJING,  2_500_000, 2_500_000, (130_000, 0),       (2_014_500, 2_275_000)),
    ],
)  # fmt: skip
def test_stay_in_two_segments_bears_one_deductible_and_goes_on_in_its_brackets(
    policy: str, first: int, rest: int, deductible: tuple[int, int], fund: tuple[int, int]
) -> None:
    case: Case = a_stay(policy, first)
    one = adjudicate(case, NAMED[policy])
    two = next_segment(NAMED[policy], case, a_stay(policy, rest))
    assert (one.deductible_fen, two.deductible_fen) == deductible
    assert (one.fund_fen, two.fund_fen) == fund
    assert two.increments.get("inpatient.admissions") is None
