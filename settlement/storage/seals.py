"""Seals as kept, made, and recomputed for verification."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta

from asyncpg import Connection, Record
from msgspec import Struct

from ledger.entry import Entry
from ledger.postgres.arrays import entry_of
from ledger.postgres.pace import Pace
from settlement.books.seal_keys import Algorithm, PublicKey, SigningKey, is_signed
from settlement.books.sealing import (
    ByInstitution,
    Leaves,
    Root,
    Span,
    list_digest,
    roots_of,
    seal_of,
)
from settlement.lanes import lane_of
from settlement.storage.day_totals import kept_leaves, read_day, wrong_day
from settlement.storage.queries import CLOSING

_ENTRY_COLUMNS = (
    "lane", "entry_id", "kind", "code", "pending_id", "debits", "credits", "amounts", "commitment",
)  # fmt: skip


LEAVES_AT_ONCE = 10_000
"""Some milliseconds of work."""


class SealList(Struct, frozen=True, kw_only=True):
    """All seals of a span."""

    span: Span
    sealed_at: datetime
    institutions: int
    settlements: int
    key: PublicKey | None
    digest: bytes


class Sealed(Struct, frozen=True, kw_only=True):
    """The seal of an institution."""

    root: Root
    signature: bytes


class Home(Struct, frozen=True, kw_only=True):
    """Whose books they are."""

    region: str
    lanes: int

    @property
    def lane(self) -> int:
        """The lane of the region's code."""
        return lane_of(self.region, self.lanes)


async def leaves_of_span(
    connection: Connection[Record], span: Span,
    after_day: Callable[[date], None] = lambda _: None,
) -> ByInstitution | str:  # fmt: skip
    """Leaves of all days of a span as they are kept, each held against the seal of its day; or what
    does not fit. `after_day` hears of each. Between days it rests where others settle."""
    found: ByInstitution = {}
    pace = Pace()
    await pace.rest(connection)  # counts the blocks that are there
    for day in _days(span):
        leaves = await kept_leaves(connection, day)
        sealed = [one.root for one in await seals_of(connection, Span(begins_on=day, ends_on=day))]
        if sealed != roots_of(leaves):
            return f"leaves kept of {day} do not fit its seals"
        joined(found, leaves)
        after_day(day)
        await pace.rest(connection)
    return found


def joined(found: ByInstitution, more: ByInstitution) -> None:
    """Add leaves of another day."""
    for code, leaves in more.items():
        found.setdefault(code, Leaves()).join(leaves)


async def roots_at_rest(
    connection: Connection[Record], leaves: ByInstitution
) -> list[Root]:
    """The root of each institution, by code; between some thousand leaves it rests where others
    settle."""
    pace = Pace()
    await pace.rest(connection)  # counts the blocks that are there
    found: list[Root] = []
    piece: ByInstitution = {}
    count = 0
    for code, own in sorted(leaves.items()):
        piece[code] = own
        count += len(own)
        if count >= LEAVES_AT_ONCE:
            found += roots_of(piece)
            piece, count = {}, 0
            await pace.rest(connection)
    return found + roots_of(piece)


async def keep_seals(
    connection: Connection[Record], home: Home, span: Span, roots: Sequence[Root],
    key: SigningKey | None, at: datetime,
) -> bytes | None:  # fmt: skip
    """Sign and keep the seals of a span in the caller's transaction; their digest, or None where it
    is sealed already."""
    seals = [seal_of(home.region, span, one) for one in roots]
    digest = list_digest(seals)
    public = None if key is None else key.public
    kept = await connection.fetchval(
        CLOSING["keep_seal_list"], home.lane, span.begins_on, span.ends_on, at, len(roots),
        sum(one.settlements for one in roots), "" if public is None else public.algorithm,
        "" if public is None else public.public, digest,
    )  # fmt: skip
    if kept is None:
        return None
    await connection.execute(
        CLOSING["keep_seals"], span.begins_on, span.ends_on,
        [lane_of(one.institution, home.lanes) for one in roots],
        [one.institution for one in roots], [one.settlements for one in roots],
        [one.root for one in roots],
        [b"" if key is None else key.sign(seal) for seal in seals],
    )  # fmt: skip
    return digest


async def days_to_seal(connection: Connection[Record]) -> list[date]:
    """Closed days without seals."""
    return [row["business_day"] for row in await connection.fetch(CLOSING["days_to_seal"])]


async def seal_lists(connection: Connection[Record]) -> list[SealList]:
    """What was sealed; a month comes after its days."""
    return [_list_of(row) for row in await connection.fetch(CLOSING["seal_lists"])]


