"""Files as rows: CSV and NDJSON say the same, and a file that cannot be read says why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from settlement.intake import items, persons
from settlement.intake.faults import Fault, FileError
from settlement.intake.source import digest_of, format_of, rows_of

HEADER = "med_list_codg,hilist_name,list_type,chrgitm_lv,med_chrgitm_type,selfpay_prop,begndate"
LINE = "XA001TEST,测试药品,101,02,09,0.1,2026-01-01"


def read(path: Path, kind: str) -> tuple[list[items.FileItem], list[Fault]]:
    """The items of a file, and what is wrong."""
    faults: list[Fault] = []
    found = items.read_items(rows_of(path, kind, items.COLUMNS, faults), faults)
    return found, faults


def written(directory: Path, text: str | bytes) -> Path:
    """A file."""
    path = directory / "file"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_csv_and_ndjson_say_the_same(tmp_path: Path) -> None:
    told = {
        "med_list_codg": "XA001TEST", "hilist_name": "测试药品", "list_type": 101,
        "chrgitm_lv": "02", "med_chrgitm_type": "09", "selfpay_prop": 0.1,
        "scheme_props": {"310": 0.05, "390": "0.2"}, "pric_uplmt_amt": {"1": 0.333333, "3": 15},
        "begndate": "2026-01-01", "enddate": None,
    }  # fmt: skip
    line = f"{LINE},310:0.05；390：0.2,1:0.333333;3:15"
    as_csv, _ = read(
        written(tmp_path, f"\ufeff{HEADER},scheme_props,pric_uplmt_amt\r\n{line}\r\n"), "csv"
    )
    as_json, faults = read(written(tmp_path, json.dumps(told) + "\n\n"), "ndjson")
    assert not faults
    assert [each.item for each in as_csv] == [each.item for each in as_json]
    assert as_csv[0].item.ceiling_e6 == {"1": 333_333, "3": 15_000_000}
    assert as_csv[0].item.self_pay_bp_by_scheme == {"310": 500, "390": 2000}


def test_header_may_be_chinese_and_in_any_order(tmp_path: Path) -> None:
    titles = {column.name: column.title for column in items.COLUMNS}
    header = ",".join(titles[name] for name in reversed(HEADER.split(",")))
    line = ",".join(reversed(LINE.split(",")))
    found, faults = read(written(tmp_path, f"{header}\n{line}\n"), "csv")
    assert (len(found), faults) == (1, [])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("",                              "文件是空的"),
        (f"{HEADER},price\n",             "未知的列“price”"),
        (f"{HEADER},begndate\n",          "列 begndate 重复"),
        ("med_list_codg\n",               "缺少列"),
        (HEADER.encode() + b"\n\xd6\xd0", "须用 UTF-8 编码"),
        (f'{HEADER}\n"XA', "不是 CSV"),
    ],
)  # fmt: skip
def test_file_that_cannot_be_read_says_why(tmp_path: Path, text: str | bytes, told: str) -> None:
    with pytest.raises(FileError, match=told):
        read(written(tmp_path, text), "csv")


def test_rows_that_are_none_are_faults_with_their_place(tmp_path: Path) -> None:
    found, faults = read(written(tmp_path, f"{HEADER}\n{LINE}\n\n{LINE},more\n"), "csv")
    assert (len(found), [(f.row, f.problem.zh) for f in faults]) == (1, [(4, "有 8 格")])
    _, faults = read(written(tmp_path, '[1]\n{"price": 1}\n'), "ndjson")
    assert [(f.row, f.column) for f in faults] == [(1, "-"), (2, "price")]


def test_relatives_and_qualifications_may_be_objects(tmp_path: Path) -> None:
    person = {
        "psn_no": "44190099000000000001", "psn_name": "测试甲", "certno": "999999198001010001",
        "gend": 1, "brdy": "1980-01-01", "insutype": "310", "psn_type": "11", "psn_insu_stas": 1,
        "psn_insu_date": "2015-01-01", "cvlserv_flag": True, "tags": ["b", "a"],
        "qualifications": [{"tag": "M01", "from": "2026-01-01", "to": "2026-12-31"}],
        "family": [
            {"psn_no": "44190099000000000002", "relation": "01", "order": 1, "from": "2026-01-01"}
        ],
    }  # fmt: skip
    faults: list[Fault] = []
    path = written(tmp_path, json.dumps(person))
    rows = list(rows_of(path, "ndjson", persons.COLUMNS, faults))
    told = persons.read_person(rows, "441900", faults)
    assert not faults and told is not None
    [enrolment] = told.enrolments
    assert (enrolment.tags, enrolment.civil_servant) == (("a", "b"), True)
    assert [q.tag for q in enrolment.qualifications] == ["M01"]
    assert told.family is not None and told.family[0].relation == "01"


def test_format_is_that_of_the_name_unless_told(tmp_path: Path) -> None:
    assert format_of(Path("a.csv"), None) == format_of(Path("a"), "csv") == "csv"
    assert format_of(Path("a.JSONL"), None) == "ndjson"
    with pytest.raises(FileError, match="--format"):
        format_of(Path("a.dat"), None)
    assert len(digest_of(written(tmp_path, "x"))) == 64
