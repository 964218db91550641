"""What our statements read and the little that they write beside batches, by the names of their
blocks (settlement/storage/sql).

Each function is one statement; its arguments and columns are those of the SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

import msgspec
from msgspec import structs

from ledger.postgres.queries import load
from ledger.postgres.schema import _ADMIN as LEDGER_ADMIN
from ledger.postgres.shape import Shape
from settlement.lanes import lane_of
from settlement.payments.payment_rows import DueRow
from settlement.rows import EventKind, MoveKind, RowKind, SettlementRow, VisitKind
from settlement.storage.queries import ADMIN, QUERIES, REFERENCE, SCATTER, SHAPED, SQL_DIRECTORY
from tests.simulation.database.records import Record, record
from tests.simulation.database.tables import Tables

Rows = Sequence[Any]
Read = Callable[..., Rows]
Write = tuple[Rows, Callable[[], object]]
"""What a statement answers, and what it does once its transaction is committed."""
_TEXTS = msgspec.json.Decoder(list[Any]).decode
_LEASES = load(SQL_DIRECTORY / "admin.sql")
_ONE = SHAPED[Shape.ONE_MACHINE]

_SETTLEMENT = record(
    *SettlementRow.__struct_fields__, "key_version", "salt", "payload", "undone_by", "undone_kind"
)
_FILING = record(
    "lane", "filing_no", "recorded_at", "kind", "psn_no", "institution", "begins_on", "ends_on",
    "payload", "withdrawn_by",
)  # fmt: skip
_PAYMENT_COLUMNS = (
    "lane", "pay_no", "kind", "opened_at", "setl_id", "parent", "mdtrt_id", "psn_no",
    "institution", "order_no", "amount_fen", "plan", "event_no", "event_kind", "attempt",
    "recorded_at", "content",
)  # fmt: skip
_PAYMENT = record(*_PAYMENT_COLUMNS)
_ATTEMPT = record("number", *_PAYMENT_COLUMNS)
_MOBILE = record(
    "lane", "order_no", "opened_at", "psn_no", "institution", "institution_order_no", "mdtrt_id",
    "batch_no", "total_fen", "payload", "event_no", "kind", "recorded_at", "setl_id", "content",
    "event_payload",
)  # fmt: skip
_OWNER = record("psn_no", "institution")
_ORDER_DUE = record("lane", "order_no", "psn_no", "institution", "mdtrt_id")
_CASE = record(
    "lane", "case_no", "hold_id", "opened_at", "psn_no", "institution", "insured_region", "infno",
    "msgid", "mdtrt_id", "total_fen", "payload", "event_no", "kind", "recorded_at", "setl_id",
    "reference", "event_payload",
)  # fmt: skip
_MOVE = record(
    "lane", "hold_id", "kind", "entry_id", "account", "psn_no", "patient_lane", "patient_no",
    "undertaking_id", "setl_id", "institution", "amount_fen", "balance_fen",
)  # fmt: skip
_SHARE = record("lane", "setl_id", "hold_id", "donor_no", "amount_fen")
_HOME_CASE = record(
    "lane", "setl_id", "setl_on", "treated_region", "case_no", "institution", "institution_name",
    "visit_no", "filing",
)  # fmt: skip
_MAPPING = record(
    "lane", "mapping_id", "kind", "recorded_at", "begins_on", "ends_on", "institution",
    "own_code", "list_type", "item_code", "content",
)  # fmt: skip
_UNDERTAKING = record(
    "lane", "undertaking_id", "kind", "psn_no", "institution", "infno", "msgid", "amount_fen"
)
_PAYMENT_DUE = record("pay_no", "due_at", "channel")
_CASE_DUE = record("case_no", "due_at", "psn_no", "institution", "insured_region")
_NUMBER = record("setl_id")
_VISIT_NUMBER = record("mdtrt_id")
_INSTALLATION = record("schema_version", "lanes", "region", "demo_seed")


def claims(tables: Tables, lanes: str, numbers: str, keys: bytes, claims: bytes) -> Rows:
    """read_claims."""
    found = []
    asked = zip(_TEXTS(f"[{lanes[1:-1]}]"), _TEXTS(f"[{numbers[1:-1]}]"), strict=True)
    for n, (lane, number) in enumerate(asked):
        person = tables.persons.get((lane, number))
        message = tables.messages.get((lane, keys[16 * n : 16 * n + 16]))
        standing = _standing(tables, lane, claims[16 * n : 16 * n + 16])
        said = (
            (None, None, None)
            if message is None
            else (message.outcome, message.ref, message.fingerprint)
        )
        if person is None:
            found.append((n + 1, *(None,) * 14, *said, standing))
            continue
        balance = tables.ledger.guarded(lane, person.account)
        found.append(
            (n + 1, person.account, person.key_version, person.identity, person.enrolments,
             person.version, person.accumulators, person.latest_row, person.latest_visit,
             person.open_stay, person.filings, person.undertaking, person.home_region,
             person.family, None if balance is None else balance.spendable_fen, *said, standing)
        )  # fmt: skip
    return found


def _standing(tables: Tables, lane: int, key: bytes) -> int | None:
    for setl_id in tables.claims.get((lane, key), ()):
        if (lane, setl_id) not in tables.undone_by:
            return setl_id
    return None


def messages(tables: Tables, lanes: Sequence[int], keys: Sequence[bytes]) -> Rows:
    """read_messages."""
    return [
        (*place, one.outcome, one.ref, one.fingerprint)
        for place, one in _found(tables.messages, lanes, keys)
    ]


def settlements(tables: Tables, lanes: Sequence[int], numbers: Sequence[int]) -> Rows:
    """read_settlements."""
    found = []
    for place, row in _found(tables.settlements, lanes, numbers):
        detail = tables.details.get(place)
        undone_by = tables.undone_by.get(place)
        sealed = (
            (None, None, None)
            if detail is None
            else (detail.key_version, detail.salt, detail.payload)
        )
        kind = None if undone_by is None else tables.settlements[place[0], undone_by].kind
        found.append(_SETTLEMENT((*structs.astuple(row), *sealed, undone_by, kind)))
    return found


def visits(tables: Tables, lanes: Sequence[int], numbers: Sequence[int]) -> Rows:
    """read_visits: lines of a stay stay where they are."""
    rows: list[tuple[Any, ...]] = []
    for place, v in sorted(_found(tables.visits, lanes, numbers), key=lambda one: one[0]):
        visit = (
            v.lane, v.mdtrt_id, v.prior_visit, v.psn_no, v.institution, v.scheme, v.begun_at,
            v.payload, int(v.kind),
        )  # fmt: skip
        events = tables.events.get(place, ())
        if not events:
            rows.append((*visit, *(None,) * 6))
        for e in sorted(events, key=attrgetter("event_no")):
            closed = v.kind is VisitKind.STAY and e.kind is EventKind.LINES
            payload = b"" if closed else e.payload
            rows.append((*visit, e.event_no, int(e.kind), e.batch_no, e.setl_id, e.head, payload))
    return rows


def event_payloads(
    tables: Tables, lanes: Sequence[int], visit_numbers: Sequence[int], numbers: Sequence[int]
) -> Rows:
    """read_event_payloads."""
    return [
        (visit, number, event.payload)
        for lane, visit, number in zip(lanes, visit_numbers, numbers, strict=True)
        for event in tables.events.get((lane, visit), ())
        if event.event_no == number
    ]


def filings(tables: Tables, lanes: Sequence[int], numbers: Sequence[int]) -> Rows:
    """read_filings."""
    return [
        _FILING(
            (f.lane, f.filing_no, f.recorded_at, int(f.kind), f.psn_no, f.institution,
             f.begins_on, f.ends_on, f.payload, tables.withdrawn.get(place))
        )
        for place, f in _found(tables.filings, lanes, numbers)
        if f.withdraws is None
    ]  # fmt: skip


def versions(tables: Tables, lanes: str, numbers: str) -> Rows:
    """read_versions."""
    asked = _TEXTS(f"[{lanes[1:-1]}]"), _TEXTS(f"[{numbers[1:-1]}]")
    return [(person.psn_no, person.version) for _, person in _found(tables.persons, *asked)]


def tokens(
    tables: Tables, lanes: Sequence[int], persons: Sequence[str], keys: Sequence[bytes]
) -> Rows:
    """read_tokens."""
    return [(*place, *token) for place, token in _found(tables.tokens, lanes, persons, keys)]


def by_credential(
    tables: Tables, lanes: Sequence[int], kinds: Sequence[int], keys: Sequence[bytes]
) -> Rows:
    """find_by_credential."""
    found = _found(tables.lookup, lanes, kinds, keys)
    return [
        (int(kind), key, person_no, lane_of(person_no, tables.lanes))
        for (_, kind, key), person_no in found
    ]


def mappings(
    tables: Tables, lanes: Sequence[int], institutions: Sequence[str], codes: Sequence[str]
) -> Rows:
    """read_mappings."""
    found = _found(tables.mappings, lanes, institutions, codes)
    return [_named(_MAPPING, row) for _, rows in found for row in rows]


def traces(tables: Tables, lanes: Sequence[int], keys: Sequence[bytes]) -> Rows:
    """read_traces: sales that stand."""
    return [
        (row.lane, row.key, row.setl_id, row.whole)
        for lane in lanes
        for key in keys
        for row in tables.traces.get((lane, key), ())
        if (lane, row.setl_id) not in tables.undone_by
    ]


def families(tables: Tables, lanes: Sequence[int], numbers: Sequence[str]) -> Rows:
    """read_families."""
    return [(p.psn_no, p.family) for _, p in _found(tables.persons, lanes, numbers)]


def family_moves(tables: Tables, lanes: Sequence[int], holds: Sequence[int]) -> Rows:
    """read_family_moves."""
    found = [kept.row for _, rows in _found(tables.moves, lanes, holds) for kept in rows]
    found.sort(key=lambda row: (row.hold_id, row.kind))
    return [_named(_MOVE, row) for row in found]


def family_shares(tables: Tables, lanes: Sequence[int], numbers: Sequence[int]) -> Rows:
    """read_family_shares."""
    found = [row for _, rows in _found(tables.shares, lanes, numbers) for row in rows]
    found.sort(key=lambda row: (row.setl_id, row.hold_id))
    return [_named(_SHARE, row) for row in found]


def family_outcomes(
    tables: Tables, lanes: Sequence[int], numbers: Sequence[str], undertakings: Sequence[int],
    holds: Sequence[int],
) -> Rows:  # fmt: skip
    """read_family_outcomes."""
    rows = []
    for lane, number, undertaking, hold in zip(
        lanes, numbers, undertakings, holds, strict=True
    ):
        person = tables.persons.get((lane, number))
        still_open = person is not None and person.undertaking == undertaking
        rows.append((hold, still_open, tables.paid_shares.get((lane, hold))))
    return rows


def payments(tables: Tables, lanes: Sequence[int], numbers: Sequence[int]) -> Rows:
    """read_payments."""
    places = sorted(place for place, _ in _found(tables.payments, lanes, numbers))
    return [_PAYMENT(row) for place in places for row in _payment(tables, place)]


def _payment(tables: Tables, place: tuple[int, int]) -> list[tuple[object, ...]]:
    """A payment, once for each of its events in order."""
    p = tables.payments[place]
    payment = (
        p.lane, p.pay_no, int(p.kind), p.opened_at, p.setl_id, p.parent, p.mdtrt_id, p.psn_no,
        p.institution, p.order_no, p.amount_fen, p.plan,
    )  # fmt: skip
    events = sorted(tables.payment_events.get(place, ()), key=attrgetter("event_no"))
    said = [(e.event_no, int(e.kind), e.attempt, e.recorded_at, e.content) for e in events]
    return [(*payment, *one) for one in said or [(None,) * 5]]


def claim_orders(
    tables: Tables, lanes: Sequence[int], keys: Sequence[bytes], person_lanes: Sequence[int],
    persons: Sequence[str],
) -> Rows:  # fmt: skip
    """claim_orders: those that were new."""
    made = []
    asked = sorted(zip(lanes, keys, person_lanes, persons, strict=True), key=lambda one: one[:2])
    for lane, key, person_lane, person_no in asked:
        if (lane, key) not in tables.pay_orders:
            tables.pay_orders[lane, key] = person_lane, person_no
            made.append((key, person_lane, person_no))
    return made


def find_orders(tables: Tables, lanes: Sequence[int], keys: Sequence[bytes]) -> Rows:
    """find_orders."""
    return [(key, *owner) for (_, key), owner in _found(tables.pay_orders, lanes, keys)]


def find_attempts(tables: Tables, lanes: Sequence[int], numbers: Sequence[str]) -> Rows:
    """find_attempts."""
    return [
        _ATTEMPT((int(number), *row))
        for (lane, number), (pay_no, _) in _found(tables.attempts, lanes, numbers)
        for row in _payment(tables, (lane, pay_no))
    ]


def mobile_orders(tables: Tables, lanes: Sequence[int], numbers: Sequence[int]) -> Rows:
    """read_mobile_orders."""
    rows = []
    for place, o in sorted(_found(tables.mobile_orders, lanes, numbers), key=lambda one: one[0]):
        order = (
            o.lane, o.order_no, o.opened_at, o.psn_no, o.institution, o.institution_order_no,
            o.mdtrt_id, o.batch_no, o.total_fen, o.payload,
        )  # fmt: skip
        for e in sorted(tables.mobile_events.get(place, ()), key=attrgetter("event_no")):
            event = e.event_no, int(e.kind), e.recorded_at, e.setl_id, e.content, e.payload
            rows.append(_MOBILE((*order, *event)))
    return rows


def mobile_order(tables: Tables, lane: int, number: int) -> Rows:
    """find_mobile_order."""
    order = tables.mobile_orders.get((lane, number))
    return [] if order is None else [_OWNER((order.psn_no, order.institution))]


def orders_due(tables: Tables, by: datetime, limit: int) -> Rows:
    """orders_due."""
    due = sorted(
        (row for row in tables.mobile_due.values() if row.due_at <= by), key=attrgetter("due_at")
    )
    found = [(row, tables.mobile_orders[row.lane, row.order_no]) for row in due[:limit]]
    return [
        _ORDER_DUE((row.lane, row.order_no, o.psn_no, o.institution, o.mdtrt_id))
        for row, o in found
    ]


def remote_cases(tables: Tables, lanes: Sequence[int], numbers: Sequence[int]) -> Rows:
    """read_remote_cases."""
    rows = []
    for place, c in sorted(_found(tables.cases, lanes, numbers), key=lambda one: one[0]):
        case = (
            c.lane, c.case_no, c.hold_id, c.opened_at, c.psn_no, c.institution, c.insured_region,
            c.infno, c.msgid, c.mdtrt_id, c.total_fen, c.payload,
        )  # fmt: skip
        for e in sorted(tables.case_events.get(place, ()), key=attrgetter("event_no")):
            event = e.event_no, int(e.kind), e.recorded_at, e.setl_id, e.reference, e.payload
            rows.append(_CASE((*case, *event)))
    return rows


def home_cases(tables: Tables, lanes: Sequence[int], numbers: Sequence[int]) -> Rows:
    """read_home_cases."""
    found = _found(tables.home_cases, lanes, numbers)
    return [_named(_HOME_CASE, row) for _, row in found]


def listed_settlements(
    tables: Tables, lane: int, person_no: str, rows_max: int, institution: str, since: datetime,
    standing: bool,
) -> Rows:  # fmt: skip
    """list_settlements: newest first."""
    person = tables.persons.get((lane, person_no))
    number, passed, rows = None if person is None else person.latest_row, 0, []
    while number is not None and passed < rows_max:
        one, passed = tables.settlements[lane, number], passed + 1
        stands = one.kind is RowKind.SETTLE and (lane, number) not in tables.undone_by
        here = institution in ("", one.institution)
        if here and one.setl_time >= since and (stands or not standing):
            rows.append(_NUMBER((number,)))
        number = one.prior_row
    return rows


def listed_visits(
    tables: Tables, lane: int, person_no: str, rows_max: int, institution: str, stays_only: bool
) -> Rows:
    """list_visits: newest first."""
    person = tables.persons.get((lane, person_no))
    number, passed, rows = None if person is None else person.latest_visit, 0, []
    while number is not None and passed < rows_max:
        one, passed = tables.visits[lane, number], passed + 1
        is_stay = one.kind is VisitKind.STAY
        if institution in ("", one.institution) and (is_stay or not stays_only):
            rows.append(_VISIT_NUMBER((number,)))
        number = one.prior_visit
    return rows


def remember_token(
    tables: Tables, lane: int, person_no: str, key: bytes, institution: str, expires_at: datetime
) -> Rows:
    """remember_token."""
    tables.tokens.setdefault((lane, person_no, key), (institution, expires_at))
    return []


def remember_tokens(
    tables: Tables, lanes: Sequence[int], persons: Sequence[str], keys: Sequence[bytes],
    institutions: Sequence[str], ends: Sequence[datetime],
) -> Rows:  # fmt: skip
    """remember_tokens."""
    for lane, person_no, key, institution, at in zip(
        lanes, persons, keys, institutions, ends, strict=True
    ):
        remember_token(tables, lane, person_no, key, institution, at)
    return []


def payments_due(tables: Tables, by: datetime, limit: int) -> Rows:
    """payments_due: the oldest of each channel."""
    due = [row for row in tables.payment_due.values() if row.due_at <= by]
    due.sort(key=lambda row: (row.channel, row.due_at))
    kept: list[DueRow] = []
    for _, rows in groupby(due, key=attrgetter("channel")):
        kept += list(rows)[:limit]
    kept.sort(key=attrgetter("due_at"))
    return [_PAYMENT_DUE((row.pay_no, row.due_at, row.channel)) for row in kept]


def cases_due(tables: Tables, by: datetime, limit: int) -> Rows:
    """cases_due: the oldest of each region."""
    found = []
    for place, row in tables.case_due.items():
        if row.due_at <= by:
            case = tables.cases[place]
            found.append((row.due_at, case))
    found.sort(key=lambda one: (one[1].insured_region, one[0]))
    kept = []
    for _, rows in groupby(found, key=lambda one: one[1].insured_region):
        kept += list(rows)[:limit]
    kept.sort(key=lambda one: one[0])
    return [
        _CASE_DUE((c.case_no, at, c.psn_no, c.institution, c.insured_region)) for at, c in kept
    ]


def open_undertakings(tables: Tables, before: datetime, limit: int) -> Rows:
    """open_undertakings."""
    found = [
        kept
        for person in tables.persons.values()
        if person.undertaking is not None
        and (kept := tables.undertakings.get((person.lane, person.undertaking))) is not None
        and kept.at < before
    ]
    found.sort(key=lambda kept: (kept.at, kept.row.undertaking_id))
    return [_named(_UNDERTAKING, kept.row) for kept in found[:limit]]


def open_holds(tables: Tables, before: datetime, limit: int) -> Rows:
    """open_holds."""
    found = []
    for rows in tables.moves.values():
        kinds = {kept.row.kind for kept in rows}
        first = rows[0]
        if kinds & {MoveKind.PAID, MoveKind.RELEASED} or first.at >= before:
            continue
        balance = tables.ledger.guarded(first.row.lane, first.row.account)
        if balance is not None and balance.debits_pending_fen > 0:
            found.append(first)
    found.sort(key=lambda kept: (kept.at, kept.row.hold_id))
    return [_named(_MOVE, kept.row) for kept in found[:limit]]


def requests_open(tables: Tables, *_: object) -> Rows:
    """requests_open: requests of stays are not simulated."""
    return [visit for visit in tables.visits.values() if visit.kind is VisitKind.REQUEST]


def suspend(tables: Tables, kind: str, subject: str, since: datetime, reason: str) -> Write:
    """suspend."""
    return [], lambda: tables.suspended.__setitem__((kind, subject), reason)


def resume(tables: Tables, kind: str, subject: str) -> Write:
    """resume: whose switch was on."""
    on = [(subject,)] if (kind, subject) in tables.suspended else []
    return on, lambda: tables.suspended.pop((kind, subject), None)


def bump(tables: Tables, topic: str) -> Write:
    """bump."""
    return [], lambda: tables.versions.__setitem__(topic, tables.versions.get(topic, 0) + 1)


def installation(tables: Tables) -> Rows:
    """installation."""
    return [_INSTALLATION((tables.schema_version, tables.lanes, tables.region, None))]


def number_block(tables: Tables) -> Rows:
    """number_block."""
    tables.number_block += 1
    return [(tables.number_block,)]


def _reference(name: str) -> Read:
    def read(tables: Tables, *_: object) -> Rows:
        return list(getattr(tables, name).values())

    return read


def _value(value: object) -> Read:
    return lambda *_: [(value,)]


def _found(table: Mapping[Any, Any], *columns: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """The rows under keys that come as columns."""
    for key in zip(*columns, strict=True):
        row = table.get(key)
        if row is not None:
            yield key, row


def _named(kind: type[Record], row: Any) -> Record:
    return kind([getattr(row, name) for name in kind.places])


STATEMENTS: dict[str, Read] = {
    _ONE["read_claims"]: claims,
    _ONE["read_messages"]: messages,
    _ONE["read_settlements"]: settlements,
    _ONE["read_visits"]: visits,
    _ONE["read_event_payloads"]: event_payloads,
    _ONE["read_filings"]: filings,
    _ONE["read_versions"]: versions,
    _ONE["read_tokens"]: tokens,
    _ONE["find_by_credential"]: by_credential,
    _ONE["read_mappings"]: mappings,
    _ONE["read_traces"]: traces,
    _ONE["read_families"]: families,
    _ONE["read_family_moves"]: family_moves,
    _ONE["read_family_shares"]: family_shares,
    _ONE["read_family_outcomes"]: family_outcomes,
    _ONE["read_payments"]: payments,
    _ONE["claim_orders"]: claim_orders,
    _ONE["find_orders"]: find_orders,
    _ONE["remember_tokens"]: remember_tokens,
    _ONE["find_attempts"]: find_attempts,
    _ONE["read_mobile_orders"]: mobile_orders,
    QUERIES["find_mobile_order"]: mobile_order,
    SCATTER["orders_due"]: orders_due,
    _ONE["read_remote_cases"]: remote_cases,
    _ONE["read_home_cases"]: home_cases,
    QUERIES["list_settlements"]: listed_settlements,
    QUERIES["list_visits"]: listed_visits,
    QUERIES["remember_token"]: remember_token,
    SCATTER["payments_due"]: payments_due,
    SCATTER["cases_due"]: cases_due,
    SCATTER["open_undertakings"]: open_undertakings,
    SCATTER["open_holds"]: open_holds,
    SCATTER["requests_open"]: requests_open,
    ADMIN["is_installed"]: _value(True),
    ADMIN["plan_anew"]: _value(None),
    ADMIN["wait_for_second_server"]: _value(None),
    LEDGER_ADMIN["takes_one_lane"]: _value(False),
    REFERENCE["installation"]: installation,
    REFERENCE["number_block"]: number_block,
    REFERENCE["versions"]: lambda tables: list(tables.versions.items()),
    REFERENCE["institutions"]: _reference("institutions"),
    REFERENCE["counterparts"]: _reference("counterparts"),
    REFERENCE["credentials"]: _reference("credentials"),
    REFERENCE["receivers"]: _reference("receivers"),
    REFERENCE["catalogue"]: lambda tables: tables.items,
    REFERENCE["suspensions"]: lambda tables: [
        (*key, reason) for key, reason in tables.suspended.items()
    ],
    REFERENCE["lanes"]: lambda tables: list(tables.journal_of.items()),
    REFERENCE["closed_through"]: lambda tables: [(max(tables.closed_days, default=None),)],
}
"""What a statement does, by its text."""
WRITES: dict[str, Callable[..., Write]] = {
    REFERENCE["suspend"]: suspend,
    REFERENCE["resume"]: resume,
    REFERENCE["bump"]: bump,
    REFERENCE["audit"]: lambda *_: ([], lambda: None),
}
"""Those of a transaction that takes no head."""
NAMES = {
    text: name
    for queries in (_ONE, QUERIES, SCATTER, ADMIN, REFERENCE)
    for name, text in queries.items()
}
"""How the statements are called where a story is told."""
TAKE_LEASE = _LEASES["take_lease"]
LOCK_HEAD = _ONE["lock_head"]


