"""Writing a batch: effects to the arrays of `settlement.write_batch`, in its order.

One call, one commit. The function writes everything, or nothing where a fact was stale.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import msgspec
from asyncpg import Connection, Record
from msgspec import structs

from ledger.entry import Entry
from ledger.postgres import literals
from ledger.postgres.arrays import append_arguments
from ledger.postgres.shape import Shape, one_lane
from settlement.clock import Moment
from settlement.elsewhere.home_rows import HomeCaseRow
from settlement.elsewhere.remote_rows import (
    CaseDueRow,
    CaseEventRow,
    CaseRow,
    ElsewhereRow,
    StrangerRow,
)
from settlement.payments.mobile_rows import MobileDueRow, MobileEventRow, MobileOrderRow, OutboxRow
from settlement.payments.payment_rows import DueRow, PaymentEventRow, PaymentRow
from settlement.people.matter_rows import MatterEventRow, MatterRow
from settlement.rows import (
    MONEY,
    EventRow,
    FilingRow,
    MappingRow,
    MessageRow,
    MoveRow,
    SealedDetail,
    SettlementRow,
    ShareRow,
    TraceRow,
    UndertakingRow,
    UploadRow,
    VisitRow,
)
from settlement.storage.queries import SHAPED
from settlement.view import Effects, PersonFacts, View, encode_years

_SMALL, _BIG, _INT, _TEXT = "smallint[]", "bigint[]", "integer[]", "text[]"
_PARAMETERS = {
    # the block
    "p_journal": "smallint", "p_format": "smallint", "p_business_day": "date",
    "p_booked_at": "timestamptz", "p_entry_lanes": _SMALL, "p_entries": _BIG,
    "p_entry_kinds": _SMALL, "p_entry_codes": _SMALL, "p_pending": _BIG, "p_leg_ends": _INT,
    "p_debits": _BIG, "p_credits": _BIG, "p_amounts": _BIG, "p_commitments": "bytea",
    "p_leaves": "bytea", "p_balance_accounts": _BIG, "p_balance_debits": _BIG,
    "p_balance_credits": _BIG, "p_balance_debits_pending": _BIG,
    "p_balance_credits_pending": _BIG, "p_balance_lanes": _SMALL,
    # persons: what they were when read, and what they become
    "p_person_lanes": _SMALL, "p_persons": _TEXT, "p_versions": _BIG, "p_accumulators": _TEXT,
    "p_latest_rows": _BIG, "p_latest_visits": _BIG, "p_open_stays": _BIG,
    "p_standing_filings": _TEXT, "p_undertakings": _BIG,
    # settlements
    "p_lanes": _SMALL, "p_setl_ids": _BIG, "p_mdtrt_ids": _BIG, "p_undoes": _BIG,
    "p_prior_rows": _BIG, "p_prior_active": _BIG, "p_kinds": _SMALL,
    "p_service_at": "timestamp[]", "p_years": _SMALL, "p_person_nos": _TEXT,
    "p_institutions": _TEXT, "p_infnos": _TEXT, "p_msgids": _TEXT, "p_schemes": _TEXT,
    "p_categories": _TEXT, "p_care_types": _TEXT, "p_clearing_types": _TEXT,
    "p_credential_types": _TEXT, "p_civil_servants": "boolean[]", "p_invoice_nos": _TEXT,
    "p_policies": _TEXT, "p_operators": _TEXT, "p_money": _BIG, "p_pool_ratios": _INT,
    "p_shares": _TEXT, "p_increments": _TEXT, "p_explanations": _TEXT, "p_business_keys": "bytea",
    "p_detail_commitments": "bytea",
    # details
    "p_key_versions": _SMALL, "p_salts": "bytea", "p_payloads": "bytea", "p_payload_ends": _INT,
    # messages
    "p_message_lanes": _SMALL, "p_message_keys": "bytea", "p_message_outcomes": _SMALL,
    "p_message_refs": _BIG, "p_fingerprints": "bytea", "p_fingerprint_ends": _INT,
    # visits and their events, filings
    "p_visits": "json", "p_events": "json", "p_sealed": "bytea", "p_sealed_ends": _INT,
    "p_filings": "json",
    # uploads that are only stored, mappings of items, drug trace codes
    "p_uploads": "json", "p_mappings": "json", "p_traces": "json",
    # undertakings, what relatives pay, and what becomes of their money
    "p_opened": "json", "p_family_shares": "json", "p_family_moves": "json",
    # payments over channels
    "p_payments": "json", "p_payment_events": "json", "p_payment_due": "json",
    # orders of mobile payment, and what is owed to others
    "p_mobile_orders": "json", "p_mobile_events": "json", "p_mobile_due": "json",
    "p_outbox": "json",
    # what persons have done for them
    "p_matters": "json", "p_matter_events": "json",
    # what lies beside settlements of people treated in other regions
    "p_home_cases": "json",
    # people insured elsewhere, their cases, and what lies beside their settlements
    "p_strangers": "json", "p_remote_cases": "json", "p_remote_events": "json",
    "p_remote_due": "json", "p_elsewhere": "json",
}  # fmt: skip
"""What `settlement.write_batch` takes on one machine. On a cluster one `p_lane` stands where the
lanes of the entries stand, and the other lanes are left out."""

_LANES = tuple(n for n, name in enumerate(_PARAMETERS) if name.endswith("lanes"))


class Call(NamedTuple):
    """How the function is called in one shape."""

    statement: str
    encoders: tuple[Callable[[Any], str] | None, ...]


def _call(shape: Shape) -> Call:
    kinds = list(_PARAMETERS.items())
    if shape is Shape.CLUSTER:
        kinds[_LANES[0]] = ("p_lane", "smallint")
        kinds = [kind for n, kind in enumerate(kinds) if n not in _LANES[1:]]
    places = ", ".join(
        f"{name} => ${n}::text::{kind}" if kind.endswith("[]") else f"{name} => ${n}"
        for n, (name, kind) in enumerate(kinds, 1)
        if n > 1
    )
    return Call(
        SHAPED[shape]["write_batch"].replace(":arguments", places),
        tuple(
            literals.texts if kind == _TEXT else literals.plain if kind.endswith("[]") else None
            for _, kind in kinds
        ),
    )


CALLS = {shape: _call(shape) for shape in Shape}
"""The only statement that writes a batch, by shape."""
_ENCODE = msgspec.json.Encoder().encode
_FIELDS = SettlementRow.__struct_fields__
_FIRST_MONEY, _AFTER_MONEY = _FIELDS.index(MONEY[0]), _FIELDS.index("pool_ratio_bp")
_LATER = ("setl_time", "business_day", "business_key", "detail_commitment")
"""Columns of a row that the block says, or that travel as bytes."""


async def write_batch(
    connection: Connection[Record],
    *,
    journal: int,
    moment: Moment,
    view: View,
    effects: Sequence[Effects],
    shape: Shape,
) -> None:
    """Write the effects of a batch, all or nothing. Driver exceptions as they come."""
    values = _values(journal=journal, moment=moment, view=view, effects=effects)
    if shape is Shape.CLUSTER:
        values = _of_one_lane(values, effects)
    call = CALLS[shape]
    arguments = [
        value if encode is None or value is None else encode(value)
        for encode, value in zip(call.encoders, values, strict=True)
    ]
    await connection.execute(call.statement, *arguments)


async def lock_head(
    connection: Connection[Record], *, journal: int, lane: int, shape: Shape
) -> None:
    """Take a journal's head until the transaction ends; on a cluster `lane` is its one lane."""
    own_lane = (lane,) if shape is Shape.CLUSTER else ()
    await connection.fetchval(SHAPED[shape]["lock_head"], journal, *own_lane)


