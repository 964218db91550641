"""The printed facts of the interface as typed tables: which fields a node has, how long they are.

`fields.json` holds facts only. The structs under `messages` say the same for the decoder (a test
keeps both equal); this module serves what a decoder cannot say: the Chinese name of a field, its
code list, whether a strict edition requires it.
"""

from __future__ import annotations

import keyword
from enum import StrEnum
from importlib.resources import files

import msgspec
from msgspec import Struct


class Kind(StrEnum):
    """What a field holds."""

    TEXT = "text"
    SERIAL = "serial"
    NUMBER = "number"
    SIGNED = "signed"
    DATETIME = "datetime"
    DATE = "date"
    MOMENT = "moment"
    BINARY = "binary"
    BYTES = "bytes"
    BOOLEAN = "boolean"
    ANY = "any"
    """whatever the sender likes: 扩展字段"""
    NODE = "node"


class Need(StrEnum):
    """Whether a field must be there: always, by profile, under a condition, never."""

    ALWAYS = "Y"
    BY_PROFILE = "P"
    CONDITIONAL = "C"
    NEVER = "N"


class Rows(StrEnum):
    """How many rows a node has."""

    ONE = "one"
    SOME = "some"
    ANY = "any"


class Field(Struct, frozen=True, array_like=True):
    """One row of a field table (字段)."""

    name: str
    kind: Kind
    size: int | str | None
    """Length of a text; `digits,decimals` of a number."""
    need: Need
    name_zh: str
    code_list: str | None

    @property
    def length_max(self) -> int | None:
        """Characters, for texts and serials."""
        return self.size if isinstance(self.size, int) else None

    @property
    def attribute(self) -> str:
        """The field's name in a struct: the wire's, unless Python keeps that for itself."""
        return f"{self.name}_" if keyword.iskeyword(self.name) else self.name

    @property
    def is_number(self) -> bool:
        """A decimal, with or without a sign."""
        return self.kind in (Kind.NUMBER, Kind.SIGNED)

    @property
    def digits(self) -> tuple[int, int]:
        """All digits and decimals of a number: (16, 2)."""
        whole, _, decimals = str(self.size).partition(",")
        return int(whole), int(decimals)


class Node(Struct, frozen=True, kw_only=True):
    """One node of an input or output (节点)."""

    rows: Rows
    fields: tuple[Field, ...]
    inside: str | None = None
    """The node that carries this one, in each of its rows or in its only one."""
    lone: bool = False
    """May a single row come as an object instead of an array? Sources differ for some nodes."""


class Table(Struct, frozen=True, kw_only=True):
    """Input and output nodes of one transaction."""

    input: dict[str, Node]
    output: dict[str, Node]


class _Entry(Struct, frozen=True, kw_only=True):
    input: dict[str, Node] | str
    output: dict[str, Node] | str


class _File(Struct, frozen=True, kw_only=True):
    envelope: tuple[Field, ...]
    transactions: dict[str, _Entry]


def _load() -> tuple[tuple[Field, ...], dict[str, Table]]:
    raw = files("protocol.nhsa").joinpath("fields.json").read_bytes()
    facts = msgspec.json.decode(raw, type=_File)
    tables = {}
    for infno, entry in facts.transactions.items():
        nodes_in, nodes_out = entry.input, entry.output
        while isinstance(nodes_in, str):
            nodes_in = facts.transactions[nodes_in].input
        while isinstance(nodes_out, str):
            nodes_out = facts.transactions[nodes_out].output
        tables[infno] = Table(input=nodes_in, output=nodes_out)
    return facts.envelope, tables


ENVELOPE_FIELDS, TABLES = _load()
