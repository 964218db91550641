"""Files about payouts that leave us: orders for banks, notices, vouchers. Pure: texts of CSV.

A cell that a spreadsheet would take for a formula begins with an apostrophe: names come from
outside.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from hashlib import sha256

from msgspec import Struct

from ledger.money import yuan_text
from settlement.books.payout_rules import BANK_COLUMNS, BankColumn, BankField, PayoutRules
from settlement.clock import local_time
from settlement.spreadsheet import harmless

VOUCHER_COLUMNS = ("日期", "凭证号", "摘要", "科目编码", "科目名称", "借方", "贷方")


class Order(Struct, frozen=True, kw_only=True):
    """A payment order (拨付指令)."""

    order_no: str
    name: str
    account: str
    bank: str
    amount_fen: int
    purpose: str
    ordered_at: datetime


class Posted(Struct, frozen=True, kw_only=True):
    """What entries of a kind moved on an account code on a day."""

    day: date
    code: int
    summary: str
    account_code: str
    account_name: str
    debit_fen: int
    credit_fen: int


class UnbalancedError(Exception):
    """Debits and credits of a voucher differ: the books are not what we think."""


def hash_total(orders: Iterable[Order]) -> str:
    """SHA-256 over number, account and amount of every order in their order: what the file was
    when it was ordered."""
    told = "\n".join(f"{one.order_no}|{one.account}|{one.amount_fen}" for one in orders)
    return sha256(told.encode()).hexdigest()


def bank_files(
    orders: Sequence[Order], rules: PayoutRules, stem: str
) -> list[tuple[str, str, str]]:
    """Name, text and totals of the files of each act of ordering, whose time is in their names: a
    bank is given each once. One is for all banks that take the usual columns, and one for each that
    has its own."""
    by_act: dict[tuple[datetime, str], list[Order]] = {}
    for one in sorted(orders, key=lambda each: each.order_no):
        bank = one.bank if one.bank in rules.banks else ""
        by_act.setdefault((one.ordered_at, bank), []).append(one)
    files = []
    places = Counter[str]()
    for (at, bank), some in sorted(by_act.items()):
        name = f"{stem}-{local_time(at):%Y%m%d%H%M%S}"
        places[name] += 1
        columns = rules.banks.get(bank, BANK_COLUMNS)
        sum_fen = sum(one.amount_fen for one in some)
        totals = (
            f"{len(some)} 笔 {yuan_text(sum_fen)} 元，校验和 {hash_total(some)[:16]}"
        )
        files.append((f"{name}-{places[name]}.csv", _orders_text(some, columns), totals))
    return files


def vouchers_text(posted: Sequence[Posted]) -> str:
    """Vouchers (记账凭证) for the agency's accounting system: one a day and kind of entry. Raises
    UnbalancedError."""
    sums: dict[tuple[date, int], list[Posted]] = {}
    for one in posted:
        sums.setdefault((one.day, one.code), []).append(one)
    rows: list[Sequence[str]] = [VOUCHER_COLUMNS]
    for (day, code), some in sorted(sums.items()):
        debit_fen = sum(one.debit_fen for one in some)
        credit_fen = sum(one.credit_fen for one in some)
        if debit_fen != credit_fen:
            raise UnbalancedError(f"{day} {code}: {debit_fen} debit, {credit_fen} credit")
        for one in sorted(some, key=lambda each: (-bool(each.debit_fen), each.account_code)):
            rows += [
                (f"{day}", f"{day:%Y%m%d}-{code:03d}", one.summary, one.account_code,
                 one.account_name, yuan_text(debit) if debit else "",
                 yuan_text(credit) if credit else "")
                for debit, credit in ((one.debit_fen, 0), (0, one.credit_fen))
                if debit or credit
            ]  # fmt: skip
    return sheet_text(rows)


def sheet_text(rows: Iterable[Sequence[str]]) -> str:
    """Rows as CSV, harmless in a spreadsheet."""
    text = io.StringIO()
    sheet = csv.writer(text, lineterminator="\n")
    sheet.writerows([harmless(cell) for cell in row] for row in rows)
    return text.getvalue()


def _orders_text(orders: Sequence[Order], columns: Sequence[BankColumn]) -> str:
    rows: list[Sequence[str]] = [[column.title for column in columns]]
    for one in orders:
        values = _values(one)
        rows.append([values[column.field] for column in columns])
    return sheet_text(rows)


def _values(one: Order) -> Mapping[BankField, str]:
    return {
        BankField.ORDER_NO: one.order_no, BankField.NAME: one.name,
        BankField.ACCOUNT: one.account, BankField.BANK: one.bank,
        BankField.AMOUNT: yuan_text(one.amount_fen), BankField.AMOUNT_FEN: str(one.amount_fen),
        BankField.PURPOSE: one.purpose,
    }  # fmt: skip
