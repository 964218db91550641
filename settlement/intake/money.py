"""Files of money in: income of funds, and what comes into personal accounts or goes out of them.

Rows leave by lane, as columns: a city allots to two million accounts in one file. Pure.
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import date

from msgspec import Struct, field

from ledger.money import yuan_text
from settlement.books.money_in import NAMES, SOURCES, Source, Subject, entry_code
from settlement.chart import EntryCode
from settlement.intake import cells
from settlement.intake.cells import Column
from settlement.intake.faults import Fault, Told
from settlement.intake.openings import signing_lines
from settlement.intake.source import Row

_AMOUNT = re.compile(r"(-?)([0-9]{1,11})(?:\.([0-9]{1,2}))?").fullmatch
_PERSON = re.compile(r"[A-Za-z0-9]{6,30}").fullmatch
_YUAN = Told(
    "不为零、至多两位小数的元，不带千分位", "yuan, not zero, at most two decimals, no separators"
)


def read_amount(text: str) -> int:
    """Yuan in fen, above zero."""
    fen = read_signed_amount(text)
    if fen < 0:
        raise ValueError
    return fen


def read_signed_amount(text: str) -> int:
    """Yuan in fen; below zero where income is taken back."""
    found = _AMOUNT(text)
    if found is None:
        raise ValueError
    sign, yuan, cents = found.groups()
    fen = int(yuan) * 100 + int(f"{cents:<02}" if cents else 0)
    if not fen:
        raise ValueError
    return -fen if sign else fen


def read_person(text: str) -> str:
    """A person number."""
    if _PERSON(text) is None:
        raise ValueError
    return text


def _source(subject: Subject) -> Column:
    known = SOURCES[subject]

    def read(text: str) -> Source:
        if text not in known:
            raise ValueError
        return known[text]

    return Column(
        name="source", title="来源", read=read,
        expected=Told(
            "、".join(NAMES[one][1] for one in dict.fromkeys(known.values())),
            ", ".join(NAMES[one][0] for one in dict.fromkeys(known.values())),
        ),
    )  # fmt: skip


_REFERENCE = Column(
    name="reference", title="凭证号", read=cells.short_text(60), default="",
    expected=Told("至多 60 字", "at most 60 characters"),
)  # fmt: skip
_FUND = cells.matching(r"[1-9]\d{5}")
_A_FUND = Told("六位基金支付类型代码", "a fund_pay_type of six digits")
ACCOUNT_COLUMNS = (
    Column(name="psn_no", title="人员编号", read=read_person, personal=True,
           expected=Told("6 至 30 位字母或数字，文本格式，不是 4.4E+17 之类的数值",
                         "6 to 30 letters or digits, as text, not as a number like 4.4E+17")),
    Column(name="amount", title="金额", read=read_amount, expected=_YUAN),
    _source(Subject.ACCOUNTS),
    Column(name="fund_pay_type", title="基金支付类型", read=_FUND, default="", expected=_A_FUND),
    _REFERENCE,
)  # fmt: skip
INCOME_COLUMNS = (
    Column(name="insutype", title="险种类型", read=cells.matching(r"\d{3,6}"),
           expected=Told("险种类型代码", "an insutype")),
    Column(name="fund_pay_type", title="基金支付类型", read=_FUND, expected=_A_FUND),
    Column(name="amount", title="金额", read=read_signed_amount, expected=_YUAN),
    _source(Subject.INCOME),
    _REFERENCE,
)  # fmt: skip


class Lane(Struct, gc=False):
    """Rows of one lane, in the order of the file, column by column."""

    row_nos: array[int] = field(default_factory=lambda: array("i"))
    amounts: array[int] = field(default_factory=lambda: array("q"))
    sources: list[Source] = field(default_factory=list)
    persons: list[str] = field(default_factory=list)
    schemes: list[str] = field(default_factory=list)
    funds: list[str] = field(default_factory=list)
    references: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.row_nos)

    def key(self, place: int) -> tuple[str, str, str, int, str]:
        """What may be there once a month."""
        return (
            self.persons[place], self.schemes[place], self.funds[place], self.sources[place],
            self.references[place],
        )  # fmt: skip

    def keep(self, places: Sequence[int]) -> Lane:
        """Only these rows."""
        return Lane(
            array("i", [self.row_nos[p] for p in places]),
            array("q", [self.amounts[p] for p in places]),
            [self.sources[p] for p in places], [self.persons[p] for p in places],
            [self.schemes[p] for p in places], [self.funds[p] for p in places],
            [self.references[p] for p in places],
        )  # fmt: skip


Lanes = dict[int, Lane]


def read_accounts(
    rows: Iterable[Row], lane_of: Callable[[str], int], faults: list[Fault]
) -> Lanes:
    """Every row about a personal account that is not at fault."""
    lanes: Lanes = {}
    for number, texts in rows:
        told = cells.values_of(ACCOUNT_COLUMNS, texts, number, faults)
        if told is None:
            continue
        source, fund = told["source"], told["fund_pay_type"]
        if bool(fund) is not (source is Source.EMPLOYEE_POOL):
            faults.append(_whose_fund(number, fund))
            continue
        person = told["psn_no"]
        own = lanes.setdefault(lane_of(person), Lane())
        _add(own, number, told["amount"], source, person, "", fund, told["reference"])
    return _once_each(lanes, faults)


def read_income(
    rows: Iterable[Row], lane_of: Callable[[str], int], faults: list[Fault]
) -> Lanes:
    """Every row about a fund that is not at fault."""
    lanes: Lanes = {}
    for number, texts in rows:
        told = cells.values_of(INCOME_COLUMNS, texts, number, faults)
        if told is None:
            continue
        fund = told["fund_pay_type"]
        own = lanes.setdefault(lane_of(fund), Lane())
        _add(
            own, number, told["amount"], told["source"], "", told["insutype"], fund,
            told["reference"],
        )  # fmt: skip
    return _once_each(lanes, faults)


def totals_text(
    lanes: Lanes, subject: Subject, month: date, digest: str, further: Iterable[str] = ()
) -> str:
    """The totals of a file by source, and what else they mean, for two people to sign."""
    sums: Counter[Source] = Counter()
    counts: Counter[Source] = Counter()
    for own in lanes.values():
        counts.update(own.sources)
        for source, fen in zip(own.sources, own.amounts, strict=True):
            sums[source] += fen
    lines = [
        f"{month:%Y-%m} {subject.zh}，{sum(counts.values())} 行 rows",
        *(f"  {NAMES[source][1]} {NAMES[source][0]}  {counts[source]} 行  {yuan_text(sums[source])}"
          for source in sorted(sums)),
        *further,
        *signing_lines(digest),
    ]  # fmt: skip
    return "\n".join(lines)


def in_and_out(lanes: Lanes) -> tuple[int, int]:
    """What comes in and what goes out, in fen."""
    into = out = 0
    for own in lanes.values():
        for source, fen in zip(own.sources, own.amounts, strict=True):
            if source.takes or fen < 0:
                out += abs(fen)
            else:
                into += fen
    return into, out


def by_entry_code(own: Lane) -> list[list[int]]:
    """The places of the rows, in order, those apart that are booked by entries of another code."""
    code_of = {source: entry_code(source) for source in set(own.sources)}
    found: dict[EntryCode, list[int]] = {code: [] for code in sorted(code_of.values())}
    for place, source in enumerate(own.sources):
        found[code_of[source]].append(place)
    return list(found.values())


def _add(
    own: Lane, number: int, fen: int, source: Source, person: str, scheme: str, fund: str,
    reference: str,
) -> None:  # fmt: skip
    own.row_nos.append(number)
    own.amounts.append(fen)
    own.sources.append(source)
    own.persons.append(person)
    own.schemes.append(scheme)
    own.funds.append(fund)
    own.references.append(reference)


def _once_each(lanes: Lanes, faults: list[Fault]) -> Lanes:
    return {lane: _without_doubles(own, faults) for lane, own in sorted(lanes.items())}


def _without_doubles(own: Lane, faults: list[Fault]) -> Lane:
    """The rows whose key was not there before; the others are at fault."""
    seen: dict[tuple[str, str, str, int, str], int] = {}
    doubled = []
    for place in range(len(own)):
        first = seen.setdefault(own.key(place), place)
        if first != place:
            doubled.append(place)
            faults.append(_doubled(own, first, place))
    if not doubled:
        return own
    return own.keep([place for place in range(len(own)) if place not in set(doubled)])


def _doubled(own: Lane, first: int, place: int) -> Fault:
    earlier = own.row_nos[first]
    if own.amounts[first] == own.amounts[place]:
        problem = Told(f"与第 {earlier} 行重复", f"is row {earlier} again")
    else:
        problem = Told(
            f"第 {earlier} 行已有同来源，金额不同", f"is in row {earlier} with another amount"
        )
    return Fault(
        row=own.row_nos[place], column="psn_no" if own.persons[place] else "fund_pay_type",
        problem=problem,
        expected=Told("一次，或以凭证号区分", "once, or told apart by its reference"),
    )  # fmt: skip


def _whose_fund(number: int, fund: str) -> Fault:
    problem = (
        Told("只有退休定额由基金划入", "only what the pool allots is paid by a fund")
        if fund
        else Told("退休定额缺少划出的基金", "the fund that pays this is missing")
    )
    return Fault(row=number, column="fund_pay_type", problem=problem)
