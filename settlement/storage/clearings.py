"""Clearing applications and their cancels: append-only, in the lane of the institution."""

from __future__ import annotations

from asyncpg import Connection, Record
from msgspec import Struct

from settlement.books.clearing import Applicant, Claimed
from settlement.storage.queries import QUERIES


class FoundApplication(Struct, frozen=True, kw_only=True):
    """An application that a message made before."""

    application_no: int
    claimed: Claimed


async def of_message(
    connection: Connection[Record], applicant: Applicant
) -> FoundApplication | None:
    """What this message made, if it came before."""
    row = await connection.fetchrow(
        QUERIES["clearing_of_message"], applicant.lane, applicant.institution, applicant.msgid
    )
    if row is None:
        return None
    fields = dict(row)
    number = fields.pop("application_no")
    return FoundApplication(application_no=number, claimed=Claimed(**fields))


async def apply(
    connection: Connection[Record], applicant: Applicant, claimed: Claimed, *, application_no: int
) -> bool:
    """Keep an application; False where another of the same month, type and office stands, or the
    same message was written at the same time."""
    kept = await connection.fetchval(
        QUERIES["apply_clearing"], applicant.lane, application_no, applicant.institution,
        claimed.month, claimed.clearing_type, applicant.clearing_office, applicant.at,
        claimed.settlement_count, claimed.total_fen, claimed.recognised_fen, claimed.fund_fen,
        claimed.account_fen, claimed.cash_fen, claimed.clearing_way, applicant.operator,
        applicant.operator_name, applicant.msgid,
    )  # fmt: skip
    return kept is not None


async def standing(
    connection: Connection[Record], applicant: Applicant, claimed: Claimed
) -> int | None:
    """The application that stands for the same month, type and office."""
    found: int | None = await connection.fetchval(
        QUERIES["standing_clearing"], applicant.lane, applicant.institution, claimed.month,
        claimed.clearing_type, applicant.clearing_office,
    )  # fmt: skip
    return found


async def cancel(
    connection: Connection[Record], applicant: Applicant, application_no: int
) -> str | None:
    """Cancel an application of this institution; the msgid that cancelled it, now or before, or
    None where there is no such application."""
    place = (applicant.lane, application_no, applicant.institution)
    if await connection.fetchrow(QUERIES["clearing_by_number"], *place) is None:
        return None
    await connection.execute(
        QUERIES["cancel_clearing"], applicant.lane, application_no, applicant.at,
        applicant.operator, applicant.operator_name, applicant.msgid,
    )  # fmt: skip
    found = await connection.fetchrow(QUERIES["clearing_by_number"], *place)
    cancelled_by: str = found["cancelled_by"]
    return cancelled_by