def _of_one_lane(values: list[Any], effects: Sequence[Effects]) -> list[Any]:
    """The parameters on a cluster. Whatever does not lie in the one lane would be misplaced there,
    so nothing is written then."""
    named = {lane for place in _LANES for lane in values[place]}
    named |= {event.lane for e in effects for event in e.events}
    named |= {e.filing.lane for e in effects if e.filing is not None}
    named |= {row.lane for e in effects for row in e.mappings}
    named |= {row.lane for e in effects for row in e.traces}
    named |= {e.upload.lane for e in effects if e.upload is not None}
    named |= {e.opened.lane for e in effects if e.opened is not None}
    named |= {row.lane for e in effects for row in e.shares}
    named |= {e.move.lane for e in effects if e.move is not None}
    named |= {row.lane for e in effects for row in e.payments}
    named |= {row.lane for e in effects for row in e.payment_events}
    named |= {row.lane for e in effects for row in e.due}
    named |= {row.lane for e in effects for row in e.mobile_orders}
    named |= {row.lane for e in effects for row in e.mobile_events}
    named |= {row.lane for e in effects for row in e.mobile_due}
    named |= {row.lane for e in effects for row in e.outbox}
    named |= {row.lane for e in effects for row in e.matters}
    named |= {row.lane for e in effects for row in e.matter_events}
    named |= {e.home_case.lane for e in effects if e.home_case is not None}
    named |= {e.stranger_row.lane for e in effects if e.stranger_row is not None}
    named |= {row.lane for e in effects for row in e.cases}
    named |= {row.lane for e in effects for row in e.case_events}
    named |= {row.lane for e in effects for row in e.case_due}
    named |= {e.elsewhere.lane for e in effects if e.elsewhere is not None}
    lane = one_lane(named | {e.lane for e in effects})
    values[_LANES[0]] = lane
    return [value for place, value in enumerate(values) if place not in _LANES[1:]]


