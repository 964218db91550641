"""As much of JSON Schema (2020-12) as our schemas use; a keyword it does not know is an error.

Values are what `tomllib` gives: a date is checked as the text that JSON would have.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

Schema = Mapping[str, Any]

_TYPES: Mapping[str, Callable[[object], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
}
_LIMITS: Mapping[str, Callable[[Any, Any], bool]] = {
    "minimum": lambda value, limit: value >= limit,
    "maximum": lambda value, limit: value <= limit,
    "exclusiveMinimum": lambda value, limit: value > limit,
    "minLength": lambda value, limit: len(value) >= limit,
    "maxLength": lambda value, limit: len(value) <= limit,
    "minItems": lambda value, limit: len(value) >= limit,
    "minProperties": lambda value, limit: len(value) >= limit,
    "pattern": lambda value, limit: re.search(limit, value) is not None,
    "enum": lambda value, limit: value in limit,
    "type": lambda value, limit: _TYPES[limit](value),
    "format": lambda value, limit: bool(date.fromisoformat(value)),
}
_IN_ORDER = ("type", *(name for name in _LIMITS if name != "type"))
_NESTED = {"properties", "required", "additionalProperties", "propertyNames", "items", "anyOf"}
_SAYS_NOTHING = {"$schema", "$defs", "title", "description", "default"}


def objections(value: object, schema: Schema) -> list[str]:
    """What a schema has against a value; nothing where it is valid."""
    return list(_objections(value, schema, schema, "$"))


def _objections(value: Any, schema: Schema, root: Schema, path: str) -> Iterator[str]:
    value = value.isoformat() if isinstance(value, date) else value
    unknown = set(schema) - set(_LIMITS) - _NESTED - _SAYS_NOTHING - {"$ref"}
    assert not unknown, f"keywords that are not known here: {unknown}"
    if "$ref" in schema:
        referred = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
        yield from _objections(value, referred, root, path)
    for keyword in _IN_ORDER:
        if keyword in schema and not _LIMITS[keyword](value, schema[keyword]):
            yield f"{path}: {keyword} {schema[keyword]}"
            return
    forms = schema.get("anyOf", ())
    if forms and all(any(_objections(value, form, root, path)) for form in forms):
        yield f"{path}: none of {len(forms)} forms"
    if isinstance(value, dict):
        yield from _object(value, schema, root, path)
    if isinstance(value, list) and "items" in schema:
        for number, each in enumerate(value):
            yield from _objections(each, schema["items"], root, f"{path}[{number}]")


def _object(value: dict[str, Any], schema: Schema, root: Schema, path: str) -> Iterator[str]:
    known = schema.get("properties", {})
    others = schema.get("additionalProperties", True)
    for key in schema.get("required", ()):
        if key not in value:
            yield f"{path}: {key} is missing"
    for key, each in value.items():
        if "propertyNames" in schema:
            yield from _objections(key, schema["propertyNames"], root, f"{path}.{key}")
        if key in known:
            yield from _objections(each, known[key], root, f"{path}.{key}")
        elif others is False:
            yield f"{path}: {key} is not known"
        elif others is not True:
            yield from _objections(each, others, root, f"{path}.{key}")
