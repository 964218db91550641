"""Rows in PostgreSQL's binary COPY format, made where rows are made and passed through as bytes.

The driver's own encoder looks at every field in the process that talks to the database; a city's
persons are encoded by the processes that encrypt them instead. Values are None, int, bytes or str;
an int needs its width.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from struct import Struct as Packing
from typing import Any

_NULL = b"\xff\xff\xff\xff"
_LENGTH = Packing("!i").pack
_SMALLINT = Packing("!ih").pack
_BIGINT = Packing("!iq").pack
HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"

Encode = Callable[[Any], bytes]


def smallint(value: int) -> bytes:
    """A field of two bytes."""
    return _SMALLINT(2, value)


def bigint(value: int) -> bytes:
    """A field of eight bytes."""
    return _BIGINT(8, value)


def binary(value: bytes) -> bytes:
    """A bytea."""
    return _LENGTH(len(value)) + value


def text(value: str) -> bytes:
    """A text in UTF-8."""
    encoded = value.encode()
    return _LENGTH(len(encoded)) + encoded


def rows_in_binary(encoders: Sequence[Encode], rows: Iterable[Sequence[object]]) -> bytes:
    """The rows, without header and trailer, so that pieces can follow each other."""
    start = Packing("!h").pack(len(encoders))
    pieces: list[bytes] = []
    for row in rows:
        pieces.append(start)
        for encode, value in zip(encoders, row, strict=True):
            pieces.append(_NULL if value is None else encode(value))
    return b"".join(pieces)
