"""The fingerprint of a request's input: one short hash per part, to name what a conflict is about.

Two requests that mean the same have the same fingerprint: 1, 1.00 and "1.00" are one amount, an
absent text and an empty one are one text, a serial may be a number or text. The envelope does not
count, so a resend by another operator at another time is still the same request.

Format 1: one byte 1, then 8 bytes each of SHA-256 for person, header, totals and every line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from hashlib import sha256
from operator import attrgetter
from typing import Any

from msgspec import Struct
from msgspec.json import Encoder
from msgspec.structs import astuple

from protocol.nhsa.envelope import Envelope
from protocol.nhsa.facts import TABLES, Field, Kind, Rows
from protocol.nhsa.fields import Numbers, rows_of
from protocol.nhsa.messages.stored import Stored
from protocol.nhsa.stored import input_of

FORMAT = 1
HASH_BYTES = 8

_PERSON_FIELDS = frozenset(
    {
        "psn_no",
        "mdtrt_cert_type",
        "mdtrt_cert_no",
        "card_sn",
        "psn_cert_type",
        "certno",
        "psn_name",
        "psn_type",
        "psnNo",
        "idNo",
        "userName",
        "idType",
    }
)
"""Who it is about and with which credential; everything else in a head node is header or total."""
_PASSING = frozenset({"ecToken", "payToken"})
"""Tokens of mobile payment: scanned anew, they are others, and the order is the same."""


class Fingerprint(Struct, frozen=True, kw_only=True, gc=False):
    """Hashes of the parts of one input (报文指纹)."""

    person: bytes
    header: bytes
    totals: bytes
    lines: tuple[bytes, ...]

    def pack(self) -> bytes:
        """One value to store: 25 bytes and 8 for each line."""
        return b"".join((_PREFIX, self.person, self.header, self.totals, *self.lines))


def fingerprint(
    request: Envelope, numbers: Numbers, *, person_key: bytes = b""
) -> Fingerprint:
    """The fingerprint of a checked request and its numbers (`fields.check`). With `person_key` the
    person part cannot be guessed from a list of identity numbers by someone who only has the
    stored fingerprints."""
    if isinstance(request, Stored):
        return _whole(request)
    plan = _plan(request.infno)
    body = request.input  # type: ignore[attr-defined]  # every request type adds its own
    heads = [(part, getattr(body, part.node)) for part in plan.heads]
    parts: list[object] = [
        [part.person(node) for part, node in heads],
        [part.texts(node) for part, node in heads],
        [[numbers[place][0] for place in part.numbers] for part, _ in heads],
    ]
    for part in plan.lines:
        parts += part.lines(rows_of(part.of_input(body)), numbers)
    # One JSON text a line: no value can imitate the border between two others, or of a part. An
    # empty text is written as an absent one; the pattern cannot begin inside a non-empty text,
    # where every quote has a backslash before it and only the last one ends the text.
    text = _encode_lines(parts).replace(b',""', b",null").replace(b'[""', b"[null")
    person, *others = text.splitlines()
    header, totals, *lines = [sha256(part).digest()[:HASH_BYTES] for part in others]
    return Fingerprint(
        person=sha256(person_key + person).digest()[:HASH_BYTES],
        header=header,
        totals=totals,
        lines=tuple(lines),
    )


def differs(old: bytes, new: bytes) -> str | None:
    """The first part in which two packed fingerprints differ: person, header, totals, line count,
    or line N counted from 1; None when they are equal. ValueError for another format."""
    if old == new:
        return None
    if old[:1] != _PREFIX or new[:1] != _PREFIX:
        raise ValueError("fingerprint of an unknown format")
    for index, part in enumerate(("person", "header", "totals")):
        at = 1 + index * HASH_BYTES
        if old[at : at + HASH_BYTES] != new[at : at + HASH_BYTES]:
            return part
    if len(old) != len(new):
        return "line count"
    first = 1 + 3 * HASH_BYTES
    for number, at in enumerate(range(first, len(old), HASH_BYTES), start=1):
        if old[at : at + HASH_BYTES] != new[at : at + HASH_BYTES]:
            return f"line {number}"
    return None


def _whole(request: Stored) -> Fingerprint:
    """An upload that is kept as sent is one thing: its members in any order, nothing else alike."""
    text = _encode_sorted(input_of(request))
    return Fingerprint(
        person=_NOTHING, header=sha256(text).digest()[:HASH_BYTES], totals=_NOTHING, lines=()
    )


_PREFIX = bytes([FORMAT])
_NOTHING = bytes(HASH_BYTES)
_encode_sorted = Encoder(order="deterministic").encode
_encode_lines = Encoder().encode_lines

Values = tuple[object, ...]
Getter = Callable[[Struct], Values]


class _Part(Struct, frozen=True, kw_only=True):
    """Getters over one node: who, what, how much."""

    node: str
    inside: str | None
    of_input: Callable[[Struct], Any]
    person: Getter
    texts: Getter
    numbers: tuple[tuple[str, str], ...]
    """where they are among the request's numbers"""
    serial: Callable[[Struct], str | int] | None
    nested: Callable[[Struct], object] | None

    def lines(self, rows: tuple[Struct, ...], numbers: Numbers) -> Iterable[Values]:
        """Everything each line says, in a fixed order; equal numbers, however spelt, are equal."""
        columns: list[Iterable[object]] = [map(self.texts, rows)]
        columns += [numbers[place] for place in self.numbers]
        if self.serial is not None:
            columns.append(map(str, map(self.serial, rows)))
        if self.nested is not None:
            columns.append(map(_nested, map(self.nested, rows)))
        return zip(*columns, strict=True)


