"""Money in (资金流入): income of funds, and what comes into personal accounts or goes out of them.

Files say it, row by row, each with its source (DOMAIN 5, 7). A file is proposed by one person and
booked once another confirms it; its steps are folded by one table. Pure: no file, no database.

    source                    debit                       credit
    income of a fund          bank of the scheme          income of the fund
    opening of a fund         bank of the scheme          balances of funds brought along
    payer of a fund           bank that pays institutions what the payer owes
    interest on accounts      bank of the accounts        interest to be allotted
    own contributions, refund, transfer in
                              bank of the accounts        personal account
    employee pool             the pool's expenditure      personal account
    interest                  interest to be allotted     personal account
    inheritance, out and in   personal account            on its way to heirs, and back
    transfer out              personal account            on its way out
    cleared out               personal account            to be paid out
    clawed back               personal account            clawed back, to be returned
      what is not there       owed by persons             clawed back, to be returned
    repaid                    bank of the accounts        owed by persons
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from enum import IntEnum, StrEnum
from hashlib import sha256

import msgspec
from msgspec import Struct

from ledger.entry import Transfer
from settlement import chart
from settlement.chart import EntryCode, MoneyAccount

ROWS_OF_ENTRY_MAX = 500
"""Rows of one lane that share an entry; a batch books one, and holds the head some 20 ms."""


class Subject(IntEnum):
    """What a file is about."""

    INCOME = 1
    ACCOUNTS = 2

    @property
    def zh(self) -> str:
        """As people read it."""
        return "基金收入" if self is Subject.INCOME else "个人账户"


class Source(IntEnum):
    """Where money comes from, or why it goes (来源). The numbers are kept in rows; those of
    personal accounts are above 20."""

    CONTRIBUTIONS = 1
    SUBSIDY = 2
    INTEREST = 3
    TRANSFERRED = 4
    OTHER = 5
    OPENING = 6
    ACCOUNT_INTEREST = 7
    """what the bank paid on personal accounts, before it is allotted"""
    PAYER = 8
    """what the payer of a fund sends for what it owes (fund_payers.py); below zero: sent back"""
    OWN_CONTRIBUTION = 21
    EMPLOYEE_POOL = 22
    ALLOTTED_INTEREST = 23
    REFUND = 24
    INHERITED = 25
    MOVED_IN = 26
    LEFT_TO_HEIRS = 31
    MOVED_OUT = 32
    CLEARED_OUT = 33
    CLAWED_BACK = 34
    REPAID = 35
    """what a person owes after a claw-back comes in at the bank"""

    @property
    def subject(self) -> Subject:
        """Which files say it."""
        return Subject.ACCOUNTS if self > 20 else Subject.INCOME

    @property
    def takes(self) -> bool:
        """Whether it takes from an account, or from what a person owes."""
        return self >= Source.LEFT_TO_HEIRS


NAMES: Mapping[Source, tuple[str, str]] = {
    Source.CONTRIBUTIONS: ("contribution", "征缴收入"),
    Source.SUBSIDY: ("subsidy", "财政补助"),
    Source.INTEREST: ("interest", "利息收入"),
    Source.TRANSFERRED: ("transfer", "转移收入"),
    Source.OTHER: ("other", "其他收入"),
    Source.OPENING: ("opening", "期初结余"),
    Source.ACCOUNT_INTEREST: ("account_interest", "个人账户利息"),
    Source.PAYER: ("payer", "付款单位拨入"),
    Source.OWN_CONTRIBUTION: ("contribution", "个人缴费划入"),
    Source.EMPLOYEE_POOL: ("pool", "退休定额"),
    Source.ALLOTTED_INTEREST: ("interest", "利息"),
    Source.REFUND: ("refund", "退款"),
    Source.INHERITED: ("inherit", "继承转入"),
    Source.MOVED_IN: ("transfer_in", "转移转入"),
    Source.LEFT_TO_HEIRS: ("bequeath", "继承转出"),
    Source.MOVED_OUT: ("transfer_out", "转移转出"),
    Source.CLEARED_OUT: ("clear_out", "清退"),
    Source.CLAWED_BACK: ("claw_back", "追回"),
    Source.REPAID: ("repaid", "追回还款"),
}
"""What a file may call each: a code, or the Chinese term."""

INCOME_SOURCES = (
    Source.CONTRIBUTIONS, Source.SUBSIDY, Source.INTEREST, Source.TRANSFERRED, Source.OTHER,
)  # fmt: skip
"""What a fund's income is made of, in the order of reports."""

