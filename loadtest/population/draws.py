"""Repeatable chance: numbers drawn from a hash of what they are for.

A draw depends on the seed, the subject and its ordinal, and on nothing that was drawn for others;
so any subject can be made alone, in any order and in any process, and comes out the same.
"""

from __future__ import annotations

from hashlib import blake2b
from struct import unpack

_NUMBERS = ">16I"
_DIGEST_BYTES = 64
_NUMBER_BITS = 32


class Draws:
    """Up to sixteen draws for one subject; one more is an IndexError."""

    __slots__ = ("_left",)

    def __init__(self, seed: int, subject: str, ordinal: int) -> None:
        text = f"{seed}/{subject}/{ordinal}".encode()
        digest = blake2b(text, digest_size=_DIGEST_BYTES).digest()
        self._left: list[int] = [*unpack(_NUMBERS, digest)]

    def below(self, limit: int) -> int:
        """A whole number from 0 to limit - 1, each as likely as the others."""
        return self._left.pop() * limit >> _NUMBER_BITS

    def happens(self, per_thousand: int) -> bool:
        """True so many times in a thousand."""
        return self.below(1000) < per_thousand