class _Plan(Struct, frozen=True, kw_only=True):
    heads: tuple[_Part, ...]
    lines: tuple[_Part, ...]


@lru_cache(maxsize=256)
def _plan(infno: str) -> _Plan:
    heads: list[_Part] = []
    lines: list[_Part] = []
    nodes = TABLES[infno].input
    for name, node in nodes.items():
        if node.inside is not None and nodes[node.inside].rows is not Rows.ONE:
            continue  # said with each row of the node around it
        repeated = node.rows is not Rows.ONE
        part = _part(name, node.fields, repeated=repeated, inside=node.inside)
        (lines if repeated else heads).append(part)
    # Where rows lie beside each other, the last ones are the lines; where in a head, all are.
    return _Plan(
        heads=tuple(heads), lines=tuple(part for part in lines if part.inside or part is lines[-1])
    )


def _part(
    name: str, fields: tuple[Field, ...], *, repeated: bool, inside: str | None
) -> _Part:
    others = (Kind.NUMBER, Kind.SIGNED, Kind.NODE, Kind.SERIAL, Kind.ANY)
    texts = [field for field in fields if field.kind not in others and field.name not in _PASSING]
    person = [] if repeated else [f.attribute for f in texts if f.name in _PERSON_FIELDS]
    return _Part(
        node=name,
        inside=inside,
        of_input=attrgetter(name if inside is None else f"{inside}.{name}"),
        person=_getter(person),
        texts=_getter([f.attribute for f in texts if f.attribute not in person]),
        numbers=tuple([(name, f.name) for f in fields if f.is_number]),
        serial=_only(Kind.SERIAL, fields),
        nested=_only(Kind.NODE, fields),
    )


def _nested(inner: object) -> list[list[str]]:
    if not inner:
        return []
    rows = inner if isinstance(inner, tuple) else (inner,)
    return [[str(value or "") for value in astuple(row)] for row in rows]


def _getter(names: list[str]) -> Getter:
    if not names:
        return lambda row: ()
    get = attrgetter(*names)
    return get if len(names) > 1 else lambda row: (get(row),)


def _only(kind: Kind, fields: tuple[Field, ...]) -> Callable[[Struct], Any] | None:
    names = [field.attribute for field in fields if field.kind is kind]
    return attrgetter(names[0]) if names else None