def _values(
    *, journal: int, moment: Moment, view: View, effects: Sequence[Effects]
) -> list[Any]:
    """The parameters of `settlement.write_batch` for these effects, arrays as lists."""
    changed = [person for person in view.persons.values() if person.changed]
    entries: list[Entry] = [entry for e in effects for entry in _entries(e)]
    rows: list[SettlementRow] = [e.settlement for e in effects if e.settlement is not None]
    details: list[SealedDetail] = [e.detail for e in effects if e.detail is not None]
    block = append_arguments(
        journal=journal,
        business_day=moment.business_day,
        booked_at=moment.at,
        entries=entries,
        resolved={(e.lane, e.pending.entry_id): e.pending for e in effects if e.pending},
    )
    return [
        *block,
        *_persons(changed),
        *_settlements(rows),
        [d.key_version for d in details],
        b"".join([d.salt for d in details]),
        *_joined([d.payload for d in details]),
        *_messages([m for e in effects for m in e.messages]),
        *_visits(
            [e.visit for e in effects if e.visit is not None],
            [event for e in effects for event in e.events],
        ),
        _json([e.filing for e in effects if e.filing is not None]),
        _json([e.upload for e in effects if e.upload is not None]),
        _json([row for e in effects for row in e.mappings]),
        _json([row for e in effects for row in e.traces]),
        _json([e.opened for e in effects if e.opened is not None]),
        _json([row for e in effects for row in e.shares]),
        _json([_named(e.move) for e in effects if e.move is not None]),
        _json([_named(row) for e in effects for row in e.payments]),
        _json([row for e in effects for row in e.payment_events]),
        _json(list({row.pay_no: row for e in effects for row in e.due}.values())),
        _json([row for e in effects for row in e.mobile_orders]),
        _json([_named(row) for e in effects for row in e.mobile_events]),
        _json(list({row.order_no: row for e in effects for row in e.mobile_due}.values())),
        _json([row for e in effects for row in e.outbox]),
        _json([row for e in effects for row in e.matters]),
        _json([_named(row) for e in effects for row in e.matter_events]),
        _json([e.home_case for e in effects if e.home_case is not None]),
        _json([e.stranger_row for e in effects if e.stranger_row is not None]),
        _json([_named(row) for e in effects for row in e.cases]),
        _json([row for e in effects for row in e.case_events]),
        _json(list({row.case_no: row for e in effects for row in e.case_due}.values())),
        _json([e.elsewhere for e in effects if e.elsewhere is not None]),
    ]


