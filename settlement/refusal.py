"""A refusal is a value, not an exception: what is wrong, in which field, and what to do next.

`Refusal` names a row of the table in `settlement/refusals.py`, which holds the Chinese text, the
HTTP status and the retry advice; nothing else builds a text for a caller.
"""

from __future__ import annotations

from msgspec import Struct


class Refusal(Struct, frozen=True, kw_only=True):
    """`code` is stable and public (docs/reference/errors.md); `field` names a domain field."""

    code: str
    field: str | None = None
    params: dict[str, str | int] = {}
