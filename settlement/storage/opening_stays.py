"""Opening stays that were open at the cut-over, batch by batch under their journal's head."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from asyncpg import Connection, Record
from msgspec import Struct

from ledger.postgres.laned import fetch_keys
from ledger.postgres.shape import Shape
from settlement.intake.stays import OpenStay
from settlement.keyring import Keyring
from settlement.person import Enrolment
from settlement.stay import SegmentHead, head_text
from settlement.storage.opening_import import Book
from settlement.storage.queries import IMPORTS, SHAPED
from settlement.usecases.visit_payloads import Admission, seal_payload, visit_record

BROUGHT_ALONG = "earlier_mdtrt_id"
"""Under which name an admission keeps what the stay was called before."""
Placed = tuple[int, OpenStay]
"""The lane of a person, and their stay."""
_DECODE_ENROLMENTS = msgspec.json.Decoder(tuple[Enrolment, ...]).decode


class Patient(Struct, frozen=True):
    """Where a person is, and the schemes that they are in."""

    latest_visit: int | None
    open_stay: int | None
    schemes: frozenset[str]


class Known(Struct, frozen=True):
    """A stay that was brought along already."""

    person_no: str
    mdtrt_id: int
    fingerprint: bytes


async def patients(
    connection: Connection[Record], shape: Shape, placed: Sequence[Placed]
) -> dict[str, Patient]:
    """The persons of these stays, as far as they are insured here."""
    rows = await fetch_keys(
        connection, IMPORTS[shape], "read_for_stays", [lane for lane, _ in placed],
        [each.person_no for _, each in placed],
    )  # fmt: skip
    return {
        number: Patient(
            latest, stay, frozenset(one.scheme for one in _DECODE_ENROLMENTS(enrolments))
        )
        for number, latest, stay, enrolments in rows
    }


async def brought_before(
    connection: Connection[Record], shape: Shape, placed: Sequence[Placed]
) -> dict[tuple[str, str], Known]:
    """Stays that were brought along already, by institution and earlier number."""
    rows = await fetch_keys(
        connection, IMPORTS[shape], "read_opening_stays", [lane for lane, _ in placed],
        [each.institution for _, each in placed], [each.earlier_no for _, each in placed],
    )  # fmt: skip
    return {
        (institution, earlier_no): Known(person_no, mdtrt_id, fingerprint)
        for institution, earlier_no, person_no, mdtrt_id, fingerprint in rows
    }


async def open_stays(
    connection: Connection[Record], book: Book, keyring: Keyring, journal: int,
    placed: Sequence[Placed],
) -> list[Placed]:  # fmt: skip
    """Open a batch of one journal; who was admitted meanwhile is left out and told."""
    shape = book.shape
    async with connection.transaction():
        own = (placed[0][0],) if shape is Shape.CLUSTER else ()
        await connection.fetchval(SHAPED[shape]["lock_head"], journal, *own)
        found = await patients(connection, shape, placed)
        free = [one for one in placed if found[one[1].person_no].open_stay is None]
        await _write(connection, book, keyring, free, found)
    return [one for one in placed if one not in free]


async def _write(
    connection: Connection[Record], book: Book, keyring: Keyring, placed: Sequence[Placed],
    found: dict[str, Patient],
) -> None:  # fmt: skip
    queries, at = IMPORTS[book.shape], book.moment.at
    lanes = [lane for lane, _ in placed]
    stays = [each for _, each in placed]
    persons = [each.person_no for each in stays]
    numbers = [book.numbers.next(lane, book.moment.business_day) for lane in lanes]
    await fetch_keys(
        connection, queries, "open_stays", lanes, persons, numbers,
        [found[number].latest_visit for number in persons],
        [each.begun_at for each in stays], [at] * len(stays),
        [each.institution for each in stays], [each.scheme for each in stays],
        [
            seal_payload(_admission(each), keyring, visit_record(lane, number, 0))
            for lane, number, each in zip(lanes, numbers, stays, strict=True)
        ],
    )  # fmt: skip
    await _carry_segments(connection, book.shape, lanes, numbers, stays, at)
    await fetch_keys(
        connection, queries, "keep_opening_stays", lanes, persons, numbers,
        [each.institution for each in stays], [each.earlier_no for each in stays],
        [each.fingerprint for each in stays], [each.source for each in stays],
    )  # fmt: skip
    await fetch_keys(connection, queries, "set_open_stays", lanes, persons, numbers)


async def _carry_segments(
    connection: Connection[Record], shape: Shape, lanes: Sequence[int], numbers: Sequence[int],
    stays: Sequence[OpenStay], at: datetime,
) -> None:  # fmt: skip
    """The deductible that was borne already: a segment without a settlement of ours."""
    carried = [
        (lane, number, each)
        for lane, number, each in zip(lanes, numbers, stays, strict=True)
        if each.borne_fen
    ]
    heads = [
        SegmentHead(final=False, covers=[], deductible_fen=each.borne_fen, year=each.borne_year)
        for _, _, each in carried
    ]
    await fetch_keys(
        connection, IMPORTS[shape], "carry_segments", [lane for lane, _, _ in carried],
        [number for _, number, _ in carried], [at] * len(carried), list(map(head_text, heads)),
    )  # fmt: skip


def _admission(stay: OpenStay) -> Admission:
    """What 2401 would have said, as far as the file says it."""
    kept: dict[str, object] = {BROUGHT_ALONG: stay.earlier_no}
    if stay.doctor:
        kept["atddr_no"] = stay.doctor
    return Admission(
        msgid="", inpatient_no=stay.inpatient_no, care_type=stay.care_type,
        begun_at=stay.begun_at, kept=kept,
    )  # fmt: skip
