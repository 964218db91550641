"""Bodies of the interface: forms, percent-encoded on the way there, bare on the way back.

A request and a notification are ordinary forms. An answer is `name=value&name=value` with nothing
encoded: `+`, `=` and line ends in a value mean themselves, and a value in braces or brackets may
contain `&`. Field names and values only; no signature is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl, urlencode

from protocol.base64_form import quoted

FIELDS_MAX = 200
"""The longest message of the interface has some sixty fields."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*", re.ASCII)
_BASE64 = ("signPubKeyCert", "signature")
_CLOSING = {"{": "}", "[": "]"}


class FormError(ValueError):
    """The body is no message of the interface; the text says why and repeats none of it."""


def form_body(fields: Mapping[str, str]) -> bytes:
    """A request or a notification."""
    plain = {name: value for name, value in fields.items() if name not in _BASE64}
    encoded = [f"{name}={quoted(fields[name])}" for name in _BASE64 if name in fields]
    return "&".join((*((urlencode(plain),) if plain else ()), *encoded)).encode("ascii")


def form_fields(body: bytes) -> dict[str, str]:
    """The fields of a request or a notification."""
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict",
            max_num_fields=FIELDS_MAX,
        )  # fmt: skip
    except ValueError as fault:
        raise FormError("no percent-encoded form") from fault
    return _unique(pairs)


def answer_body(fields: Mapping[str, str]) -> bytes:
    """An answer."""
    return "&".join(f"{name}={value}" for name, value in fields.items()).encode()


def answer_fields(body: bytes) -> dict[str, str]:
    """The fields of an answer."""
    try:
        text = body.decode("utf-8").strip()
    except UnicodeDecodeError as fault:
        raise FormError("not UTF-8") from fault
    if text.startswith("{") and text.endswith("}"):
        text = text[1:-1]
    return _unique(_pairs(text))


def _unique(pairs: Iterator[tuple[str, str]] | list[tuple[str, str]]) -> dict[str, str]:
    """A name that stands twice is refused: signature and reader could each mean another one."""
    fields: dict[str, str] = {}
    for name, value in pairs:
        if not _NAME.fullmatch(name):
            raise FormError("what should be the name of a field is none")
        if name in fields:
            raise FormError(f"{name} stands twice")
        fields[name] = value
    if not fields:
        raise FormError("empty")
    return fields


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    position, count = 0, 0
    while position < len(text):
        name_end = text.find("=", position)
        if name_end < 0 or count == FIELDS_MAX:
            raise FormError("not name=value&name=value")
        end = _value_end(text, name_end + 1)
        yield text[position:name_end], text[name_end + 1 : end]
        position, count = end + 1, count + 1


def _value_end(text: str, begin: int) -> int:
    """Where a value ends: at the next `&`, or, where it opens with a bracket, the next one after
    the bracket is closed."""
    closing = _CLOSING.get(text[begin : begin + 1])
    closed = text.find(closing, begin) if closing else begin
    end = text.find("&", max(closed, begin))
    return end if end >= 0 else len(text)
