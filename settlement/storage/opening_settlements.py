"""Bringing along old settlements that can still be cancelled, under their journal's head.

Rows, the messages that made them, the person's chain of settlements and an entry for each, together
or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

import msgspec
from asyncpg import Connection, Record
from msgspec import Struct, structs

from ledger.postgres.arrays import append_arguments, for_shape
from ledger.postgres.laned import fetch_keys
from ledger.postgres.schema import SHAPED as LEDGER
from ledger.postgres.shape import Shape
from settlement import chart
from settlement.intake.old_settlements import OldSettlement
from settlement.policy.model import Policy
from settlement.rows import MessageRow, SettlementRow
from settlement.storage.opening_import import Book
from settlement.storage.queries import IMPORTS, REFERENCE, SHAPED
from settlement.usecases.carried import (
    Place,
    carried_entry,
    carried_message,
    carried_row,
    year_of,
)
from settlement.view import YearDoc, decode_years, encode_years

BATCH_MAX = 500
_ENCODE = msgspec.json.Encoder().encode


class Placed(Struct, frozen=True):
    """A lane, an old settlement of somebody in it, and the policy by which its funds are named."""

    lane: int
    old: OldSettlement
    policy: Policy


class Known(Struct, frozen=True):
    """A settlement that was brought along already."""

    person_no: str
    setl_id: int
    fingerprint: bytes


class Person(Struct, frozen=True):
    """Somebody's account, newest settlement row and years."""

    account: int
    latest_row: int | None
    years: Mapping[str, YearDoc]


async def persons(
    connection: Connection[Record], shape: Shape, lanes: Sequence[int], numbers: Sequence[str]
) -> dict[str, Person]:
    """Of these persons those who are insured here."""
    rows = await fetch_keys(connection, IMPORTS[shape], "read_for_settlements", lanes, numbers)
    return {
        number: Person(account, latest_row, decode_years(text))
        for number, account, latest_row, text in rows
    }


async def brought_before(
    connection: Connection[Record], shape: Shape, placed: Sequence[tuple[int, OldSettlement]]
) -> dict[tuple[str, str], Known]:
    """What was brought along already, by institution and earlier number."""
    rows = await fetch_keys(
        connection, IMPORTS[shape], "read_opening_settlements", [lane for lane, _ in placed],
        [each.institution for _, each in placed], [each.earlier_no for _, each in placed],
    )  # fmt: skip
    return {
        (institution, earlier_no): Known(person_no, setl_id, fingerprint)
        for institution, earlier_no, person_no, setl_id, fingerprint in rows
    }


async def open_accounts(connection: Connection[Record]) -> None:
    """The memorandum that notes them, unless it is there."""
    for account in chart.carried_settlements():
        await connection.execute(
            REFERENCE["open_account"], account.number, account.owner, account.code, account.name,
            account.debit_normal,
        )  # fmt: skip


def batches(
    placed: Iterable[Placed], journal_of_lane: Mapping[int, int]
) -> list[tuple[int, list[Placed]]]:
    """Batches of one journal each; all that one person brings along is in one of them, in the order
    in which it was settled."""
    ordered = sorted(
        placed, key=lambda one: (journal_of_lane[one.lane], one.old.person_no, one.old.settled_at)
    )
    found: list[tuple[int, list[Placed]]] = []
    for (lane, _), own in groupby(ordered, key=lambda one: (one.lane, one.old.person_no)):
        journal, more = journal_of_lane[lane], list(own)
        if found and found[-1][0] == journal and len(found[-1][1]) + len(more) <= BATCH_MAX:
            found[-1][1].extend(more)
        else:
            found.append((journal, more))
    return found


