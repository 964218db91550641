"""The versions of a policy file over time (政策版本): the one that was shipped, and each that was
loaded in its place; and what two of them say differently.

Pure: who loaded what when is handed in. A setting is named by its path, as in the file:
`drug_trace.trace_required`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import Struct


class FileVersion(Struct, frozen=True, kw_only=True):
    """One version of a file. `number` is 0 for the shipped one."""

    name: str
    number: int
    content: bytes
    since: datetime | None = None
    """when it was loaded; None where it was shipped"""
    until: datetime | None = None
    """when another one took its place; None while it is in force"""
    actor: str = ""
    reason: str = ""


class Loaded(Struct, frozen=True, kw_only=True):
    """A file as somebody loaded it."""

    name: str
    content: bytes
    loaded_at: datetime
    actor: str
    reason: str


class Changed(Struct, frozen=True, kw_only=True):
    """A setting that two versions have differently; None where one does not have it."""

    path: tuple[str, ...]
    before: object
    after: object


def versions_over_time(
    shipped: Mapping[str, bytes], loaded: Iterable[Loaded]
) -> dict[str, list[FileVersion]]:
    """The versions of every file, the earliest first."""
    found = {
        name: [FileVersion(name=name, number=0, content=content)]
        for name, content in shipped.items()
    }
    counts = dict.fromkeys(shipped, 0)
    for one in loaded:
        known = found.setdefault(one.name, [])
        if known:
            known[-1] = _ended(known[-1], one.loaded_at)
        counts[one.name] = counts.get(one.name, 0) + 1
        known.append(
            FileVersion(
                name=one.name, number=counts[one.name], content=one.content,
                since=one.loaded_at, actor=one.actor, reason=one.reason,
            )
        )  # fmt: skip
    return found


def changes(before: Mapping[str, object], after: Mapping[str, object]) -> list[Changed]:
    """What is different, in the order of the settings."""
    one, other = dict(_leaves(before, ())), dict(_leaves(after, ()))
    return [
        Changed(path=path, before=one.get(path), after=other.get(path))
        for path in dict.fromkeys((*one, *other))
        if one.get(path) != other.get(path)
    ]


def _leaves(
    table: Mapping[str, object], above: tuple[str, ...]
) -> Iterable[tuple[tuple[str, ...], object]]:
    """Every setting by its path; an empty table says nothing."""
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, (*above, str(key)))
        elif isinstance(value, list | tuple) and any(isinstance(one, Mapping) for one in value):
            yield from _leaves(_numbered(value), (*above, str(key)))
        else:
            yield (*above, str(key)), value


def _numbered(rows: Iterable[object]) -> dict[str, object]:
    """Tables that stand in a list, by their place in it."""
    return {str(place): one for place, one in enumerate(rows, 1)}


def _ended(version: FileVersion, at: datetime) -> FileVersion:
    return FileVersion(
        name=version.name, number=version.number, content=version.content, since=version.since,
        until=at, actor=version.actor, reason=version.reason,
    )  # fmt: skip
