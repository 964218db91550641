"""What is held about one person as the database has it; its erasure, row by row, and its steps.

Runs as the schema's owner beside running gateways. Rows that are changed here nobody else changes,
but for the person's own, which is changed under the head of the lane's journal.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from datetime import date, datetime
from itertools import groupby

import msgspec
from asyncpg import Connection, Record

from ledger.postgres.shape import Shape
from settlement.committed import erased, open_committed
from settlement.keyring import ErasedError, Keyring
from settlement.people.personal_data import Act, ErasureStep, Held, OwnRow
from settlement.person import Enrolment, Identity, person_record
from settlement.storage.queries import PERSONAL
from settlement.storage.sealed_places import PLACES, Form
from settlement.storage.writer import lock_head
from settlement.usecases.filing_payloads import list_record
from settlement.usecases.visit_payloads import open_payload

BATCH = 500
"""Rows of one transaction."""
_BY_TABLE = {place.table: place for place in PLACES}
SEALED = frozenset(_BY_TABLE)
"""Tables of which each row may have something sealed."""
_NOBODY = Identity(
    name="", certificate_type="", certificate_no="", sex="", ethnic_group="",
    born_on=date(1900, 1, 1), card_no="", card_serial="", employer="",
)  # fmt: skip
_DECODE_ENROLMENTS = msgspec.json.Decoder(tuple[Enrolment, ...]).decode


async def own_row(connection: Connection[Record], lane: int, person_no: str) -> OwnRow | None:
    """The person's own row; None where there is no such person."""
    row = await connection.fetchrow(PERSONAL["person_held"], lane, person_no)
    if row is None:
        return None
    return OwnRow(
        told=msgspec.json.decode(row["told"]), account=row["account"],
        home_region=row["home_region"], key_version=row["key_version"],
        identity=row["identity"], filings=row["filings"], memberships=row["enrolments"],
        family=row["family"],
        is_under_way=row["undertaking"] is not None or row["open_stay"] is not None,
        balance_fen=row["balance_fen"], enrolments=_DECODE_ENROLMENTS(row["enrolments"]),
    )  # fmt: skip


async def held_about(
    connection: Connection[Record], lane: int, person_no: str
) -> list[Held]:
    """Everything that is held about a person but their own row, by place and number."""
    rows = await connection.fetch(PERSONAL["held_about"], lane, person_no)
    return [
        Held(
            place=row["place"], number=row["number"], part=row["part"], at=row["at"],
            is_open=row["is_open"], told=msgspec.json.decode(row["told"]),
            sealed=b"" if _is_erased(row["place"], row["sealed"]) else row["sealed"],
            key_version=row["key_version"],
        )
        for row in rows
    ]  # fmt: skip


def opened(one: Held, keyring: Keyring, lane: int) -> object:
    """What is sealed in a row. Raises UndecipherableError; ErasedError where there is nothing."""
    if not one.sealed:
        raise ErasedError("erased")
    place = _BY_TABLE[one.place]
    record = place.record(lane, one.number, one.part)
    if place.form is Form.DETAIL:
        plain = keyring.open(one.sealed, record, one.key_version)
    elif place.form is Form.COMMITTED:
        plain = open_committed(one.sealed, keyring, record)
    else:
        plain = open_payload(one.sealed, keyring, record)
    if one.place == "upload":
        plain = zlib.decompress(plain)
    if one.place == "insured_elsewhere":
        return plain.decode()
    return msgspec.json.decode(plain)


def opened_identity(own: OwnRow, keyring: Keyring, lane: int, person_no: str) -> Identity:
    """Name, certificate and cards. Raises UndecipherableError."""
    record = person_record(
        lane, person_no, account=own.account, home_region=own.home_region,
        enrolments=own.memberships, family=own.family,
    )  # fmt: skip
    plain = keyring.open(own.identity, record, own.key_version)
    return msgspec.json.decode(plain, type=Identity)


def opened_filings(own: OwnRow, keyring: Keyring, lane: int, person_no: str) -> object:
    """The filings that the person carries."""
    if not own.filings:
        return []
    sealed = base64.b64decode(own.filings)
    return msgspec.json.decode(open_payload(sealed, keyring, list_record(lane, person_no)))


