"""Staff of institutions (医护人员) as a file says them: one row a term. Pure.

A file adds terms, or replaces the one of the same person, institution and first day. A term that
begins while an earlier one without an end of its own runs, ends that one on the day before. A whole
file is whole for the institutions that it names, so that each may send its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, timedelta
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import asdict, replace

from settlement.catalogue import OPEN_END
from settlement.intake import cells
from settlement.intake.cells import Column
from settlement.intake.faults import Fault, Told
from settlement.intake.report import Counts, Sample
from settlement.intake.source import Row
from settlement.staff import STAFF_ZH, Staff, StaffKind

_ONE_DAY = timedelta(days=1)
_KINDS = {each.value: each for each in StaffKind} | {zh: kind for kind, zh in STAFF_ZH.items()}


def _read_kind(text: str) -> StaffKind:
    if text not in _KINDS:
        raise ValueError
    return _KINDS[text]


COLUMNS = (
    Column(name="fixmedins_code", title="机构编码", read=cells.matching(r"[A-Z][0-9]{11}"),
           expected=Told("一个字母和 11 位数字", "a letter and 11 digits")),
    Column(name="staff_code", title="医护人员编码", read=cells.matching(r"[A-Za-z0-9\-]{2,30}"),
           expected=Told("2 至 30 位字母、数字或 -", "2 to 30 letters, digits or -")),
    Column(name="staff_name", title="姓名", read=cells.short_text(50), personal=True,
           expected=Told("至多 50 字", "at most 50 characters")),
    Column(name="staff_kind", title="人员类别", read=_read_kind,
           expected=Told("医师、药师或护士", "doctor, pharmacist or nurse")),
    Column(name="begndate", title="开始日期", read=cells.read_date, expected=cells.A_DATE),
    Column(name="enddate", title="结束日期", read=cells.read_date, default=OPEN_END,
           expected=cells.A_DATE),
)  # fmt: skip

Key = tuple[str, str]
"""Institution and code."""


class FileStaff(Struct, frozen=True, gc=False):
    """A term as a file says it."""

    row: int
    term: Staff


class Plan(Struct, kw_only=True):
    """Terms to be written, with their counts."""

    terms: list[Staff]
    counts: Counts


def read_staff(rows: Iterable[Row], faults: list[Fault]) -> list[FileStaff]:
    """Every row that is not at fault."""
    found: dict[tuple[str, str, date], FileStaff] = {}
    for number, texts in rows:
        told = cells.values_of(COLUMNS, texts, number, faults)
        if told is None:
            continue
        if told["enddate"] < told["begndate"]:
            problem = Told("早于开始日期", "before begndate")
            faults.append(Fault(row=number, column="enddate", problem=problem))
            continue
        term = Staff(
            institution=told["fixmedins_code"], code=told["staff_code"], kind=told["staff_kind"],
            name=told["staff_name"], effective_from=told["begndate"],
            effective_to=told["enddate"],
        )  # fmt: skip
        key = (term.institution, term.code, term.effective_from)
        earlier = found.setdefault(key, FileStaff(number, term))
        if earlier.row != number:
            problem = Told(f"第 {earlier.row} 行已有", f"is in row {earlier.row} already")
            faults.append(Fault(row=number, column="begndate", problem=problem))
    return list(found.values())


def plan(
    told: Iterable[FileStaff], known: Mapping[Key, tuple[Staff, ...]],
    institutions: Collection[str], faults: list[Fault], *, whole: bool, ends_on: date,
) -> Plan:  # fmt: skip
    """Compare a file with the terms that are known. Unknown institutions, overlaps are faults."""
    made = Plan(terms=[], counts=Counts())
    by_key: dict[Key, list[FileStaff]] = {}
    for each in told:
        if each.term.institution not in institutions:
            problem = Told("没有此机构", "there is no such institution")
            faults.append(Fault(row=each.row, column="fixmedins_code", problem=problem))
            continue
        by_key.setdefault((each.term.institution, each.term.code), []).append(each)
    for key, terms in by_key.items():
        _plan_one(made, terms, known.get(key, ()), faults)
    if whole:
        named = {institution for institution, _ in by_key}
        for key in sorted(known.keys() - by_key.keys()):
            if key[0] in named:
                _end_missing(made, known[key], ends_on)
    return made


def _plan_one(
    made: Plan, told: list[FileStaff], known: tuple[Staff, ...], faults: list[Fault]
) -> None:
    rows = {each.term.effective_from: each.row for each in told}
    before = {term.effective_from: term for term in known}
    after = dict(sorted({**before, **{t.term.effective_from: t.term for t in told}}.items()))
    for start, following in pairwise(list(after)):
        if after[start].effective_to < following:
            continue
        # A term of the file with an end of its own means it.
        if start in rows and after[start].effective_to != OPEN_END and following in rows:
            problem = Told(f"与 {following} 开始的任期重叠", f"overlaps with that of {following}")
            faults.append(Fault(row=rows[start], column="enddate", problem=problem))
        after[start] = replace(after[start], effective_to=following - _ONE_DAY)
    for start, term in after.items():
        earlier = before.get(start)
        if earlier is None:
            made.counts.new += 1
        elif earlier != term:
            made.counts.changed += 1
            made.counts.sample([_sample(rows.get(start, min(rows.values())), earlier, term)])
        elif start in rows:
            made.counts.unchanged += 1
        if earlier != term:
            made.terms.append(term)


def _end_missing(made: Plan, known: tuple[Staff, ...], ends_on: date) -> None:
    """Whom a whole file leaves out: the term ends on the day before; one to come never begins."""
    last = ends_on - _ONE_DAY
    for term in known:
        after = replace(term, effective_to=max(last, term.effective_from - _ONE_DAY))
        if term.effective_to > last and after != term:
            made.terms.append(after)
            made.counts.missing += 1
            made.counts.sample([_sample(0, term, after)])


def _sample(row: int, before: Staff, after: Staff) -> Sample:
    """What changes of a term; a name is not shown."""
    old, new = asdict(before), asdict(after)
    fields = tuple(
        f"{name}: {'***' if name == 'name' else f'{old[name]} → {new[name]}'}"
        for name in old if old[name] != new[name]
    )  # fmt: skip
    return Sample(row, f"{before.institution} {before.code} {before.effective_from}", fields)
