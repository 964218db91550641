"""Backups (备份): what a store of them holds, which one a moment is restored from, what is dropped
when it is old, and what a database lacks of what the store knows.

Pure: the files are settlement/backup, the database's own part is settlement/embedded.

A store belongs to one installation. It has *base backups*, each a whole database with a manifest;
the *WAL* of the time since, by which any later second is reached; and *marks*: what the ends of the
chains were at a moment, and which entries came since the mark before. A mark is written when the
WAL up to it is archived, so that whoever restores can be told what a restored database lacks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

from msgspec import Struct

from settlement.wal_names import SEGMENT_BYTES, Segment, segment_at

FORMAT = 1


class Origin(Struct, frozen=True, kw_only=True):
    """Which installation: a copy of a database has the same, another region's has another."""

    region: str
    installed_at: datetime
    system_identifier: str
    """PostgreSQL's own, given when its data was made"""
    database: str


class Head(Struct, frozen=True, kw_only=True):
    """The end of a journal's chain."""

    journal: int
    block_no: int
    block_hash: str
    """hex"""
    booked_at: datetime


class SealHead(Struct, frozen=True, kw_only=True):
    """What was sealed of a day or month: the digest of all its seals."""

    begins_on: date
    ends_on: date
    sealed_at: datetime
    institutions: int
    settlements: int
    digest: str
    """hex"""


class NotedEntry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An entry of a marked block: no amount and nothing about a person."""

    lane: int
    number: int
    code: int
    institution: str = ""
    """of a settlement, a cancel or a reversal"""


class NotedBlock(Struct, frozen=True, kw_only=True):
    """What one commit added."""

    journal: int
    block_no: int
    booked_at: datetime
    entries: list[NotedEntry]


class Mark(Struct, frozen=True, kw_only=True):
    """What the chains were at a moment, and what came since the mark before."""

    format: int = FORMAT
    at: datetime
    heads: list[Head]
    blocks: list[NotedBlock]
    seals: list[SealHead]
    """sealed since the mark before"""


class Beside(Struct, frozen=True, kw_only=True):
    """Something that a region needs and that is not in the database."""

    what: str
    where: str
    held: bool
    """whether the store holds it"""
    advice: str


class Manifest(Struct, frozen=True, kw_only=True):
    """What a base backup is."""

    format: int = FORMAT
    name: str
    began_at: datetime
    ended_at: datetime
    """the first moment that can be restored from it"""
    origin: Origin
    embedded: bool
    """whether the server was the program's own, or the site's"""
    schema_version: int
    postgres_version: int
    timeline: int
    start_lsn: str
    end_lsn: str
    wal_segment_bytes: int = SEGMENT_BYTES
    owner_role: str
    app_role: str
    size_bytes: int
    heads: list[Head]
    seals: list[SealHead]
    key_fingerprints: dict[str, str]
    """of the keys of personal data, by version: which key file goes with it"""
    beside: list[Beside]

    @property
    def begin(self) -> Segment:
        """The first segment that it needs."""
        return segment_at(self.start_lsn, self.timeline, self.wal_segment_bytes)


class Missing(Struct, frozen=True, kw_only=True):
    """What a database lacks of what a store knows, and what does not fit."""

    blocks: list[NotedBlock]
    altered: list[Head]
    """ends of chains that are there with another hash"""
    unlisted: list[Head]
    """ends that are further on, without a mark that lists what lies between"""
    seals: list[SealHead]
    """days and months that were sealed later"""
    seals_altered: list[SealHead]

    @property
    def entries(self) -> list[NotedEntry]:
        """All entries that are missing, in the order in which they were booked."""
        return [entry for block in self.blocks for entry in block.entries]


def base_for(manifests: Iterable[Manifest], to: datetime | None) -> Manifest | None:
    """The newest base backup that was whole by a moment; the newest of all without one."""
    fit = [one for one in manifests if to is None or one.ended_at <= to]
    return max(fit, key=lambda one: one.ended_at, default=None)


def kept_bases(manifests: Sequence[Manifest], keep: int) -> list[Manifest]:
    """The newest so many, oldest first."""
    return sorted(manifests, key=lambda one: one.ended_at)[-keep:]


def needed_since(kept: Sequence[Manifest]) -> Segment | None:
    """The first segment that any of them needs."""
    return min((one.begin for one in kept), default=None)


def missing_of(
    *, manifest: Manifest, marks: Sequence[Mark], heads: Mapping[int, int],
    hashes: Mapping[tuple[int, int], str], seals: Mapping[tuple[date, date], str],
) -> Missing:  # fmt: skip
    """Hold a database against what is known: `heads` are its journals' last blocks, `hashes` those
    of the blocks that the store knows, `seals` the digests of what it has sealed."""
    known = [*manifest.heads, *(head for mark in marks for head in mark.heads)]
    blocks = [
        block
        for mark in marks
        for block in mark.blocks
        if block.block_no > heads.get(block.journal, 0)
    ]
    listed = {(block.journal, block.block_no) for block in blocks}
    every_seal = [*manifest.seals, *(seal for mark in marks for seal in mark.seals)]
    sealed = {(one.begins_on, one.ends_on): one for one in every_seal}.values()
    return Missing(
        blocks=sorted(blocks, key=lambda block: (block.booked_at, block.journal, block.block_no)),
        altered=[
            head
            for head in known
            if head.block_no <= heads.get(head.journal, 0)
            and hashes.get((head.journal, head.block_no)) != head.block_hash
        ],
        unlisted=[
            head
            for head in known
            if head.block_no > heads.get(head.journal, 0)
            and (head.journal, head.block_no) not in listed
        ],
        seals=[seal for seal in sealed if (seal.begins_on, seal.ends_on) not in seals],
        seals_altered=[
            seal
            for seal in sealed
            if seals.get((seal.begins_on, seal.ends_on), seal.digest) != seal.digest
        ],
    )  # fmt: skip


def marks_since(marks: Iterable[Mark], manifest: Manifest) -> list[Mark]:
    """Marks that say more than a base backup does, in order."""
    return sorted((one for one in marks if one.at >= manifest.began_at), key=lambda one: one.at)


def backup_name(at: datetime) -> str:
    """What a base backup or a mark is called: in the order of time, and readable."""
    return f"{at:%Y%m%dT%H%M%S}.{at.microsecond:06d}Z"


def is_old(mark: Mark, oldest: Manifest) -> bool:
    """Whether a mark lies before all that can be restored, by a day: clocks may differ a little."""
    return mark.at < oldest.began_at - timedelta(days=1)
