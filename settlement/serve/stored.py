"""`settlement stored`: what was uploaded that is only stored (仅存储), counted for operators."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path

import msgspec

from protocol.nhsa.registry import TYPED
from settlement.clock import CHINA, local_time
from settlement.embedded.errors import ServiceError
from settlement.embedded.services import open_database
from settlement.said import UNUSABLE, Said
from settlement.storage.connect import connect_plain
from settlement.storage.uploads import Stored, UndoneList, count_uploads, lists_of_undone


def stored(data_dir: Path, *, since: date | None, as_json: bool) -> Said:
    """Counts by transaction, and the settlement lists whose settlement was undone."""
    try:
        return asyncio.run(_stored(data_dir, since or date(2000, 1, 1), as_json=as_json))
    except ServiceError as exc:
        return Said(UNUSABLE, f"settlement: {exc}")


async def _stored(data_dir: Path, since: date, *, as_json: bool) -> Said:
    at = datetime.combine(since, time(), CHINA).astimezone(UTC)
    async with open_database(data_dir, os.environ) as database:
        connection = await connect_plain(database.app_dsn, name="settlement-operator")
        try:
            counts = await count_uploads(connection, at)
            undone = await lists_of_undone(connection, at)
        finally:
            await connection.close()
    return Said(0, stored_json(counts, undone) if as_json else stored_table(counts, undone))


def stored_json(counts: Sequence[Stored], undone: Sequence[UndoneList]) -> str:
    """For machines; numbers of ours are text, as everywhere outside."""
    rows = [
        {
            "infno": one.infno,
            "stored": one.stored,
            "first_at": local_time(one.first_at),
            "last_at": local_time(one.last_at),
        }
        for one in counts
    ]
    lists = [
        {
            "setl_list_id": str(one.upload_id),
            "institution": one.institution,
            "setl_id": str(one.setl_id),
            "undone_by": str(one.undone_by),
            "undone_at": local_time(one.undone_at),
        }
        for one in undone
    ]
    return msgspec.json.encode({"stored": rows, "lists_of_undone": lists}).decode()


def stored_table(counts: Sequence[Stored], undone: Sequence[UndoneList]) -> str:
    """For people, a transaction a line, then a list a line."""
    if not counts:
        return "没有仅存储的数据 nothing was uploaded that is only stored"
    lines = ["仅存储 infno, count, first, last"]
    lines += [
        f"{one.infno}  {one.stored}  {local_time(one.first_at):%Y-%m-%d %H:%M:%S}"
        f"  {local_time(one.last_at):%Y-%m-%d %H:%M:%S}  {TYPED[one.infno].title}"
        for one in counts
    ]
    if undone:
        lines.append("结算已撤销的清单 setl_list_id, institution, setl_id, undone_by")
    lines += [
        f"{one.upload_id}  {one.institution}  {one.setl_id}  {one.undone_by}" for one in undone
    ]
    return "\n".join(lines)
