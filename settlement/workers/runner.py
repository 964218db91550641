"""Runs background loops: a lease each, steps at their interval, failures told and tried again.

No step runs without its lease; a lease ends with its connection, so that another node takes over
at its next try when this one is killed. Where another has the lease, this one forgets what its loop
showed to operators; where only a connection was lost, that stays as it is.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from settlement.storage.errors import LostConnectionError, StorageError
from settlement.storage.lease import PlainConnection, connection_for, take_lease
from settlement.telemetry.metrics import METRICS
from settlement.workers.registry import Loop

logger = logging.getLogger("settlement.workers")

FAILURE_PAUSE_SECONDS = 2.0
LOOK_SECONDS = 15.0
"""How soon a lease that went with its connection is missed, however seldom the loop steps."""


async def run_loops(dsn: str, loops: Iterable[Loop], stopping: asyncio.Event) -> None:
    """Run all loops until `stopping` is set; each finishes the step it is in."""
    async with asyncio.TaskGroup() as group:
        for loop in loops:
            group.create_task(_run(dsn, loop, stopping), name=loop.name)


async def _run(dsn: str, loop: Loop, stopping: asyncio.Event) -> None:
    """One loop for ever: connect, take the lease, step; again after a failure. Whatever fails in
    one, the others of the process go on."""
    while not stopping.is_set():
        try:
            async with connection_for(dsn, f"settlement-{loop.name}") as connection:
                await _run_leased(connection, loop, stopping)
        except Exception as exc:
            METRICS.background_failures += 1
            ours = not isinstance(exc, StorageError)
            logger.log(
                logging.ERROR if ours else logging.WARNING,
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
            else:
                loop.forget()
        if held:
            await loop.step(connection)
        await _rest(connection, loop.every_seconds, stopping)


async def _rest(connection: PlainConnection, seconds: float, stopping: asyncio.Event) -> None:
    """Until the next step. Raises LostConnectionError where the session has ended meanwhile."""
    clock = asyncio.get_running_loop().time
    until = clock() + seconds
    while not stopping.is_set() and (left := until - clock()) > 0:
        await _pause(stopping, min(left, LOOK_SECONDS))
        if connection.is_closed():
            raise LostConnectionError("the session ended, and the lease with it")


async def _pause(stopping: asyncio.Event, seconds: float) -> None:
    """Wait, but not for longer than until `stopping` is set."""
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        return
