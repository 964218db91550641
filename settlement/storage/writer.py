"""Writing a batch: effects to the arrays of `settlement.write_batch`, in its order.

One call, one commit. The function writes everything, or nothing and says whose facts were stale.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from asyncpg import Connection, Record

from ledger.entry import Entry
from ledger.postgres import literals
from ledger.postgres.arrays import append_arguments
from settlement.clock import Moment
from settlement.rows import MONEY, MessageRow, SealedDetail, SettlementRow
from settlement.storage.queries import QUERIES
from settlement.view import Effects, PersonFacts, View, encode_years

_SMALL, _BIG, _INT, _TEXT = "smallint[]", "bigint[]", "integer[]", "text[]"
_OPTIONAL = "bigint[] with nulls"
_TYPES = (
    # the block
    "smallint", "smallint", "date", "timestamptz",
    _SMALL, _BIG, _SMALL, _SMALL, _OPTIONAL, _INT, _BIG, _BIG, _BIG, "bytea", "bytea",
    _SMALL, _BIG, _BIG, _BIG, _BIG, _BIG,
    # persons
    _SMALL, _TEXT, _BIG, _TEXT, _OPTIONAL, _OPTIONAL,
    # settlements
    _SMALL, _BIG, _BIG, _OPTIONAL, _OPTIONAL, _OPTIONAL, _SMALL, "timestamp[]", _SMALL,
    _TEXT, _TEXT, _TEXT, _TEXT, _TEXT, _TEXT, _TEXT, _TEXT, _TEXT, "boolean[]", _TEXT, _TEXT,
    _TEXT, _BIG, _INT, _TEXT, _TEXT, _TEXT, "bytea[]", "bytea[]",
    # details
    _SMALL, "bytea[]", "bytea[]",
    # messages
    _SMALL, "bytea[]", _SMALL, _BIG, "bytea[]",
    # visits
    _SMALL, _BIG, _OPTIONAL, _TEXT, _TEXT, _TEXT, "timestamp[]", "bytea[]",
    # visit events
    _SMALL, _BIG, _SMALL, _SMALL, _TEXT, _OPTIONAL, "bytea[]",
)  # fmt: skip
"""What each parameter of `settlement.write_batch` is, in its order."""

_LITERALS: dict[str, Callable[[Any], str]] = {
    _SMALL: literals.integers,
    _BIG: literals.integers,
    _INT: literals.integers,
    _OPTIONAL: literals.optional_integers,
    _TEXT: literals.texts,
    "boolean[]": literals.booleans,
    "bytea[]": literals.octets,
    "timestamp[]": literals.times,
}
_ENCODERS = tuple(_LITERALS.get(kind) for kind in _TYPES)
_PLACES = ", ".join(
    f"${n}::text::{kind.split()[0]}" if kind in _LITERALS else f"${n}"
    for n, kind in enumerate(_TYPES, 1)
)
_CALL = QUERIES["write_batch"].replace(":arguments", _PLACES)
_MONEY_AND_BALANCE = (*MONEY, "balance_fen")
_COLUMNS = (
    "lane", "setl_id", "mdtrt_id", "undoes_setl_id", "prior_row", "prior_active", "kind",
    "service_at", "year", "psn_no", "institution", "infno", "msgid", "scheme", "category",
    "care_type", "clearing_type", "credential_type", "civil_servant", "invoice_no", "policy",
    "operator",
)  # fmt: skip
_COLUMNS_AFTER_MONEY = (
    "pool_ratio_bp", "shares", "increments", "explanation", "business_key", "detail_commitment",
)  # fmt: skip


async def write_batch(
    connection: Connection[Record],
    *,
    journal: int,
    moment: Moment,
    view: View,
    effects: Sequence[Effects],
) -> frozenset[str]:
    """Write the effects of a batch. Returns the persons whose facts were stale; empty means written."""
    arguments = batch_arguments(journal=journal, moment=moment, view=view, effects=effects)
    stale = await connection.fetchval(_CALL, *arguments)
    return frozenset(stale)


def batch_arguments(
    *, journal: int, moment: Moment, view: View, effects: Sequence[Effects]
) -> list[object]:
    """The parameters of `settlement.write_batch` for these effects, arrays as literals."""
    changed = [person for person in view.persons.values() if person.changed]
    entries: list[Entry] = [e.entry for e in effects if e.entry is not None]
    rows: list[SettlementRow] = [e.settlement for e in effects if e.settlement is not None]
    details: list[SealedDetail] = [e.detail for e in effects if e.detail is not None]
    block = append_arguments(
        journal=journal,
        business_day=moment.business_day,
        booked_at=moment.at,
        entries=entries,
        resolved={},
    )
    values = [
        *block,
        *_persons(changed),
        *_settlements(rows),
        [d.key_version for d in details],
        [d.salt for d in details],
        [d.payload for d in details],
        *_messages([m for e in effects for m in e.messages]),
        *_visits(effects),
        *_events(effects),
    ]
    return [
        value if encode is None or value is None else encode(value)
        for encode, value in zip(_ENCODERS, values, strict=True)
    ]


def _persons(persons: Sequence[PersonFacts]) -> list[list[object]]:
    return [
        [p.lane for p in persons],
        [p.person_no for p in persons],
        [p.version for p in persons],
        [encode_years(p.years) for p in persons],
        [p.latest_row for p in persons],
        [p.latest_visit for p in persons],
    ]


def _settlements(rows: Sequence[SettlementRow]) -> list[list[object]]:
    columns = [[getattr(row, name) for row in rows] for name in _COLUMNS]
    money: list[object] = [getattr(row, name) for row in rows for name in _MONEY_AND_BALANCE]
    after = [[getattr(row, name) for row in rows] for name in _COLUMNS_AFTER_MONEY]
    return [*columns, money, *after]


def _messages(messages: Sequence[MessageRow]) -> list[list[object]]:
    return [
        [m.lane for m in messages],
        [m.key for m in messages],
        [int(m.outcome) for m in messages],
        [m.ref for m in messages],
        [m.fingerprint for m in messages],
    ]


def _visits(effects: Sequence[Effects]) -> list[list[object]]:
    visits = [e.visit for e in effects if e.visit is not None]
    return [
        [v.lane for v in visits],
        [v.mdtrt_id for v in visits],
        [v.prior_visit for v in visits],
        [v.psn_no for v in visits],
        [v.institution for v in visits],
        [v.scheme for v in visits],
        [v.begun_at for v in visits],
        [v.payload for v in visits],
    ]


def _events(effects: Sequence[Effects]) -> list[list[object]]:
    events = [x for e in effects for x in e.events]
    return [
        [x.lane for x in events],
        [x.mdtrt_id for x in events],
        [x.event_no for x in events],
        [int(x.kind) for x in events],
        [x.batch_no for x in events],
        [x.setl_id for x in events],
        [x.payload for x in events],
    ]