SOURCES: Mapping[Subject, Mapping[str, Source]] = {
    subject: {
        name: source
        for source, names in NAMES.items() if source.subject is subject
        for name in names
    }
    for subject in Subject
}  # fmt: skip


class State(StrEnum):
    """Where a file is."""

    NEW = "new"
    TAKEN_IN = "taken_in"
    """its rows are being taken in, or that was cut short: it counts for nothing"""
    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    """being booked, or that was cut short"""
    REJECTED = "rejected"
    BOOKED = "booked"


STATE_ZH: Mapping[State, str] = {
    State.NEW: "新文件", State.TAKEN_IN: "接收中", State.PROPOSED: "待确认",
    State.CONFIRMED: "入账中", State.REJECTED: "已否决", State.BOOKED: "已入账",
}  # fmt: skip


class Act(IntEnum):
    """What moves a file on. The numbers are kept in rows."""

    TAKE_IN = 1
    PROPOSE = 2
    CONFIRM = 3
    REJECT = 4
    BOOK = 5
    """every row is booked"""


AFTER: Mapping[tuple[State, Act], State] = {
    (State.NEW, Act.TAKE_IN): State.TAKEN_IN,
    (State.TAKEN_IN, Act.PROPOSE): State.PROPOSED,
    (State.TAKEN_IN, Act.REJECT): State.REJECTED,
    (State.PROPOSED, Act.CONFIRM): State.CONFIRMED,
    (State.PROPOSED, Act.REJECT): State.REJECTED,
    (State.CONFIRMED, Act.BOOK): State.BOOKED,
}
"""Every act that a state takes; all others are refused. What is confirmed is booked to its end."""


class Step(Struct, frozen=True, kw_only=True):
    """One act, as kept."""

    step_no: int
    act: Act
    at: datetime
    actor: str
    reason: str


class NotPossibleError(Exception):
    """Steps that the table does not allow: rows that nobody of us wrote."""


def state_of(steps: Iterable[Step]) -> State:
    """Fold the steps of a file, in their order."""
    now = State.NEW
    for step in steps:
        after = AFTER.get((now, step.act))
        if after is None:
            raise NotPossibleError(f"step {step.step_no}: {step.act.name} of {now.value}")
        now = after
    return now


def proposer(steps: Iterable[Step]) -> str:
    """Who proposed the file; nobody yet: empty."""
    return next((step.actor for step in steps if step.act is Act.PROPOSE), "")


class MoneyRow(Struct, frozen=True, kw_only=True, gc=False):
    """A row of a file, as kept."""

    lane: int
    entry_id: int
    file_no: int
    row_no: int
    month: date
    source: Source
    person_no: str
    scheme: str
    fund: str
    reference: str
    account: int
    amount_fen: int


class Taken(Struct, frozen=True, kw_only=True, gc=False):
    """What a row came to that takes from somebody."""

    taken_fen: int
    owed_fen: int = 0