async def seals_of(
    connection: Connection[Record], span: Span, institution: str | None = None
) -> list[Sealed]:
    """The seals of a span, by code."""
    rows = await connection.fetch(CLOSING["seals"], span.begins_on, span.ends_on, institution)
    return [
        Sealed(
            root=Root(
                institution=row["institution"], settlements=row["settlements"], root=row["root"]
            ),
            signature=row["signature"],
        )
        for row in rows
    ]


async def entries_of(
    connection: Connection[Record], institution: str, span: Span
) -> list[tuple[Entry, bytes]]:
    """What an institution settled in a span, by number: entries as booked, with their leaves."""
    rows = await connection.fetch(
        CLOSING["leaves_of_institution"], institution, span.begins_on, span.ends_on
    )
    return [
        (entry_of({name: row[name] for name in _ENTRY_COLUMNS}), row["leaf"]) for row in rows
    ]


async def first_bad_seal(
    connection: Connection[Record], home: Home, pace: Pace
) -> str | None:
    """What does not fit of the first seal that does not, or of what is kept of a day; one pass over
    all sealed days."""
    stray = await connection.fetchrow(CLOSING["seal_of_no_list"])
    if stray is not None:
        return f"list of seals of {stray['begins_on']} to {stray['ends_on']} is missing"
    try:
        lists = {one.span: one for one in await seal_lists(connection)}
    except ValueError as exc:
        return f"a list of seals names no algorithm: {exc}"
    months = sorted(span for span in lists if span.begins_on != span.ends_on)
    days = {span.begins_on for span in lists if span.begins_on == span.ends_on}
    days |= {day for span in months for day in _days(span)}
    whole: dict[Span, ByInstitution] = {span: {} for span in months}
    for day in sorted(days):
        booked = await read_day(connection, day)
        leaves = booked.leaves
        for span in months:
            if span.begins_on <= day <= span.ends_on:
                joined(whole[span], leaves)
        for span, found in _ending(day, leaves, whole):
            if span in lists:
                bad = await _bad_list(connection, home, lists[span], roots_of(found))
                if bad is not None:
                    return bad
        unlike = await wrong_day(connection, day, booked)
        if unlike is not None:
            return f"what is kept of {unlike} of {day} is not what is booked"
        await pace.rest(connection)
    return None


def _ending(
    day: date, leaves: ByInstitution, whole: dict[Span, ByInstitution]
) -> list[tuple[Span, ByInstitution]]:
    """The spans that end with a day: itself, and a month that is not needed any more."""
    over = [(span, whole.pop(span)) for span in list(whole) if span.ends_on == day]
    return [(Span(begins_on=day, ends_on=day), leaves), *over]


async def _bad_list(
    connection: Connection[Record], home: Home, kept: SealList, roots: Sequence[Root]
) -> str | None:
    name = f"{kept.span.begins_on}" + (
        "" if kept.span.begins_on == kept.span.ends_on else f" to {kept.span.ends_on}"
    )
    sealed = {one.root.institution: one for one in await seals_of(connection, kept.span)}
    for one in roots:
        known = sealed.pop(one.institution, None)
        if known is None or known.root != one:
            return f"seal of {one.institution} of {name} does not fit what is booked"
        if kept.key is not None and not is_signed(
            seal_of(home.region, kept.span, one), known.signature, kept.key
        ):
            return f"seal of {one.institution} of {name} is not signed by its key"
    if sealed:
        return f"seal of {min(sealed)} of {name} does not fit what is booked"
    counted = (len(roots), sum(one.settlements for one in roots))
    digest = list_digest(seal_of(home.region, kept.span, one) for one in roots)
    if (digest, counted) != (kept.digest, (kept.institutions, kept.settlements)):
        return f"list of seals of {name} was changed"
    return None


def _days(span: Span) -> list[date]:
    count = (span.ends_on - span.begins_on).days + 1
    return [span.begins_on + timedelta(days=n) for n in range(count)]


def _list_of(row: Record) -> SealList:
    algorithm = str(row["algorithm"])
    key = None
    if algorithm:
        key = PublicKey(algorithm=Algorithm(algorithm), public=str(row["public_key"]))
    return SealList(
        span=Span(begins_on=row["begins_on"], ends_on=row["ends_on"]),
        sealed_at=row["sealed_at"], institutions=row["institutions"],
        settlements=row["settlements"], key=key, digest=row["digest"],
    )  # fmt: skip
