"""Runs background loops: a lease each, steps at their interval, failures told and tried again.

No step runs without its lease; a lease ends with its connection, so that another node takes over
at its next try when this one is killed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from settlement.storage.errors import StorageError
from settlement.storage.lease import PlainConnection, connection_for, take_lease
from settlement.telemetry.metrics import METRICS
from settlement.workers.registry import Loop

logger = logging.getLogger("settlement.workers")

FAILURE_PAUSE_SECONDS = 2.0


async def run_loops(dsn: str, loops: Iterable[Loop], stopping: asyncio.Event) -> None:
    """Run all loops until `stopping` is set; each finishes the step it is in."""
    async with asyncio.TaskGroup() as group:
        for loop in loops:
            group.create_task(_run(dsn, loop, stopping), name=loop.name)


async def _run(dsn: str, loop: Loop, stopping: asyncio.Event) -> None:
    """One loop for ever: connect, take the lease, step; again after a failure."""
    while not stopping.is_set():
        try:
            async with connection_for(dsn, f"settlement-{loop.name}") as connection:
                await _run_leased(connection, loop, stopping)
        except StorageError as exc:
            METRICS.background_failures += 1
            logger.warning(
                "background loop failed; it will be tried again",
                exc_info=exc,
                extra={"event": "loop.failed", "loop": loop.name},
            )
            await _pause(stopping, FAILURE_PAUSE_SECONDS)


async def _run_leased(connection: PlainConnection, loop: Loop, stopping: asyncio.Event) -> None:
    held = False
    while not stopping.is_set():
        if not held:
            held = await take_lease(connection, loop.lease)
            if held:
                logger.info("lease taken", extra={"event": "loop.started", "loop": loop.name})
        if held:
            await loop.step(connection)
        await _pause(stopping, loop.every_seconds)


async def _pause(stopping: asyncio.Event, seconds: float) -> None:
    """Wait, but not for longer than until `stopping` is set."""
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        return
