"""Message ids that never repeat, also after a crash: institution, time, a counter kept in a file.

The counter is one number: seconds × 10,000 + the last four digits. A block of it is reserved on
disk before its first use, so a restart loses numbers and never repeats one. A clock that is set
back changes nothing: the counter goes on from where it was.

The first number says the fraction of its second too, in ten-thousandths: of two programs that run
one after the other within a second and keep no counter, the later one does not begin where the
earlier one began.
"""

from __future__ import annotations

import fcntl
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from protocol.nhsa.times import compact_seconds
from settlement.clock import Clock, local_time, system_clock

PER_SECOND = 10_000
BLOCK = 200
"""Numbers of one reservation: as many messages as may be sent for one flush to the disk."""
CODE_LENGTH_MAX = 12
_EPOCH = datetime(1970, 1, 1)
_DIGITS = 20


class CounterError(Exception):
    """The kept counter cannot be read or written; the text says which file and what to do."""


class NumberStore(Protocol):
    """Where the counter is kept. One for all programs that send under one institution code."""

    def reserve(self, at_least: int, count: int) -> int:
        """Reserve `count` numbers, none below `at_least` and none reserved before, durably.

        Gives the first of them. Raises CounterError.
        """
        ...


class FileStore:
    """The counter in a small file. Several processes of one machine may share it."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    def reserve(self, at_least: int, count: int) -> int:
        """See `NumberStore`."""
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
            with os.fdopen(descriptor, "r+b", buffering=0) as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                first = max(self._kept(file.read()), at_least)
                os.pwrite(file.fileno(), b"%0*d\n" % (_DIGITS, first + count), 0)
                os.fsync(file.fileno())
                return first
        except OSError as exc:
            raise CounterError(f"the counter {self.path} cannot be kept: {exc}") from exc

    def _kept(self, text: bytes) -> int:
        if not text:
            return 0
        digits = text.removesuffix(b"\n")
        if len(digits) != _DIGITS or not digits.isdigit():
            raise CounterError(
                f"{self.path} is no counter. Restore it, or remove it once the clock is sure to be"
                " later than the last message sent."
            )
        return int(digits)


class MemoryStore:
    """A counter that ends with the process: for tests, and tools of which no two run at once."""

    def __init__(self) -> None:
        self._next = 0

    def reserve(self, at_least: int, count: int) -> int:
        """See `NumberStore`."""
        first = max(self._next, at_least)
        self._next = first + count
        return first


class MessageNumbers:
    """`msgid`: institution (12), yyyyMMddHHmmss (14), four digits."""

    def __init__(
        self, institution_code: str, store: NumberStore, *, clock: Clock = system_clock
    ) -> None:
        if not 0 < len(institution_code) <= CODE_LENGTH_MAX:
            raise ValueError(f"a msgid has room for {CODE_LENGTH_MAX} characters of institution")
        self._code = institution_code
        self._store = store
        self._clock = clock
        self._next = self._end = 0

    def next(self) -> str:
        """An id never given before, by this object or any other on the same store."""
        at = self._clock()
        at_least = _seconds(at) * PER_SECOND
        if not self._end:
            at_least += at.microsecond * PER_SECOND // 1_000_000
        number = max(self._next, at_least)
        if number >= self._end:
            number = self._store.reserve(at_least, BLOCK)
            self._end = number + BLOCK
        self._next = number + 1
        second, serial = divmod(number, PER_SECOND)
        return f"{self._code}{compact_seconds(_EPOCH + timedelta(seconds=second))}{serial:04d}"


def _seconds(at: datetime) -> int:
    """Seconds of the region's wall clock since 1970: what the wire spells out."""
    return int((local_time(at.astimezone(UTC)).replace(tzinfo=UTC)).timestamp())
