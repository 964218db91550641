"""Imports over HTTP (ADR 0025): who sends a file, what is to be done, what became of it.

The web layer speaks to an `ImportOffice`, which keeps the file; the importer, a process of its own,
runs the job. Nothing here knows HTTP, SQL or where a file lies.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

from msgspec import Struct, json

from settlement.intake.faults import FAULTS_SHOWN_MAX, Fault, Told
from settlement.intake.report import Sample

ATTEMPTS_MAX = 3
"""A job whose process died so often is not begun again."""
ENDED = ("done", "refused", "failed")
"""done; refused, because the file is at fault; failed, because we are."""
STATES = ("waiting", "running", *ENDED)


class ImportKey(Struct, frozen=True, kw_only=True):
    """An operator's key for imports (导入密钥). `secret` is never logged."""

    access_key: str
    operator: str
    kinds: frozenset[str]
    secret: str
    suspended: bool


class ImportRequest(Struct, frozen=True, kw_only=True):
    """A file as its sender announces it, signed, before its first byte."""

    kind: str
    digest: str
    """SHA-256, hexadecimal"""
    format: str
    file_name: str
    preview: bool
    whole: bool
    skip_bad: bool
    ends_on: date
    confirms: str
    """digest of a file that somebody else proposed; empty where nothing is confirmed"""
    reason: str
    operator: str
    access_key: str


class Counted(Struct, frozen=True, kw_only=True):
    """How many of each; `intake.report.Counts` says what they are."""

    new: int
    changed: int
    unchanged: int
    missing: int
    skipped: int


class Result(Struct, frozen=True, kw_only=True):
    """What an import came to, for a program."""

    written: bool = False
    counts: Counted | None = None
    samples: Sequence[Sample] = ()
    fault_count: int = 0
    faults: Sequence[Fault] = ()
    """the first ones, in the order of the file"""
    message: Told | None = None
    """of the file as a whole, or of us"""
    text: str = ""
    """the same for a person"""


class JobReport(Struct, frozen=True, kw_only=True):
    """A job as whoever asks sees it."""

    job: str
    kind: str
    state: str
    rows_done: int
    """rows read, and then rows or persons written; both begin at zero"""
    received_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    size_bytes: int
    sha256: str
    file_name: str
    format: str
    preview: bool
    whole: bool
    skip_bad: bool
    ends_on: date
    operator: str
    reason: str
    result: Result | None


class Admitted(Struct, frozen=True, kw_only=True):
    """A file that is here, and its job."""

    job_no: int
    state: str
    again: bool
    """it was here before: nothing new was begun"""


class Accepted(Struct, frozen=True, kw_only=True):
    """已受理: what the sender of a file is answered."""

    job: str
    state: str
    again: bool
    """there was a job of this file: nothing new was begun"""


class TooManyWaiting(Exception):  # noqa: N818 - an answer, not an error
    """So many files wait that one more is not taken now."""


class DigestDiffers(Exception):  # noqa: N818 - an answer, not an error
    """What arrived is not what was announced."""


class Arrival(Protocol):
    """A file on its way to the disk."""

    async def take(self, piece: bytes) -> None:
        """The next bytes."""
        ...

    async def complete(self) -> Admitted:
        """That was all of it. Raises DigestDiffers, Unavailable."""
        ...

    def abandon(self) -> None:
        """It will never be complete; harmless after `complete`."""
        ...


class ImportOffice(Protocol):
    """Where files are received; all methods raise `gateway.Unavailable`."""

    async def key(self, access_key: str) -> ImportKey | None:
        """The key of an operator; None where there is none."""
        ...

    async def known(self, request: ImportRequest) -> Admitted | None:
        """The job of a file that need not come again."""
        ...

    async def expect(self, request: ImportRequest) -> Arrival:
        """Get ready for a file. Raises TooManyWaiting."""
        ...

    async def report(self, job_no: int) -> bytes | None:
        """A `JobReport` as JSON; None where there is no such job."""
        ...


def first_faults(faults: Sequence[Fault]) -> list[Fault]:
    """As many as are told, in the order of the file."""
    return sorted(faults, key=lambda fault: (fault.row, fault.column))[:FAULTS_SHOWN_MAX]


ENCODE = json.Encoder().encode
DECODE_RESULT = json.Decoder(Result).decode