def take(
    rows: Sequence[MoneyRow], spendable: Mapping[int, int], owed: Mapping[str, int]
) -> dict[int, Taken]:
    """What rows come to that take, by row: `spendable` is what accounts have, by account, `owed`
    what persons owe. A claw-back takes what is there and the rest is owed; a withdrawal takes all
    of its amount or nothing, a repayment at most what is owed or nothing."""
    left, debts = dict(spendable), dict(owed)
    found: dict[int, Taken] = {}
    for row in rows:
        if not row.source.takes:
            left[row.account] = left.get(row.account, 0) + row.amount_fen
            continue
        there = left.get(row.account, 0)
        debt = debts.get(row.person_no, 0)
        if row.source is Source.REPAID:
            paid = row.amount_fen if row.amount_fen <= debt else 0
            found[row.row_no] = Taken(taken_fen=paid)
            debts[row.person_no] = debt - paid
            continue
        taken = min(there, row.amount_fen)
        if row.source is not Source.CLAWED_BACK and taken < row.amount_fen:
            taken = 0
        rest = row.amount_fen - taken if row.source is Source.CLAWED_BACK else 0
        found[row.row_no] = Taken(taken_fen=taken, owed_fen=rest)
        left[row.account] = there - taken
        debts[row.person_no] = debt + rest
    return found


def transfers(row: MoneyRow, taken: Taken | None) -> tuple[Transfer, ...]:
    """What a row moves."""
    if row.source.subject is Subject.INCOME:
        bank, other = _income_sides(row)
        if row.amount_fen > 0:
            return (Transfer(bank, other, row.amount_fen),)
        return (Transfer(other, bank, -row.amount_fen),)
    if taken is None:
        return (Transfer(_comes_from(row), row.account, row.amount_fen),)
    if row.source is Source.REPAID:
        debit, credit = chart.CONTRIBUTIONS_BANK, int(MoneyAccount.OWED_BY_PERSONS)
    else:
        debit, credit = row.account, _GOES_TO[row.source]
    legs = (Transfer(debit, credit, taken.taken_fen),) if taken.taken_fen else ()
    if not taken.owed_fen:
        return legs
    return (*legs, Transfer(MoneyAccount.OWED_BY_PERSONS, credit, taken.owed_fen))


def entry_code(source: Source) -> EntryCode:
    """What an entry of rows of a source is for; rows of two codes never share an entry."""
    if source is Source.PAYER:
        return EntryCode.FUND_PAYER_PAID
    of_funds = source.subject is Subject.INCOME
    return EntryCode.FUND_INCOME if of_funds else EntryCode.ACCOUNTS_MOVED


def commitment(rows: Sequence[MoneyRow], taken: Mapping[int, Taken]) -> bytes:
    """What the entry of these rows commits to; settlement.money_commitment computes the same."""
    told = []
    for row in rows:
        came_to = taken.get(row.row_no)
        told.append([
            row.lane, row.entry_id, row.file_no, row.row_no, row.month, row.source, row.person_no,
            row.scheme, row.fund, row.reference, row.account, row.amount_fen,
            row.amount_fen if came_to is None else came_to.taken_fen,
            0 if came_to is None else came_to.owed_fen,
        ])  # fmt: skip
    return sha256(b"\x11" + msgspec.json.encode(told)).digest()


_GOES_TO: Mapping[Source, int] = {
    Source.LEFT_TO_HEIRS: MoneyAccount.TO_HEIRS, Source.MOVED_OUT: chart.TRANSFERS_OUT,
    Source.CLEARED_OUT: MoneyAccount.TO_PAY_OUT, Source.CLAWED_BACK: MoneyAccount.CLAWED_BACK,
}  # fmt: skip


def _income_sides(row: MoneyRow) -> tuple[int, int]:
    if row.source is Source.ACCOUNT_INTEREST:
        return chart.CONTRIBUTIONS_BANK, MoneyAccount.INTEREST_TO_ALLOT
    if row.source is Source.PAYER:
        return chart.PAYOUT_BANK, row.account
    bank = chart.scheme_bank(row.scheme)
    return bank, MoneyAccount.FUNDS_CARRIED if row.source is Source.OPENING else row.account


def _comes_from(row: MoneyRow) -> int:
    match row.source:
        case Source.EMPLOYEE_POOL:
            return chart.fund_account(int(row.fund))
        case Source.ALLOTTED_INTEREST:
            return MoneyAccount.INTEREST_TO_ALLOT
        case Source.INHERITED:
            return MoneyAccount.TO_HEIRS
        case _:
            return chart.CONTRIBUTIONS_BANK
