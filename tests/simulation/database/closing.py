"""Closing days in memory: the statements of `ledger.postgres.schema.close_day` and of
settlement/storage/closing.py, seals.py and day_totals.py that the worker of days sends.

A step that writes is told to the connection as something to do at its commit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any

from ledger.account import Balance
from ledger.audit import AuditedBlock
from ledger.chain import block_hash, microseconds
from ledger.entry import Entry, EntryKind, Transfer
from ledger.fold import fold_all
from ledger.postgres.arrays import AppendArguments
from ledger.postgres.fold import _QUERIES as FOLDS
from ledger.postgres.pace import _QUERIES as PACE
from ledger.postgres.schema import _ADMIN as LEDGER_ADMIN
from ledger.postgres.schema import SHAPED as LEDGER
from ledger.postgres.shape import Shape
from settlement.books.monthly_statement import AMOUNTS
from settlement.clock import local_time
from settlement.rows import RowKind, SettlementRow
from settlement.storage.queries import CLOSING, DAY_TOTALS
from tests.simulation.database.records import record
from tests.simulation.database.tables import Tables

Rows = Sequence[Any]
Do = Callable[[], None]
LAST_BLOCK = 2**63 - 1
_EARLIEST, _LATEST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
"""What the driver makes of -infinity and infinity."""
SETTLING_CODES = (1, 2, 3)
_KEY = ("institution", "setl_on", "kind", "scheme", "clearing_type", "category", "care_type")
_DAY_ROW = record(*_KEY, "row_count", *AMOUNTS, "persons", "numbers", "leaves")
_DAY = record("business_day")
_END = record("journal", "through_block")
_HEAD = record("block_no", "block_hash")
_JOURNAL = record("journal")


class DayEnd:
    """A row of settlement.day_end."""

    def __init__(
        self, after: int, through: int, last: int, booked_from: datetime, booked_through: datetime
    ) -> None:
        self.after = after
        self.through = through
        self.last = last
        self.booked_from = booked_from
        self.booked_through = booked_through


def first_day(tables: Tables) -> Rows:
    """first_day."""
    firsts = [tables.ledger.blocks(journal)[:1] for journal in _journals(tables)]
    return [(min((one[0].business_day for one in firsts if one), default=None),)]


def days_without_end(tables: Tables) -> Rows:
    """days_without_end."""
    ended = {day for _, day in tables.day_ends}
    return [_DAY((day,)) for day in sorted(tables.closed_days) if day not in ended]


def keep_day_end(tables: Tables, day: date) -> Rows:
    """keep_day_end."""
    kept = []
    for journal in _journals(tables):
        before = [end for (j, d), end in tables.day_ends.items() if j == journal and d < day]
        after = max((end.through for end in before), default=0)
        blocks = tables.ledger.blocks(journal)
        own = [b for b in blocks[after:] if b.business_day == day]
        if not own or (journal, day) in tables.day_ends:
            continue
        later = [b.block_no for b in blocks[after:] if b.business_day > day]
        through = later[0] - 1 if later else len(blocks)
        busy = [b for b in own if b.entry_count]
        booked = [end.booked_through for end in before]
        booked += [b.booked_at for b in blocks[after:through] if b.entry_count]
        tables.day_ends[journal, day] = DayEnd(
            after, through, max([after, *(b.block_no for b in busy)]),
            min((b.booked_at for b in busy), default=_LATEST), max(booked, default=_EARLIEST),
        )  # fmt: skip
        kept.append(_END((journal, through)))
    return kept


def pieces_of_day(tables: Tables, day: date) -> Rows:
    """pieces_of_day."""
    pieces = []
    for journal in _journals(tables):
        end = tables.day_ends.get((journal, day))
        before = [e.through for (j, d), e in tables.day_ends.items() if j == journal and d < day]
        pieces.append(
            (journal, max(before, default=0), LAST_BLOCK)
            if end is None
            else (journal, end.after, end.last)
        )
    return pieces


def rows_of_day(tables: Tables, journal: int, after: int, last: int, day: date) -> Rows:
    """rows_of_day."""
    groups: dict[tuple[Any, ...], list[tuple[SettlementRow, bytes]]] = {}
    for block in _blocks(tables, journal, after, last):
        for entry, leaf in zip(block.entries, block.leaves, strict=True):
            row = tables.settlements.get((entry.lane, entry.entry_id))
            if block.business_day == day and entry.code in SETTLING_CODES and row is not None:
                groups.setdefault(_key(tables, row), []).append((row, leaf))
    rows = []
    for key, found in groups.items():
        found.sort(key=lambda one: one[0].setl_id)
        sums = [sum(getattr(row, name) for row, _ in found) for name in AMOUNTS]
        rows.append(
            _DAY_ROW(
                (*key, len(found), *sums, [_person_hash(row.psn_no) for row, _ in found],
                 [row.setl_id for row, _ in found], b"".join(leaf for _, leaf in found))
            )
        )  # fmt: skip
    return rows


def _key(tables: Tables, row: SettlementRow) -> tuple[Any, ...]:
    at = row.setl_time
    if row.kind is RowKind.REVERSE and row.undoes_setl_id is not None:
        at = tables.settlements[row.lane, row.undoes_setl_id].setl_time
    return (
        row.institution, local_time(at).date(), int(row.kind), row.scheme, row.clearing_type,
        row.category, row.care_type,
    )  # fmt: skip


def _person_hash(number: str) -> int:
    return int.from_bytes(sha256(number.encode()).digest()[:8], "big", signed=True)


def days_to_seal(tables: Tables) -> Rows:
    """days_to_seal."""
    sealed = {first for _, first, last in tables.seal_lists if first == last}
    return [_DAY((day,)) for day in sorted(tables.closed_days) if day not in sealed]


def fold_before(tables: Tables, journal: int, through: int) -> Rows:
    """fold_before."""
    return [(max((t for j, t in tables.folds if j == journal and t <= through), default=0),)]


def fold(tables: Tables, journal: int, reached: int, target: int) -> Rows:
    """fold."""
    entries: list[Entry] = [
        entry for block in _blocks(tables, journal, reached, target) for entry in block.entries
    ]
    sums = dict(tables.folds.get((journal, reached), {}))
    changes = fold_all(entries, tables.ledger.pendings_of(entries))
    for account, change in changes.items():
        sums[account] = change.add_to(sums.get(account, Balance()))
    tables.folds.setdefault((journal, target), sums)
    return []


def open_journals(tables: Tables) -> Rows:
    """open_journals."""
    return [_JOURNAL((journal,)) for journal in _journals(tables)]


def day_is_closed(tables: Tables, day: date) -> Rows:
    """day_is_closed."""
    return [(1,)] if day in tables.closed_days else []


def blocks_appended(tables: Tables) -> Rows:
    """blocks_appended."""
    return [(sum(len(tables.ledger.blocks(journal)) for journal in _journals(tables)),)]


def head(tables: Tables, journal: int) -> Rows:
    """lock_head of the ledger, once it is locked."""
    blocks = tables.ledger.blocks(journal)
    last = blocks[-1].block_hash if blocks else tables.ledger.opening(journal)
    return [_HEAD((len(blocks), last))]


def append_block(tables: Tables, *arguments: Any) -> tuple[Rows, Do]:
    """append_block, of a boundary or of entries that are booked beside batches: its block is the
    journal's next. One a transaction: a second would have to know of the first."""
    given = AppendArguments(*arguments)
    entries = _entries_of(given)
    journal, day, at = given.journal, given.business_day, given.booked_at
    refusals = tables.ledger.refusals(journal, day, entries) if entries else ()
    if refusals:
        raise NotImplementedError(f"nobody books what is refused: {refusals}")
    [(number, previous)] = head(tables, journal)
    digest = block_hash(
        journal=journal, block_no=number + 1, business_day=day, booked_at_us=microseconds(at),
        previous=previous, leaves=given.leaves,
    )  # fmt: skip

    def do() -> None:
        if entries:
            tables.ledger.book(journal=journal, business_day=day, booked_at=at, entries=entries)
        else:
            tables.ledger.bound(journal=journal, business_day=day, closed_at=at)

    return [(number + 1, digest)], do


