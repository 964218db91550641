"""What institutions' files look like, good and bad: each form is read, each fault is named."""

from __future__ import annotations

from pathlib import Path

import pytest
import xlsxwriter

from protocol.nhsa import textfile
from settlement.books.bill import BillError
from settlement.intake.institution_lines import FUND, TOTAL, Line, read_lines

HEADER = "结算ID,就诊ID,人员编号,医疗费总额,基金支付总额,个人账户支出,退费结算标志"
ONE = "2611000100000000001,2611000100000000002,P001,100.00,80.00,20.00,0"
TWO = "2611000100000000003,2611000100000000004,P002,-12.30,-10.00,-2.30,1"
READ = [
    Line(2, "2611000100000000001", False, 10_000, 8_000, 2_000),
    Line(3, "2611000100000000003", True, -1_230, -1_000, -230),
]  # fmt: skip


def written(folder: Path, content: str | bytes, name: str = "file.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def csv_of(*lines: str) -> str:
    return "\r\n".join((HEADER, *lines)) + "\r\n"


def workbook(folder: Path, *rows: list[object]) -> Path:
    path = folder / "file.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate((HEADER.split(","), *rows)):
            for place, value in enumerate(row):
                sheet.write(number, place, value)
    return path


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "gb18030"])
def test_csv_is_read_by_the_names_of_its_columns(tmp_path: Path, charset: str) -> None:
    read = read_lines(written(tmp_path, csv_of(ONE, TWO).encode(charset)))
    assert (read.form, read.lines, list(read.faults)) == ("csv", READ, [])
    assert (read.total_fen(TOTAL), read.total_fen(FUND)) == (8_770, 7_000)
    turned = "备注,fund_pay_sumamt,setl_id,acct_pay,medfee_sumamt\r\n好,80.00,A1,20,100\r\n"
    (line,) = read_lines(written(tmp_path, turned)).lines
    assert line == Line(2, "A1", False, 10_000, 8_000, 2_000)


def test_upload_of_3202_is_read_as_it_is_sent(tmp_path: Path) -> None:
    text = f"{ONE}\n{TWO}\n".replace(",", "\t")
    expected = [one._replace(row_no=one.row_no - 1) for one in READ]
    for content, name in ((textfile.pack("a.txt", text), "a.zip"), (text.encode(), "a.txt")):
        read = read_lines(written(tmp_path, content, name))
        assert (read.form, read.lines) == ("3202", expected)


def test_workbook_keeps_amounts_exactly(tmp_path: Path) -> None:
    cells: list[object] = ["2611000100000000001", "", "", 100.00, 79.99999999999999, 20, 0]
    texts: list[object] = ["2611000100000000003", "", "", "-12.30", "-10.00", "-2.30", "1"]
    assert read_lines(workbook(tmp_path, cells, texts)).lines == READ


@pytest.mark.parametrize(
    ("place", "value",                "told"),
    [
        (0, 2611000100000000001,      "末几位已丢失"),
        (0, "2.6110001E+18",          "末几位已丢失"),
        (0, 2611000100.5,             "末几位已丢失"),
        (0, "结算一号",                 "不是结算编号"),
        (3, "1,234.50",               "是文本"),
        (3, "￥100",                   "是文本"),
        (4, 12.345,                   "不是金额"),
        (5, "",                       "不是金额"),
        (6, "2",                      "应为 0 或 1"),
    ],
)  # fmt: skip
def test_bad_cell_is_named_and_does_not_stop_the_file(
    tmp_path: Path, place: int, value: object, told: str
) -> None:
    bad: list[object] = ["2611000100000000009", "", "", 100, 80, 20, "0"]
    bad[place] = value
    good: list[object] = ["2611000100000000001", "", "", 100, 80, 20, "0"]
    read = read_lines(workbook(tmp_path, bad, good))
    assert read.lines == [READ[0]._replace(row_no=3)]
    (fault,) = read.faults
    assert fault.row_no == 2 and told in fault.reason


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"",                                                     "文件是空的"),
        (csv_of(ONE, TWO, "合计,,,87.70,70.00,17.70,"),             ""),
        (csv_of(ONE, "合计,,,87.70,70.00,17.70,"),                  "合计行的医疗费总额"),
        (csv_of(ONE, "合计,,,100.00,80.00,20.00,", TWO),            "两份文件接在了一起"),
        (csv_of(ONE) + csv_of(TWO),                               "两份文件接在了一起"),
        (csv_of(ONE).replace("基金支付总额", "基金"),                "缺少列：基金支付总额"),
        (csv_of(ONE).replace("就诊ID", "结算ID"),                   "列重复"),
        (csv_of(ONE).encode("utf-16"),                            "编码无法识别"),
        (csv_of(ONE).encode("big5", "ignore"),                    "不是认识的机构对账文件"),
        ("交易时间,商户号\n",                                       "不是认识的机构对账文件"),
        (csv_of(ONE) + '"2611',                                   "不是 CSV"),
        (textfile.pack("a.txt", ONE.replace(",", "\t"))[:-30],    "已损坏或被截断"),
        (b"PK\x03\x04cut",                                        "已损坏或被截断"),
    ],
)  # fmt: skip
def test_file_that_is_not_whole_or_not_one_is_refused(
    tmp_path: Path, content: str | bytes, told: str
) -> None:
    path = written(tmp_path, content)
    if not told:
        assert read_lines(path).lines == READ
        return
    with pytest.raises(BillError, match=told):
        read_lines(path)


def test_cut_off_line_of_an_upload_is_a_fault(tmp_path: Path) -> None:
    read = read_lines(written(tmp_path, f"{ONE}\n{TWO[:40]}".replace(",", "\t")))
    assert [one.row_no for one in read.lines] == [1]
    assert [one.row_no for one in read.faults] == [2]
