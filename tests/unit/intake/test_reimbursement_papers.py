"""Files of papers for manual reimbursement: what is read, and what is said of what cannot be."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest

from settlement.books.reimbursement_intake import PAPER_COLUMNS, Entered, read_papers
from settlement.claim import AccountUse
from settlement.intake.faults import Fault
from settlement.intake.source import rows_of

HEADER = [column.title for column in PAPER_COLUMNS]
ROW = {
    "人员编号": "441900990000000001", "姓名": "测试甲", "机构编码": "H44190099001",
    "发票号码": " ab 12３ ", "险种": "310", "医疗类别": "11",
    "就诊或入院日期": "2026-11-20 09:30:00",
    "就诊结束或出院日期": "2026-11-20", "发票金额": "20.00", "户名": "测试甲",
    "银行账号": "9999000011112222", "开户行": "测试银行", "医疗目录编码": "XA900TESTCLASSA",
    "费用发生日期": "2026-11-20", "数量": "1.5", "单价": "10.00", "明细金额": "15.00",
}  # fmt: skip


def read(tmp_path: Path, *changes: dict[str, str]) -> tuple[list[Entered], list[str]]:
    """What a file of rows with these changes gives: papers, and faults by row and column."""
    lines = [",".join(HEADER)]
    lines += [
        ",".join({**ROW, **change}.get(title, "") for title in HEADER) for change in changes
    ]
    path = tmp_path / "papers.csv"
    path.write_text("\n".join(lines), "utf-8")
    faults: list[Fault] = []
    entered = read_papers(rows_of(path, "csv", PAPER_COLUMNS, faults), faults)
    return entered, [f"{fault.row} {fault.column}" for fault in faults]


def test_lines_of_an_invoice_are_one_paper(tmp_path: Path) -> None:
    second = {"数量": "1", "单价": "5", "明细金额": "5.00", "医疗目录编码": "XB900TESTCLASSB"}
    other = {"发票号码": "C9", "发票金额": "15.00", "个人账户使用标志": "1"}
    (one, two), faults = read(tmp_path, {}, second, other)
    assert faults == []
    papers, claim = one.papers, one.papers.claim
    assert (one.row, two.row, papers.invoice_no, two.papers.invoice_no) == (2, 4, "AB123", "C9")
    assert [(line.quantity_e4, line.price_e6, line.amount_fen) for line in claim.lines] == [
        (15_000, 10_000_000, 1_500), (10_000, 5_000_000, 500),
    ]  # fmt: skip
    assert (claim.total_fen, claim.service_at) == (2_000, datetime(2026, 11, 20, 9, 30))
    assert (claim.account_use, two.papers.claim.account_use) == (AccountUse.NONE, AccountUse.OWN)
    assert papers.pay_to.masked == "测试甲 ***2222 测试银行"


def test_of_a_stay_the_discharge_counts(tmp_path: Path) -> None:
    stay = {"就诊或入院日期": "2026-11-16", "发票金额": "15.00"}
    (one,), faults = read(tmp_path, stay)
    assert faults == []
    assert (one.papers.begins_on, one.papers.ends_on) == (date(2026, 11, 16), date(2026, 11, 20))
    assert one.papers.claim.service_at == datetime(2026, 11, 20)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ([{"发票金额": "16.00"}], "2 medfee_sumamt"),
        ([{"发票金额": "15.001"}], "2 medfee_sumamt"),
        ([{"发票金额": "15.00", "数量": "0"}], "2 cnt"),
        ([{"发票金额": "15.00", "单价": "-1"}], "2 pric"),
        ([{"发票金额": "15.00", "费用发生日期": "2026-11-21"}], "2 fee_ocur_time"),
        ([{"发票金额": "15.00", "就诊结束或出院日期": "2026-11-19"}], "2 endtime"),
        ([{"发票金额": "15.00", "银行账号": "=1+1"}], "2 bankacct"),
        ([{"发票金额": "15.00", "个人账户使用标志": "2"}], "2 acct_used_flag"),
        ([{"发票金额": "15.00", "姓名": ""}], "2 psn_name"),
        ([{"发票金额": "30.00"}, {"发票金额": "30.00", "开户行": "别的银行"}], "3 bankname"),
    ],
)
def test_what_is_wrong_is_named_by_row_and_column(
    tmp_path: Path, changes: list[dict[str, str]], fault: str
) -> None:
    entered, faults = read(tmp_path, *changes)
    assert entered == [] and fault in faults
