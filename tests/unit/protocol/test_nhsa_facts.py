"""The structs under `messages` and the printed facts say the same."""

from __future__ import annotations

import typing
from decimal import Decimal
from types import UnionType
from typing import Annotated, Any, get_args, get_origin

import pytest

from protocol.nhsa.codes import CODE_LISTS
from protocol.nhsa.envelope import Envelope
from protocol.nhsa.facts import ENVELOPE_FIELDS, TABLES, Field, Kind, Need, Node, Rows
from protocol.nhsa.messages.stored import Stored
from protocol.nhsa.registry import TRANSACTIONS, TYPED, Effect
from tests.unit.protocol.nhsa_structs import (
    LEFT_OUT,
    WIDER_OUTPUTS,
    hints,
    infos,
    row_type,
)


def text_limits(hint: object) -> tuple[int | None, int | None]:
    """Shortest and longest text that the decoder accepts for this type."""
    options = get_args(hint) if get_origin(hint) in (UnionType, typing.Union) else (hint,)
    for option in options:
        if get_origin(option) is Annotated and get_args(option)[0] is str:
            meta = option.__metadata__[0]
            return meta.min_length, meta.max_length
    raise AssertionError(f"no text in {hint}")


def assert_input_field(struct: type, field: Field) -> None:
    hint, info = hints(struct)[field.attribute], infos(struct)[field.name]
    assert info.required == (field.need is Need.ALWAYS), field.name
    if field.kind in (Kind.TEXT, Kind.SERIAL):
        shortest, longest = text_limits(hint)
        assert longest == field.length_max, field.name
        assert (shortest == 1) == (field.need is Need.ALWAYS), field.name
    if field.kind is Kind.SERIAL:
        assert int in {getattr(option, "__origin__", option) for option in get_args(hint)}
    if field.is_number:
        assert hint in (Decimal, Decimal | None), field.name
    assert field.code_list is None or field.code_list in CODE_LISTS


def input_nodes() -> list[tuple[str, str, Node, type]]:
    nodes = []
    for infno, transaction in TYPED.items():
        request = transaction.request
        body = request.view if issubclass(request, Stored) else hints(request)["input"]
        node_types = hints(body)
        outer_nodes = {name for name, node in TABLES[infno].input.items() if node.inside is None}
        assert set(node_types) == outer_nodes
        for name, node in TABLES[infno].input.items():
            if node.inside is None:
                struct, repeats = row_type(node_types[name])
                assert repeats == (node.rows is not Rows.ONE)
                assert node.lone == isinstance(node_types[name], UnionType)
            else:
                outer, repeats = row_type(node_types[node.inside])
                hint = hints(outer)[name]
                struct = get_args(hint)[1] if repeats else row_type(hint)[0]
            nodes.append((infno, name, node, struct))
    return nodes


@pytest.mark.parametrize(("infno", "name", "node", "struct"), input_nodes())
def test_input_struct_equals_its_field_table(
    infno: str, name: str, node: Node, struct: type
) -> None:
    assert {field.name for field in node.fields} == set(infos(struct))
    for field in node.fields:
        assert_input_field(struct, field)


def test_envelope_equals_its_field_table() -> None:
    assert {field.name for field in ENVELOPE_FIELDS} == set(Envelope.__struct_fields__)
    for field in ENVELOPE_FIELDS:
        assert_input_field(Envelope, field)


@pytest.mark.parametrize("infno", TYPED)
def test_output_structs_cover_their_field_tables(infno: str) -> None:
    transaction = TYPED[infno]
    tables = TABLES[infno].output
    if "" in tables or transaction.reply_is_array:
        node_types: dict[str, Any] = dict.fromkeys(tables, transaction.reply)
    else:
        node_types = hints(transaction.reply)
    assert set(node_types) == set(tables)
    for name, node in tables.items():
        struct, repeats = row_type(node_types[name])
        assert repeats == (node.rows is not Rows.ONE) or transaction.reply_is_array
        printed = {field.name: field for field in node.fields}
        ours = infos(struct)
        assert set(printed) <= set(ours)
        assert set(ours) - set(printed) <= WIDER_OUTPUTS
        for field in node.fields:
            if field.need is Need.ALWAYS and field.name not in LEFT_OUT:
                assert ours[field.name].required, f"{infno} {name}.{field.name}"


def test_registry_is_complete_and_consistent() -> None:
    assert set(TYPED) == set(TABLES)
    assert set(TRANSACTIONS) == {infno for infno, entry in TYPED.items() if entry.served}
    for infno, transaction in TYPED.items():
        assert transaction.infno == infno
        assert transaction.undone_by is None or transaction.undone_by in TYPED
        assert transaction.effect is Effect.WRITE or transaction.undone_by is None
        assert not transaction.reversible or transaction.effect is Effect.WRITE
    reversible = {infno for infno, entry in TYPED.items() if entry.reversible}
    assert reversible == {"2102", "2207", "2207A", "2304", "2304A", "2401"}
