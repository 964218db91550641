"""Closing months in memory, and the statements of institutions: what finance people and the loop of
listing send (settlement/storage/sql/closing.sql, day_totals.sql, scatter.sql).

As tests/simulation/database/closing.py is for days.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from ledger.account import Balance
from ledger.fold import fold_all
from settlement.books.month_states import MonthAct
from settlement.clock import local_time
from settlement.storage.day_totals import _COLUMNS
from settlement.storage.queries import CLOSING, DAY_TOTALS, SCATTER
from tests.simulation.database.closing import SETTLING_CODES, Do, Rows, _blocks, _journals
from tests.simulation.database.records import record
from tests.simulation.database.tables import Tables

_STEP = record("step_no", "act", "recorded_at", "actor", "reason", "reference")
_DAY, _MONTH = record("business_day"), record("month")
_SUM = record("account", "debits", "credits", "debits_pending", "credits_pending")
_ACCOUNT = record("account", "owner", "code", "name")
_END = record("journal", "block_no", "block_hash")
_DOUBT = record("what", "found", "first")
_TOTAL = record(
    "scheme", "clearing_type", "kind", "rows", "total", "fund", "account", "cash", "hospital"
)
_LEAVES = record("institution", "numbers", "leaves")
_SEAL = record("institution", "settlements", "root", "signature")
_PLACES = {name: place for place, name in enumerate(_COLUMNS)}
_SUMMED = ("row_count", "total_fen", "fund_fen", "account_fen", "cash_fen", "hospital_fen")


def month_steps(tables: Tables, lane: int, month: date) -> Rows:
    """month_steps."""
    return [_STEP(step) for step in tables.month_steps.get((lane, month), ())]


def keep_month_step(
    tables: Tables, lane: int, month: date, step_no: int, *rest: Any
) -> tuple[Rows, Do]:
    """keep_month_step: no row comes back where the number is taken."""
    kept = tables.month_steps.get((lane, month), ())
    if any(step[0] == step_no for step in kept):
        return [], lambda: None

    def do() -> None:
        tables.month_steps[lane, month] = (*kept, (step_no, int(rest[0]), *rest[1:]))

    return [(step_no,)], do


def closed_months(tables: Tables, lane: int, act: MonthAct) -> Rows:
    """closed_months."""
    return [
        _MONTH((month,))
        for (at, month), steps in sorted(tables.month_steps.items())
        if at == lane and any(step[1] == act for step in steps)
    ]


def days_closed(tables: Tables, first: date, last: date) -> Rows:
    """days_closed: with their seals."""
    sealed = tables.sealed_days()
    return [
        _DAY((day,)) for day in sorted(tables.closed_days)
        if first <= day <= last and day in sealed
    ]  # fmt: skip


def sums_at(tables: Tables, at: datetime | None, day: date | None, account: int | None) -> Rows:
    """sums_at, of all accounts or one at the end of a day."""
    if at is not None or day is None:
        raise NotImplementedError("only the end of a day is asked for")
    entries = [
        entry
        for journal in _journals(tables)
        for block in tables.ledger.blocks(journal)
        if block.business_day <= day
        for entry in block.entries
    ]
    rows = []
    for number, change in sorted(fold_all(entries, tables.ledger.pendings_of(entries)).items()):
        if account not in (None, number):
            continue
        found = change.add_to(Balance())
        rows.append(
            _SUM((number, found.debits_fen, found.credits_fen, found.debits_pending_fen,
                  found.credits_pending_fen))
        )  # fmt: skip
    return rows


def owners_and_names(tables: Tables) -> Rows:
    """owners_and_names."""
    return [
        _ACCOUNT((int(one.number), one.owner, one.code, one.name))
        for one in tables.ledger.accounts()
    ]


def ends_of_month(tables: Tables, through: date) -> Rows:
    """ends_of_month."""
    found = []
    for journal in _journals(tables):
        ends = [day for of, day in tables.day_ends if of == journal and day <= through]
        if ends:
            last = tables.day_ends[journal, max(ends)].last
            blocks = tables.ledger.blocks(journal)
            if last:
                found.append(_END((journal, last, blocks[last - 1].block_hash)))
    return found


def unlisted(tables: Tables, through: date) -> Rows:
    """unlisted."""
    behind = 0
    for journal in _journals(tables):
        last = [end.last for (of, day), end in tables.day_ends.items()
                if of == journal and day <= through]  # fmt: skip
        if last:
            behind += max(max(last) - _listed(tables, journal), 0)
    return [(behind,)]


def in_doubt(tables: Tables, before: int) -> Rows:
    """in_doubt."""
    found = {
        "payment": [number for _, number in tables.payment_due],
        "mobile": [number for _, number in tables.mobile_due],
        "remote": [number for _, number in tables.case_due],
        "family": [
            person.undertaking for person in tables.persons.values()
            if person.undertaking is not None
        ],
    }  # fmt: skip
    rows = []
    for what, numbers in sorted(found.items()):
        early = [number for number in numbers if number < before]
        if early:
            rows.append(_DOUBT((what, len(early), min(early))))
    return rows


def settled_between(tables: Tables, first: date, last: date) -> Rows:
    """settled_between."""
    sums: dict[tuple[Any, ...], list[int]] = {}
    for row in tables.copied.get("day_total", ()):
        if first <= row[_PLACES["business_day"]] <= last:
            key = tuple(row[_PLACES[name]] for name in ("scheme", "clearing_type", "kind"))
            own = sums.setdefault(key, [0] * len(_SUMMED))
            for place, name in enumerate(_SUMMED):
                own[place] += row[_PLACES[name]]
    return [_TOTAL((*key, *own)) for key, own in sorted(sums.items())]


def kept_leaves(tables: Tables, day: date) -> Rows:
    """kept_leaves."""
    return [
        _LEAVES((institution, numbers, leaves))
        for of, _, institution, numbers, leaves in tables.copied.get("day_leaves", ())
        if of == day
    ]


def seals(tables: Tables, first: date, last: date, institution: str | None) -> Rows:
    """seals."""
    return [
        _SEAL((code, *sealed))
        for (begins, ends, code), sealed in sorted(tables.seals.items())
        if (begins, ends) == (first, last) and institution in (None, code)
    ]


def journals_to_list(tables: Tables, blocks_min: int) -> Rows:
    """journals_to_list."""
    found = []
    for journal in _journals(tables):
        listed, last = _listed(tables, journal), len(tables.ledger.blocks(journal))
        if last >= listed + blocks_min:
            found.append((journal, listed, last))
    return found


def list_rows(tables: Tables, journal: int, after: int, through: int) -> Rows:
    """list_rows: nothing where another step began at the same block."""
    if (journal, after) in tables.listing:
        return []
    tables.listing[journal, after] = through
    for block in _blocks(tables, journal, after, through):
        for entry in block.entries:
            row = tables.settlements.get((entry.lane, entry.entry_id))
            if entry.code in SETTLING_CODES and row is not None:
                on = local_time(row.setl_time).date()
                tables.stated[row.lane, row.setl_id] = row.institution, on
    return []


def _listed(tables: Tables, journal: int) -> int:
    return max((end for (of, _), end in tables.listing.items() if of == journal), default=0)


READS: dict[str, Callable[..., Rows]] = {
    CLOSING["month_steps"]: month_steps,
    CLOSING["closed_months"]: closed_months,
    CLOSING["days_closed"]: days_closed,
    CLOSING["sums_at"]: sums_at,
    CLOSING["owners_and_names"]: owners_and_names,
    CLOSING["ends_of_month"]: ends_of_month,
    CLOSING["unlisted"]: unlisted,
    CLOSING["in_doubt"]: in_doubt,
    CLOSING["seals"]: seals,
    DAY_TOTALS["settled_between"]: settled_between,
    DAY_TOTALS["kept_leaves"]: kept_leaves,
    SCATTER["journals_to_list"]: journals_to_list,
    SCATTER["list_rows"]: list_rows,
}
WRITES: dict[str, Callable[..., tuple[Rows, Do]]] = {
    CLOSING["keep_month_step"]: keep_month_step,
}