async def erase_rows(
    connection: Connection[Record], lane: int, goes: Sequence[Held]
) -> dict[str, int]:
    """What lies sealed in these rows goes, some rows a transaction; how many by place. What is
    done already is done again without harm."""
    counts: dict[str, int] = {}
    for table, group in groupby(sorted(goes, key=lambda one: one.place), lambda one: one.place):
        rows = list(group)
        counts[table] = 0
        for at in range(0, len(rows), BATCH):
            counts[table] += await _erase_some(connection, lane, table, rows[at : at + BATCH])
    return counts


async def _erase_some(
    connection: Connection[Record], lane: int, table: str, some: Sequence[Held]
) -> int:
    place = _BY_TABLE[table]
    if place.form is Form.DETAIL:
        told = await connection.execute(
            PERSONAL["drop_details"], lane, [one.number for one in some]
        )
        return int(told.split()[-1])
    committed = place.form is Form.COMMITTED
    changed: int = await connection.fetchval(
        PERSONAL["reseal_rows"], place.table, place.column, place.number, place.part, "", lane,
        [one.number for one in some], [one.part for one in some], [one.sealed for one in some],
        [erased(one.sealed) if committed else b"" for one in some], 0,
    )  # fmt: skip
    return changed


async def erase_identity(
    connection: Connection[Record], keyring: Keyring, *, lane: int, person_no: str, journal: int,
    shape: Shape,
) -> None:  # fmt: skip
    """The person is a number without a name from now on, whom nothing leads to."""
    async with connection.transaction():
        await lock_head(connection, journal=journal, lane=lane, shape=shape)
        own = await own_row(connection, lane, person_no)
        if own is None:
            return
        record = person_record(
            lane, person_no, account=own.account, home_region=own.home_region, enrolments="[]",
            family="[]",
        )  # fmt: skip
        sealed = keyring.seal(msgspec.json.encode(_NOBODY), record)
        await connection.execute(
            PERSONAL["blank_person"], lane, person_no, sealed, keyring.version
        )
        await connection.execute(PERSONAL["drop_lookups"], lane, person_no)
        await connection.execute(PERSONAL["drop_tokens"], lane, person_no)


async def erasure_steps(
    connection: Connection[Record], lane: int, person_no: str
) -> list[ErasureStep]:
    """Steps of one person's erasures, in their order."""
    rows = await connection.fetch(PERSONAL["erasures_of"], lane, person_no)
    return [
        ErasureStep(
            number=row["step_no"], act=Act(row["act"]), at=row["recorded_at"],
            before_at=row["before_at"], actor=row["actor"], reason=row["reason"],
            result=row["result"],
        )
        for row in rows
    ]  # fmt: skip


async def keep_step(
    connection: Connection[Record], lane: int, person_no: str, step: ErasureStep
) -> bool:
    """Write a step down; False where somebody was first."""
    made = await connection.fetchval(
        PERSONAL["keep_erasure"], lane, person_no, step.number, int(step.act), step.at,
        step.before_at, step.actor, step.reason, step.result,
    )  # fmt: skip
    return made is not None


async def unfinished(connection: Connection[Record]) -> list[tuple[int, str]]:
    """Lanes and persons whose erasure was confirmed and not done."""
    rows = await connection.fetch(PERSONAL["unfinished_erasures"])
    return sorted({(row["lane"], row["psn_no"]) for row in rows})


async def knows(
    connection: Connection[Record], lane: int, person_no: str, at: datetime
) -> bool:
    """Whether the database knows of an erasure that was confirmed at a moment."""
    known: bool = await connection.fetchval(PERSONAL["erasure_known"], lane, person_no, at)
    return known


async def expired(connection: Connection[Record], lane: int, before_at: datetime) -> list[str]:
    """Who has lines in a lane that are older than a moment."""
    rows = await connection.fetch(PERSONAL["expired_persons"], lane, before_at)
    return [row["psn_no"] for row in rows]


def _is_erased(table: str, sealed: bytes | None) -> bool:
    if not sealed:
        return True
    place = _BY_TABLE.get(table)
    return place is not None and place.form is Form.COMMITTED and sealed == erased(sealed)
