"""`settlement notices`: what a person is told of their account that pays for relatives."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path

import msgspec

from ledger.money import yuan_text
from settlement.clock import CHINA, local_time
from settlement.embedded.errors import ServiceError
from settlement.embedded.services import open_database
from settlement.lanes import lane_of
from settlement.people.notice import Notice
from settlement.said import UNUSABLE, Said
from settlement.storage import reference
from settlement.storage.connect import connect_plain
from settlement.storage.notices import notices_of


def notices(data_dir: Path, *, person_no: str, since: date | None, as_json: bool) -> Said:
    """Messages to one person, in order."""
    try:
        found = asyncio.run(_notices(data_dir, person_no, since or date(2000, 1, 1)))
    except ServiceError as exc:
        return Said(UNUSABLE, f"settlement: {exc}")
    return Said(0, notices_json(found) if as_json else notices_text(found))


async def _notices(data_dir: Path, person_no: str, since: date) -> tuple[Notice, ...]:
    at = datetime.combine(since, time(), CHINA).astimezone(UTC)
    async with open_database(data_dir, os.environ) as database:
        connection = await connect_plain(database.app_dsn, name="settlement-operator")
        try:
            installed = await reference.installation(connection)
            if installed is None:
                return ()
            lane = lane_of(person_no, installed.lanes)
            return await notices_of(connection, lane=lane, person_no=person_no, since=at)
        finally:
            await connection.close()


def notices_json(found: Sequence[Notice]) -> str:
    """For machines, that send them on: `id` tells them apart for good."""
    rows = [
        {
            "id": str(one.entry_id),
            "at": local_time(one.moved_at),
            "kind": one.kind.name.lower(),
            "psn_no": one.psn_no,
            "setl_id": str(one.setl_id),
            "institution": one.institution,
            "amount": yuan_text(one.amount_fen),
            "balance": yuan_text(one.balance_fen),
            "text_zh": one.text_zh,
            "text_en": one.text_en,
        }
        for one in found
    ]
    return msgspec.json.encode(rows).decode()


def notices_text(found: Sequence[Notice]) -> str:
    """For people, in both languages."""
    if not found:
        return "没有共济消息 this account paid for no relative"
    return "\n".join(f"{one.text_zh}\n{one.text_en}" for one in found)