def _entries_of(given: AppendArguments) -> list[Entry]:
    """The entries of a block, each with the legs that are its own."""
    legs = list(map(Transfer, given.debits, given.credits, given.amounts))
    entries, begins = [], 0
    pending = given.pending or [None] * len(given.entries)
    for n, ends in enumerate(given.leg_ends):
        entries.append(
            Entry(
                lane=given.lanes[n], entry_id=given.entries[n], kind=EntryKind(given.kinds[n]),
                code=given.codes[n], pending_id=pending[n], transfers=tuple(legs[begins:ends]),
                commitment=given.commitments[32 * n : 32 * n + 32],
            )
        )  # fmt: skip
        begins = ends
    return entries


def close_business_day(tables: Tables, day: date, at: datetime) -> tuple[Rows, Do]:
    """close_business_day."""

    def do() -> None:
        tables.ledger.close_for_good(day)
        tables.closed_days[day] = at

    return [], do


def keep_seal_list(tables: Tables, lane: int, first: date, last: date, *rest: Any) -> Any:
    """keep_seal_list: no row comes back where it was kept before."""
    key = lane, first, last
    if key in tables.seal_lists:
        return [], lambda: None
    return [(first,)], lambda: tables.seal_lists.__setitem__(key, rest)


def keep_seals(
    tables: Tables, first: date, last: date, lanes: Sequence[int], institutions: Sequence[str],
    settlements: Sequence[int], roots: Sequence[bytes], signatures: Sequence[bytes],
) -> tuple[Rows, Do]:  # fmt: skip
    """keep_seals."""

    def do() -> None:
        rows = zip(institutions, settlements, roots, signatures, strict=True)
        for code, count, root, signature in rows:
            tables.seals[first, last, code] = count, root, signature

    return [], do


