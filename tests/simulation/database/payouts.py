"""Paying institutions in memory: what finance people send (settlement/storage/sql/payouts.sql).

As tests/simulation/database/closing.py is for days. Balances of a cut-over and adjustments are not
simulated; a deduction would be a statement that nobody knows, and stop the story.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from typing import Any

import asyncpg

from ledger.account import Account, Balance
from ledger.fold import fold_all
from settlement.books.payout import BOOKING, Act
from settlement.rows import RowKind
from settlement.storage.queries import PAYOUTS, REFERENCE
from tests.simulation.database.closing import Do, Rows, _journals
from tests.simulation.database.records import record
from tests.simulation.database.tables import Tables

Places = Sequence[str]
_LANE = record("lane")
_LINE_COLUMNS = (
    "institution", "clearing_type", "scheme", "category", "settled", "cancelled", "reversed",
    "total_fen", "fund_fen", "account_fen",
)  # fmt: skip
_LINE = record(*_LINE_COLUMNS)
_BALANCE = record("code", "fund_fen", "account_fen", "deposit_fen", "prepaid_fen")
_EXPECTED = record("institution", "fund_fen", "account_fen")
_PERIOD = record("first_on", "last_on")
_INSTITUTION = record("institution")
_STEP = record(
    "institution", "last_on", "step_no", "act", "recorded_at", "booked_on", "actor", "fund_fen",
    "account_fen", "reference", "reason", "bank_account", "entry_id",
)  # fmt: skip
_ACCOUNT = record(
    "institution", "step_no", "confirms", "key_version", "payload", "actor", "reason",
    "recorded_at",
)  # fmt: skip
_FILE = record("act", "actor", "recorded_at", "row_count", "sum_fen")
_PAID_ONCE = frozenset({Act.ORDER, Act.PAY, Act.RETURN})


def lanes(tables: Tables) -> Rows:
    """payout_lanes."""
    return [_LANE((lane,)) for lane in sorted(tables.journal_of)]


def sums(tables: Tables, lane: int, low: int, high: int, first: date, last: date) -> Rows:
    """payout_sums."""
    found: dict[tuple[str, ...], list[int]] = {}
    for row in tables.settlements.values():
        there = row.lane == lane and low <= row.setl_id <= high
        if not (there and first <= row.business_day <= last):
            continue
        if row.institution not in tables.institutions:
            continue
        key = row.institution, row.clearing_type, row.scheme, row.category
        line = found.setdefault(key, [0] * 6)
        line[[RowKind.SETTLE, RowKind.CANCEL, RowKind.REVERSE].index(row.kind)] += 1
        line[3] += row.total_fen
        line[4] += row.fund_fen
        line[5] += row.account_fen
    return [_LINE((*key, *line)) for key, line in found.items()]


def ledger_at(tables: Tables, last: date) -> Rows:
    """payout_ledger."""
    entries = [
        entry
        for journal in _journals(tables)
        for block in tables.ledger.blocks(journal)
        if block.business_day <= last
        for entry in block.entries
    ]
    moved = fold_all(entries, tables.ledger.pendings_of(entries))

    def credit(account: int) -> int:
        if account not in moved:
            return 0
        balance = moved[account].add_to(Balance())
        return balance.credits_fen - balance.debits_fen

    return [
        _BALANCE((code, credit(base), credit(base + 1), credit(base + 2), -credit(base + 3)))
        for code, row in tables.institutions.items()
        for base in (row["account_base"],)
    ]


def expected(tables: Tables, last: date) -> Rows:
    """payout_expected."""
    due: dict[str, list[int]] = {}

    def add(institution: str, sign: int, fund_fen: int, account_fen: int) -> None:
        both = due.setdefault(institution, [0, 0])
        both[0] += sign * fund_fen
        both[1] += sign * account_fen

    for (_, institution, _), (last_on, lines) in tables.payout_lines.items():
        for line in lines if last_on <= last else ():
            add(institution, 1, line["fund_fen"], line["account_fen"])
    for step in _all_steps(tables):
        if step["act"] in (Act.ORDER, Act.RETURN) and step["booked_on"] <= last:
            sign = 1 if step["act"] == Act.RETURN else -1
            add(step["institution"], sign, step["fund_fen"], step["account_fen"])
    return [_EXPECTED((institution, *both)) for institution, both in due.items()]


def periods(tables: Tables, limit: int) -> Rows:
    """payout_periods."""
    newest = sorted(tables.payout_periods.items(), reverse=True)
    return [_PERIOD((first, last)) for (_, first), last in newest][:limit]


def keep_period(
    tables: Tables, lane: int, first_on: date, last_on: date, *_: object
) -> tuple[Rows, Do]:
    """keep_payout_period: once."""
    return [], lambda: tables.payout_periods.setdefault((lane, first_on), last_on)


def first_business_day(tables: Tables) -> Rows:
    """first_business_day."""
    days = [
        block.business_day
        for journal in _journals(tables)
        for block in tables.ledger.blocks(journal)
        if block.entry_count
    ]
    return [(min(days, default=None),)]


def steps(tables: Tables, lane: int, institutions: Places, first_on: date) -> Rows:
    """payout_steps."""
    return [
        step
        for institution in sorted(institutions)
        for step in tables.payout_steps.get((lane, institution, first_on), ())
    ]


def steps_before(tables: Tables, lane: int, institutions: Places, first_on: date) -> Rows:
    """payout_steps_before."""
    found: list[Any] = []
    for institution in sorted(institutions):
        earlier = [
            first for at, code, first in tables.payout_steps
            if (at, code) == (lane, institution) and first < first_on
        ]  # fmt: skip
        if earlier:
            found += tables.payout_steps[lane, institution, max(earlier)]
    return found


def institutions_of(tables: Tables, lane: int, first_on: date) -> Rows:
    """payout_institutions."""
    return [
        _INSTITUTION((institution,))
        for at, institution, first in sorted(tables.payout_steps)
        if (at, first) == (lane, first_on)
    ]


def lines(tables: Tables, lane: int, institutions: Places, first_on: date) -> Rows:
    """payout_lines."""
    found: list[Any] = []
    for institution in institutions:
        found += tables.payout_lines.get((lane, institution, first_on), (None, ()))[1]
    return sorted(found)


def keep_steps(
    tables: Tables, lane: int, first_on: date, last_on: date, act: int, at: datetime,
    booked_on: date, actor: str, reason: str, *columns: Sequence[Any],
) -> tuple[Rows, Do]:  # fmt: skip
    """keep_payout_steps: those come back whose number was free."""
    new = []
    for institution, step_no, fund, account, reference, bank, entry_id in zip(
        *columns, strict=True
    ):
        if (Act(act) in BOOKING - {Act.ADJUST}) is not (entry_id is not None):
            raise asyncpg.CheckViolationError("payout_step_books_orders_and_money")
        kept = tables.payout_steps.get((lane, institution, first_on), ())
        again = any(
            one["step_no"] == step_no
            or (act in _PAID_ONCE and (one["act"], one["reference"]) == (act, reference))
            for one in kept
        )
        if not again:
            new.append(_STEP((
                institution, last_on, step_no, int(act), at, booked_on, actor, fund, account,
                reference, reason, bank, entry_id,
            )))  # fmt: skip

    def do() -> None:
        for step in new:
            _append(tables.payout_steps, (lane, step["institution"], first_on), step)

    return [_INSTITUTION((step["institution"],)) for step in new], do


def keep_lines(
    tables: Tables, lane: int, first_on: date, last_on: date, *columns: Sequence[Any]
) -> tuple[Rows, Do]:
    """keep_payout_lines."""
    new = [_LINE(line) for line in zip(*columns, strict=True)]

    def do() -> None:
        for line in new:
            key = lane, line["institution"], first_on
            _, kept = tables.payout_lines.get(key, (last_on, ()))
            tables.payout_lines[key] = last_on, (*kept, line)

    return [], do


def accounts(tables: Tables, lane: int, institutions: Places) -> Rows:
    """payout_accounts."""
    return [
        step
        for institution in sorted(institutions)
        for step in tables.payout_accounts.get((lane, institution), ())
    ]


def keep_account(
    tables: Tables, lane: int, institution: str, step_no: int, confirms: int | None,
    key_version: int, payload: bytes, at: datetime, actor: str, reason: str,
) -> tuple[Rows, Do]:  # fmt: skip
    """keep_payout_account: no row comes back where the number is taken, or the step confirmed."""
    key = lane, institution
    kept = tables.payout_accounts.get(key, ())
    if any(
        one["step_no"] == step_no or (confirms is not None and one["confirms"] == confirms)
        for one in kept
    ):
        return [], lambda: None
    step = _ACCOUNT((institution, step_no, confirms, key_version, payload, actor, reason, at))
    return [(step_no,)], lambda: _append(tables.payout_accounts, key, step)


def file_steps(tables: Tables, lane: int, digest: bytes) -> Rows:
    """payout_file."""
    return sorted(tables.payout_files.get((lane, digest), ()))


def keep_file(
    tables: Tables, lane: int, digest: bytes, act: int, _name: str, row_count: int, sum_fen: int,
    at: datetime, actor: str, _reason: str,
) -> tuple[Rows, Do]:  # fmt: skip
    """keep_payout_file: once for each act."""
    key = lane, digest
    if any(one["act"] == act for one in tables.payout_files.get(key, ())):
        return [], lambda: None
    step = _FILE((act, actor, at, row_count, sum_fen))
    return [(act,)], lambda: _append(tables.payout_files, key, step)


def open_account(
    tables: Tables, number: int, owner: str, code: str, name: str, debit_normal: object
) -> tuple[Rows, Do]:
    """open_account: unless it is there."""
    account = Account(
        number=number, owner=owner, code=code, name=name, debit_normal=bool(debit_normal)
    )
    return [], lambda: tables.ledger.open(account)


def _append(table: dict[Any, tuple[Any, ...]], key: Any, row: Any) -> None:
    table[key] = (*table.get(key, ()), row)


def _all_steps(tables: Tables) -> Iterator[Any]:
    for kept in tables.payout_steps.values():
        yield from kept


def _none(*_: object) -> Rows:
    """What is not simulated is not there."""
    return []


READS: dict[str, Callable[..., Rows]] = {
    PAYOUTS["payout_lanes"]: lanes,
    PAYOUTS["payout_sums"]: sums,
    PAYOUTS["payout_carried"]: _none,
    PAYOUTS["payout_ledger"]: ledger_at,
    PAYOUTS["payout_expected"]: expected,
    PAYOUTS["payout_periods"]: periods,
    PAYOUTS["first_business_day"]: first_business_day,
    PAYOUTS["payout_steps"]: steps,
    PAYOUTS["payout_steps_before"]: steps_before,
    PAYOUTS["payout_institutions"]: institutions_of,
    PAYOUTS["payout_lines"]: lines,
    PAYOUTS["payout_adjustments"]: _none,
    PAYOUTS["payout_accounts"]: accounts,
    PAYOUTS["payout_file"]: file_steps,
}
WRITES: dict[str, Callable[..., tuple[Rows, Do]]] = {
    PAYOUTS["keep_payout_period"]: keep_period,
    PAYOUTS["keep_payout_steps"]: keep_steps,
    PAYOUTS["keep_payout_lines"]: keep_lines,
    PAYOUTS["keep_payout_account"]: keep_account,
    PAYOUTS["keep_payout_file"]: keep_file,
    REFERENCE["open_account"]: open_account,
}
LOCK = PAYOUTS["lock_institutions"]
NAMES = {text: name for name, text in PAYOUTS.items()}
