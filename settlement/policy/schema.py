"""The formats of policy files as JSON Schema (2020-12), for editors and other programs.

Made from the types that the loader decodes with, so that there is one description of a format; the
texts are the docstrings of these types. A schema says what may be written and not whether the parts
fit together: that is the loader's to say.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from enum import Enum
from importlib import resources
from typing import TypeAlias, cast

import msgspec
from msgspec import inspect

from settlement.policy.format import PolicyFile
from settlement.policy.region_format import RegionFile

Schema: TypeAlias = dict[str, object]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_DESCRIBED_IN = (
    ("settlement", "claim.py"),
    ("settlement.policy", "format.py"),
    ("settlement.policy", "model.py"),
    ("settlement.policy", "region.py"),
    ("settlement.policy", "region_format.py"),
    ("settlement.policy", "seals_format.py"),
    ("settlement.policy", "table.py"),
)
_NOT_IN_2020_12 = "discriminator"
_NO_END = "9999-12-31"


def schema_text(*, region: bool = False) -> str:
    """The schema of benefit policies, or of region profiles, as JSON to be read."""
    schema = region_schema() if region else policy_schema()
    return json.dumps(schema, ensure_ascii=False, indent=2)


def policy_schema() -> Schema:
    """What may be in a benefit policy (待遇政策)."""
    return _schema(PolicyFile, "Benefit policy (待遇政策), benefit-policy/2")


def region_schema() -> Schema:
    """What may be in a region profile (统筹区参数). Which keys must be there depends on whether it
    is based on a shipped one, so only what every profile says is demanded."""
    schema = _schema(RegionFile, "Region profile (统筹区参数), region-profile/1")
    parts = cast(dict[str, Schema], schema["$defs"])
    parts[RegionFile.__name__]["required"] = ["format", "code", "name"]
    return schema


def _schema(kind: type[msgspec.Struct], title: str) -> Schema:
    (root,), parts = msgspec.json.schema_components([kind])
    told = _descriptions()
    keys = _keys_of(kind)
    for name, part in parts.items():
        _describe(part, told.get(name, {}), keys.get(name, {}))
    return {"$schema": _DIALECT, "title": title, **root, "$defs": _plain(parts)}


def _describe(part: Schema, told: Mapping[str, str], keys: Mapping[str, list[str]]) -> None:
    """Add to one type what is said of its keys or values, and which keys a table in it has."""
    part["description"] = " ".join(str(part.get("description", "")).split())
    properties = part.get("properties")
    if isinstance(properties, dict):
        for key, schema in properties.items():
            if key in told:
                schema["description"] = told[key]
            if key in keys:
                schema["propertyNames"] = {"enum": keys[key]}
        return
    values = [f"`{value}`: {text}" for value, text in told.items()]
    part["description"] = "\n".join([str(part["description"]), *values])


def _plain(node: object) -> object:
    """Without what TOML has no word for (null), and what is no JSON Schema."""
    if isinstance(node, list):
        return [_plain(each) for each in node]
    if not isinstance(node, dict):
        return node
    plain = {key: _plain(each) for key, each in node.items() if key != _NOT_IN_2020_12}
    if plain.get("default") in (None, _NO_END):
        plain.pop("default", None)
    forms = plain.get("anyOf")
    if isinstance(forms, list):
        forms = [form for form in forms if form != {"type": "null"}]
        plain["anyOf"] = forms
        if len(forms) == 1:
            del plain["anyOf"]
            plain |= forms[0]
    return plain


def _keys_of(kind: type[msgspec.Struct]) -> dict[str, dict[str, list[str]]]:
    """By type and field, the only keys that a table there may have; msgspec's schema has none."""
    keys: dict[str, dict[str, list[str]]] = {}
    waiting: list[inspect.Type] = [inspect.type_info(kind)]
    while waiting:
        match waiting.pop():
            case inspect.StructType() as struct if struct.cls.__name__ not in keys:
                found = keys.setdefault(struct.cls.__name__, {})
                for field in struct.fields:
                    waiting.append(field.type)
                    if isinstance(field.type, inspect.DictType):
                        key_type = field.type.key_type
                        if isinstance(key_type, inspect.EnumType):
                            found[field.encode_name] = _values(key_type.cls)
            case inspect.DictType(value_type=inner) | inspect.CollectionType(item_type=inner):
                waiting.append(inner)
            case inspect.UnionType(types=types):
                waiting += types
    return keys


def _values(enum: type[Enum]) -> list[str]:
    return [str(member.value) for member in enum]


def _descriptions() -> dict[str, dict[str, str]]:
    """By class, what the text below a field or a value says of it."""
    told: dict[str, dict[str, str]] = {}
    for package, name in _DESCRIBED_IN:
        source = resources.files(package).joinpath(name).read_text("utf-8")
        for node in ast.parse(source).body:
            if isinstance(node, ast.ClassDef):
                told[node.name] = _told_in(node)
    return told


def _told_in(class_: ast.ClassDef) -> dict[str, str]:
    told: dict[str, str] = {}
    for node, below in zip(class_.body, class_.body[1:], strict=False):
        match below:
            case ast.Expr(value=ast.Constant(value=str(text))):
                text = " ".join(text.split())
            case _:
                continue
        match node:
            case ast.AnnAssign(target=ast.Name(id=name)):
                told[name] = text
            case ast.Assign(value=ast.Constant(value=str(value))):
                told[value] = text
    return told
