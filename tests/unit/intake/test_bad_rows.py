"""What is wrong with a row is said with row, column, problem and what is expected, twice over.

One row a case; each is a good row with one cell spoilt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import pytest

from settlement.intake import institutions, items, persons
from settlement.intake.cells import Column
from settlement.intake.faults import FAULTS_SHOWN_MAX, Fault, Told, faults_text
from settlement.intake.source import Row

REGION = "441900"
PERSON = {
    "psn_no": "44190099000000000001", "psn_name": "测试甲", "certno": "999999198001010001",
    "gend": "1", "brdy": "1980-01-01", "insutype": "310", "psn_type": "11", "psn_insu_stas": "1",
    "psn_insu_date": "2015-01-01",
}  # fmt: skip
INSTITUTION = {
    "fixmedins_code": "P44190099009", "fixmedins_name": "测试药店", "fixmedins_type": "2",
    "hosp_lv": "11", "dedc_hosp_lv": "1", "lmtpric_hosp_lv": "1", "agreement_from": "2026-01-01",
    "agreement_to": "2026-12-31", "care_types": "41",
}  # fmt: skip
ITEM = {
    "med_list_codg": "XA001TEST", "hilist_name": "测试药品", "list_type": "101", "chrgitm_lv": "02",
    "med_chrgitm_type": "09", "selfpay_prop": "0.1", "begndate": "2026-01-01",
}  # fmt: skip


def row_of(columns: Sequence[Column], cells: Mapping[str, str], row: int = 2) -> Row:
    """A row with these cells."""
    assert not cells.keys() - {column.name for column in columns}
    return row, [cells.get(column.name, "") for column in columns]


def test_good_rows_are_read() -> None:
    faults: list[Fault] = []
    person = persons.read_person([row_of(persons.COLUMNS, PERSON)], REGION, faults)
    [one] = institutions.read_institutions(
        [row_of(institutions.COLUMNS, INSTITUTION)], REGION, faults
    )
    [item] = items.read_items([row_of(items.COLUMNS, ITEM)], faults)
    assert not faults
    assert person is not None and person.enrolments[0].region == one.institution.region == REGION
    assert person.enrolments[0].benefit_from == date(2015, 1, 1)
    assert (item.item.self_pay_bp, item.item.effective_to) == (1000, date.max)


@pytest.mark.parametrize(
    ("column", "cell", "problem", "expected"),
    [
        # column         cell                problem              expected
        ("psn_no",       "",                 "缺少值",             "6 至 30 位字母或数字"),
        ("psn_no",       "4419-1",           "“***”不合要求",      "6 至 30 位字母或数字"),
        ("psn_name",     "测" * 51,          "“***”不合要求",      "至多 50 字"),
        ("certno",       "12",               "“***”不合要求",      "4 至 50 位证件号码"),
        ("gend",         "男",               "“男”不合要求",       "0、1（男）、2（女）或 9"),
        ("brdy",         "1980-02-30",       "“***”不合要求",      "日期，如 2026-12-01"),
        ("insutype",     "311",              "“311”不合要求",      "险种代码，如 310、390"),
        ("psn_type",     "retired",          "“retired”不合要求",  "2 至 6 位代码，如 11"),
        ("psn_insu_stas", "3",               "“3”不合要求",        "1 正常、2 暂停、4 终止"),
        ("psn_insu_stas", "2",               "状态不正常而没有日期", "日期，如 2026-12-01"),
        ("paus_insu_date", "2026-01-01",     "状态正常而有暂停日期", "空"),
        ("effective_from", "2014-12-31",     "早于参保日期",        "不早于 psn_insu_date"),
        ("cvlserv_flag", "yes",              "“yes”不合要求",      "1（是）或 0（否）"),
        ("closed_funds", "31010",            "“31010”不合要求",    "6 位基金代码，以分号分隔"),
        ("qualifications", "M01:2026-13-01", "“M01:2026-13-01”不合要求",
         "标识:开始日期[:结束日期]，以分号分隔"),
        ("qualifications", "M01:2026-02-01:2026-01-01", "“M01:2026-02-01:2026-01-01”不合要求",
         "标识:开始日期[:结束日期]，以分号分隔"),
        ("family",       "44190099000000000002:01:0:2026-01-01", "“***”不合要求",
         "人员编号:关系:顺序:授权日期[:截止日期]，以分号分隔"),
    ],
)  # fmt: skip
def test_bad_person(column: str, cell: str, problem: str, expected: str) -> None:
    faults: list[Fault] = []
    row = row_of(persons.COLUMNS, {**PERSON, column: cell}, row=7)
    assert persons.read_person([row], REGION, faults) is None
    [fault] = faults
    told = "paus_insu_date" if "没有日期" in problem else column
    assert (fault.row, fault.column, fault.problem.zh) == (7, told, problem)
    assert fault.expected is not None and fault.expected.zh == expected
    assert f"row 7, {told}: {fault.problem.en}; expected {fault.expected.en}" in str(fault)


@pytest.mark.parametrize(
    ("column", "cell", "problem"),
    [
        ("fixmedins_code", "44190099009",  "“44190099009”不合要求"),
        ("fixmedins_type", "3",            "“3”不合要求"),
        ("dedc_hosp_lv",   "4",            "“4”不合要求"),
        ("agreement_to",   "2025-12-31",   "早于协议开始日期"),
        ("suspended",      "maybe",        "“maybe”不合要求"),
        ("off_site",       "maybe",        "“maybe”不合要求"),
        ("care_types",     "41;x",         "“41;x”不合要求"),
        ("care_types",     "",             "缺少值"),
        ("secret",         "short",        "“***”不合要求"),
    ],
)  # fmt: skip
def test_bad_institution(column: str, cell: str, problem: str) -> None:
    faults: list[Fault] = []
    row = row_of(institutions.COLUMNS, {**INSTITUTION, column: cell})
    assert institutions.read_institutions([row], REGION, faults) == []
    assert [(f.row, f.column, f.problem.zh) for f in faults] == [(2, column, problem)]


@pytest.mark.parametrize(("said", "approved"), [({}, True), ({"off_site": "0"}, False)])
def test_institution_is_approved_for_other_regions_unless_said(
    said: dict[str, str], approved: bool
) -> None:
    faults: list[Fault] = []
    row = row_of(institutions.COLUMNS, {**INSTITUTION, **said})
    (one,) = institutions.read_institutions([row], REGION, faults)
    assert one.institution.off_site is approved


def test_agreement_that_ends_before_it_begins_is_named_beside_other_faults() -> None:
    faults: list[Fault] = []
    changed = {**INSTITUTION, "suspended": "maybe", "agreement_to": "2025-12-31"}
    row = row_of(institutions.COLUMNS, changed)
    assert institutions.read_institutions([row], REGION, faults) == []
    assert [(f.row, f.column) for f in faults] == [(2, "suspended"), (2, "agreement_to")]


@pytest.mark.parametrize(
    ("column", "cell", "problem"),
    [
        ("list_type",      "999",          "“999”不合要求"),
        ("chrgitm_lv",     "甲",           "“甲”不合要求"),
        ("selfpay_prop",   "1.1",          "“1.1”不合要求"),
        ("selfpay_prop",   "0.12345",      "“0.12345”不合要求"),
        ("selfpay_prop",   "NaN",          "“NaN”不合要求"),
        ("selfpay_prop",   "Infinity",     "“Infinity”不合要求"),
        ("selfpay_prop",   "1e999999999",  "“1e999999999”不合要求"),
        ("scheme_props",   "310:0.1;310:0.2", "“310:0.1;310:0.2”不合要求"),
        ("pric_uplmt_amt", "4:1.00",       "“4:1.00”不合要求"),
        ("pric_uplmt_amt", "0.0000001",    "“0.0000001”不合要求"),
        ("enddate",        "2025-12-31",   "早于开始日期"),
    ],
)  # fmt: skip
def test_bad_item(column: str, cell: str, problem: str) -> None:
    faults: list[Fault] = []
    row = row_of(items.COLUMNS, {**ITEM, column: cell})
    assert items.read_items([row], faults) == []
    assert [(f.row, f.column, f.problem.zh) for f in faults] == [(2, column, problem)]


def test_rows_of_a_person_must_agree_and_each_version_is_there_once() -> None:
    faults: list[Fault] = []
    first = row_of(persons.COLUMNS, PERSON, 2)
    other_name = row_of(persons.COLUMNS, {**PERSON, "psn_name": "测试乙", "insutype": "390"}, 3)
    again = row_of(persons.COLUMNS, PERSON, 4)
    assert persons.read_person([first, other_name, again], REGION, faults) is None
    assert [(f.row, f.column) for f in faults] == [(3, "psn_name"), (4, "insutype")]
    assert "测试" not in faults_text(faults)


def test_every_fault_of_a_row_is_told() -> None:
    faults: list[Fault] = []
    row = row_of(persons.COLUMNS, {**PERSON, "gend": "x", "insutype": "x", "brdy": ""})
    persons.read_person([row], REGION, faults)
    assert {fault.column for fault in faults} == {"gend", "insutype", "brdy"}


def test_of_very_many_faults_the_first_are_told() -> None:
    faults = [Fault(row=n, column="x", problem=Told("坏", "bad")) for n in range(1000, 2, -1)]
    lines = faults_text(faults).splitlines()
    assert lines[0].startswith("第 3 行 x：坏")
    assert len(lines) == FAULTS_SHOWN_MAX + 1
    assert lines[-1] == "……另有 798 处 | and 798 more"