async def bring(
    connection: Connection[Record], book: Book, journal: int, placed: Sequence[Placed]
) -> list[Placed]:
    """Bring a batch along; what belongs to somebody who settled here meanwhile is left out and
    told."""
    shape = book.shape
    async with connection.transaction():
        own = (placed[0].lane,) if shape is Shape.CLUSTER else ()
        await connection.fetchval(SHAPED[shape]["lock_head"], journal, *own)
        lane_of = {one.old.person_no: one.lane for one in placed}
        found = await persons(connection, shape, list(lane_of.values()), list(lane_of))
        free = [one for one in placed if found[one.old.person_no].latest_row is None]
        if free:
            await _write(connection, book, journal, free, found)
    return [one for one in placed if found[one.old.person_no].latest_row is not None]


async def _write(
    connection: Connection[Record], book: Book, journal: int, placed: Sequence[Placed],
    found: Mapping[str, Person],
) -> None:  # fmt: skip
    queries = IMPORTS[book.shape]
    lane_of = {one.old.person_no: one.lane for one in placed}
    rows, years = _chained(book, placed, found)
    lanes = [row.lane for row in rows]
    people = list(lane_of)
    latest = {row.psn_no: row.setl_id for row in rows}
    await fetch_keys(
        connection, queries, "open_balances", list(lane_of.values()),
        [found[number].account for number in people],
    )  # fmt: skip
    await fetch_keys(
        connection, queries, "carry_settlements", lanes,
        [_ENCODE(structs.asdict(row)).decode() for row in rows],
    )  # fmt: skip
    await fetch_keys(
        connection, queries, "keep_opening_settlements", lanes, [row.psn_no for row in rows],
        [row.setl_id for row in rows], [row.institution for row in rows],
        [one.old.earlier_no for one in placed], [one.old.fingerprint for one in placed],
        [one.old.source for one in placed],
    )  # fmt: skip
    await _keep_messages(connection, book, placed, rows)
    await fetch_keys(
        connection, queries, "set_latest_rows", list(lane_of.values()), people,
        [latest[number] for number in people], [encode_years(years[number]) for number in people],
    )  # fmt: skip
    await _append(connection, book, journal, rows)


def _chained(
    book: Book, placed: Sequence[Placed], found: Mapping[str, Person]
) -> tuple[list[SettlementRow], dict[str, dict[str, YearDoc]]]:
    """The rows, each knowing the one before it, and the years of the persons after them."""
    years = {one.old.person_no: dict(found[one.old.person_no].years) for one in placed}
    latest: dict[str, int] = {}
    rows = []
    for one in placed:
        number, year = one.old.person_no, str(year_of(one.old, one.policy))
        document = years[number].get(year) or YearDoc()
        place = Place(
            lane=one.lane, setl_id=book.numbers.next(one.lane, book.moment.business_day),
            prior_row=latest.get(number), prior_active=document.latest,
        )  # fmt: skip
        rows.append(carried_row(one.old, one.policy, place))
        latest[number] = place.setl_id
        years[number][year] = YearDoc(
            values=document.values, latest=place.setl_id, gaps=document.gaps
        )
    return rows, years


async def _keep_messages(
    connection: Connection[Record], book: Book, placed: Sequence[Placed],
    rows: Sequence[SettlementRow],
) -> None:  # fmt: skip
    made = [
        carried_message(one.old, row.lane, row.setl_id)
        for one, row in zip(placed, rows, strict=True)
    ]
    messages: list[MessageRow] = [message for message in made if message is not None]
    await fetch_keys(
        connection, IMPORTS[book.shape], "carry_messages", [one.lane for one in messages],
        [one.key for one in messages], [one.ref for one in messages],
        [book.moment.at] * len(messages),
    )  # fmt: skip


async def _append(
    connection: Connection[Record], book: Book, journal: int, rows: Sequence[SettlementRow]
) -> None:
    arguments = append_arguments(
        journal=journal, business_day=book.moment.business_day, booked_at=book.moment.at,
        entries=[carried_entry(row) for row in rows], resolved={},
    )  # fmt: skip
    parameters = for_shape(arguments, book.shape, rows[0].lane)
    await connection.execute(LEDGER[book.shape]["append_block"], *parameters)
