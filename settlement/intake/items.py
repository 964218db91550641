"""Catalogue items (医保目录) as a file says them: one row a version with its dates of effect. Pure.

A version that begins while an earlier one without an end of its own runs, ends that one on the day
before. So a change that is to come is one row with its date, and waits for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict, replace

from protocol.nhsa.codes import CODE_LISTS
from settlement.catalogue import OPEN_END, Item
from settlement.intake import cells
from settlement.intake.cells import Column
from settlement.intake.faults import Fault, Told
from settlement.intake.report import Counts, Sample
from settlement.intake.source import Row

LEVELS = ("1", "2", "3")
_PRICE = cells.read_price_e6
_ONE_DAY = timedelta(days=1)


def _read_ceilings(text: str) -> dict[str, int]:
    """One price for every level, or a price a level."""
    if ":" not in text and "：" not in text:
        return dict.fromkeys(LEVELS, _PRICE(text))
    found: dict[str, int] = cells.table(cells.one_of(*LEVELS), _PRICE)(text)
    return found


COLUMNS = (
    Column(name="med_list_codg", title="医保目录编码", read=cells.matching(r"[A-Za-z0-9.\-]{4,50}"),
           expected=Told("4 至 50 位目录编码", "a code of 4 to 50 characters")),
    Column(name="hilist_name", title="医保目录名称", read=cells.short_text(200),
           expected=Told("至多 200 字", "at most 200 characters")),
    Column(name="list_type", title="目录类别",
           read=cells.one_of(*sorted(CODE_LISTS["list_type"])),
           expected=Told("目录类别代码，如 101", "a code of list_type, as 101")),
    Column(name="chrgitm_lv", title="收费项目等级", read=cells.one_of("01", "02", "03"),
           expected=Told("01 甲、02 乙、03 丙", "01, 02 or 03")),
    Column(name="med_chrgitm_type", title="收费类别", read=cells.matching(r"\d{2,4}"),
           expected=Told("收费类别代码，如 09", "a code of med_chrgitm_type, as 09")),
    Column(name="selfpay_prop", title="先行自付比例", read=cells.read_ratio_bp,
           expected=cells.A_RATIO),
    Column(name="scheme_props", title="分险种自付比例",
           read=cells.table(cells.matching(r"\d{3,5}"), cells.read_ratio_bp), default=None,
           expected=Told("险种:比例，以分号分隔", "insutype:ratio, separated by ;")),
    Column(name="pric_uplmt_amt", title="定价上限", read=_read_ceilings, default=None,
           expected=Told("一个价格，或 等级:价格（1、2、3），以分号分隔",
                         "a price, or level:price (1, 2, 3), separated by ;")),
    Column(name="begndate", title="开始日期", read=cells.read_date, expected=cells.A_DATE),
    Column(name="enddate", title="结束日期", read=cells.read_date, default=OPEN_END,
           expected=cells.A_DATE),
)  # fmt: skip


class FileItem(Struct, frozen=True, gc=False):
    """A version as a file says it."""

    row: int
    item: Item


class Plan(Struct, kw_only=True):
    """Versions to be written, with their counts."""

    items: list[Item]
    counts: Counts


def read_items(rows: Iterable[Row], faults: list[Fault]) -> list[FileItem]:
    """Every row that is not at fault."""
    found: dict[tuple[str, date], FileItem] = {}
    for number, texts in rows:
        told = cells.values_of(COLUMNS, texts, number, faults)
        item = None if told is None else _item(told, number, faults)
        if item is None:
            continue
        earlier = found.setdefault((item.code, item.effective_from), FileItem(number, item))
        if earlier.row != number:
            problem = Told(f"第 {earlier.row} 行已有", f"is in row {earlier.row} already")
            faults.append(Fault(row=number, column="begndate", problem=problem))
    return list(found.values())


def plan(
    told: Iterable[FileItem], known: Mapping[str, tuple[Item, ...]], faults: list[Fault], *,
    whole: bool, ends_on: date,
) -> Plan:  # fmt: skip
    """Compare a file with what is known: versions by code. Overlaps are added to the faults."""
    made = Plan(items=[], counts=Counts())
    by_code: dict[str, list[FileItem]] = {}
    for each in told:
        by_code.setdefault(each.item.code, []).append(each)
    for code, versions in by_code.items():
        _plan_item(made, code, versions, known.get(code, ()), faults)
    if whole:
        for code in sorted(known.keys() - by_code.keys()):
            _end_missing(made, code, known[code], ends_on)
    return made


def _plan_item(
    made: Plan, code: str, told: list[FileItem], known: tuple[Item, ...], faults: list[Fault]
) -> None:
    rows = {each.item.effective_from: each.row for each in told}
    before = {item.effective_from: item for item in known}
    after = dict(sorted({**before, **{t.item.effective_from: t.item for t in told}}.items()))
    for start, following in pairwise(list(after)):
        if after[start].effective_to < following:
            continue
        # A version of the file with an end of its own means it.
        if start in rows and after[start].effective_to != OPEN_END and following in rows:
            problem = Told(f"与 {following} 开始的版本重叠", f"overlaps with that of {following}")
            expected = Told(f"早于 {following}", f"earlier than {following}")
            faults.append(
                Fault(row=rows[start], column="enddate", problem=problem, expected=expected)
            )
        after[start] = replace(after[start], effective_to=following - _ONE_DAY)
    touched = [item for start, item in after.items() if before.get(start) != item]
    made.items += touched
    for start in rows:
        earlier = before.get(start)
        if earlier is None:
            made.counts.new += 1
        elif earlier == after[start]:
            made.counts.unchanged += 1
        else:
            made.counts.changed += 1
    for item in touched:
        earlier = before.get(item.effective_from)
        if earlier is not None:
            fields = tuple(_changes(earlier, item))
            row = rows.get(item.effective_from, min(rows.values()))
            made.counts.sample([Sample(row, f"{code} {item.effective_from}", fields)])


def _end_missing(made: Plan, code: str, known: tuple[Item, ...], ends_on: date) -> None:
    """What a whole file leaves out ends on the day before; what was to come never begins."""
    last = ends_on - _ONE_DAY
    running = [item for item in known if item.effective_to > last]
    for item in running:
        after = replace(item, effective_to=max(last, item.effective_from - _ONE_DAY))
        if after == item:
            continue
        made.items.append(after)
        made.counts.missing += 1
        whom = f"{code} {item.effective_from}"
        made.counts.sample([Sample(0, whom, tuple(_changes(item, after)))])


def _item(told: Mapping[str, Any], row: int, faults: list[Fault]) -> Item | None:
    if told["enddate"] < told["begndate"]:
        problem = Told("早于开始日期", "before begndate")
        faults.append(Fault(row=row, column="enddate", problem=problem))
        return None
    return Item(
        code=told["med_list_codg"], name=told["hilist_name"], list_type=told["list_type"],
        item_class=told["chrgitm_lv"], charge_kind=told["med_chrgitm_type"],
        self_pay_bp=told["selfpay_prop"], self_pay_bp_by_scheme=told["scheme_props"] or None,
        ceiling_e6=told["pric_uplmt_amt"] or None, effective_from=told["begndate"],
        effective_to=told["enddate"],
    )  # fmt: skip


def _changes(before: Item, after: Item) -> list[str]:
    old, new = asdict(before), asdict(after)
    return [f"{name}: {old[name]} → {new[name]}" for name in old if old[name] != new[name]]
