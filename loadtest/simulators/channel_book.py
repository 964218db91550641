"""What a simulated channel itself says about the money: an append-only file of JSON lines.

Written where the money moves, before the answer is made, and never read from what the gateway
believes. Bills are made of it and the gateway's ledger is held against it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import msgspec
from msgspec import Struct


class Movement(StrEnum):
    """What happened to a payer's money."""

    PAID = "paid"
    REFUNDED = "refunded"
    UNDONE = "undone"
    """given back by an undo"""
    CLOSED = "closed"
    """an undo of what was not paid: nothing moved, and nothing can any more"""


class BookEntry(Struct, frozen=True, kw_only=True):
    """One movement. Amounts are positive; `movement` says which way."""

    seq: int
    at: datetime
    day: str
    """the channel's own business day, yyyy-mm-dd: on whose bill it stands"""
    movement: Movement
    merchant_no: str
    order_no: str
    reference: str
    """the channel's number of the payment"""
    amount_fen: int
    refund_no: str = ""
    refund_reference: str = ""
    remark: str = ""
    """of a staged difference: ghost, phantom …"""
    details: dict[str, str] = {}
    """what the channel's bill shows besides"""


class ChannelBook:
    """The book of one simulated channel."""

    def __init__(self, path: Path) -> None:
        """Goes on where the file ends."""
        self.entries: list[BookEntry] = []
        if path.exists():
            lines = path.read_bytes().splitlines()
            self.entries = [msgspec.json.decode(line, type=BookEntry) for line in lines]
        self._file = path.open("ab", buffering=0)

    def write(
        self, movement: Movement, *, at: datetime, day: str, merchant_no: str, order_no: str,
        reference: str, amount_fen: int, refund_no: str = "", refund_reference: str = "",
        remark: str = "", details: Mapping[str, str] | None = None,
    ) -> BookEntry:  # fmt: skip
        """It moved."""
        entry = BookEntry(
            seq=len(self.entries) + 1, at=at, day=day, movement=movement, merchant_no=merchant_no,
            order_no=order_no, reference=reference, amount_fen=amount_fen, refund_no=refund_no,
            refund_reference=refund_reference, remark=remark, details=dict(details or {}),
        )  # fmt: skip
        self._file.write(msgspec.json.encode(entry) + b"\n")
        self.entries.append(entry)
        return entry

    def of_day(self, day: str | None) -> list[BookEntry]:
        """Movements of a business day, of all days for None."""
        return [entry for entry in self.entries if day is None or entry.day == day]

    def totals(self, day: str | None = None) -> dict[str, int]:
        """`{movement}_count` and `{movement}_fen`, and `net_fen`: what merchants keep."""
        sums: Counter[str] = Counter()
        for entry in self.of_day(day):
            sums[f"{entry.movement}_count"] += 1
            sums[f"{entry.movement}_fen"] += entry.amount_fen
            sums["net_fen"] += _kept_fen(entry)
        return dict(sums)

    def close(self) -> None:
        """No more entries."""
        self._file.close()


def _kept_fen(entry: BookEntry) -> int:
    match entry.movement:
        case Movement.PAID:
            return entry.amount_fen
        case Movement.REFUNDED | Movement.UNDONE:
            return -entry.amount_fen
        case Movement.CLOSED:
            return 0
