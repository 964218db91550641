"""Files that leave us about payouts, and files that come: totals, harmless cells, faults."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from msgspec import structs

from settlement.books.payout import Kind
from settlement.books.payout_files import (
    Order,
    Posted,
    UnbalancedError,
    bank_files,
    hash_total,
    sheet_text,
    vouchers_text,
)
from settlement.books.payout_intake import (
    ADJUSTMENT_COLUMNS,
    BANK_COLUMNS,
    SCORE_COLUMNS,
    Asked,
    read_adjustments,
    read_bank,
    read_scores,
)
from settlement.books.payout_rules import BankColumn, BankField, PayoutRules
from settlement.finance.payout_desk import digest_of
from settlement.intake.cells import Column
from settlement.intake.faults import Fault
from settlement.intake.source import Row, rows_of

H1, H2 = "H44199900001", "H44199900002"
ORDERED_AT = datetime(2026, 12, 3, 1, tzinfo=UTC)


def an_order(number: int, *, bank: str = "测试银行", name: str = "测试医院") -> Order:
    """An order."""
    return Order(
        order_no=f"{H1}-20261101-{number}", name=name, account=f"99990000000{number}", bank=bank,
        amount_fen=100 * number, purpose="医保拨付 2026-11",
        ordered_at=ORDERED_AT,
    )  # fmt: skip


def posted(code: int, account: str, debit: int, credit: int) -> Posted:
    """What moved."""
    return Posted(
        day=date(2026, 11, 3), code=code, summary="下达拨付", account_code=account,
        account_name=account, debit_fen=debit, credit_fen=credit,
    )  # fmt: skip


def rows(
    tmp_path: Path, text: str, columns: tuple[Column, ...]
) -> tuple[list[Row], list[Fault]]:
    """Rows of a CSV file."""
    path = tmp_path / "file.csv"
    path.write_text(text, encoding="utf-8")
    faults: list[Fault] = []
    return list(rows_of(path, "csv", columns, faults)), faults


def test_a_bank_with_columns_of_its_own_gets_a_file_of_its_own() -> None:
    columns = (
        BankColumn(title="流水", field=BankField.ORDER_NO),
        BankColumn(title="分", field=BankField.AMOUNT_FEN),
    )
    orders = [an_order(3), an_order(1, bank="甲银行"), an_order(2)]
    usual, own = bank_files(orders, PayoutRules(banks={"甲银行": columns}), "f")
    assert usual[0] == "f-20261203090000-1.csv" and own[0] == "f-20261203090000-2.csv"
    table = list(csv.DictReader(io.StringIO(usual[1])))
    assert [row["订单号"][-1] for row in table] == ["2", "3"]
    assert [row["金额"] for row in table] == ["2.00", "3.00"]
    assert list(csv.reader(io.StringIO(own[1]))) == [["流水", "分"], [f"{H1}-20261101-1", "100"]]
    assert "2 笔 5.00 元" in usual[2]


def test_each_act_of_ordering_has_files_of_its_own_named_by_its_time() -> None:
    """Fetched again with later orders, an earlier file is what it was."""
    later = ORDERED_AT + timedelta(seconds=1)
    first, second = an_order(1), structs.replace(an_order(2), ordered_at=later)
    at_once = structs.replace(an_order(3), ordered_at=later + timedelta(milliseconds=1))
    before = bank_files([first], PayoutRules(), "f")
    files = bank_files([at_once, second, first], PayoutRules(), "f")
    assert files[:1] == before
    assert [name for name, _, _ in files] == [
        "f-20261203090000-1.csv", "f-20261203090001-1.csv", "f-20261203090001-2.csv",
    ]  # fmt: skip
    assert ["1 笔" in totals for _, _, totals in files] == [True] * 3


def test_the_hash_total_changes_with_account_and_amount() -> None:
    one = hash_total([an_order(1), an_order(2)])
    assert one == hash_total([an_order(1), an_order(2)])
    assert one != hash_total([an_order(1), an_order(3)])


def test_a_name_that_is_a_formula_is_harmless_and_a_negative_amount_stays() -> None:
    assert sheet_text([["=1+1", "@x", "-cmd", "-5.00", "测试"]]) == "'=1+1,'@x,'-cmd,-5.00,测试\n"


def test_vouchers_are_one_a_day_and_code_and_balance() -> None:
    text = vouchers_text([
        posted(77, "2202.01", 500, 0), posted(77, "2241.12", 0, 500), posted(78, "2241.12", 500, 0),
        posted(78, "1002.04", 0, 500),
    ])  # fmt: skip
    table = list(csv.DictReader(io.StringIO(text)))
    assert [row["凭证号"] for row in table] == ["20261103-077"] * 2 + ["20261103-078"] * 2
    assert [row["借方"] for row in table] == ["5.00", "", "5.00", ""]
    with pytest.raises(UnbalancedError, match="500 debit, 499 credit"):
        vouchers_text([posted(77, "2202.01", 500, 0), posted(77, "2241.12", 0, 499)])


def test_adjustments_are_read_by_word_or_title(tmp_path: Path) -> None:
    found, faults = rows(
        tmp_path, f"机构编码,调整类型,金额,依据\n{H1},审核扣款,12.30,文1\n{H2},surplus,1,文1\n",
        ADJUSTMENT_COLUMNS,
    )  # fmt: skip
    asked = read_adjustments(found, faults)
    assert [(one.kind, one.amount_fen) for one in asked] == [
        (Kind.DEDUCTION, 1230), (Kind.SURPLUS, 100),
    ]  # fmt: skip
    assert not faults


def test_a_document_may_be_about_several_cases_and_each_once(tmp_path: Path) -> None:
    one, other = "2611000100001000001", "2611000100001000002"
    found, faults = rows(
        tmp_path,
        "机构编码,调整类型,金额,依据,结算编号\n"
        f"{H1},审核扣款,1,文1,{one}\n{H1},审核扣款,1,文1,{other}\n{H1},审核扣款,1,文1,\n"
        f"{H1},审核扣款,2,文1,{one}\n{H1},审核扣款,1,文2,2.611E+18\n{H1},审核扣款,1,文2,12\n",
        ADJUSTMENT_COLUMNS,
    )
    asked = read_adjustments(found, faults)
    assert [each.setl_id for each in asked] == [int(one), int(other), None]
    assert [(each.row, each.column) for each in faults] == [
        (5, "source"), (6, "setl_id"), (7, "setl_id"),
    ]  # fmt: skip


def test_rows_about_no_case_are_the_batch_that_they_were() -> None:
    row = Asked(row=2, institution=H1, kind=Kind.DEDUCTION, amount_fen=1, source="S", note="")
    assert b"setl_id" not in msgspec.json.encode([row])
    assert digest_of([row]) != digest_of([structs.replace(row, setl_id=1)])


def test_every_fault_of_adjustments_is_named(tmp_path: Path) -> None:
    found, faults = rows(
        tmp_path,
        "fixmedins_code,kind,amount,source\n"
        f"{H1},扣,1,S\n{H1},deduction,0.00,S\n{H1},deduction,1.001,S\nX,deduction,1,S\n"
        f"{H1},deduction,1,S\n{H1},deduction,2,S\n",
        ADJUSTMENT_COLUMNS,
    )
    read_adjustments(found, faults)
    assert [(one.row, one.column) for one in faults] == [
        (2, "kind"), (3, "amount"), (4, "amount"), (5, "fixmedins_code"), (7, "source"),
    ]  # fmt: skip


def test_a_bank_may_pay_and_send_back_an_order_and_say_either_once(tmp_path: Path) -> None:
    number = f"{H1}-20261101-1"
    found, faults = rows(
        tmp_path,
        f"订单号,金额,结果,银行流水号\n{number},1.00,成功,B1\n{number},1.00,退汇,B2\n"
        f"{number},1.00,paid,B3\n{number},x,paid,B3\n",
        BANK_COLUMNS,
    )
    assert [one.paid for one in read_bank(found, faults)] == [True, False]
    assert [(one.row, one.column) for one in faults] == [(4, "order_no"), (5, "amount")]


def test_scores_have_two_decimals_and_each_institution_one(tmp_path: Path) -> None:
    found, faults = rows(
        tmp_path,
        f"fixmedins_code,deposit,score\n{H1},100,88.25\n{H1},100,90\n{H2},1,8.125\n",
        SCORE_COLUMNS,
    )
    assert [one.score_e2 for one in read_scores(found, faults)] == [8825]
    assert [(one.row, one.column) for one in faults] == [(3, "fixmedins_code"), (4, "score")]
