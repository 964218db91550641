"""Transfers and entries: what is moved, and what is booked or refused as a whole.

A *transfer* is one movement: one account debited, one credited, an amount in fen. An *entry*
(记账凭证) is a tuple of transfers booked together. An entry is final (`SINGLE`) or has two phases:
a `PENDING` entry holds its amounts until a later `POST` or `VOID` entry of the same lane resolves
it as a whole. What the entry is for stays with the caller; the ledger keeps `code` and a
commitment.
"""

from __future__ import annotations

from enum import IntEnum

from msgspec import Struct

GUARDED_FROM = 1_000_000_000_000
"""Accounts numbered from here are guarded: credit-normal, in one lane, never below zero."""


class EntryKind(IntEnum):
    """How an entry moves money (记账方式)."""

    SINGLE = 1
    PENDING = 2
    POST = 3
    VOID = 4


class Transfer(Struct, frozen=True, array_like=True, gc=False):
    """One movement (分录): `debit` and `credit` are account numbers, the amount positive fen."""

    debit: int
    credit: int
    amount_fen: int


class Entry(Struct, frozen=True, kw_only=True, gc=False):
    """An entry (记账凭证). The same `entry_id` in the same lane is the same entry."""

    lane: int
    entry_id: int
    kind: EntryKind
    code: int
    transfers: tuple[Transfer, ...]
    commitment: bytes
    """32 bytes: salted commitment to what the entry stands for (NOTHING where there is none)."""
    pending_id: int | None = None


NOTHING = bytes(32)
"""The commitment of an entry that stands for nothing but itself."""
