"""Rows in PostgreSQL's binary COPY format, made where rows are made and passed through as bytes.

The driver's own encoder looks at every field in the process that talks to the database; a city's
persons are encoded by the processes that encrypt them instead, a row in one packing.
"""

from __future__ import annotations

from struct import Struct as Packing

HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"

# Each field has its length before it, each row its number of fields.
_PERSON = Packing("!h iq ih ih").pack
_LENGTH = Packing("!i").pack
_LOOKUP = Packing("!h ih ih ih i").pack
_BALANCE = Packing("!h ih iq").pack


def person_row(
    account: int, lane: int, key_version: int, texts: tuple[bytes, bytes, bytes, bytes]
) -> bytes:
    """A row of `person`: account, lane, key_version, psn_no, identity, enrolments, family."""
    number, identity, enrolments, family = texts
    return b"".join(
        (
            _PERSON(7, 8, account, 2, lane, 2, key_version),
            _LENGTH(len(number)), number,
            _LENGTH(len(identity)), identity,
            _LENGTH(len(enrolments)), enrolments,
            _LENGTH(len(family)), family,
        )
    )  # fmt: skip


def lookup_row(person_lane: int, lane: int, kind: int, key: bytes, number: bytes) -> bytes:
    """A row of `lookup`: psn_lane, lane, kind, key, psn_no."""
    head = _LOOKUP(5, 2, person_lane, 2, lane, 2, kind, len(key))
    return b"".join((head, key, _LENGTH(len(number)), number))


def balance_row(lane: int, account: int) -> bytes:
    """A row of `ledger.balance`: lane, account."""
    return _BALANCE(2, 2, lane, 8, account)
