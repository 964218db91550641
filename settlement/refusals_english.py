"""What each refusal means and what to do about it, in English: for a programmer, beside the text
for a cashier. Made from docs/reference/errors.md by tools/causes.py; a tidy test keeps both equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct


class English(Struct, frozen=True):
    """Of one code."""

    cause: str
    remedy: str


_TEXTS = msgspec.json.decode(
    Path(__file__).with_suffix(".json").read_bytes(), type=dict[str, English]
)
CAUSES: Mapping[str, str] = {code: text.cause for code, text in _TEXTS.items()}
"""When each is given, by its code."""
REMEDIES: Mapping[str, str] = {code: text.remedy for code, text in _TEXTS.items()}
"""What to do about each."""
