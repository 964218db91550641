"""What a command came to, for whoever gave it."""

from __future__ import annotations

from msgspec import Struct

UNUSABLE = 2
"""Exit status where a command could not do its work at all."""


class Said(Struct, frozen=True):
    """What a command came to: its exit status, and the text for the person who gave it."""

    status: int
    text: str
