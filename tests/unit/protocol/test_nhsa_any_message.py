"""Every message type, for any valid value: read, written and read again, it says the same.

And every field of every type at its limits, from both sides: the cases come from the field facts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random
from typing import Any

import msgspec
import pytest

from protocol.nhsa.canonical import fingerprint
from protocol.nhsa.codec import decode_typed
from protocol.nhsa.codes import CODE_LISTS
from protocol.nhsa.envelope import Envelope
from protocol.nhsa.errors import WireError
from protocol.nhsa.explain import explain
from protocol.nhsa.facts import ENVELOPE_FIELDS, TABLES, Field, Kind, Need, Rows
from protocol.nhsa.fields import BASELINE, STRICT, Profile, check
from protocol.nhsa.registry import TYPED
from protocol.nhsa.stored import tree_of
from tests.unit.protocol import nhsa_any
from tests.unit.protocol import nhsa_golden as golden

LINES_MAX = 100
MESSAGES = 20
BROKEN_MESSAGES = 15
MISSING = object()

Case = tuple[str, object, str | None]
"""What is tried, the value, and the code it is refused with; None where it is accepted."""


def read(infno: str, message: object, profile: Profile = BASELINE) -> Envelope:
    return decode_typed(infno, golden.body(message), profile, lines_max=LINES_MAX)


@pytest.mark.parametrize("infno", TYPED)
def test_any_valid_message_survives_writing_and_reading(infno: str) -> None:
    for seed in range(MESSAGES):
        message = nhsa_any.message(infno, Random(f"{infno} {seed}"))
        first = read(infno, message)
        again = decode_typed(infno, msgspec.json.encode(first), BASELINE, lines_max=LINES_MAX)
        assert again == first, f"seed {seed}"
        assert explain(infno, tree_of(again), BASELINE, lines_max=LINES_MAX) is None, f"seed {seed}"
        packed = fingerprint(first, check(first, BASELINE)).pack()
        assert fingerprint(again, check(again, BASELINE)).pack() == packed, f"seed {seed}"


@pytest.mark.parametrize("infno", TYPED)
def test_every_field_is_tried_at_its_limits(infno: str) -> None:
    for name, fields in places(infno):
        for field in fields:
            for tried, value, code in cases(field):
                message = golden.request(infno)
                row = row_at(infno, message, name)
                row[field.name] = value
                if value is MISSING:
                    del row[field.name]
                if field.name == "mdtrt_cert_type" and value == "03":
                    row["card_sn"] = "C1"
                place = f"{name}.{field.name}: {tried}"
                assert verdict(infno, message, place, field) == code, place


@pytest.mark.parametrize("infno", TYPED)
def test_a_strict_edition_requires_what_some_editions_print(infno: str) -> None:
    for name, fields in places(infno):
        for field in fields:
            if field.need is not Need.BY_PROFILE:
                continue
            message = golden.request(infno)
            row_at(infno, message, name).pop(field.name, None)
            assert verdict(infno, message, name, field) is None
            assert verdict(infno, message, name, field, STRICT) == "FIELD_MISSING", field.name


@pytest.mark.parametrize("infno", TYPED)
def test_nodes_have_as_many_rows_as_they_may(infno: str) -> None:
    for name, node in TABLES[infno].input.items():
        if node.inside is not None or node.rows is Rows.ONE:
            continue
        message = golden.request(infno)
        rows = message["input"][name]
        message["input"][name] = []
        code = "LINES_NONE" if node.rows is Rows.SOME else None
        assert verdict(infno, message, name, None) == code
        varied = [{**rows[0], "feedetl_sn": str(number)} for number in range(LINES_MAX + 1)]
        message["input"][name] = varied[:-1]
        assert verdict(infno, message, name, None) is None
        message["input"][name] = varied
        assert verdict(infno, message, name, None) == "LINES_TOO_MANY"


@pytest.mark.parametrize("infno", TYPED)
def test_whatever_is_broken_is_refused_and_nothing_crashes(infno: str) -> None:
    for seed in range(BROKEN_MESSAGES):
        random = Random(f"{infno} {seed}")
        body = golden.body(golden.request(infno))
        for _ in range(random.randint(1, 2)):
            values = [match.span() for match in _VALUE.finditer(body)]
            start, end = random.choice(values)
            body = body[:start] + random.choice(_ODD_VALUES) + body[end:]
        try:
            request = decode_typed(infno, body, BASELINE, lines_max=LINES_MAX)
        except WireError:
            continue
        fingerprint(request, check(request, BASELINE))


_VALUE = re.compile(rb'("(?:[^"\\]|\\.)*"|-?[0-9.]+)(?=[,}\]])')
_ODD_VALUES = [
    *(b"null", b"true", b"{}", b"[]", b"[null]", b"[1]", b'{"a":1}', b"[[[[]]]]", b'""', b"-1"),
    *(b"1E+9", b"1e99999999999999999999", b'"1e99999999999999999999"', b'"NaN"', b"9" * 40),
    *(b'"' + b"9" * 5_000 + b'"', b'"\\u0000"', b'"\\ud800"', b'"\xff"', b'"2026-02-30"', b'"'),
]


def places(infno: str) -> Iterator[tuple[str, tuple[Field, ...]]]:
    """The envelope once, and each node of the input."""
    if infno == "2102":
        yield "", tuple(field for field in ENVELOPE_FIELDS if field.name != "infno")
    for name, node in TABLES[infno].input.items():
        yield name, node.fields


def row_at(infno: str, message: dict[str, Any], name: str) -> dict[str, Any]:
    """The last row of a node, the only row of a head, or the envelope."""
    if not name:
        return message
    node = TABLES[infno].input[name]
    if node.inside is not None:
        outer = TABLES[infno].input[node.inside]
        if outer.rows is Rows.ONE:
            last: dict[str, Any] = message["input"][node.inside][name][-1]
            return last
        inner = nhsa_any.row(node.fields, Random(infno))
        row_at(infno, message, node.inside)[name] = [inner]
        return inner
    rows = message["input"][name]
    row: dict[str, Any] = rows if isinstance(rows, dict) else rows[-1]
    return row


def verdict(
    infno: str, message: object, place: str, field: Field | None, profile: Profile = BASELINE
) -> str | None:
    """The code of the refusal; the refusal names the field that was changed."""
    try:
        read(infno, message, profile)
    except WireError as error:
        if field is not None:
            assert (error.field or "").endswith(f"{field.name}"), f"{place}: {error.field}"
        return str(error.code)
    return None


def cases(field: Field) -> Iterator[Case]:
    """Values on both sides of what a field may hold."""
    needed = field.need is Need.ALWAYS
    missing = "FIELD_MISSING" if needed else None
    if field.kind not in (Kind.NODE, Kind.ANY):
        yield "absent", MISSING, missing
        yield "null", None, missing
        yield "empty", "", missing
        yield "an object", {}, "FIELD_TYPE"
        yield "a truth value", True, "FIELD_TYPE"
    if field.code_list is not None:
        yield from _code_cases(field)
    elif field.length_max is not None:
        yield "longest text", "长" * field.length_max, None
        yield "text too long", "长" * (field.length_max + 1), "FIELD_TOO_LONG"
        yield "NUL", "\0", "FIELD_FORMAT"
    if field.is_number:
        yield from _number_cases(field)
    if field.kind in (Kind.DATETIME, Kind.DATE, Kind.MOMENT):
        yield from _time_cases(field.kind)
    if field.kind is Kind.TEXT:
        yield "a number", 1, "FIELD_TYPE"


def _code_cases(field: Field) -> Iterator[Case]:
    assert field.code_list is not None and field.length_max is not None
    codes = CODE_LISTS[field.code_list]
    for code in sorted(codes):
        assert len(code) <= field.length_max
        yield f"code {code}", code, None
    yield "unknown code", "~", "CODE_UNKNOWN"
    yield "code too long", "~" * (field.length_max + 1), "FIELD_TOO_LONG"


def _number_cases(field: Field) -> Iterator[Case]:
    digits, places_ = field.digits
    unit = f"0.{'0' * (places_ - 1)}1" if places_ else "1"
    largest = f"{10**digits - 1:0{digits + 1}d}"
    largest = f"{largest[: len(largest) - places_]}.{largest[len(largest) - places_ :]}"
    largest = largest.rstrip(".")
    beyond = str(10 ** (digits - places_))
    negative = None if field.kind is Kind.SIGNED else "AMOUNT_NEGATIVE"
    yield "zero", 0, None
    yield "zeros behind the scale", "0.000000000000", None
    yield "exponent", "0E+1", None
    yield "smallest", unit, None
    yield "smaller than the scale", f"{unit}1" if places_ else "0.1", "AMOUNT_SCALE"
    yield "largest", largest, None
    yield "too large", beyond, "AMOUNT_TOO_LARGE"
    yield "negative", f"-{unit}", negative
    yield "negative and too large", f"-{beyond}", "AMOUNT_TOO_LARGE"
    yield "no number", "一", "FIELD_TYPE"
    yield "not finite", "NaN", "AMOUNT_NOT_FINITE"


def _time_cases(kind: Kind) -> Iterator[Case]:
    date, time = "2024-02-29", "2024-02-29 23:59:59"
    yield "date", date, "FIELD_FORMAT" if kind is Kind.DATETIME else None
    yield "date and time", time, "FIELD_FORMAT" if kind is Kind.DATE else None
    yield "no such day", date.replace("2024", "2023"), "FIELD_FORMAT"
    yield "no such hour", time.replace("23:", "24:"), "FIELD_FORMAT"
    yield "without separators", "20240229", "FIELD_FORMAT"
    yield "much too long", time * 2, "FIELD_FORMAT"
