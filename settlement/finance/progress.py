"""How far a long act is, for whoever waits for it. Whoever gives an act no ear hears nothing."""

from __future__ import annotations

from collections.abc import Callable

Tell = Callable[[int, int], None]
"""So much is done, of so much."""


def silent(done: int, whole: int) -> None:
    """Nobody waits."""
