"""`settlement traces`: boxes of drugs that were sold twice, listed for operators."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from pathlib import Path

from settlement.embedded.errors import ServiceError
from settlement.embedded.services import open_database
from settlement.said import UNUSABLE, Said
from settlement.storage.connect import connect_plain
from settlement.storage.traces import RepeatedTrace, repeated_traces


def traces(data_dir: Path, *, as_json: bool) -> Said:
    """Trace codes (药品追溯码) that more than one standing sale names."""
    try:
        found = asyncio.run(_traces(data_dir))
    except ServiceError as exc:
        return Said(UNUSABLE, f"settlement: {exc}")
    return Said(0, traces_json(found) if as_json else traces_table(found))


async def _traces(data_dir: Path) -> tuple[RepeatedTrace, ...]:
    async with open_database(data_dir, os.environ) as database:
        connection = await connect_plain(database.app_dsn, name="settlement-operator")
        try:
            return await repeated_traces(connection)
        finally:
            await connection.close()


def traces_json(found: Sequence[RepeatedTrace]) -> str:
    """For machines; numbers of settlements are text, as everywhere outside."""
    return json.dumps(
        [{"trace": one.key.hex(), "setl_ids": list(map(str, one.setl_ids))} for one in found]
    )


def traces_table(found: Sequence[RepeatedTrace]) -> str:
    """For people, a code a line."""
    if not found:
        return "没有重复售出的追溯码 no box was sold twice"
    lines = [f"{one.key.hex()}  {'  '.join(map(str, one.setl_ids))}" for one in found]
    return "\n".join(["重复售出 trace (hash), setl_ids", *lines])
