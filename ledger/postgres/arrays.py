"""Entries to the parameters of `ledger.append_block`, and rows back to entries.

The one place that knows in which order the function takes its arrays. It runs once for every
settlement, so it touches every leg once: the list that is hashed is sliced for the columns.
Pure: no connection, no rules. An entry that breaks a rule is the caller's mistake to find first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from hashlib import sha256
from typing import NamedTuple

from ledger.chain import FORMAT, encode
from ledger.entry import Entry, EntryKind, Transfer
from ledger.fold import Guarded, Resolved, fold_guarded
from ledger.postgres.shape import Shape, one_lane

ENTRIES_MAX = 32_767
"""Entries in one block: `ordinal` is a smallint."""


class AppendArguments(NamedTuple):
    """The 21 parameters of the statement `append_block`, in its order."""

    journal: int
    format: int
    business_day: date
    booked_at: datetime
    lanes: list[int]
    entries: list[int]
    kinds: list[int]
    codes: list[int]
    pending: list[int | None] | None
    leg_ends: list[int]
    debits: list[int]
    credits: list[int]
    amounts: list[int]
    commitments: bytes
    leaves: bytes
    balance_accounts: list[int]
    balance_debits: list[int]
    balance_credits: list[int]
    balance_debits_pending: list[int]
    balance_credits_pending: list[int]
    balance_lanes: list[int]


_LANES = AppendArguments._fields.index("lanes")


def append_arguments(
    *, journal: int, business_day: date, booked_at: datetime, entries: Sequence[Entry],
    resolved: Resolved,
) -> AppendArguments:  # fmt: skip
    """Arguments for one block of entries.

    `resolved` holds the pending entry of every post or void among them, by (lane, entry_id).
    """
    return arguments_of(
        journal=journal, business_day=business_day, booked_at=booked_at, entries=entries,
        changes=fold_guarded(entries, resolved),
    )  # fmt: skip


def arguments_of(
    *, journal: int, business_day: date, booked_at: datetime, entries: Sequence[Entry],
    changes: Guarded,
) -> AppendArguments:  # fmt: skip
    """Like `append_arguments`, for a caller that has folded the entries already."""
    if len(entries) > ENTRIES_MAX:
        raise ValueError(f"{len(entries)} entries in one block; at most {ENTRIES_MAX}")
    legs: list[int] = []
    leaves: list[bytes] = []
    leg_ends: list[int] = []
    end = 0
    for entry in entries:
        flat: list[int] = []
        for transfer in entry.transfers:
            flat += (transfer.debit, transfer.credit, transfer.amount_fen)
        leaves.append(sha256(encode(entry, flat)).digest())
        legs += flat
        end += len(entry.transfers)
        leg_ends.append(end)
    pending = [entry.pending_id for entry in entries]
    folded = changes.values()
    return AppendArguments(
        journal=journal,
        format=FORMAT,
        business_day=business_day,
        booked_at=booked_at,
        lanes=[entry.lane for entry in entries],
        entries=[entry.entry_id for entry in entries],
        kinds=[entry.kind for entry in entries],
        codes=[entry.code for entry in entries],
        pending=pending if any(pending) else None,
        leg_ends=leg_ends,
        debits=legs[0::3],
        credits=legs[1::3],
        amounts=legs[2::3],
        commitments=b"".join([entry.commitment for entry in entries]),
        leaves=b"".join(leaves),
        balance_accounts=[account for _, account in changes],
        balance_debits=[change.debits for change in folded],
        balance_credits=[change.credits for change in folded],
        balance_debits_pending=[change.debits_pending for change in folded],
        balance_credits_pending=[change.credits_pending for change in folded],
        balance_lanes=[lane for lane, _ in changes],
    )


def for_shape(arguments: AppendArguments, shape: Shape, lane: int) -> list[object]:
    """The parameters of `append_block` in a shape; `lane` is that of the journal on a cluster."""
    if shape is Shape.ONE_MACHINE:
        return list(arguments)
    one_lane({lane, *arguments.lanes, *arguments.balance_lanes})
    return [*arguments[:_LANES], lane, *arguments[_LANES + 1 : -1]]


def entry_of(row: Mapping[str, object]) -> Entry:
    """The entry in a row of `ledger.entry` (lane, entry_id, kind, code, pending_id, legs, …)."""
    return _entry(**row)  # type: ignore[arg-type]


def _entry(
    *, lane: int, entry_id: int, kind: int, code: int, pending_id: int | None,
    debits: list[int], credits: list[int], amounts: list[int], commitment: bytes,
) -> Entry:  # fmt: skip
    return Entry(
        lane=lane, entry_id=entry_id, kind=EntryKind(kind), code=code, pending_id=pending_id,
        transfers=tuple(map(Transfer, debits, credits, amounts)), commitment=commitment,
    )  # fmt: skip
