"""Booking what persons bring along: batch by batch, each one transaction under its journal's head.

Accumulators and money together, or neither. Debit the agency's bank, credit the personal accounts;
the entry commits to the file that says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

import msgspec
from asyncpg import Connection, Record
from msgspec import Struct

from ledger.entry import Entry, EntryKind, Transfer
from ledger.postgres.arrays import append_arguments, for_shape
from ledger.postgres.laned import fetch_keys
from ledger.postgres.schema import SHAPED as LEDGER
from ledger.postgres.shape import Shape
from settlement.chart import CONTRIBUTIONS_BANK, EntryCode
from settlement.clock import Moment
from settlement.intake.openings import Opening
from settlement.numbers import NumberBlock
from settlement.storage.queries import IMPORTS, REFERENCE, SHAPED
from settlement.view import YearDoc, decode_years, encode_years

BATCH_MAX = 500
_ENCODE = msgspec.json.Encoder().encode
_DECODE_SUMS = msgspec.json.Decoder(dict[str, int]).decode
Placed = tuple[int, Opening]
"""A lane, and what somebody in it brings along."""


class Book(Struct, frozen=True, kw_only=True):
    """What is the same for every batch."""

    shape: Shape
    moment: Moment
    numbers: NumberBlock
    commitment: bytes


async def begin(
    connection: Connection[Record], *, shape: Shape, moment: Moment, file_digest: str
) -> Book:
    """A book for one file."""
    return Book(
        shape=shape, moment=moment,
        numbers=NumberBlock(await connection.fetchval(REFERENCE["number_block"])),
        commitment=sha256(b"\x05" + bytes.fromhex(file_digest)).digest(),
    )  # fmt: skip


async def opened_before(
    connection: Connection[Record], shape: Shape, placed: Sequence[Placed]
) -> dict[tuple[str, int], tuple[int, Mapping[str, int]]]:
    """What these persons brought along already, by person and year: balance and accumulators."""
    rows = await fetch_keys(
        connection, IMPORTS[shape], "read_openings", [lane for lane, _ in placed],
        [each.person_no for _, each in placed], [each.year for _, each in placed],
    )  # fmt: skip
    return {
        (person_no, year): (balance, _DECODE_SUMS(sums)) for person_no, year, balance, sums in rows
    }


async def unknown_persons(
    connection: Connection[Record], shape: Shape, placed: Sequence[Placed]
) -> set[str]:
    """Who of them is not insured here."""
    known = {row["psn_no"] for row in await _read(connection, shape, placed)}
    return {each.person_no for _, each in placed} - known


async def book(
    connection: Connection[Record], book: Book, journal: int, placed: Sequence[Placed]
) -> None:
    """Book a batch of one journal; a person is in it once."""
    async with connection.transaction():
        queries, shape = IMPORTS[book.shape], book.shape
        own = (placed[0][0],) if shape is Shape.CLUSTER else ()
        await connection.fetchval(SHAPED[shape]["lock_head"], journal, *own)
        known = {row["psn_no"]: row for row in await _read(connection, shape, placed)}
        lanes = [lane for lane, _ in placed]
        numbers = [each.person_no for _, each in placed]
        years = [_with_opening(known[each.person_no]["accumulators"], each) for _, each in placed]
        accounts = {number: row["account"] for number, row in known.items()}
        entries = _entries(book, placed, accounts)
        await fetch_keys(connection, queries, "set_accumulators", lanes, numbers, years)
        await fetch_keys(
            connection, queries, "open_balances", lanes, [accounts[number] for number in numbers]
        )
        booked = {entry.lane: entry.entry_id for entry in entries}
        await fetch_keys(
            connection, queries, "keep_openings", lanes, numbers,
            [each.year for _, each in placed], [each.balance_fen for _, each in placed],
            [booked[lane] if each.balance_fen else None for lane, each in placed],
            [_ENCODE(each.accumulators).decode() for _, each in placed],
            [each.source for _, each in placed],
        )  # fmt: skip
        if entries:
            arguments = append_arguments(
                journal=journal, business_day=book.moment.business_day, booked_at=book.moment.at,
                entries=entries, resolved={},
            )  # fmt: skip
            parameters = for_shape(arguments, shape, placed[0][0])
            await connection.execute(LEDGER[shape]["append_block"], *parameters)


def batches(
    placed: Iterable[Placed], journal_of_lane: Mapping[int, int]
) -> list[tuple[int, list[Placed]]]:
    """Batches of one journal each, in which nobody is twice."""
    found: dict[tuple[int, int], list[Placed]] = {}
    for lane, each in placed:
        found.setdefault((journal_of_lane[lane], each.year), []).append((lane, each))
    return [
        (journal, own[first : first + BATCH_MAX])
        for (journal, _), own in sorted(found.items(), key=lambda item: item[0])
        for first in range(0, len(own), BATCH_MAX)
    ]


async def _read(
    connection: Connection[Record], shape: Shape, placed: Sequence[Placed]
) -> list[Record]:
    return await fetch_keys(
        connection, IMPORTS[shape], "read_for_opening", [lane for lane, _ in placed],
        [each.person_no for _, each in placed],
    )  # fmt: skip


def _with_opening(text: str, opening: Opening) -> str:
    """The accumulators with what is brought along: added, for the year may have begun here too."""
    years = decode_years(text)
    before = years.get(str(opening.year)) or YearDoc()
    values = dict(before.values)
    for name, amount in opening.accumulators.items():
        values[name] = values.get(name, 0) + amount
    if values:
        years[str(opening.year)] = YearDoc(
            values=values, latest=before.latest, gaps=before.gaps
        )
    return encode_years(years)


def _entries(
    book: Book, placed: Sequence[Placed], accounts: Mapping[str, int]
) -> list[Entry]:
    """An entry a lane: many people share it."""
    by_lane: dict[int, list[Transfer]] = {}
    for lane, each in placed:
        if each.balance_fen:
            leg = Transfer(CONTRIBUTIONS_BANK, accounts[each.person_no], each.balance_fen)
            by_lane.setdefault(lane, []).append(leg)
    return [
        Entry(
            lane=lane, entry_id=book.numbers.next(lane, book.moment.business_day),
            kind=EntryKind.SINGLE, code=EntryCode.ACCOUNT_CONTRIBUTION, transfers=tuple(legs),
            commitment=book.commitment,
        )
        for lane, legs in sorted(by_lane.items())
    ]  # fmt: skip
