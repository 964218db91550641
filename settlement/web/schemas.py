"""JSON Schemas of all messages: the shapes of the structs, with what the field facts add to them.

The decoder's types know which fields there are, which must be there, how long a text may be. The
facts know the rest: Chinese names, code lists, the digits of a number, how a time is written. Both
together are what a program needs that makes or reads messages without reading our tables. A server
takes more than is promised here (a region's further codes, `1E+1` for ten).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Literal, cast

import msgspec
from msgspec import Struct

from protocol.nhsa.codes import CODE_LISTS
from protocol.nhsa.facts import ENVELOPE_FIELDS, TABLES, Field, Kind, Need, Node, Rows
from protocol.nhsa.messages.stored import Stored
from protocol.nhsa.registry import Transaction
from settlement.usecases.explain import Explained
from settlement.web.import_documents import IMPORT_TYPES, add_import_facts
from settlement.web.pay_documents import PAY_TYPES, add_pay_facts
from settlement.web.schema_parts import (
    REFERENCE,
    JsonValue,
    Schema,
    number_forms,
    properties_of,
    refer,
)

_FieldSchema = Callable[[Field], Schema | None]

_DAY = "[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_HOUR = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
_TIMES = {
    Kind.DATETIME: f"{_DAY} {_HOUR}",
    Kind.DATE: _DAY,
    Kind.MOMENT: f"{_DAY}( {_HOUR})?",
}


class Done(Struct, kw_only=True):
    """成功应答: what every reply has that says yes; `output` differs."""

    infcode: Literal[0]
    inf_refmsgid: str
    refmsg_time: str
    respond_time: str
    err_msg: str = ""
    warn_msg: str = ""


class Refused(Struct, kw_only=True):
    """失败应答: a reply that says no, and why."""

    infcode: Literal[-1]
    inf_refmsgid: str
    refmsg_time: str
    respond_time: str
    err_msg: str
    err_code: str
    err_field: str = ""
    retry: Literal["never", "later", "same_msgid"]
    warn_msg: str = ""


class Problem(Struct, kw_only=True):
    """报文之外的应答: a reply outside the envelope, with HTTP 400, 401, 404, 413 or 503."""

    code: int
    message: str
    err_code: str
    retry: Literal["never", "later", "same_msgid"]


class Schemas(Struct, frozen=True, kw_only=True):
    """All components, and the names by which the messages refer to them."""

    components: dict[str, Schema]
    requests: Mapping[str, str]
    """by infno"""
    outputs: Mapping[str, str]
    """by infno; of one row where the reply is an array"""


def message_schemas(transactions: Mapping[str, Transaction]) -> Schemas:
    """The schemas of every message of these transactions."""
    types: list[type] = [Done, Refused, Problem, Explained, *PAY_TYPES, *IMPORT_TYPES]
    for transaction in transactions.values():
        types += [transaction.request, transaction.reply]
        if issubclass(transaction.request, Stored):
            types.append(transaction.request.view)
    _, components = msgspec.json.schema_components(types, ref_template=REFERENCE + "{name}")
    made = Schemas(
        components=components,
        requests={infno: each.request.__name__ for infno, each in transactions.items()},
        outputs={infno: each.reply.__name__ for infno, each in transactions.items()},
    )
    for name in ("Refused", "Problem"):
        properties_of(components[name])["err_code"] = refer("ErrorCode")
    for infno, transaction in transactions.items():
        _add_input_facts(made, infno, transaction)
        _add_output_facts(made, infno, transaction)
    add_pay_facts(components)
    add_import_facts(components)
    for component in components.values():
        _say_what_is_left_is_a_number(component)
    return made


def _add_input_facts(made: Schemas, infno: str, transaction: Transaction) -> None:
    name = made.requests[infno]
    envelope = properties_of(made.components[name])
    _add_facts(made.components[name], ENVELOPE_FIELDS, _input_field)
    shared = [each for each, request in made.requests.items() if request == name]
    envelope["infno"] = {"title": "交易编号", "enum": list(shared)}
    if issubclass(transaction.request, Stored):
        envelope["input"] = refer(transaction.request.view.__name__)
    body = _component(made, envelope["input"])
    for node_name, node in TABLES[infno].input.items():
        around = body if node.inside is None else _row(made, body, node.inside)
        if node.rows is Rows.SOME:
            _demand_a_row(properties_of(around)[node_name])
        _add_facts(_row(made, around, node_name), node.fields, _input_field)


def _add_output_facts(made: Schemas, infno: str, transaction: Transaction) -> None:
    tables: Mapping[str, Node] = TABLES[infno].output
    output = made.components[made.outputs[infno]]
    for node_name, node in tables.items():
        is_row = "" in tables or transaction.reply_is_array
        row = output if is_row else _row(made, output, node_name)
        _add_facts(row, node.fields, _output_field)


def _add_facts(component: Schema, fields: tuple[Field, ...], made_of: _FieldSchema) -> None:
    properties = properties_of(component)
    for field in fields:
        known = properties.get(field.name)
        if isinstance(known, dict):
            facts = {"title": field.name_zh} | (made_of(field) or known)
            properties[field.name] = facts | _default_of(known)


def _input_field(field: Field) -> Schema | None:
    """What a sender may write; None where the type says it all."""
    forms = _forms(field)
    if forms is None:
        return None
    if field.need is not Need.ALWAYS:
        forms += [{"const": ""}, {"type": "null"}]
    return forms[0] if len(forms) == 1 else {"anyOf": list(forms)}


def _forms(field: Field) -> list[Schema] | None:
    if field.code_list is not None:
        return [{"enum": list[JsonValue](sorted(CODE_LISTS[field.code_list]))}]
    match field.kind:
        case Kind.NUMBER | Kind.SIGNED:
            return number_forms(field)
        case Kind.DATETIME | Kind.DATE | Kind.MOMENT:
            return [{"type": "string", "pattern": f"^{_TIMES[field.kind]}$"}]
        case Kind.BINARY:
            return [{"type": "string", "contentEncoding": "base64", "minLength": 1}]
        case Kind.ANY:
            return [{"type": "object"}, {"type": "string", "minLength": 1}]
        case _:
            return None


def _output_field(field: Field) -> Schema | None:
    """What an answer has; what is not known is an empty text."""
    match field.kind:
        case Kind.NUMBER | Kind.SIGNED:
            return {"type": "number"}
        case Kind.DATETIME | Kind.DATE | Kind.MOMENT:
            return {"type": "string", "pattern": f"^({_TIMES[field.kind]})?$"}
        case _:
            return None


def _say_what_is_left_is_a_number(component: Schema) -> None:
    """A shared answer has amounts that no table of its transactions prints."""
    properties = properties_of(component)
    for name, known in properties.items():
        if known == {}:
            properties[name] = {"type": "number"}


def _row(made: Schemas, around: Schema, node_name: str) -> Schema:
    """The component of a node's rows."""
    return _component(made, properties_of(around)[node_name])


def _component(made: Schemas, place: JsonValue) -> Schema:
    """The component that a place refers to, perhaps as the rows of an array."""
    return made.components[next(_references(place)).removeprefix(REFERENCE)]


def _references(place: JsonValue) -> Iterator[str]:
    if isinstance(place, list):
        for each in place:
            yield from _references(each)
    elif isinstance(place, dict):
        for name, value in place.items():
            if name == "$ref" and isinstance(value, str):
                yield value
            yield from _references(value)


def _demand_a_row(place: JsonValue) -> None:
    """Of an array; where a lone row may come as an object, of the array among the forms."""
    node = cast(Schema, place)
    for form in cast(list[Schema], node.get("anyOf", [node])):
        if form.get("type") == "array":
            form["minItems"] = 1


def _default_of(known: Schema) -> Schema:
    return {"default": known["default"]} if "default" in known else {}
