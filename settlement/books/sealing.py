"""Seals (封存): the Merkle root of what an institution settled in a day or month, and its
signature.

Pure. The leaves are those of the ledger's entries (ledger/chain.py), in the order of settlement
numbers. A *seal* is the hash of the root with what it is about; only seals are published and
signed, so that nobody reads from them how much another institution settled.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from datetime import date
from hashlib import sha256

import msgspec
from msgspec import Struct

from ledger.chain import HASH_BYTES
from ledger.proof import root

FORMAT = 1
PREFIX = b"\x12"


class Span(Struct, frozen=True, kw_only=True, order=True):
    """The business days of a seal: one, or those of a month."""

    begins_on: date
    ends_on: date


class Root(Struct, frozen=True, kw_only=True):
    """What an institution settled in a span, as one hash."""

    institution: str
    settlements: int
    root: bytes


class Leaves:
    """Leaves of an institution, as they come: 40 bytes each, sorted when they are needed."""

    __slots__ = ("_hashes", "_numbers")

    def __init__(self) -> None:
        self._numbers = array("q")
        self._hashes = bytearray()

    def add(self, numbers: Iterable[int], hashes: bytes) -> None:
        """More of them: numbers, and hashes one behind the other."""
        self._numbers.extend(numbers)
        self._hashes += hashes

    def join(self, other: Leaves) -> None:
        """All that another has."""
        self._numbers.extend(other._numbers)
        self._hashes += other._hashes

    def __len__(self) -> int:
        return len(self._numbers)

    def in_order(self) -> list[bytes]:
        """The hashes by settlement number."""
        data, numbers = bytes(self._hashes), self._numbers
        return [
            data[HASH_BYTES * place : HASH_BYTES * (place + 1)]
            for place in sorted(range(len(numbers)), key=numbers.__getitem__)
        ]

    def told(self) -> tuple[list[int], bytes]:
        """Numbers and hashes, as they are kept: by settlement number."""
        return sorted(self._numbers), b"".join(self.in_order())


ByInstitution = dict[str, Leaves]


def roots_of(leaves: ByInstitution) -> list[Root]:
    """The root of each institution, by code."""
    return [
        Root(institution=code, settlements=len(found), root=root(found.in_order()))
        for code, found in sorted(leaves.items())
    ]


def seal_of(region: str, span: Span, one: Root) -> bytes:
    """What is signed and published: 32 bytes."""
    told = [
        FORMAT, region, one.institution, f"{span.begins_on}", f"{span.ends_on}", one.settlements,
        one.root.hex(),
    ]  # fmt: skip
    return sha256(PREFIX + msgspec.json.encode(told)).digest()


def list_digest(seals: Iterable[bytes]) -> bytes:
    """All seals of a span together, in the order of the institutions' codes."""
    return sha256(PREFIX + b"".join(seals)).digest()
