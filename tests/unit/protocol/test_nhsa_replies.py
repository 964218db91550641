"""Every output type: what it is made of goes out as it stands in the field tables."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any

import msgspec
import pytest
from msgspec import Raw
from msgspec.json import Decoder

from protocol.nhsa.envelope import NoOutput, encode_success
from protocol.nhsa.facts import TABLES, Kind, Need, Rows
from protocol.nhsa.registry import TYPED
from tests.unit.protocol import nhsa_any
from tests.unit.protocol import nhsa_golden as golden
from tests.unit.protocol.nhsa_golden_replies import REPLIES
from tests.unit.protocol.nhsa_structs import LEFT_OUT, infos, output_types, row_type

AT = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
MESSAGES = 20
ANSWERING = [infno for infno, entry in TYPED.items() if entry.reply is not NoOutput]

exact = Decoder(float_hook=Decimal)


def output_of(infno: str) -> Any:
    """The type that a whole output decodes to."""
    entry = TYPED[infno]
    return tuple[entry.reply, ...] if entry.reply_is_array else entry.reply


def sent(output: Any) -> Any:
    """The output as it stands in the reply that would leave."""
    raw = encode_success(refmsgid="R1", received_at=AT, responded_at=AT, output=output)
    reply = exact.decode(raw)
    assert reply["infcode"] == 0
    return reply["output"]


def test_every_transaction_that_answers_has_a_golden_reply() -> None:
    assert set(REPLIES) == set(ANSWERING)
    for infno in set(TYPED) - set(ANSWERING):
        assert TABLES[infno].output == {}


@pytest.mark.parametrize("infno", ANSWERING)
def test_golden_reply_goes_out_with_nothing_lost(infno: str) -> None:
    body = golden.body(REPLIES[infno])
    output = sent(msgspec.json.decode(body, type=output_of(infno)))
    assert_within(exact.decode(body), output, infno)


@pytest.mark.parametrize("infno", ANSWERING)
def test_golden_reply_has_every_field_that_is_never_empty(infno: str) -> None:
    entry = TYPED[infno]
    for name, node in TABLES[infno].output.items():
        whole = name == "" or entry.reply_is_array
        rows = REPLIES[infno] if whole else REPLIES[infno][name]
        assert isinstance(rows, list) == (node.rows is not Rows.ONE), f"{infno} {name}"
        for row in rows if isinstance(rows, list) else [rows]:
            for field in node.fields:
                if field.need is Need.ALWAYS and field.name not in LEFT_OUT:
                    assert row[field.name] != "", f"{infno} {name}.{field.name}"
                if field.name in row:
                    found = row[field.name]
                    number = isinstance(found, int | float) and not isinstance(found, bool)
                    assert number == field.is_number, f"{infno} {name}.{field.name}"


@pytest.mark.parametrize("infno", ANSWERING)
def test_any_valid_reply_survives_writing_and_reading(infno: str) -> None:
    for seed in range(MESSAGES):
        made = any_output(infno, Random(f"{infno} {seed}"))
        first = msgspec.json.decode(golden.body(made), type=output_of(infno))
        assert msgspec.json.decode(msgspec.json.encode(first), type=output_of(infno)) == first
        assert_within(exact.decode(golden.body(made)), sent(first), f"seed {seed}")


def any_output(infno: str, random: Random) -> Any:
    """A valid output: what the type requires, and any of the rest."""
    entry = TYPED[infno]
    nodes: dict[str, Any] = {}
    for name, node in TABLES[infno].output.items():
        struct, _ = row_type(output_types(infno)[name])
        count = 1 if node.rows is Rows.ONE else random.randrange(3)
        printed = {field.name: field for field in node.fields}
        rows = []
        for _row in range(count):
            row: dict[str, Any] = {}
            for field_name, info in infos(struct).items():
                field = printed.get(field_name)
                if not info.required and random.random() < 0.5:
                    continue
                if info.type is Raw or Raw in getattr(info.type, "__args__", ()):
                    row[field_name] = random.randrange(-(10**14), 10**14) / 100
                elif field is None or field.kind is Kind.TEXT:
                    row[field_name] = nhsa_any.text(20, random)
                else:
                    row[field_name] = nhsa_any.value(field, random)
            rows.append(row)
        nodes[name] = rows[0] if node.rows is Rows.ONE else rows
    if entry.reply_is_array or "" in nodes:
        return next(iter(nodes.values()))
    return nodes


def assert_within(part: Any, whole: Any, place: str) -> None:
    """Everything in `part` is in `whole`, equal; rows in the same number and order."""
    match part:
        case dict():
            for name, value in part.items():
                assert name in whole, f"{place}.{name}"
                assert_within(value, whole[name], f"{place}.{name}")
        case list():
            assert len(part) == len(whole), place
            for index, (one, other) in enumerate(zip(part, whole, strict=True)):
                assert_within(one, other, f"{place}[{index}]")
        case _:
            assert part == whole, place