def copied(tables: Tables, table: str, records: Sequence[tuple[Any, ...]]) -> Do:
    """COPY into day_total or day_leaves."""
    return lambda: tables.copied.setdefault(table, []).extend(records)


def _journals(tables: Tables) -> list[int]:
    return sorted(set(tables.journal_of.values()))


def _blocks(tables: Tables, journal: int, after: int, last: int) -> Iterator[AuditedBlock]:
    yield from tables.ledger.blocks(journal)[after : min(last, LAST_BLOCK)]


_ONE = LEDGER[Shape.ONE_MACHINE]
READS: dict[str, Callable[..., Rows]] = {
    CLOSING["first_day"]: first_day,
    CLOSING["days_without_end"]: days_without_end,
    CLOSING["keep_day_end"]: keep_day_end,
    CLOSING["pieces_of_day"]: pieces_of_day,
    CLOSING["days_to_seal"]: days_to_seal,
    DAY_TOTALS["rows_of_day"]: rows_of_day,
    LEDGER_ADMIN["open_journals"]: open_journals,
    LEDGER_ADMIN["day_is_closed"]: day_is_closed,
    FOLDS["fold_before"]: fold_before,
    FOLDS["fold"]: fold,
    PACE["blocks_appended"]: blocks_appended,
}
WRITES: dict[str, Callable[..., tuple[Rows, Do]]] = {
    _ONE["append_block"]: append_block,
    LEDGER_ADMIN["close_business_day"]: close_business_day,
    CLOSING["keep_seal_list"]: keep_seal_list,
    CLOSING["keep_seals"]: keep_seals,
}
LOCK_HEAD = _ONE["lock_head"]
NAMES = {
    text: name for queries in (CLOSING, DAY_TOTALS, LEDGER_ADMIN, FOLDS, _ONE)
    for name, text in queries.items()
}  # fmt: skip
