"""Archiving of closed years (年度归档, ADR 0062): which numbers are of a year, when it may go, and
what is written down of the files that it goes into. Pure.

The details of settlements lie in a partition for each year of their numbers. What became of them is
decided by years and not by days: a year goes as a whole, or stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from hashlib import sha256

import msgspec
from msgspec import Struct

from settlement.numbers import numbers_of
from settlement.person import YEARS_KEPT

ONLINE_YEARS_VARIABLE = "SETTLEMENT_ONLINE_YEARS"
ONLINE_YEARS = 5
"""Full years after a year for which its details stay in the database."""
ONLINE_YEARS_MIN = YEARS_KEPT - 1
"""Fewer would take what may still be decided again: accumulators of so many years are kept."""
AHEAD_YEARS = 2
"""Partitions are made for this year and so many after it."""
NOT_INSTALLED = (
    "未安装 {name} is not installed: requirements-archive.txt has it (docs/operating/archiving.md)"
)
FORMAT = "settlement-archive/1"
MANIFEST = "manifest.json"


class ArchivedFile(Struct, frozen=True, kw_only=True):
    """One file of an archive: the settlements of a lane, by number."""

    name: str
    lane: int
    settlements: int
    details: int
    size_bytes: int
    digest: str
    """sha256, hex"""


class Manifest(Struct, frozen=True, kw_only=True):
    """What an archive holds; its own hash is in the database."""

    format: str = FORMAT
    region: str
    year: int
    written_at: datetime
    key_versions: tuple[int, ...]
    files: tuple[ArchivedFile, ...]

    @property
    def settlements(self) -> int:
        """How many settlement rows."""
        return sum(one.settlements for one in self.files)

    @property
    def details(self) -> int:
        """How many of them with their detail."""
        return sum(one.details for one in self.files)


class ArchivedYear(Struct, frozen=True, kw_only=True):
    """What the database knows of a year that was archived."""

    year: int
    archived_at: datetime
    settlements: int
    details: int
    key_versions: tuple[int, ...]
    manifest: bytes
    actor: str
    reason: str

    @property
    def note(self) -> str:
        """The row of the audit, to which the year is held (sql/archive.sql, unaudited_year)."""
        keys = ",".join(str(version) for version in self.key_versions)
        told = (self.reason, "|", self.manifest.hex(), self.settlements, self.details, keys)
        return " ".join(str(part) for part in told)


class ArchiveSeen(Struct, frozen=True, kw_only=True):
    """What a verification says of an archived year."""

    year: int
    details: int
    checked: bool = False
    """its files were there to be held against the database"""
    unopened: int = 0
    """details whose key is not at hand"""
    wrong: str | None = None

    def prose(self) -> str:
        """A line for people."""
        what = f"{self.year} 年明细已归档 details archived: {self.details}"
        if self.wrong is not None:
            return f"{what}；归档核验未通过 NOT verified: {self.wrong}"
        if not self.checked:
            return f"{what}；未核对归档文件 files not looked at (--archive DIR)"
        closed = f"，{self.unopened} 项缺密钥未打开 not opened" if self.unopened else ""
        return f"{what}；归档核验通过 verified{closed}"


class ArchiveError(Exception):
    """An archive is not what it should be; the text says what, and of which file."""


def manifest_bytes(manifest: Manifest) -> bytes:
    """The file as it is written: its hash is over these bytes."""
    return msgspec.json.format(msgspec.json.encode(manifest)) + b"\n"


def read_manifest(content: bytes, known: ArchivedYear | None = None) -> Manifest:
    """The manifest in a file. Raises ArchiveError where it is none, or not the known one."""
    if known is not None and sha256(content).digest() != known.manifest:
        raise ArchiveError(f"{MANIFEST} 已被改动 is not the one that was written")
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
    except msgspec.MsgspecError as exc:
        raise ArchiveError(f"{MANIFEST}: {exc}") from exc
    if manifest.format != FORMAT:
        raise ArchiveError(f"{MANIFEST}: format {manifest.format}")
    return manifest


def bounds_of(year: int) -> tuple[int, int]:
    """The numbers of a year lie after the first and before the second of these."""
    return numbers_of(year)[0] - 1, numbers_of(year)[1]


def online_years(environment: Mapping[str, str]) -> int:
    """For how many full years details stay in the database. Raises ValueError."""
    text = environment.get(ONLINE_YEARS_VARIABLE, str(ONLINE_YEARS))
    if not text.isascii() or not text.isdigit() or int(text) < ONLINE_YEARS_MIN:
        raise ValueError(
            f"{ONLINE_YEARS_VARIABLE} 须为不小于 {ONLINE_YEARS_MIN} 的年数 must be a number of "
            f"years, {ONLINE_YEARS_MIN} or more, not {text!r}"
        )
    return int(text)


def first_day_of_archiving(year: int, years: int) -> date:
    """The day from which on a year may be archived."""
    return date(year + years + 1, 1, 1)


def months_to_be_sealed(year: int, first_booked_on: date) -> Sequence[date]:
    """The months of a year in which anything may have been booked."""
    first = max(date(year, 1, 1), first_booked_on.replace(day=1))
    return [date(year, month, 1) for month in range(first.month, 13)] if first.year == year else []
