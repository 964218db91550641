"""Files as rows: CSV and NDJSON say the same, and a file that cannot be read says why."""

from __future__ import annotations

import json
import zipfile
from itertools import pairwise
from pathlib import Path

import pytest

from settlement.intake import items, persons
from settlement.intake.faults import Fault, FileError
from settlement.intake.source import (
    NO_ROWS_MAX,
    digest_of,
    format_of,
    lines_of,
    rows_of,
    rows_of_lines,
)  # fmt: skip
from settlement.intake.workbook import Number, sheet_rows

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


@pytest.mark.parametrize(
    ("charset", "told"), [("gbk", "第 3 行: .*像是 GBK"), ("utf-16-le", "第 3 行: 须用 UTF-8 编码")]
)
def test_file_of_another_charset_says_the_row_in_plain_words(
    tmp_path: Path, charset: str, told: str
) -> None:
    """The whole of it is decoded in pieces; what is told is the line, and no codec's own words."""
    text = f"{HEADER}\n{LINE}\n".encode() + "测试药品，甲\n".encode(charset)
    with pytest.raises(FileError, match=told) as raised:
        read(written(tmp_path, text), "csv")
    assert "codec" not in str(raised.value)


def test_line_in_gbk_is_a_fault_in_plain_words(tmp_path: Path) -> None:
    line = '{"med_list_codg":"测试"}\n'.encode("gbk")
    _, faults = read(written(tmp_path, line), "ndjson")
    assert [fault.row for fault in faults] == [1]
    assert "像是 GBK" in faults[0].problem.zh and "codec" not in str(faults[0])


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


LINES = [
    b'{"psn_no": "A00001"}', b'{"psn_no": "A00001", "certno": 1}', b'{"psn_no": "A00001"}', b"",
    b'{"psn_no": "A00002"}', b"[1]", b"[1]", b'{"psn_no": "A00003", "age": 1.50}',
    b'{"psn_no": " A00004 ", "tags": ["a", "b"]}', b'{"psn_no": "A00004"}', b"\xff",
]  # fmt: skip


@pytest.mark.parametrize("lines_max", range(1, 12))
@pytest.mark.parametrize("end", [b"\n", b""])
def test_file_in_pieces_says_the_same_and_divides_no_person(
    tmp_path: Path, lines_max: int, end: bytes
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"\n".join(LINES) + end)
    faults: list[Fault] = []
    whole = list(rows_of(path, "ndjson", persons.COLUMNS, faults))
    assert [row for row, _ in whole] == [1, 2, 3, 5, 9, 10]
    assert [(fault.row, fault.column) for fault in faults] == [
        (6, "-"), (7, "-"), (8, "age"), (11, "-"),
    ]  # fmt: skip
    found, told = [], list[Fault]()
    pieces = list(lines_of(path, lines_max, "psn_no"))
    for piece in pieces:
        lines = piece.text.split(b"\n")
        found.append(list(rows_of_lines(lines, piece.first, persons.COLUMNS, told)))
    assert ([row for rows in found for row in rows], told) == (whole, faults)
    assert sum(piece.count for piece in pieces) == len(LINES)
    people = [{row[1][0].strip() for row in rows} for rows in found]
    assert not any(one & next_one for one, next_one in pairwise(people))


def test_format_is_that_of_the_name_unless_told(tmp_path: Path) -> None:
    assert format_of(Path("a.csv"), None) == format_of(Path("a"), "csv") == "csv"
    assert format_of(Path("a.JSONL"), None) == "ndjson"
    with pytest.raises(FileError, match="--format"):
        format_of(Path("a.dat"), None)
    assert len(digest_of(written(tmp_path, "x"))) == 64


def workbook(directory: Path, sheet: str, strings: str = "") -> Path:
    """A workbook as small as one can be."""
    path = directory / "file.xlsx"
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("xl/worksheets/sheet1.xml", f"<worksheet>{sheet}</worksheet>")
        if strings:
            book.writestr("xl/sharedStrings.xml", f"<sst>{strings}</sst>")
    return path


