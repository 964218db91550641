"""The code lists that requests are checked against, with their names: what 1901 answers.

`codes.py` says which values there are, `labels.json` what they are called; a test keeps both equal.
A region's further values come with its profile and have no name here.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files

import msgspec
from msgspec import Struct

from protocol.nhsa.codes import CODE_LISTS
from protocol.nhsa.facts import TABLES, Field
from protocol.nhsa.profile import Profile

WRITTEN_ON = "2026-11-25"
"""When the names were written down; the one date that they have."""
VERSION = 1


class CodeList(Struct, frozen=True, kw_only=True):
    """A code list (字典): its Chinese name, and what its values are called."""

    title: str
    labels: dict[str, str]


LISTS = msgspec.json.decode(
    files("protocol.nhsa").joinpath("labels.json").read_bytes(), type=dict[str, CodeList]
)
"""Every list by its name, which is that of the field it belongs to."""


def values_of(name: str, profile: Profile) -> list[tuple[str, str]] | None:
    """The values of a list and what they are called, in the order of the codes; a value without a
    name is called by itself. None for a list that nothing is checked against."""
    if name not in CODE_LISTS:
        return None
    labels = LISTS[name].labels
    codes = profile.list_of(name).union(*_further(name, profile))
    return [(code, labels.get(code, code)) for code in sorted(codes)]


def _further(name: str, profile: Profile) -> Iterator[frozenset[str]]:
    """What the profile adds to fields that have this list."""
    for (_, node, field_name), codes in profile.codes.items():
        for table in TABLES.values():
            found = table.input.get(node)
            if found is not None and _has_list(found.fields, field_name, name):
                yield codes
                break


def _has_list(fields: tuple[Field, ...], field_name: str, name: str) -> bool:
    return any(field.name == field_name and field.code_list == name for field in fields)
