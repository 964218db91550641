"""Messages to whose accounts pay for relatives (共济消息), as the outbox owes them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from asyncpg import Connection, Record
from msgspec import Struct

from settlement.outbox import SMS_GATEWAY, Kind
from settlement.payments.mobile_rows import OutboxRow
from settlement.people.notice import Notice
from settlement.rows import MoveKind
from settlement.storage.queries import QUERIES, REFERENCE, SCATTER


class Untold(Struct, frozen=True, kw_only=True):
    """What moved, and nobody was told by a message."""

    lane: int
    hold_id: int
    notice: Notice
    after_hold: int | None
    """of a payment: the one before it of the same account, which is told first"""


async def gateway_since(connection: Connection[Record]) -> datetime | None:
    """Since when persons are told by messages; None where they are not."""
    found: datetime | None = await connection.fetchval(
        REFERENCE["receiver_since"], SMS_GATEWAY, Kind.SMS.value
    )
    return found


async def untold(
    connection: Connection[Record], *, after: tuple[datetime, int], limit: int
) -> list[Untold]:
    """What moved after a place (time, entry) and is not owed yet, the oldest first."""
    rows: Sequence[Record] = await connection.fetch(SCATTER["family_moves_untold"], *after, limit)
    return [
        Untold(
            lane=row["lane"], hold_id=row["hold_id"], after_hold=row["after_hold"],
            notice=Notice(
                entry_id=row["entry_id"], kind=MoveKind(row["kind"]), moved_at=row["moved_at"],
                psn_no=row["psn_no"], patient_no=row["patient_no"],
                institution=row["institution"], setl_id=row["setl_id"],
                amount_fen=row["amount_fen"], balance_fen=row["balance_fen"],
            ),
        )
        for row in rows
    ]  # fmt: skip


async def owe(connection: Connection[Record], row: OutboxRow) -> bool:
    """A message is owed from now on; False where it was before."""
    found = await connection.fetchval(
        QUERIES["owe_family_message"], row.lane, row.case_no, row.notice_no, row.told_at,
        row.kind, row.topic, row.institution, row.payload, row.after_case,
    )  # fmt: skip
    return found is not None