def _entries(effects: Effects) -> tuple[Entry, ...]:
    if effects.entry is None:
        return effects.entries
    return (effects.entry, *effects.entries)


def _named(
    row: MoveRow | PaymentRow | MobileEventRow | MatterEventRow | CaseRow
) -> dict[str, object]:
    """A row by its column names; what is committed to is an array."""
    return structs.asdict(row)


def _persons(persons: Sequence[PersonFacts]) -> list[list[object] | None]:
    undertakings: list[object] = [p.undertaking for p in persons]
    return [
        [p.lane for p in persons],
        [p.person_no for p in persons],
        [p.version for p in persons],
        [encode_years(p.years) for p in persons],
        [p.latest_row for p in persons],
        [p.latest_visit for p in persons],
        [p.open_stay for p in persons],
        [p.filings for p in persons],
        undertakings if any(undertakings) else None,
    ]


def _settlements(rows: Sequence[SettlementRow]) -> list[object]:
    """The columns, money row by row in one, and what travels as bytes behind them."""
    tuples = [structs.astuple(row) for row in rows]
    columns = dict(zip(_FIELDS, zip(*tuples, strict=True), strict=False)) if tuples else {}
    before = [columns.get(n, ()) for n in _FIELDS[:_FIRST_MONEY] if n not in _LATER]
    money = [fen for one in tuples for fen in one[_FIRST_MONEY:_AFTER_MONEY]]
    after = [columns.get(n, ()) for n in _FIELDS[_AFTER_MONEY:] if n not in _LATER]
    keys = b"".join([row.business_key for row in rows])
    commitments = b"".join([row.detail_commitment for row in rows])
    return [*before, money, *after, keys, commitments]


def _messages(messages: Sequence[MessageRow]) -> list[object]:
    return [
        [m.lane for m in messages],
        b"".join([m.key for m in messages]),
        [int(m.outcome) for m in messages],
        [m.ref for m in messages],
        *_joined([m.fingerprint for m in messages]),
    ]


def _joined(parts: Sequence[bytes]) -> tuple[bytes, list[int]]:
    """Bytes one behind the other, and where each part ends."""
    return b"".join(parts), list(accumulate(map(len, parts)))


def _visits(visits: Sequence[VisitRow], events: Sequence[EventRow]) -> Sequence[object]:
    """Visits and events by their column names; what is sealed of them goes beside as bytes, by its
    number, for base64 would be a third longer and is read twice on the other side."""
    if not visits and not events:
        return None, None, None, None
    sealed: list[bytes] = []

    def apart(row: VisitRow | EventRow) -> dict[str, object]:
        sealed.append(row.payload)
        return {**structs.asdict(row), "payload": len(sealed)}

    return (
        _json([apart(row) for row in visits]), _json([apart(row) for row in events]),
        *_joined(sealed),
    )  # fmt: skip


def _json(
    rows: Sequence[
        FilingRow | UploadRow | MappingRow | TraceRow | UndertakingRow
        | ShareRow | PaymentEventRow | DueRow | MobileOrderRow | MobileDueRow | OutboxRow
        | MatterRow | HomeCaseRow | StrangerRow | CaseEventRow | CaseDueRow | ElsewhereRow
        | dict[str, object]
    ],
) -> str | None:
    """Rows by their column names, bytes in base64; None saves the function a statement."""
    return _ENCODE(rows).decode() if rows else None
