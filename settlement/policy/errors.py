"""The one error of loading policies."""

from __future__ import annotations

from typing import TypeAlias

Place: TypeAlias = tuple[str | int, ...]
"""Where in a file, as keys and positions from 0: ("rules", "inpatient", 2, "cap")."""


class PolicyError(ValueError):
    """A policy file cannot be used; the text says what to correct.

    `place` is where in the file, as far as known; the loader adds file and line to the text.
    """

    def __init__(self, text: str, place: Place = ()) -> None:
        super().__init__(text)
        self.place = place
