"""Lists of codes (编码目录) as a file says them: one row a code, of one list or of several. Pure.

A row says everything about its code. A whole file is whole for the lists that it names: what it
leaves out is no longer valid. Which columns there are is said by the layouts of the region.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from protocol.nhsa.list_layouts import TITLES, VALID, VERSION, ListLayout
from settlement.code_list import Entry, key_of
from settlement.intake import cells
from settlement.intake.cells import Column
from settlement.intake.faults import Fault, Told
from settlement.intake.report import Counts, Sample
from settlement.intake.source import Row

LIST = "list"
LENGTH_MAX = 4_000
_A_TEXT = Told(f"至多 {LENGTH_MAX} 字", f"at most {LENGTH_MAX} characters")

Layouts = Mapping[str, ListLayout]


def _read_text(text: str) -> str:
    if len(text) > LENGTH_MAX:
        raise ValueError
    return text


class FileEntry(Struct, frozen=True, gc=False):
    """A row as a file says it."""

    row: int
    entry: Entry


class Plan(Struct, kw_only=True):
    """Rows to be written, with their counts."""

    entries: list[Entry]
    counts: Counts


def columns_of(layouts: Layouts) -> tuple[Column, ...]:
    """What a file may have: the list, the flag, and every column of every list."""
    names = dict.fromkeys(name for layout in layouts.values() for name in layout.columns)
    del names[VALID]
    return (
        Column(name=LIST, title="目录", read=cells.one_of(*layouts),
               expected=Told("目录的交易编号，如 1307", "the infno of a list, as 1307")),
        Column(name=VALID, title=TITLES[VALID], read=cells.read_flag, default=True,
               expected=cells.A_FLAG),
        *[Column(name=name, title=TITLES.get(name, name), read=_read_text, default="",
                 expected=_A_TEXT)
          for name in names],
    )  # fmt: skip


def read_entries(
    rows: Iterable[Row], columns: tuple[Column, ...], layouts: Layouts, faults: list[Fault]
) -> list[FileEntry]:
    """Every row that is not at fault."""
    by_name = {column.name: column for column in columns}
    found: dict[tuple[str, str], FileEntry] = {}
    for number, texts in rows:
        told = cells.values_of(columns, texts, number, faults)
        if told is None:
            continue
        list_no, valid = told.pop(LIST), told.pop(VALID)
        values = {name: text for name, text in told.items() if text}
        layout = layouts[list_no]
        wrong = [_foreign(number, name, list_no) for name in values if name not in layout.columns]
        wrong += [
            by_name[name].fault("", number)
            for name in (layout.key[0], layout.name)
            if name not in values
        ]
        faults += wrong
        if wrong:
            continue
        # The version is ours: institutions send it back.
        values.pop(VERSION, None)
        key = key_of(values, layout.key)
        entry = Entry(list_no=list_no, key=key, values=values, valid=valid)
        earlier = found.setdefault((list_no, key), FileEntry(number, entry))
        if earlier.row != number:
            problem = Told(f"第 {earlier.row} 行已有", f"is in row {earlier.row} already")
            faults.append(Fault(row=number, column=layout.key[0], problem=problem))
    return list(found.values())


def plan(
    told: Iterable[FileEntry], known: Mapping[tuple[str, str], Entry], *, whole: bool
) -> Plan:
    """Compare a file with the rows that are known of the lists that it names."""
    made = Plan(entries=[], counts=Counts())
    named = set()
    for each in told:
        entry = each.entry
        named.add((entry.list_no, entry.key))
        before = known.get((entry.list_no, entry.key))
        if before == entry:
            made.counts.unchanged += 1
            continue
        made.entries.append(entry)
        if before is None:
            made.counts.new += 1
            continue
        made.counts.changed += 1
        made.counts.sample([_sample(each.row, before, entry)])
    if whole:
        for key in sorted(known.keys() - named):
            before = known[key]
            if before.valid:
                after = replace(before, valid=False)
                made.entries.append(after)
                made.counts.missing += 1
                made.counts.sample([_sample(0, before, after)])
    return made


def _foreign(row: int, name: str, list_no: str) -> Fault:
    problem = Told(f"{list_no} 没有这一列", f"{list_no} has no such column")
    return Fault(row=row, column=name, problem=problem, expected=Told("空", "nothing"))


def _sample(row: int, before: Entry, after: Entry) -> Sample:
    names = sorted(before.values.keys() | after.values.keys())
    changes = [
        f"{name}: {before.values.get(name, '')} → {after.values.get(name, '')}"
        for name in names
        if before.values.get(name) != after.values.get(name)
    ]
    if before.valid != after.valid:
        changes.append(f"{VALID}: {int(before.valid)} → {int(after.valid)}")
    return Sample(row, f"{after.list_no} {after.key}", tuple(changes))
