"""Lists of codes: what a file may say, what it changes, and how a row stands in its file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from protocol.nhsa.list_layouts import LAYOUTS, TITLES
from protocol.nhsa.registry import TRANSACTIONS
from protocol.nhsa.textfile import rows_of
from settlement.code_list import Entry, KeptEntry
from settlement.intake import code_lists as intake
from settlement.intake.faults import Fault
from settlement.translate.code_lists import row_texts

COLUMNS = intake.columns_of(LAYOUTS)
PAGE = (Path(__file__).resolve().parents[3] / "docs/reference/interface.md").read_text("utf-8")
DISEASE = {"list": "1307", "diag_code": "A00.000x001", "diag_name": "测试疾病甲"}
LIMITED = {
    "list": "1310", "bydise_setl_list_code": "B01", "bydise_setl_dise_name": "测试病种",
}  # fmt: skip


def read(*rows: Mapping[str, str]) -> tuple[list[intake.FileEntry], list[Fault]]:
    """The rows of a file, and what is wrong."""
    faults: list[Fault] = []
    told = [
        (number, [row.get(column.name, "") for column in COLUMNS])
        for number, row in enumerate(rows, 2)
    ]
    return intake.read_entries(told, COLUMNS, LAYOUTS, faults), faults


def entries(*rows: Mapping[str, str]) -> dict[tuple[str, str], Entry]:
    """What is known after a file."""
    found, faults = read(*rows)
    assert not faults
    return {(each.entry.list_no, each.entry.key): each.entry for each in found}


def test_row_has_the_columns_of_its_list_and_a_key() -> None:
    [told], faults = read({**DISEASE, "memo": "备注", "ver": "F001", "vali_flag": "0"})
    values = {"diag_code": "A00.000x001", "diag_name": "测试疾病甲", "memo": "备注"}
    assert (told.entry.key, told.entry.valid, faults) == ("A00.000x001", False, [])
    assert told.entry.values == values
    keys = [key for _, key in entries(LIMITED, {**LIMITED, "qua_oprn_oprt_code": "O1"})]
    assert keys == ["B01|", "B01|O1"]


BAD = [
    # what the row says otherwise,    column at fault
    ({"list": "1301"},                "list"),
    ({"list": ""},                    "list"),
    ({"diag_code": ""},               "diag_code"),
    ({"diag_name": ""},               "diag_name"),
    ({"vali_flag": "2"},              "vali_flag"),
    ({"opsp_dise_code": "M01"},       "opsp_dise_code"),
    ({"memo": "字" * 4_001},          "memo"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "column"), BAD)
def test_bad_row_is_told_with_its_column(changes: dict[str, str], column: str) -> None:
    found, faults = read(DISEASE | changes)
    assert (found, [(fault.row, fault.column) for fault in faults]) == ([], [(2, column)])


def test_code_that_comes_twice_in_a_list_is_told_with_both_rows() -> None:
    _, faults = read(DISEASE, {**DISEASE, "list": "1307", "memo": "又一次"})
    assert [(f.row, f.column, f.problem.zh) for f in faults] == [(3, "diag_code", "第 2 行已有")]


def test_file_changes_what_differs_and_a_whole_one_ends_what_it_leaves_out() -> None:
    other = {**DISEASE, "diag_code": "A00.000x002"}
    known = entries(DISEASE, other, {**LIMITED, "qua_oprn_oprt_code": "O1"})
    of_1307 = {key: entry for key, entry in known.items() if key[0] == "1307"}
    renamed, new = {**DISEASE, "diag_name": "测试疾病丙"}, {**DISEASE, "diag_code": "A01"}
    told, _ = read(renamed, new)
    plan = intake.plan(told, of_1307, whole=False)
    assert (plan.counts.new, plan.counts.changed, plan.counts.missing) == (1, 1, 0)
    assert plan.counts.samples[0].fields == ("diag_name: 测试疾病甲 → 测试疾病丙",)
    whole = intake.plan(told, of_1307, whole=True)
    assert (whole.counts.new, whole.counts.changed, whole.counts.missing) == (1, 1, 1)
    assert [(e.key, e.valid) for e in whole.entries if not e.valid] == [("A00.000x002", False)]
    again = {(e.list_no, e.key): e for e in whole.entries}
    repeated = intake.plan(told, of_1307 | again, whole=True)
    assert (repeated.entries, repeated.counts.unchanged) == ([], 2)


@pytest.mark.parametrize("infno", LAYOUTS)
def test_row_stands_in_its_file_by_the_layout(infno: str) -> None:
    layout = LAYOUTS[infno]
    values = {column: f"测试{column}" for column in layout.columns if column != "ver"}
    at = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
    entry = Entry(list_no=infno, key="K1", values=values, valid=False)
    text, count = row_texts(
        [KeptEntry(entry, at, at), KeptEntry(Entry(list_no=infno, key="K2", values={}), at, at)],
        layout, version="v0007", version_name="V7", region="999999",
    )  # fmt: skip
    full, bare = (
        dict(zip(layout.columns, row, strict=True))
        for row in rows_of(text, layout.columns, rows_max=2)
    )
    assert count == 2
    assert full == {**values, "vali_flag": "0", "ver": "v0007"}
    ours = {
        layout.columns[0]: "K2", "rid": f"{infno}-K2", "crte_time": "2026-11-23 09:00:00",
        "updt_time": "2026-11-23 09:00:00", "ver": "v0007", "ver_name": "V7", "vali_flag": "1",
        "admdvs": "999999",
    }  # fmt: skip
    assert bare == {column: ours.get(column, "") for column in layout.columns}


def test_every_column_has_a_title_of_its_own() -> None:
    used = {column for layout in LAYOUTS.values() for column in layout.columns}
    assert used == set(TITLES)
    assert len(set(TITLES.values())) == len(TITLES)
    for infno, layout in LAYOUTS.items():
        assert infno in TRANSACTIONS
        assert len(set(layout.columns)) == len(layout.columns)
        assert {*layout.key, layout.name, "ver", "vali_flag", "rid"} <= set(layout.columns)


def test_page_has_the_columns_of_every_list_in_their_order() -> None:
    section = PAGE.partition("### Files of lists of codes\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (13\d\d)(?: to (13\d\d))? \| [^|]* \| ([^|]+) \|$", section, re.M)
    told = {}
    for first, last, columns in rows:
        named = re.findall(r"`(\w+)` ([^,]+)(?:, |$)", columns)
        assert all(TITLES[name] == title for name, title in named)
        for number in range(int(first), int(last or first) + 1):
            told[str(number)] = tuple(name for name, _ in named)
    assert told == {infno: layout.columns for infno, layout in LAYOUTS.items()}