def test_workbook_says_the_same_as_csv(tmp_path: Path) -> None:
    """Shared and inline texts, numbers, a day as a number, empty cells and rows left out."""
    texts = [*HEADER.split(","), "XA001TEST", "测试", "药品", "101", "02", "09"]
    strings = "".join(f"<si><t>{text}</t></si>" for text in texts[:8])
    strings += "<si><r><t>测试</t></r><r><t>药品</t></r><rPh><t>ce</t></rPh></si>"
    strings += "".join(f"<si><t>{text}</t></si>" for text in texts[10:])
    header = "".join(f'<c r="{"ABCDEFG"[n]}1" t="s"><v>{n}</v></c>' for n in range(7))
    cells = "".join(f'<c r="{"ABCDE"[n]}3" t="s"><v>{n + 7}</v></c>' for n in range(5))
    row = f'{cells}<c r="F3"><v>0.1</v></c><c r="G3"><v>46023</v></c>'
    sheet = f'<sheetData><row r="1">{header}</row><row r="2"/><row r="3">{row}</row></sheetData>'
    found, faults = read(workbook(tmp_path, sheet, strings), "xlsx")
    told, _ = read(written(tmp_path, f"{HEADER}\n{LINE}\n"), "csv")
    assert not faults
    assert [(each.row, each.item) for each in found] == [(3, told[0].item)]


@pytest.mark.parametrize(
    ("sheet", "told"),
    [
        ("<sheetData/>",                                      "第一张表是空的"),
        ('<row><c t="s"><v>0</v></c></row>',                  "不是工作簿"),
        ("<row><c><v>1</v></c>",                              "不是工作簿"),
        ('<row><c t="inlineStr"><is><t>x</t></is></c></row>', "未知的列"),
    ],
)  # fmt: skip
def test_workbook_that_cannot_be_read_says_why(tmp_path: Path, sheet: str, told: str) -> None:
    with pytest.raises(FileError, match=told):
        read(workbook(tmp_path, sheet), "xlsx")


@pytest.mark.parametrize(
    ("kept",                     "read"),
    [
        ("0.30000000000000004",     "0.3"),                   # 0.1+0.2
        ("1234567.8900000001",      "1234567.89"),
        ("-2.2800000000000002",     "-2.28"),
        ("1.1368683772161603E-13",  "0"),                     # a sum that is nothing
        ("12.5",                    "12.5"),
        ("3.1415926",               "3.1415926"),
        ("2.6111000002000251E+18",  "2.6111000002000251E+18"),   # an id: lost digits stay told
        ("2611000200025000001",     "2611000200025000001"),
        ("123456789012345.5",       "123456789012346"),       # it keeps no more
    ],
)  # fmt: skip
def test_number_of_a_formula_is_what_its_reader_sees(
    tmp_path: Path, kept: str, read: str
) -> None:
    file = workbook(tmp_path, f'<row r="1"><c r="A1"><v>{kept}</v></c></row>')
    ((_, cells),) = sheet_rows(file)
    assert cells == [read]
    assert isinstance(cells[0], Number)


def test_workbook_with_a_document_type_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file.xlsx"
    with zipfile.ZipFile(path, "w") as book:
        text = '<!DOCTYPE x [<!ENTITY a "b">]><worksheet>&a;</worksheet>'
        book.writestr("xl/worksheets/sheet1.xml", text)
    with pytest.raises(FileError, match="document type"):
        read(path, "xlsx")
    with pytest.raises(FileError, match="不是工作簿"):
        read(written(tmp_path, "PK"), "xlsx")


@pytest.mark.parametrize(
    ("kind", "text"),
    [("ndjson", "}\n" * 2 * NO_ROWS_MAX), ("csv", f"{HEADER}\n" + "a\n" * 2 * NO_ROWS_MAX)],
)
def test_file_of_something_else_is_not_read_to_its_end(
    tmp_path: Path, kind: str, text: str
) -> None:
    with pytest.raises(FileError, match=r"(?s)第 1 行|第 2 行.*不再读下去"):
        read(written(tmp_path, text), kind)
