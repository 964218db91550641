"""Clearing between cities: the rows of people insured elsewhere, and what institutions say of them.

Rows lie with the settlements, in the lanes of the persons; steps in the lane of the institution.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from asyncpg import Connection, Record

from settlement.books.clearing import last_day
from settlement.clock import local_time
from settlement.elsewhere.cross_city import ListedRow, Speaker, Step, StepKind
from settlement.keyring import Keyring
from settlement.storage.queries import QUERIES, SCATTER
from settlement.usecases.visit_payloads import open_payload


class CrossCityList:
    """The list of an institution in a region."""

    def __init__(
        self, *, institution: str, region: str, account_counts: bool, keyring: Keyring
    ) -> None:
        self._institution = institution
        self._region = region
        self._account_counts = account_counts
        self._keyring = keyring

    async def page(
        self, connection: Connection[Record], month: date, *, skipped: int, rows_max: int
    ) -> list[ListedRow]:
        """Rows of a month in their order, behind those skipped."""
        return await self._read(connection, month, None, rows_max, skipped)

    async def named(
        self, connection: Connection[Record], month: date, settlement_nos: Sequence[str]
    ) -> dict[str, ListedRow]:
        """The rows of a month with these numbers, by number."""
        rows = await self._read(connection, month, list(settlement_nos), None, 0)
        return {row.settlement_no: row for row in rows}

    async def _read(
        self, connection: Connection[Record], month: date, settlement_nos: list[str] | None,
        rows_max: int | None, skipped: int,
    ) -> list[ListedRow]:  # fmt: skip
        rows = await connection.fetch(
            SCATTER["cross_city_rows"], self._institution, month, last_day(month), self._region,
            settlement_nos, rows_max, skipped,
        )  # fmt: skip
        return [self._row(row) for row in rows]

    def _row(self, row: Record) -> ListedRow:
        record = certificate_record(row["lane"], row["setl_id"])
        account_fen = row["account_fen"] if self._account_counts else 0
        return ListedRow(
            setl_id=row["setl_id"],
            certificate_no=open_payload(row["certificate"], self._keyring, record).decode(),
            visit_no=row["visit_no"],
            settlement_no=row["settlement_no"],
            settled_at=local_time(row["setl_time"]).replace(microsecond=0),
            paid_in_advance=row["paid_in_advance"],
            total_fen=row["total_fen"],
            agency_fen=row["fund_fen"] + account_fen,
        )


def certificate_record(lane: int, setl_id: int) -> bytes:
    """The associated data of a certificate beside a settlement."""
    return f"elsewhere/{lane}/{setl_id}".encode()


async def of_message(
    connection: Connection[Record], speaker: Speaker, kind: StepKind
) -> Step | None:
    """What this message did, if it came before."""
    row = await connection.fetchrow(
        QUERIES["cross_city_step_of_message"], speaker.lane, speaker.institution, kind,
        speaker.msgid,
    )  # fmt: skip
    return None if row is None else _step(row)


async def steps_of(connection: Connection[Record], speaker: Speaker, month: date) -> list[Step]:
    """What the institution said of a month so far, in order."""
    rows = await connection.fetch(
        QUERIES["cross_city_steps"], speaker.lane, speaker.institution, month
    )
    return [_step(row) for row in rows]


async def keep_step(connection: Connection[Record], speaker: Speaker, step: Step) -> bool:
    """Keep the next step of a month; False where somebody else took its number, or the same message
    was kept at the same time."""
    kept = await connection.fetchval(
        QUERIES["keep_cross_city_step"], speaker.lane, speaker.institution, step.month,
        step.step_no, step.kind, step.reference, step.withdraws, step.fingerprint,
        step.included, step.left_out, speaker.at, speaker.operator, speaker.operator_name,
        speaker.msgid,
    )  # fmt: skip
    return kept is not None


def _step(row: Record) -> Step:
    return Step(
        month=row["month"],
        step_no=row["step_no"],
        kind=StepKind(row["kind"]),
        reference=row["reference"],
        withdraws=row["withdraws"],
        fingerprint=row["fingerprint"],
        included=tuple(row["included"]),
        left_out=tuple(row["left_out"]),
    )
