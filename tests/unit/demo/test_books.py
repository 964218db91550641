"""The printed books: accounts of one kind in one line, and an honest verdict."""

from __future__ import annotations

from ledger.account import ALL_GUARDED, Balance, TrialBalance, TrialRow
from settlement.demo.books import agency_lines, book_of, institution_lines
from settlement.demo.table import COLUMNS, width

TITLES = {
    ALL_GUARDED: ("2203", "个人账户（全体）"),
    1_310_102: ("5001.310102", "职工门诊统筹基金"),
    10_000_010: ("2202.01", "应付定点机构—基金 测试医院001"),
    10_000_020: ("2202.01", "应付定点机构—基金 测试大药房002"),
}


def trial(*sums: tuple[int, int, int], owner: str = "agency") -> TrialBalance:
    rows = (
        TrialRow(account=account, balance=Balance(debits_fen=debits, credits_fen=credits))
        for account, debits, credits in sums
    )
    return TrialBalance(owner=owner, rows=tuple(rows))


def test_payables_to_all_institutions_are_one_line() -> None:
    book = book_of(trial((1_310_102, 300, 0), (10_000_010, 0, 100), (10_000_020, 0, 200)), TITLES)
    payable, fund = book.lines
    assert (payable.code, payable.name) == ("2202.01", "应付定点机构—基金")
    assert (payable.debits_fen, payable.credits_fen) == (0, 300)
    assert (fund.code, fund.debits_fen) == ("5001.310102", 300)
    assert book.is_balanced


def test_agency_table_shows_sides_totals_and_that_it_balances() -> None:
    book = book_of(trial((ALL_GUARDED, 0, 12_345_678), (1_310_102, 12_345_678, 0)), TITLES)
    lines = agency_lines(book)
    assert "贷 123,456.78" in lines[3] and "借 123,456.78" in lines[4]
    assert lines[-1].split()[-2:] == ["平", "balanced"]
    assert max(map(width, lines)) <= COLUMNS


def test_a_book_that_does_not_balance_says_so() -> None:
    book = book_of(trial((1_310_102, 300, 0), (10_000_010, 0, 299)), TITLES)
    assert "NOT balanced" in agency_lines(book)[-1]


def test_institution_has_one_line_with_what_it_is_owed_and_holds() -> None:
    titles = {
        10_000_014: ("1122.01", "应收医保—基金 测试医院001"),
        10_000_016: ("1001", "机构自收 测试医院001"),
        10_000_018: ("6001", "医药收入 测试医院001"),
    }
    sums = trial((10_000_014, 700, 0), (10_000_016, 300, 0), (10_000_018, 0, 1_000), owner="H1")
    lines = institution_lines([("测试医院001", book_of(sums, titles))])
    assert lines[-1].split() == [
        "测试医院001", "7.00", "0.00", "3.00", "0.00", "0.00", "10.00", "平", "balanced",
    ]  # fmt: skip
