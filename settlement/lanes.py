"""Lanes: where a person, or a key that others chose, lives.

A stable hash into a number of lanes that is fixed when a region is created. crc32 because every
language and PostgreSQL client has it, and because it must never change.
"""

from __future__ import annotations

from zlib import crc32


def lane_of(person_no: str, lanes: int) -> int:
    """The lane of a person number or an institution code."""
    return crc32(person_no.encode()) % lanes


def lane_of_key(key: bytes, lanes: int) -> int:
    """The lane of a key's own hash."""
    return crc32(key) % lanes
