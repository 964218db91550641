"""What JSON Schemas of ours are put together from."""

from __future__ import annotations

from typing import cast

from protocol.nhsa.facts import Field, Kind

JsonValue = str | int | float | bool | None | list["JsonValue"] | dict[str, "JsonValue"]
Schema = dict[str, JsonValue]

REFERENCE = "#/components/schemas/"


def refer(name: str) -> Schema:
    """A reference to a component."""
    return {"$ref": REFERENCE + name}


def properties_of(component: Schema) -> dict[str, JsonValue]:
    """The properties of an object, for adding to."""
    return cast(Schema, component.setdefault("properties", {}))


def number_forms(field: Field) -> list[Schema]:
    """As a JSON number or as text: editions differ, and many senders write text."""
    digits, places = field.digits
    limit = 10 ** (digits - places)
    signed = field.kind is Kind.SIGNED
    least: Schema = {"exclusiveMinimum": -limit} if signed else {"minimum": 0}
    decimals = rf"(\.[0-9]{{1,{places}}})?" if places else ""
    whole = f"[0-9]{{1,{digits - places}}}" if digits > places else "0"
    number: Schema = {"type": "number", "x-decimals": places} if places else {"type": "integer"}
    return [
        {**number, **least, "exclusiveMaximum": limit},
        {"type": "string", "pattern": f"^{'-?' if signed else ''}{whole}{decimals}$"},
    ]
