"""Rows of staff and of the cut-over that are at fault: each is a good row with one cell spoilt."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

import pytest

from settlement.intake import old_settlements, payables, staff, stays
from settlement.intake.cells import read_moment
from settlement.intake.faults import Fault
from settlement.staff import Staff, StaffKind
from tests.unit.intake.test_bad_rows import row_of

HERE = "H44190099001"
STAFF = {
    "fixmedins_code": HERE, "staff_code": "D0001", "staff_name": "测试医师", "staff_kind": "医师",
    "begndate": "2026-01-01",
}  # fmt: skip
PAYABLE = {"fixmedins_code": HERE, "funds": "12.30", "source": "旧系统"}
STAY = {
    "fixmedins_code": HERE, "psn_no": "44190099000000000001", "earlier_mdtrt_id": "OLD-1",
    "ipt_no": "Z1", "insutype": "310", "med_type": "21", "begntime": "2026-11-01 08:30:00",
    "source": "旧系统",
}  # fmt: skip
OLD = {
    "fixmedins_code": HERE, "psn_no": "44190099000000000001", "earlier_setl_id": "OLD-1",
    "infno": "2207", "setl_time": "2026-11-01 08:30:00", "insutype": "310", "psn_type": "11",
    "med_type": "11", "medfee_sumamt": "10.00", "funds": "310102:6.00", "acct_pay": "4.00",
    "source": "旧系统",
}  # fmt: skip


def read(kind: str, *rows: Mapping[str, str]) -> tuple[int, list[tuple[int, str]]]:
    """How many rows are good, and where the others are at fault."""
    faults: list[Fault] = []
    columns, reader = {
        "staff": (staff.COLUMNS, staff.read_staff),
        "payable": (payables.COLUMNS, payables.read_payables),
        "stay": (stays.COLUMNS, stays.read_stays),
        "old": (old_settlements.COLUMNS, old_settlements.read_old_settlements),
    }[kind]
    good = reader([row_of(columns, row, n) for n, row in enumerate(rows, 2)], faults)
    return len(good), [(fault.row, fault.column) for fault in faults]


@pytest.mark.parametrize(
    ("kind", "row", "column", "cell"),
    [
        ("staff",   STAFF,   "fixmedins_code",    "H1"),
        ("staff",   STAFF,   "staff_code",        ""),
        ("staff",   STAFF,   "staff_kind",        "院长"),
        ("staff",   STAFF,   "enddate",           "2025-12-31"),
        ("payable", PAYABLE, "funds",             "-0.001"),
        ("payable", PAYABLE, "funds",             "0.001"),
        ("payable", PAYABLE, "accounts",          "NaN"),
        ("payable", PAYABLE, "source",            ""),
        ("stay",    STAY,    "psn_no",            "1"),
        ("stay",    STAY,    "earlier_mdtrt_id",  "a b"),
        ("stay",    STAY,    "begntime",          "2026-11-01 25:00:00"),
        ("stay",    STAY,    "begntime",          "2026-11-01T08:00:00+08:00"),
        ("stay",    STAY,    "borne_deductible",  "-1"),
        ("stay",    STAY,    "borne_year",        "26"),
        ("old",     OLD,     "earlier_setl_id",   ""),
        ("old",     OLD,     "infno",             "2103"),
        ("old",     OLD,     "medins_setl_id",    "a b"),
        ("old",     OLD,     "setl_time",         "gestern"),
        ("old",     OLD,     "funds",             "310102"),
        ("old",     OLD,     "funds",             "310102:1;310102:2"),
        ("old",     OLD,     "acct_pay",          "-1"),
        ("old",     OLD,     "accumulators",      "outpatient:1"),
        ("old",     OLD,     "medfee_sumamt",     "0"),
        ("old",     OLD,     "medfee_sumamt",     "9.99"),
    ],
)  # fmt: skip
def test_bad_row(kind: str, row: Mapping[str, str], column: str, cell: str) -> None:
    assert read(kind, row) == (1, [])
    assert read(kind, {**row, column: cell}) == (0, [(2, column)])


@pytest.mark.parametrize(
    ("kind", "first", "second", "good", "fault"),
    [
        ("staff",   STAFF,   STAFF,                                         1, "begndate"),
        ("staff",   STAFF,   {**STAFF, "begndate": "2026-06-01"},           2, ""),
        ("payable", PAYABLE, {**PAYABLE, "funds": "1"},                     1, "fixmedins_code"),
        ("stay",    STAY,    {**STAY, "psn_no": "44190099000000000002"},    1, "earlier_mdtrt_id"),
        ("stay",    STAY,    {**STAY, "earlier_mdtrt_id": "OLD-2"},         1, "psn_no"),
    ],
)  # fmt: skip
def test_what_is_there_once_is_not_there_twice(
    kind: str, first: Mapping[str, str], second: Mapping[str, str], good: int, fault: str
) -> None:
    assert read(kind, first, second) == (good, [(3, fault)] if fault else [])


def test_moment_is_a_date_or_a_time_of_a_day() -> None:
    assert read_moment("2026-11-01") == datetime(2026, 11, 1)
    assert read_moment("20261101 08:30:00") == datetime(2026, 11, 1, 8, 30)


def test_terms_that_overlap_are_cut_or_at_fault() -> None:
    def term(first: date, last: date = date.max) -> Staff:
        return Staff(
            institution=HERE, code="D0001", kind=StaffKind.DOCTOR, name="测试医师",
            effective_from=first, effective_to=last,
        )  # fmt: skip

    def planned(*terms: Staff, known: tuple[Staff, ...] = ()) -> tuple[list[Staff], int]:
        faults: list[Fault] = []
        told = [staff.FileStaff(n, one) for n, one in enumerate(terms, 2)]
        made = staff.plan(
            told, {(HERE, "D0001"): known}, {HERE}, faults, whole=False, ends_on=date(2026, 1, 1)
        )
        return made.terms, len(faults)

    spring, summer = date(2026, 3, 1), date(2026, 6, 1)
    until_summer = term(spring, date(2026, 5, 31))
    assert planned(term(spring), term(summer)) == ([until_summer, term(summer)], 0)
    assert planned(term(summer), known=(term(spring),)) == ([until_summer, term(summer)], 0)
    assert planned(term(spring, summer), term(summer))[1] == 1
    assert planned(term(spring), known=(term(spring),)) == ([], 0)
