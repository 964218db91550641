"""Bills of payment channels in memory: taking them, and what moved at channels by our own events
(settlement/storage/sql/bills.sql, matching_scatter.sql).

As tests/simulation/database/closing.py is for days. Bills of movements are not simulated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from settlement.clock import local_time
from settlement.payments.payment_states import Happening
from settlement.storage.bill_copy import _FIRST_COLUMNS, _TABLES
from settlement.storage.queries import BILLS, MATCHING_SCATTER
from tests.simulation.database.closing import Do, Rows
from tests.simulation.database.records import record
from tests.simulation.database.tables import Tables

ROW_COLUMNS = (*_FIRST_COLUMNS, *next(iter(_TABLES.values())).columns)
_NUMBERS = frozenset({"file_no", "lane", "row_no", "kind", "amount_fen", "fee_fen"})
_ROW = record(*ROW_COLUMNS)
_FILE = record(
    "lane", "file_no", "received_at", "channel", "merchant", "kind", "bill_day", "sha256",
    "size_bytes", "name", "fetched", "actor", "paid_rows", "paid_fen", "refund_rows",
    "refunded_fen", "fee_fen", "fee_told", "moved_rows", "in_fen", "out_fen", "faults",
)  # fmt: skip
_FILE_SHOWN = record(*_FILE.places, "replaced_by", "replaces")
_NUMBER, _LEFT = record("file_no"), record("lane", "file_no")
_DAY, _COUNT = record("day"), record("bill_day", "n")
_BILL = record("channel", "merchant", "bill_day")
_OURS = record("channel", "merchant", "day", "n", "fen")
CHANNEL_ROW = record(
    "lane", "order_no", "refund_no", "kind", "pay_no", "attempt", "amount_fen", "at",
    "business_day", "paid_day", "channel", "merchant", "institution", "custody", "channel_no",
)  # fmt: skip
_MOVES = {
    Happening(2): 1, Happening(3): 1, Happening(6): 3, Happening(8): 3, Happening(10): 1,
    Happening(11): 2,
}  # fmt: skip
"""What moved by an event, by the numbers of the statement: 1 in, 2 back, 3 undone."""
_CONTENT = msgspec.json.Decoder(list[Any]).decode


# Taking bills.


def came(tables: Tables, *key_and_hash: Any) -> Rows:
    """bill_came."""
    return [
        _NUMBER((file["file_no"],)) for file in tables.bill_files.values()
        if (*_key(file), file["sha256"]) == key_and_hash
    ]  # fmt: skip


def of_day(tables: Tables, *key: Any) -> Rows:
    """bills_of_day: those in force."""
    return [
        _NUMBER((file["file_no"],)) for place, file in tables.bill_files.items()
        if _key(file) == key and place not in tables.bill_replaced
    ]  # fmt: skip


def leftovers(tables: Tables) -> Rows:
    """bill_leftovers."""
    return [_LEFT(place) for place in tables.bill_begun]


def bill_file(tables: Tables, lane: int, file_no: int) -> Rows:
    """bill_file."""
    file = tables.bill_files.get((lane, file_no))
    if file is None:
        return []
    replaces = sorted(
        number for (at, number), by in tables.bill_replaced.items() if (at, by) == (lane, file_no)
    )
    return [_FILE_SHOWN((*file, tables.bill_replaced.get((lane, file_no)), replaces))]


def drop_rows(tables: Tables, lanes: Sequence[int], file_no: int) -> tuple[Rows, Do]:
    """drop_left_rows."""

    def do() -> None:
        tables.bill_rows = [
            row for row in tables.bill_rows
            if row["file_no"] != file_no or row["lane"] not in lanes
        ]  # fmt: skip

    return [], do


def begin(tables: Tables, lane: int, file_no: int, at: datetime) -> tuple[Rows, Do]:
    """begin_bill."""
    return [], lambda: tables.bill_begun.__setitem__((lane, file_no), at)


def end(tables: Tables, lane: int, file_no: int) -> tuple[Rows, Do]:
    """end_bill."""
    return [], lambda: tables.bill_begun.pop((lane, file_no), None)


def keep_file(tables: Tables, *columns: Any) -> tuple[Rows, Do]:
    """keep_bill_file."""
    file = _FILE(columns)
    return [], lambda: tables.bill_files.__setitem__((file["lane"], file["file_no"]), file)


def replace(tables: Tables, lane: int, former: int, by: int) -> tuple[Rows, Do]:
    """replace_bill."""
    return [], lambda: tables.bill_replaced.__setitem__((lane, former), by)


def copied(tables: Tables, text: bytes) -> tuple[list[tuple[Any, ...]], Do]:
    """COPY of text into bill_row: the rows that are in it, and what keeps them."""
    rows = []
    for line in text.decode().splitlines():
        told: dict[str, Any] = dict(zip(ROW_COLUMNS, line.split("\t"), strict=True))
        told |= {name: int(told[name]) for name in _NUMBERS}
        told["bill_day"] = date.fromisoformat(told["bill_day"])
        told["at"] = datetime.fromisoformat(told["at"])
        rows.append(_ROW(told.values()))
    return [tuple(row) for row in rows], lambda: tables.bill_rows.extend(rows)


def _key(file: Any) -> tuple[Any, ...]:
    return tuple(file[name] for name in ("lane", "channel", "merchant", "kind", "bill_day"))


# What moved, and which bills are here.


def days_not_listed(tables: Tables, first: date, last: date) -> Rows:
    """days_not_listed."""
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return [_DAY((day,)) for day in days if day not in tables.channel_days]


def list_rows(tables: Tables, begins: datetime, ends: datetime, lanes: Sequence[int]) -> Rows:
    """list_channel_rows: of several events that say the same the first counts."""
    met: set[tuple[int, int, int, int]] = set()
    for (lane, pay_no), events in sorted(tables.payment_events.items()):
        for event in events if lane in lanes else ():
            kind = _MOVES.get(event.kind)
            if event.kind == 6 and not _came_before(event, events):
                kind = None
            of = lane, pay_no, event.attempt, kind or 0
            if kind is None or of in met or not begins <= event.recorded_at < ends:
                continue
            began = next(
                (one for one in events if one.attempt == event.attempt and one.kind == 1), None
            )
            if began is not None:
                met.add(of)
                row = _channel_row(tables, event, began, kind)
                key = lane, row["order_no"], row["refund_no"], kind
                tables.channel_rows.setdefault(key, row)
    return []


def _came_before(event: Any, events: Sequence[Any]) -> bool:
    """Whether money of an attempt had come that is dead now."""
    return any(
        one.kind in (2, 3, 10) and one.attempt == event.attempt and one.event_no < event.event_no
        for one in events
    )


def _channel_row(tables: Tables, event: Any, began: Any, kind: int) -> Any:
    told, learnt = _CONTENT(began.content)[0], _CONTENT(event.content)[1]
    refunds = told.get("refunds") or {}
    back = kind == 2
    amount = learnt.get("amount_fen")
    paid_at = datetime.fromisoformat(refunds["sent_at"]) if back else None
    return CHANNEL_ROW((
        event.lane, refunds["order_no"] if back else began.order_no,
        began.order_no if back else "", kind, event.pay_no, event.attempt,
        told["amount_fen"] if amount is None else amount, event.recorded_at,
        local_time(event.recorded_at).date(),
        None if paid_at is None else local_time(paid_at).date(), told["channel"],
        told["merchant_no"], tables.payments[event.lane, event.pay_no].institution,
        told["custody"], learnt.get("reference") or "",
    ))  # fmt: skip


def keep_day(tables: Tables, day: date, at: datetime) -> tuple[Rows, Do]:
    """keep_channel_day."""
    return [], lambda: tables.channel_days.setdefault(day, at)


def files_replaced(tables: Tables) -> Rows:
    """files_replaced: and those that are not there as a whole (yet)."""
    begun = [place[1] for place in tables.bill_begun if place not in tables.bill_files]
    return [_NUMBER((number,)) for number in [*(n for _, n in tables.bill_replaced), *begun]]


def bills_here(tables: Tables, first: date, last: date) -> Rows:
    """bills_here."""
    return [
        _BILL(one)
        for one in sorted({
            (file["channel"], file["merchant"], file["bill_day"])
            for place, file in _trade(tables, first, last) if place not in tables.bill_replaced
        })
    ]  # fmt: skip


def files_counted(tables: Tables, first: date, last: date) -> Rows:
    """files_counted."""
    counts = Counter(file["bill_day"] for _, file in _trade(tables, first, last))
    return [_COUNT(one) for one in counts.items()]


def _trade(tables: Tables, first: date, last: date) -> list[tuple[Any, Any]]:
    return [
        (place, file) for place, file in tables.bill_files.items()
        if file["kind"] == "trade" and first <= file["bill_day"] <= last
    ]  # fmt: skip


def days_of_ours(tables: Tables, first: date, last: date) -> Rows:
    """days_of_ours."""
    found: dict[tuple[str, str, date], list[int]] = {}
    for row in tables.channel_rows.values():
        if first <= row["business_day"] <= last:
            sums = found.setdefault((row["channel"], row["merchant"], row["business_day"]), [0, 0])
            sums[0] += 1
            sums[1] += {1: 1, 2: -1, 3: 0}[row["kind"]] * row["amount_fen"]
    return [_OURS((*key, *sums)) for key, sums in found.items()]


def keep_matched(
    tables: Tables, at: datetime, days: Sequence[date], files: Sequence[int]
) -> tuple[Rows, Do]:
    """keep_matched_days."""
    new = zip(days, files, strict=True)
    return [], lambda: tables.matched_days.update(new)


def _nothing(*_: object) -> tuple[Rows, Do]:
    """What is kept and never asked for."""
    return [], lambda: None


def _none(*_: object) -> Rows:
    """What is not simulated is not there."""
    return []


READS: dict[str, Callable[..., Rows]] = {
    BILLS["bill_came"]: came,
    BILLS["bills_of_day"]: of_day,
    BILLS["bill_leftovers"]: leftovers,
    BILLS["bill_file"]: bill_file,
    MATCHING_SCATTER["days_not_listed"]: days_not_listed,
    MATCHING_SCATTER["list_channel_rows"]: list_rows,
    MATCHING_SCATTER["files_replaced"]: files_replaced,
    MATCHING_SCATTER["bills_here"]: bills_here,
    MATCHING_SCATTER["files_counted"]: files_counted,
    MATCHING_SCATTER["days_of_ours"]: days_of_ours,
    MATCHING_SCATTER["fee_rates"]: _none,
}
WRITES: dict[str, Callable[..., tuple[Rows, Do]]] = {
    BILLS["drop_left_rows"]: drop_rows,
    BILLS["drop_left_movements"]: _nothing,
    BILLS["drop_left_institution_rows"]: _nothing,
    BILLS["begin_bill"]: begin,
    BILLS["end_bill"]: end,
    BILLS["keep_bill_piece"]: _nothing,
    BILLS["keep_bill_file"]: keep_file,
    BILLS["keep_bill_faults"]: _nothing,
    BILLS["replace_bill"]: replace,
    MATCHING_SCATTER["keep_channel_day"]: keep_day,
    MATCHING_SCATTER["keep_matched_days"]: keep_matched,
}
LOCK, UNLOCK = BILLS["lock_bills"], BILLS["unlock_bills"]
NAMES = {text: name for queries in (BILLS, MATCHING_SCATTER) for name, text in queries.items()}
