"""Papers of cleared months that go over the wire, as kept: their parts, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import IntEnum, unique

from asyncpg import Connection, Record
from msgspec import Struct

from protocol.hub.messages import Kind
from settlement.storage.queries import REGIONAL, SCATTER


class Paper(Struct, frozen=True, kw_only=True):
    """A paper, sent to a region or received from it."""

    lane: int
    """of the region's code"""
    region: str
    sent: bool
    kind: Kind
    number: str
    digest: str
    """SHA-256 of the whole, hexadecimal"""

    @property
    def key(self) -> tuple[int, str, bool, str, str]:
        """What it is kept under."""
        return self.lane, self.region, self.sent, self.number, self.digest


class End(Struct, frozen=True):
    """What became of a paper."""

    taken: bool
    said: str


class Listed(Struct, frozen=True, kw_only=True):
    """A paper in the list."""

    region: str
    sent: bool
    kind: Kind
    number: str
    digest: str
    kept_at: datetime
    whole: bool
    """all its parts are there"""
    ended_at: datetime | None
    end: End | None
    rests: str | None
    """why one of ours is not handed over any more: the other side's program does not know it"""


@unique
class Mark(IntEnum):
    """What was said of a paper of ours that has no end."""

    UNKNOWN = 1
    """the other side's program does not know it: it rests"""
    AGAIN = 2
    """somebody sends it again"""


class Part(Struct, frozen=True, kw_only=True):
    """A part of a paper."""

    part: int
    parts: int
    content: bytes


async def keep_part(
    connection: Connection[Record], paper: Paper, part: int, parts: int, content: bytes,
    at: datetime,
) -> None:  # fmt: skip
    """Keep a part; one that is there already stays as it is."""
    await connection.execute(
        REGIONAL["keep_paper_part"], *paper.key, part, parts, paper.kind.value, content, at
    )


async def end_of(connection: Connection[Record], paper: Paper) -> End | None:
    """What became of a paper; None while that is open."""
    row = await connection.fetchrow(REGIONAL["paper_end"], *paper.key)
    return None if row is None else End(row["taken"], row["said"])


async def keep_end(
    connection: Connection[Record], paper: Paper, end: End, at: datetime
) -> None:
    """Keep what became of it; what was kept first stays."""
    await connection.execute(
        REGIONAL["keep_paper_end"], *paper.key, at, end.taken, end.said
    )


async def keep_mark(
    connection: Connection[Record], paper: Paper, mark: Mark, *, at: datetime, actor: str,
    said: str,
) -> None:  # fmt: skip
    """A paper of ours rests, or is sent again."""
    await connection.execute(
        REGIONAL["keep_paper_mark"], paper.lane, paper.region, paper.number, paper.digest, mark,
        at, actor, said,
    )  # fmt: skip


async def is_at_rest(connection: Connection[Record], paper: Paper) -> bool:
    """Whether a paper of ours is not handed over any more."""
    mark: int | None = await connection.fetchval(
        REGIONAL["paper_mark"], paper.lane, paper.region, paper.number, paper.digest
    )
    return mark == Mark.UNKNOWN


async def parts_of(connection: Connection[Record], paper: Paper) -> list[Part]:
    """The parts that are there, in their order."""
    rows = await connection.fetch(REGIONAL["paper_parts"], *paper.key)
    return [Part(**dict(row)) for row in rows]


async def digests_of(connection: Connection[Record], paper: Paper) -> Sequence[str]:
    """The digests of what is there under its number, the first one first."""
    lane, region, sent, number, _ = paper.key
    rows = await connection.fetch(REGIONAL["paper_digests"], lane, region, sent, number)
    return [row["digest"] for row in rows]


async def papers(
    connection: Connection[Record], *, open_of: bool | None = None, limit: int
) -> list[Listed]:
    """All, in the order in which they came; or of which nothing became yet: ours that do not rest
    (True), or theirs that are whole (False)."""
    rows = await connection.fetch(SCATTER["region_papers"], open_of, limit)
    return [
        Listed(
            region=row["region"], sent=row["sent"], kind=Kind(row["kind"]), number=row["number"],
            digest=row["digest"], kept_at=row["kept_at"], whole=row["whole"],
            ended_at=row["ended_at"],
            end=None if row["ended_at"] is None else End(row["taken"], row["said"]),
            rests=row["rests"],
        )
        for row in rows
    ]  # fmt: skip
