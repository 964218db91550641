"""Words of the reading pages: every setting and every closed set has its name, and what changed
between two versions is told so that it can be read."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest

from settlement.books.bill import BillKind
from settlement.books.payout import Act
from settlement.books.settlement_sheet import CHARGE_KINDS
from settlement.console import reference_words as words
from settlement.console.institution_pages import agreement_on
from settlement.console.menu import ENTRIES
from settlement.console.routes import ROUTES
from settlement.console.setting_words import SETTINGS, setting_words, value_words
from settlement.console.words import PAYOUT_ACTS, Words
from settlement.elsewhere.off_site import OffSiteKind
from settlement.elsewhere.regional_matching import FINE
from settlement.elsewhere.regional_matching import Class as RegionClass
from settlement.finance.bill_calendar import Standing
from settlement.outbox import Kind
from settlement.people.filing import FilingKind
from settlement.people.matter_states import MatterKind
from settlement.policy.history import Changed, Loaded, changes, versions_over_time
from settlement.policy.loader import settings_of, shipped_files
from settlement.policy.region_format import RegionFile
from settlement.usecases.webhooks import TOPICS

PROFILE = "441900.toml"
NOW = datetime(2026, 11, 26, tzinfo=UTC)


def test_every_setting_of_a_profile_has_a_name() -> None:
    tables = {}
    for field in msgspec.structs.fields(RegionFile):
        tables[field.encode_name] = field.type
    named = {name.split(".")[0] for name in SETTINGS}
    assert named == {*tables, "format"}
    inner = {
        f"{table}.{field.encode_name}"
        for table, kind in tables.items()
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct)
        for field in msgspec.structs.fields(kind)
    }
    assert {name for name in SETTINGS if "." in name} == inner


def test_closed_sets_have_words_for_all_they_hold() -> None:
    assert set(words.BILL_STANDINGS) == set(Standing)
    assert set(words.BILL_KINDS) == set(BillKind)
    assert set(words.FILING_KINDS) == set(FilingKind)
    assert set(words.MATTER_KINDS) == set(MatterKind)
    assert set(words.OFF_SITE_KINDS) == set(OffSiteKind)
    assert set(words.NOTICE_KINDS) == set(Kind)
    assert set(PAYOUT_ACTS) == set(Act)
    assert set(words.REGION_DIFFERENCES) == set(RegionClass) - FINE
    assert set(words.CHARGES) == set(CHARGE_KINDS)
    assert set(TOPICS.values()) <= set(words.TOPICS)


@pytest.mark.parametrize(
    ("path", "value", "name", "told"),
    [
        (("line_tolerance_fen",), 2, "明细金额允许差额（分）", ["2"]),
        (("cancel_order",), "free", "撤销顺序", ["不限顺序"]),
        (("mobile_plain",), False, "移动支付接受普通报文", ["否"]),
        (("ruling_date", "inpatient"), "discharge", "以哪一天确定待遇 · 住院", ["出院日期"]),
        (("closing", "grace_minutes"), 90, "日结 · 日终后等待分钟数", ["90"]),
        (("regional_clearing", "yellow_bp"), 7_050, "异地清算 · 预付金黄色预警", ["70.50%"]),
        (("scheme_order",), ("310",), "险种优先顺序", ["310 职工基本医疗保险"]),
        (("reversible",), ("2102",), "可冲正的交易", ["2102 药店结算"]),
        (("personal_accounts", "interest_bp"), None, "个人账户 · 年利率", []),
        (("payout", "bank_columns", "甲行", "户名"), "name",
         "拨付 · 银行批量文件列 · 甲行 · 户名", ["name"]),
    ],
)  # fmt: skip
def test_settings_and_values_are_told_in_words(
    path: tuple[str, ...], value: object, name: str, told: list[str]
) -> None:
    assert setting_words(path).zh == name
    assert [one.zh for one in value_words(path, value)] == told


def test_two_versions_of_a_profile_differ_in_what_was_changed() -> None:
    shipped = shipped_files()[PROFILE].decode()
    later = shipped.replace("line_tolerance_fen = 1", "line_tolerance_fen = 2") + (
        "\n[closing]\ngrace_minutes = 90\n"
    )
    assert later.count("[closing]") == 1
    found = changes(
        settings_of(PROFILE, shipped.encode()), settings_of(PROFILE, later.encode())
    )
    assert found == [
        Changed(path=("line_tolerance_fen",), before=1, after=2),
        Changed(path=("closing", "grace_minutes"), before=60, after=90),
    ]
    assert changes({"rules": [{"a": 1}]}, {"rules": [{"a": 1}, {"a": 2}]}) == [
        Changed(path=("rules", "2", "a"), before=None, after=2)
    ]


def test_versions_of_a_file_follow_one_another() -> None:
    loaded = [
        Loaded(name=name, content=b"", loaded_at=NOW + timedelta(days=n), actor="zhang", reason="")
        for n, name in enumerate(("a.toml", "new.toml", "a.toml"))
    ]  # fmt: skip
    kept = versions_over_time({"a.toml": b"", "b.toml": b""}, loaded)
    assert [(one.number, one.since, one.until) for one in kept["a.toml"]] == [
        (0, None, NOW), (1, NOW, NOW + timedelta(days=2)), (2, NOW + timedelta(days=2), None),
    ]  # fmt: skip
    assert [one.until for one in kept["b.toml"]] == [None]
    assert [one.number for one in kept["new.toml"]] == [1]


class Agreed(msgspec.Struct):
    """An institution's agreement."""

    reason: str | None = None
    suspended: bool = False
    agreement_from: date = date(2026, 1, 1)
    agreement_to: date = date(2026, 12, 31)


@pytest.mark.parametrize(
    ("one", "state"),
    [
        (Agreed(),                                    "open"),
        (Agreed(agreement_to=date(2026, 11, 26)),     "open"),
        (Agreed(agreement_to=date(2026, 11, 25)),     "over"),
        (Agreed(agreement_from=date(2026, 11, 27)),   "coming"),
        (Agreed(suspended=True),                      "suspended"),
        (Agreed(suspended=True, reason="飞行检查"),   "stopped"),
    ],
)  # fmt: skip
def test_the_graver_reason_is_the_state_of_an_agreement(one: Agreed, state: str) -> None:
    assert agreement_on(one, date(2026, 11, 26)) == state
    assert state in words.AGREEMENTS


def test_percent_says_no_more_than_it_knows() -> None:
    assert [words.percent(bp) for bp in (0, 1_000, 1_250, 10_000, 5)] == [
        "0%", "10%", "12.5%", "100%", "0.05%",
    ]  # fmt: skip


def test_every_line_of_the_menu_leads_to_a_page_by_its_own_right() -> None:
    pages = {route.pattern: route.right for route in ROUTES if route.method == "GET"}
    assert {entry.path: entry.right for entry in ENTRIES}.items() <= pages.items()
    assert all(isinstance(entry.section.value, Words) for entry in ENTRIES)
