"""Drug trace codes (药品追溯码) as they stand beside uploaded lines, in the head of an event.

A code is a keyed hash, as in `settlement.drug_trace`. Lines of a visit or a stay are uploaded long
before they are settled: the head keeps what a settlement will book as sold.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct


class Trace(Struct, frozen=True, gc=False):
    """A drug trace code on a line, by its place among the lines."""

    line: int
    key: bytes
    whole: bool
    """the box was not split (未拆零)"""


class Mark(Struct, frozen=True, array_like=True, gc=False):
    """A drug trace code on an uploaded line, by the line's number."""

    line_no: str
    key: str
    """Base64"""
    whole: bool


Boxes = dict[bytes, bool]
"""Boxes by their codes: whether anything of it was whole."""


def keys_of(traces: Iterable[Trace]) -> frozenset[bytes]:
    """The codes, once each."""
    return frozenset(trace.key for trace in traces)


def marks_of(traces: Iterable[Trace], line_nos: Sequence[str]) -> list[Mark]:
    """What an upload's head keeps of the codes of its lines."""
    return [
        Mark(line_nos[trace.line], b64encode(trace.key).decode(), trace.whole) for trace in traces
    ]


def boxes_of(marks: Iterable[Mark]) -> Boxes:
    """The boxes that marks name, once each."""
    return together((b64decode(mark.key), mark.whole) for mark in marks)


def together(named: Iterable[tuple[bytes, bool]]) -> Boxes:
    """A box that is named twice is whole if it was whole once."""
    boxes: Boxes = {}
    for key, whole in named:
        boxes[key] = whole or boxes.get(key, False)
    return boxes


def marks_text(marks: list[Mark]) -> str:
    """Marks as the head of an outpatient upload; nothing for none."""
    return msgspec.json.encode(marks).decode() if marks else ""


def marks_in(head: str) -> list[Mark]:
    """The marks of an outpatient upload."""
    return _DECODE_MARKS(head) if head else []


_DECODE_MARKS = msgspec.json.Decoder(list[Mark]).decode
