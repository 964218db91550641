"""Payment codes as a payer's phone would show them, and what the payer behind each one does.

An ordinary code says in itself when it was made and what its payer will do, so that a generator of
load makes codes without asking the simulator. It lives a minute and pays once. A test code pays as
often as one likes. Anything else of the right shape is a code that nobody issued.

    prefix · behaviour (1) · seconds (2) · made at (6, Unix seconds) · serial · check digit
"""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum

from msgspec import Struct

LIFE_SECONDS = 60
_MADE_AT_WRAPS = 1_000_000
_HEAD = 9
"""Digits of behaviour, seconds and time."""


class Behaviour(IntEnum):
    """What the payer, or the line behind the code, does. The number is the code's digit."""

    OK = 1
    USERPAYING = 2
    """must confirm, and does so after `seconds`"""
    USERPAYING_NEVER = 3
    USERPAYING_FAILS = 4
    """must confirm, and cannot after `seconds` (wrong password, limit of the bank)"""
    NOT_ENOUGH = 5
    EXPIRED = 6
    LOST_ANSWER = 7
    """pays, and the answer is lost"""
    RISK = 8
    """refused by the channel's risk rules"""


_BEHAVIOURS = {f"{one:d}": one for one in Behaviour}


class PayerCode(Struct, frozen=True, kw_only=True):
    """A code, read."""

    behaviour: Behaviour
    seconds: int
    made_at: int
    """Unix seconds modulo a million; of no account for a test code"""
    is_test: bool


class PayerCodes:
    """Makes and reads the codes of one channel."""

    def __init__(self, prefix: str, length: int) -> None:
        self._prefix = prefix
        self._length = length
        self._serial_digits = length - len(prefix) - _HEAD - 1
        self._used: set[str] = set()

    def make(
        self, behaviour: Behaviour, *, at: datetime, serial: int, seconds: int = 10
    ) -> str:
        """An ordinary code; `serial` must differ between codes of one second."""
        made_at = int(at.timestamp()) % _MADE_AT_WRAPS
        rest = f"{serial % 10**self._serial_digits:0{self._serial_digits}d}"
        return _checked(f"{self._prefix}{behaviour:d}{seconds:02d}{made_at:06d}{rest}")

    def test_code(self, behaviour: Behaviour, *, seconds: int = 10) -> str:
        """The code of a payer who always has a fresh one. Begins with a behaviour of 0."""
        zeros = "0" * (self._length - len(self._prefix) - 5)
        return _checked(f"{self._prefix}0{seconds:02d}{zeros}{behaviour:d}")

    def test_codes(self) -> dict[str, str]:
        """By the behaviour's name in lower case."""
        return {one.name.lower(): self.test_code(one) for one in Behaviour}

    def read(self, code: str) -> PayerCode | None:
        """None where it is not one that a simulated phone shows."""
        if len(code) != self._length or not (code.isascii() and code.isdigit()):
            return None
        if not code.startswith(self._prefix) or _checked(code[:-1]) != code:
            return None
        at = len(self._prefix)
        is_test = code[at] == "0"
        behaviour = _BEHAVIOURS.get(code[-2] if is_test else code[at])
        if behaviour is None:
            return None
        return PayerCode(
            behaviour=behaviour, seconds=int(code[at + 1 : at + 3]),
            made_at=int(code[at + 3 : at + _HEAD]), is_test=is_test,
        )  # fmt: skip

    def take(self, code: str, *, at: datetime) -> Behaviour:
        """Somebody presents it: what comes of it now. Used, old and unknown ones have expired."""
        read = self.read(code)
        if read is None:
            return Behaviour.EXPIRED
        if read.is_test:
            return read.behaviour
        age = (int(at.timestamp()) - read.made_at) % _MADE_AT_WRAPS
        if code in self._used or age > LIFE_SECONDS:
            return Behaviour.EXPIRED
        self._used.add(code)
        return read.behaviour


def _checked(digits: str) -> str:
    """With a check digit (weights 3 and 1 from the right), so that typed-in digits are foreign."""
    total = sum(int(d) * (3, 1)[n % 2] for n, d in enumerate(reversed(digits)))
    return f"{digits}{-total % 10}"
