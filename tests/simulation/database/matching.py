"""Matching with payment channels in memory, the differences that it finds, and clearing accounts
(settlement/storage/sql/matching.sql, clearing_accounts.sql).

As tests/simulation/database/closing.py is for days. Fees, and bills of movements, are not
simulated: where a statement would have to know of one, the story stops.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import asyncpg
import msgspec

from settlement.storage.queries import CLEARING, CLEARING_SCATTER, MATCHING, MATCHING_SCATTER
from tests.simulation.database.closing import Do, Rows
from tests.simulation.database.records import record
from tests.simulation.database.tables import Tables

_SIDE = record(
    "side", "channel", "n", "fen", "order_no", "refund_no", "kind", "merchant", "amount_fen",
    "day", "pay_no", "channel_no", "institution", "custody", "paid_day", "reversed", "file_no",
    "row_no", "fee_fen", "status",
)  # fmt: skip
_BESIDE = record(
    "side", "channel", "order_no", "refund_no", "kind", "merchant", "amount_fen", "day", "pay_no",
    "channel_no", "institution", "custody", "paid_day", "reversed", "file_no", "row_no",
    "fee_fen", "status",
)  # fmt: skip
_OURS = record(
    "channel", "order_no", "refund_no", "kind", "merchant", "amount_fen", "day", "pay_no",
    "channel_no", "institution", "custody", "paid_day", "reversed",
)  # fmt: skip
_THEIRS = record(
    "channel", "order_no", "refund_no", "kind", "merchant", "amount_fen", "day", "channel_no",
    "file_no", "row_no", "fee_fen", "status",
)  # fmt: skip
_SENT = record("order_no", "pay_no", "institution", "merchant", "custody")
_NAME_COLUMNS = (
    "lane", "difference_no", "channel", "kind", "order_no", "refund_no", "channel_no", "nth",
)  # fmt: skip
_NAME = record(*_NAME_COLUMNS)
_STEP = record(
    "step_no", "act", "state", "recorded_at", "actor", "reason", "class", "ours_fen",
    "theirs_fen", "fee_fen", "day", "their_day", "pay_no", "institution", "custody", "merchant",
    "their_merchant", "owner", "correction", "proposer", "amount_fen", "booked_fen", "entry_id",
    "rule",
)  # fmt: skip
_DIFFERENCE = record(*_NAME_COLUMNS, "found_at", *_STEP.places)
_STANDING = record("of_visit", "is_under_way")
_ACCOUNT_KEY = ("institution", "channel", "custody", "merchant", "day")
_SUMS = (
    "rows", "paid_fen", "refunded_fen", "unbilled_fen", "unbilled_volume_fen", "unfunded_fen",
    "unfunded_volume_fen", "fee_fen",
)  # fmt: skip
_ACCOUNT = record(*_ACCOUNT_KEY, *_SUMS)
_KEPT = record(*_ACCOUNT_KEY, *_SUMS, "booked_fee_fen", "step_no", "borne_by")
_CLEARING_STEP = record(
    *_ACCOUNT_KEY, "step_no", *_SUMS, "booked_fee_fen", "entry_id", "borne_by", "rule"
)
_CONTENT = msgspec.json.Decoder(list[Any]).decode
CLOSED = 4
"""The state of differences that a rule closed."""
Unbilled = set[tuple[str, str, date]]


def match_lane(
    tables: Tables, lane: int, first: date, last: date, replaced: Sequence[int],
    done: Sequence[str], back: Sequence[str], with_states: Sequence[str],
    *unbilled_and_rates: Sequence[Any],
) -> Rows:  # fmt: skip
    """match_lane."""
    if any(unbilled_and_rates[3:]):
        raise NotImplementedError("rates of fees are not simulated")
    unbilled: Unbilled = set(zip(*unbilled_and_rates[:3], strict=True))
    ours = [
        row for row in _ours(tables, lane)
        if row["kind"] < 3 and first <= row["day"] <= last
    ]  # fmt: skip
    theirs = _theirs(tables, lane, first, last, replaced)

    def said(row: Any) -> int:
        if row["channel"] not in with_states:
            return 1
        told = f"{row['channel']} {row['kind']} {row['status']}"
        return 1 if told in done else 2 if told in back else 3

    several = {key for key, n in Counter(map(_key, theirs)).items() if n > 1}
    by_key = {_key(row): row for row in theirs}
    agreed = {}
    for row in ours:
        other = by_key.get(_key(row))
        if other is None or row["reversed"] or not row["order_no"] or _key(row) in several:
            continue
        same = all(row[n] == other[n] for n in ("channel", "merchant", "amount_fen", "day"))
        if same and said(other) == 1:
            agreed[_key(row)] = row
    told = by_key.keys()
    waiting = [row for row in ours if _place(row) in unbilled and _key(row) not in told]
    left = [
        row for row in ours
        if _key(row) not in agreed and (_place(row) not in unbilled or _key(row) in told)
    ]
    return [
        *_sums("ours", ours, _counts), *_sums("agreed", agreed.values(), _counts),
        *_sums("theirs", theirs, lambda row: _their_counts(row, said(row))),
        *_sums("unbilled", waiting, _counts),
        *(_side("our row", row) for row in left),
        *(_side("their row", row) for row in theirs if _key(row) not in agreed),
    ]


def payments_around(
    tables: Tables, lane: int, days: Sequence[date], near: Sequence[date],
    channels: Sequence[str], merchants: Sequence[str], numbers: Sequence[str],
    replaced: Sequence[int], done: Sequence[str], with_states: Sequence[str],
) -> Rows:  # fmt: skip
    """payments_around."""
    places = set(zip(channels, merchants, strict=True))

    def asked_for(row: Any) -> bool:
        place = row["channel"], row["merchant"]
        return row["day"] in days and (place in places or row["channel_no"] in numbers)

    theirs = [
        row for row in _theirs(tables, lane, min(near), max(near), replaced)
        if row["kind"] == 1 and row["day"] in near
    ]  # fmt: skip
    ours = [row for row in _ours(tables, lane) if row["kind"] == 1 and row["day"] in near]
    even = _even(tables, lane, ours, theirs, done, with_states)
    return [
        _beside(side, row, undone)
        for side, some, undone in (("our row", ours, False), ("their row", theirs, None))
        for row in some
        if asked_for(row) and row["order_no"] not in even
    ]


def _even(
    tables: Tables, lane: int, ours: Sequence[Any], theirs: Sequence[Any], done: Sequence[str],
    with_states: Sequence[str],
) -> set[str]:  # fmt: skip
    """Orders that both sides have once, done and with the same amount."""
    times = Counter(row["order_no"] for row in theirs)
    good = {
        (row["order_no"], row["merchant"], row["amount_fen"]) for row in theirs
        if times[row["order_no"]] == 1
        and (row["channel"] not in with_states or f"{row['channel']} 1 {row['status']}" in done)
    }  # fmt: skip
    return {
        row["order_no"] for row in ours
        if (row["order_no"], row["merchant"], row["amount_fen"]) in good
        and (lane, row["order_no"], "", 3) not in tables.channel_rows
    }


def _beside(side: str, row: Any, undone: bool | None) -> Any:
    told = dict(row.items()) | {"reversed": undone}
    return _BESIDE((side, *(told.get(n) for n in list(_BESIDE.places)[1:])))


def _sums(side: str, rows: Any, counts: Callable[[Any], int]) -> list[Any]:
    found: dict[str, list[int]] = {}
    for row in rows:
        both = found.setdefault(row["channel"], [0, 0])
        both[0] += 1
        both[1] += counts(row)
    empty = (None,) * (len(_SIDE.places) - 4)
    return [_SIDE((side, channel, *both, *empty)) for channel, both in found.items()]


def _counts(row: Any) -> int:
    if row["reversed"]:
        return 0
    return int(row["amount_fen"] if row["kind"] == 1 else -row["amount_fen"])


def _their_counts(row: Any, said: int) -> int:
    if said == 3:
        return 0
    return int(row["amount_fen"] if said == 1 and row["kind"] == 1 else -row["amount_fen"])


def _side(side: str, row: Any) -> Any:
    told = dict(row.items())
    return _SIDE((side, row["channel"], 0, 0, *(told.get(n) for n in list(_SIDE.places)[4:])))


def _key(row: Any) -> tuple[str, str, int]:
    return row["order_no"], row["refund_no"], row["kind"]


def _place(row: Any) -> tuple[str, str, date]:
    return row["channel"], row["merchant"], row["day"]


def _ours(tables: Tables, lane: int) -> list[Any]:
    rows = [row for key, row in tables.channel_rows.items() if key[0] == lane]
    undone = {
        row["order_no"] for row in rows
        if row["kind"] == 3 and not _came_after_all(tables, row)
    }  # fmt: skip
    return [
        _OURS((
            row["channel"], row["order_no"], row["refund_no"], row["kind"], row["merchant"],
            row["amount_fen"], row["business_day"], row["pay_no"], row["channel_no"],
            row["institution"], row["custody"], row["paid_day"],
            row["kind"] == 1 and row["order_no"] in undone,
        ))
        for row in rows
    ]  # fmt: skip


def _came_after_all(tables: Tables, row: Any) -> bool:
    """Whether the channel collected a payment after it was undone."""
    events = [
        event for event in tables.payment_events.get((row["lane"], row["pay_no"]), ())
        if event.attempt == row["attempt"]
    ]  # fmt: skip
    came = [event.event_no for event in events if event.kind in (2, 3, 10)]
    undone = [event.event_no for event in events if event.kind in (6, 8)]
    return bool(came and undone) and max(came) > max(undone)


def _theirs(
    tables: Tables, lane: int, first: date, last: date, replaced: Sequence[int]
) -> list[Any]:
    return [
        _THEIRS((
            row["channel"], row["order_no"], row["refund_no"], row["kind"], row["merchant"],
            row["amount_fen"], row["bill_day"],
            row["channel_no"] if row["kind"] == 1 else row["channel_refund_no"], row["file_no"],
            row["row_no"], row["fee_fen"], row["status"],
        ))
        for row in tables.bill_rows
        if row["lane"] == lane and first <= row["bill_day"] <= last
        and row["file_no"] not in replaced
    ]  # fmt: skip


def channel_rows_of(tables: Tables, lane: int, orders: Sequence[str]) -> Rows:
    """channel_rows_of."""
    return [row for row in _ours(tables, lane) if row["order_no"] in orders and row["kind"] < 3]


def bill_rows_of(
    tables: Tables, lane: int, first: date, last: date, orders: Sequence[str],
    replaced: Sequence[int],
) -> Rows:  # fmt: skip
    """bill_rows_of."""
    found = _theirs(tables, lane, first, last, replaced)
    return [row for row in found if row["order_no"] in orders]


def sent_to_channels(tables: Tables, lane: int, numbers: Sequence[str]) -> Rows:
    """sent_to_channels."""
    found = []
    for (at, pay_no), events in tables.payment_events.items():
        for event in events if at == lane else ():
            if event.order_no in numbers:
                began = _CONTENT(event.content)[0] or {}
                institution = tables.payments[lane, pay_no].institution
                found.append(_SENT((
                    event.order_no, pay_no, institution, began.get("merchant_no"),
                    began.get("custody"),
                )))  # fmt: skip
    return found


# Differences.


def known(
    tables: Tables, lane: int, orders: Sequence[str], channel_nos: Sequence[str], first: date,
    last: date,
) -> Rows:  # fmt: skip
    """differences_known."""
    found = []
    for key, (name, found_at) in tables.differences.items():
        step = tables.difference_steps[key][-1]
        days = [one for one in (step["day"], step["their_day"]) if one is not None]
        if key[0] == lane and (
            name["order_no"] in orders
            or (not name["order_no"] and name["channel_no"] in channel_nos)
            or (step["state"] != CLOSED and any(first <= day <= last for day in days))
        ):
            found.append(_DIFFERENCE((*name, found_at, *step)))
    return found


def keep_new(
    tables: Tables, lane: int, at: datetime, *columns: Sequence[Any]
) -> tuple[Rows, Do]:
    """keep_new_differences."""
    new = [_NAME((lane, *one)) for one in zip(*columns, strict=True)]

    def do() -> None:
        for name in new:
            tables.differences[lane, name["difference_no"]] = name, at

    return [], do


def keep_step(tables: Tables, lane: int, number: int, *columns: Any) -> tuple[Rows, Do]:
    """keep_difference_step: no row comes back where the number is taken."""
    step, kept = _STEP(columns), tables.difference_steps.get((lane, number), ())
    if any(one["step_no"] == step["step_no"] for one in kept):
        return [], lambda: None

    def do() -> None:
        key = lane, number
        tables.difference_steps[key] = (*tables.difference_steps.get(key, ()), step)

    return [(step["step_no"],)], do


def named(tables: Tables, lane: int, number: int) -> Rows:
    """difference_named."""
    found = tables.differences.get((lane, number))
    return [] if found is None else [found[0]]


def steps(tables: Tables, lane: int, number: int) -> Rows:
    """difference_steps."""
    return list(tables.difference_steps.get((lane, number), ()))


def payment_standing(tables: Tables, lane: int, pay_no: int) -> Rows:
    """payment_standing."""
    row = tables.payments.get((lane, pay_no))
    if row is None:
        return []
    return [_STANDING((row.mdtrt_id is not None, (lane, pay_no) in tables.payment_due))]


def listed(
    tables: Tables, states: Sequence[int], found: str | None, channel: str | None,
    institution: str | None, until: date | None, owner: str | None, limit: int,
) -> Rows:  # fmt: skip
    """differences_listed."""
    rows = []
    for key, (name, found_at) in tables.differences.items():
        step = tables.difference_steps[key][-1]
        asked = (
            (found, step["class"]), (channel, name["channel"]),
            (institution, step["institution"]), (owner, step["owner"]),
        )  # fmt: skip
        if step["state"] not in states or (until is not None and step["day"] > until):
            continue
        if all(one in (None, other) for one, other in asked):
            rows.append(_DIFFERENCE((*name, found_at, *step)))
    rows.sort(key=lambda row: (row["day"], row["difference_no"]))
    return rows[:limit]


# Clearing accounts.


def clearing_of_lane(
    tables: Tables, lane: int, first: date, last: date, replaced: Sequence[int],
    _done: Sequence[str], _states: Sequence[str], *rest: Any,
) -> Rows:  # fmt: skip
    """clearing_of_lane: where no bill has a fee, and none of movements came."""
    if any(rest[3:5]):
        raise NotImplementedError("bills of movements are not simulated")
    unbilled: Unbilled = set(zip(*rest[:3], strict=True))
    around = timedelta(days=rest[5])
    bills = _theirs(tables, lane, first - around, last + around, replaced)
    if any(row["fee_fen"] for row in bills):
        raise NotImplementedError("fees are not simulated")
    told = {_key(row) for row in bills if row["order_no"]}
    found: dict[tuple[Any, ...], list[int]] = {}
    for row in _ours(tables, lane):
        if row["kind"] == 3 or not first <= row["day"] <= last:
            continue
        fen = 0 if row["reversed"] else row["amount_fen"]
        waits = fen if _key(row) not in told and _place(row) in unbilled else 0
        sign = 1 if row["kind"] == 1 else -1
        key = tuple(row[name] for name in _ACCOUNT_KEY)
        sums = found.setdefault(key, [0] * len(_SUMS))
        for place, more in enumerate((
            1, fen if sign > 0 else 0, fen if sign < 0 else 0, sign * waits, waits
        )):  # fmt: skip
            sums[place] += more
    return [_ACCOUNT((*key, *sums)) for key, sums in found.items()]


def clearing_kept(tables: Tables, lane: int, first: date, last: date) -> Rows:
    """clearing_kept."""
    found: dict[tuple[Any, ...], list[Any]] = {}
    for step in tables.clearing_steps.get(lane, ()):
        if first <= step["day"] <= last:
            key = tuple(step[name] for name in _ACCOUNT_KEY)
            found.setdefault(key, []).append(step)
    return [
        _KEPT((
            *key, *(sum(one[name] for one in kept) for name in (*_SUMS, "booked_fee_fen")),
            max(one["step_no"] for one in kept), max(one["borne_by"] for one in kept),
        ))
        for key, kept in found.items()
    ]  # fmt: skip


def keep_clearing_steps(
    tables: Tables, lane: int, _at: datetime, _known_on: date, *columns: Sequence[Any]
) -> tuple[Rows, Do]:
    """keep_clearing_steps."""
    new = [_CLEARING_STEP(one) for one in zip(*columns, strict=True)]
    kept = {
        (*(one[n] for n in _ACCOUNT_KEY), one["step_no"])
        for one in tables.clearing_steps.get(lane, ())
    }
    for one in new:
        key = (*(one[n] for n in _ACCOUNT_KEY), one["step_no"])
        if key in kept:
            raise asyncpg.UniqueViolationError(f"channel_clearing_step {key}")

    def do() -> None:
        tables.clearing_steps[lane] = (*tables.clearing_steps.get(lane, ()), *new)

    return [], do


def _none(*_: object) -> Rows:
    """What is not simulated is not there."""
    return []


READS: dict[str, Callable[..., Rows]] = {
    MATCHING_SCATTER["plan_for_many_rows"]: lambda *_: [("off", "force_custom_plan")],
    MATCHING["match_lane"]: match_lane,
    MATCHING["payments_around"]: payments_around,
    MATCHING["channel_rows_of"]: channel_rows_of,
    MATCHING["bill_rows_of"]: bill_rows_of,
    MATCHING["sent_to_channels"]: sent_to_channels,
    MATCHING["differences_known"]: known,
    MATCHING["difference_named"]: named,
    MATCHING["difference_steps"]: steps,
    MATCHING["payment_standing"]: payment_standing,
    MATCHING_SCATTER["differences_listed"]: listed,
    CLEARING_SCATTER["merchants_with_fund_bills"]: _none,
    CLEARING["clearing_of_lane"]: clearing_of_lane,
    CLEARING["clearing_kept"]: clearing_kept,
}
WRITES: dict[str, Callable[..., tuple[Rows, Do]]] = {
    MATCHING["keep_new_differences"]: keep_new,
    MATCHING["keep_difference_step"]: keep_step,
    CLEARING["keep_clearing_steps"]: keep_clearing_steps,
}
LOCK = MATCHING["lock_differences"]
SESSION_LOCKS = {CLEARING_SCATTER["lock_clearing"]: CLEARING_SCATTER["unlock_clearing"]}
NAMES = {
    text: name for queries in (MATCHING, CLEARING, CLEARING_SCATTER)
    for name, text in queries.items()
}  # fmt: skip
