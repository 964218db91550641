"""Loading policies: what is found on a date, and every fault that stops the loading."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from settlement.claim import CareKind
from settlement.policy import loader
from settlement.policy.loader import PolicyError, PolicySet, parse_policies
from settlement.policy.region import CancelWindow
from tests.unit.benefit.builders import DEDUCTIBLE_POLICY, ON, POLICY, REGION_PROFILE, SHIPPED

PROFILES = ("100000", "441900")
"""Regions that have a shipped profile."""


def parsed(*policies: str, region: str = REGION_PROFILE) -> PolicySet:
    files = {f"policy-{number}.toml": text.encode() for number, text in enumerate(policies)}
    return parse_policies({"region.toml": region.encode(), **files})


def ending(text: str, until: str) -> str:
    return text.replace("verified = false", f"effective_to = {until}\nverified = false")


LATER = DEDUCTIBLE_POLICY.replace("2024-01-01", "2025-01-01").replace(
    "test-deductible", "test-later"
)


@pytest.mark.parametrize(
    ("region", "scheme", "on", "name"),
    [
        ("441900", "310", ON,                "dongguan-demo-employee"),
        ("441900", "390", ON,                "dongguan-demo-resident"),
        ("441900", "310", date(2024, 1, 1),  "dongguan-demo-employee"),
        ("441900", "310", date(2023, 12, 31), None),
        ("441900", "340", ON,                None),
        ("440300", "310", ON,                "shenzhen-employee-tier2"),
        ("440300", "310", date(2023, 9, 30), None),
        ("110000", "310", ON,                "beijing-employee"),
        ("110000", "390", ON,                None),
        ("150900", "390", ON,                "ulanqab-resident"),
        ("150900", "310", ON,                "ulanqab-employee"),
        ("611000", "310", ON,                "shangluo-employee"),
        ("442000", "310", ON,                "zhongshan"),
        ("440100", "310", ON,                "guangzhou-employee"),
        ("999999", "310", ON,                None),
    ],
)  # fmt: skip
def test_policy_is_found_by_region_scheme_and_date(
    region: str, scheme: str, on: date, name: str | None
) -> None:
    policy = SHIPPED.find(region, scheme, on)
    assert (policy and policy.name) == name


def test_shipped_figures_are_marked_as_nobodys_real_policy() -> None:
    """Demonstration figures say 演示; figures from secondary sources say 未核实."""
    for policy in SHIPPED.policies():
        demonstration = "demo" in policy.name
        assert not policy.verified
        assert policy.title.endswith("（演示）" if demonstration else "（未核实）")
        graded = [text for text in policy.sources.values() if re.search("[ABC] 级", text)]
        assert graded, f"{policy.name} names no source with its grade"


def test_page_of_policies_tells_of_each_and_of_what_is_assumed() -> None:
    page = (Path(__file__).parents[3] / "docs" / "reference" / "policies.md").read_text()
    sections = {part.partition("\n")[0].strip("`"): part for part in page.split("\n## ")[1:]}
    assert set(sections) == {policy.name for policy in SHIPPED.policies()}
    for name, section in sections.items():
        assert "Assumed:" in section, f"{name} does not say what is assumed"


def test_successive_periods_are_told_apart_by_date_and_version() -> None:
    policies = parsed(LATER, ending(DEDUCTIBLE_POLICY, "2024-12-31"))
    old = policies.find("999999", "310", date(2024, 12, 31))
    new = policies.find("999999", "310", date(2025, 1, 1))
    assert old is not None and new is not None
    assert (old.name, new.name) == ("test-deductible", "test-later")
    assert policies.version(old.version) is old
    assert old.version.startswith("test-deductible@2024-01-01#")
    assert len(old.version.partition("#")[2]) == 8


def test_version_changes_with_any_figure_but_not_with_a_comment() -> None:
    (one,) = parsed(DEDUCTIBLE_POLICY).policies()
    (two,) = parsed(DEDUCTIBLE_POLICY.replace("ratio_bp = 7000", "ratio_bp = 7001")).policies()
    (three,) = parsed("# 注释\n" + DEDUCTIBLE_POLICY).policies()
    assert one.version != two.version
    assert one.version == three.version


@pytest.mark.parametrize(
    ("person_type", "category"),
    [
        ("11", "active"),
        ("1103", "active"),
        ("12", "retired"),
        ("13", None),
        ("1", None),
        ("", None),
    ],
)
def test_local_person_types_fall_back_on_their_national_prefix(
    person_type: str, category: str | None
) -> None:
    assert POLICY["employee"].category(person_type) == category


def test_fiscal_year_may_start_in_another_month() -> None:
    text = DEDUCTIBLE_POLICY.replace("verified", "fiscal_year_start_month = 7\nverified", 1)
    (policy,) = parsed(text).policies()
    assert policy.fiscal_year(date(2026, 6, 30)) == 2025
    assert policy.fiscal_year(date(2026, 7, 1)) == 2026
    assert POLICY["employee"].fiscal_year(date(2026, 1, 1)) == 2026


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('scheme = "310"',        'scheme = "310"\nschem = "1"',   "没有 schem 这一项"),
        ('per = "year"',          'per = "year"\nlevel = "1"',     "level"),
        ('per = "year"',          'per = "month"',                 "month"),
        ('step = "share"',        'step = "gift"',                 "gift"),
        ('name = "test-deductible"', "",                           "name"),
        ("ratio_bp = 7000",       "ratio_bp = 70.5",               "须写整数.*小数"),
        ("ratio_bp = 7000",       "ratio_bp = 7000.0",             "须写整数.*小数"),
        ("ratio_bp = 7000",       "ratio_bp = 10001",              "第 45 行.*10001"),
        ("ratio_bp = 7000",       'ratio_bp = "none"',             "第 45 行.*none"),
        ('["1", 10_000]',         '["1", -1]',                     "第 26 行.*-1"),
        ('["1", 10_000]',         '["4", 10_000]',                 "第 26 行.*level 只能取"),
        ('["1", 10_000]',         '["1", "2", 10_000]',            "第 26 行.*每行"),
        ('["*", 10_000]',         '["2", 10_000]',                 "没有一行适用于 level = 3"),
        ('["1", 10_000]',         '["*", 9_000]',                  "第 27 行.*永远用不到"),
        ('cap = "pool"',          'cap = "pol"',                   "pol"),
        ('rules = "visit"',       'rules = "visits"',              "visits"),
        ('fund = "330100"',       'fund = "320100"',               "320100"),
        ('fund = "330100"',       'fund = "310200"',               "310200"),
        ('fund = "310200"',       'fund = "310102"',               "310102"),
        ('source = "test"',       'source = "hearsay"',            "hearsay"),
        ('amount_field = "hifp_pay"', 'amount_field = "hifq_pay"', "hifq_pay"),
        ('amount_field = "hifp_pay"', 'amount_field = "acct_pay"', "acct_pay"),
        ('amount_field = "acct_pay"', 'amount_field = "hifp_pay"', "acct_pay"),
        ('code = "330100"',       'code = "310102"',               "两次"),
        ('ledger_code = 2',       'ledger_code = 1',               "ledger_code"),
        ('care_types = ["11"]',   'care_types = ["11", "11"]',     "两次"),
        ('person_types = ["11"]', 'person_types = ["11", "11"]',   "两次"),
        ("verified = false",      "effective_to = 2023-12-31\nverified = false", "effective_to"),
        ("[sources]",             "[sources",                      "第 12 行"),
    ],
)  # fmt: skip
def test_fault_in_a_policy_stops_the_loading_and_is_named(
    old: str, new: str, complaint: str
) -> None:
    assert old in DEDUCTIBLE_POLICY
    with pytest.raises(PolicyError, match=complaint):
        parsed(DEDUCTIBLE_POLICY.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('name = "测试区"',       'nam = "测试区"',        "nam"),
        ('"refuse"',             '"perhaps"',            "perhaps"),
        ("'^[A-Z0-9]{4,30}$'",   "'[A-Z'",               "item_code_pattern"),
        ('inpatient = "discharge"', "",                  "第 .* 行"),
        (", inpatient = 10",     "",                     "inpatient"),
        ("region-profile/1",     "region-profile/9",     "region-profile/9"),
        ("account = false",      "account = 1",          "fund_total_includes_account"),
        ("account = false", 'account = false\nbased_on = "nowhere"', "没有名为 nowhere"),
        ("account = false", 'account = false\nbased_on = "guangzhou-employee"', "没有名为"),
        ("account = false", 'account = false\ncancel_window = "week"', "week"),
        ("account = false", 'account = false\nreversible = ["2102", "2103"]', "2103.*原结算"),
        ("account = false", 'account = false\nreversible = ["2402"]', "2402.*尚不支持冲正"),
        ("account = false", 'account = false\nnational_crypto = {cainfo_signed = "all"}', "all"),
        ("account = false", 'account = false\nnational_crypto = {sm4 = "ecb"}', "sm4"),
        ("account = false", 'account = false\nfund_payers = {1 = "town"}', "没有付款单位 town"),
        ("account = false", 'account = false\npayers = {agency = "市"}', "不是付款单位"),
        ("account = false", 'account = false\npayers = {Town = "市"}', "payers"),
        ("account = false", 'account = false\npayers = {town = "市"}\nfund_payers = '
         '{610100 = "town"}', "610100.*不在该区"),
    ],
)  # fmt: skip
def test_fault_in_a_region_profile_stops_the_loading(old: str, new: str, complaint: str) -> None:
    assert old in REGION_PROFILE
    with pytest.raises(PolicyError, match=complaint):
        parsed(region=REGION_PROFILE.replace(old, new, 1))


def test_overlapping_periods_of_one_scheme_are_refused() -> None:
    with pytest.raises(PolicyError, match="重叠"):
        parsed(LATER, ending(DEDUCTIBLE_POLICY, "2025-01-01"))
    with pytest.raises(PolicyError, match="重叠"):
        parsed(DEDUCTIBLE_POLICY, DEDUCTIBLE_POLICY)


def test_two_profiles_of_one_region_are_refused() -> None:
    with pytest.raises(PolicyError, match="两份"):
        parse_policies({"a.toml": REGION_PROFILE.encode(), "b.toml": REGION_PROFILE.encode()})


def test_two_schemes_never_share_a_ledger_code() -> None:
    other = (
        DEDUCTIBLE_POLICY.replace('scheme = "310"', 'scheme = "390"')
        .replace("test-deductible", "test-other")
        .replace("310102", "390102")
    )
    with pytest.raises(PolicyError, match="ledger_code"):
        parsed(DEDUCTIBLE_POLICY, other)


def test_every_shipped_file_is_loaded() -> None:
    shipped = list(Path(loader.__file__).parent.glob("*.toml"))
    assert len(shipped) == len(SHIPPED.policies()) + len(PROFILES)
    assert all(SHIPPED.region(code) is not None for code in PROFILES)


def test_profile_that_is_based_on_a_shipped_one_says_only_what_differs() -> None:
    base = SHIPPED.region("100000")
    assert base is not None
    first = 'format = "region-profile/1"\nbased_on = "national-baseline"\ncode = "999999"\n'
    own = f'''{first}name = "测试市"\ncancel_window = "month"
[interface.code_lists]
clr_type = ["11"]
[backdating_days_max]
pharmacy = 7'''
    profile = parse_policies({"own.toml": own.encode()}).region("999999")
    assert profile is not None
    assert (profile.code, profile.name) == ("999999", "测试市")
    assert profile.cancel_window is CancelWindow.MONTH
    assert profile.wire.list_of("clr_type") == {"11"}
    assert profile.wire.list_of("insutype") == base.wire.list_of("insutype")
    assert profile.wire.absent == base.wire.absent and "2207A" in base.wire.absent
    assert profile.backdating_days_max[CareKind.PHARMACY] == 7
    assert profile.backdating_days_max[CareKind.INPATIENT] == 365
    assert profile.reversible == {"2102", "2207", "2304", "2401"}
    with pytest.raises(PolicyError, match="缺少 name"):
        parse_policies({"own.toml": first.encode()})


def test_fund_is_owed_by_whom_the_profile_names_and_else_by_the_agency() -> None:
    assert parsed(DEDUCTIBLE_POLICY).fund_payers("999999") == {}
    payers = 'account = false\npayers = {town = "测试财政"}\nfund_payers = {310102 = "town"}'
    known = parsed(DEDUCTIBLE_POLICY, region=REGION_PROFILE.replace("account = false", payers))
    [(ledger_code, payer)] = known.fund_payers("999999").items()
    assert (ledger_code, payer.fund, payer.code) == (payer.ledger_code, "310102", "town")
    assert payer.name == "测试财政" and payer.fund_name
    agency = payers.replace('"town"}', '"agency"}')
    own = parsed(DEDUCTIBLE_POLICY, region=REGION_PROFILE.replace("account = false", agency))
    assert own.fund_payers("999999") == {}


def test_policy_clears_by_what_its_region_has_a_code_for() -> None:
    policy = DEDUCTIBLE_POLICY.replace('clearing_type = "11"', 'clearing_type = "9999"')
    assert policy != DEDUCTIBLE_POLICY
    with pytest.raises(PolicyError, match="清算类别 9999"):
        parsed(policy)


def test_what_is_no_transaction_here_is_not_reversible_either() -> None:
    profile = REGION_PROFILE + '\n[interface]\nwithout = ["2207A"]\n'
    region = parsed(region=profile).region("999999")
    assert region is not None
    assert "2207A" not in region.reversible and "2207" in region.reversible
