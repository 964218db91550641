"""The background process: loops that keep house, each under its lease.

`python -m settlement.serve.background`, started by the supervisor only.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from settlement.serve.child import Stopping, run_child, say_at_work
from settlement.serve.config import WorkerConfig
from settlement.telemetry.metrics import Board
from settlement.workers.registry import LOOPS
from settlement.workers.runner import run_loops

PUBLISH_SECONDS = 1.0


async def work(config: WorkerConfig, stopping: Stopping) -> None:
    """Run the loops until told to stop."""
    board = Board(Path(config.run_dir), config.place)
    board.resume()
    say_at_work()
    async with asyncio.TaskGroup() as group:
        group.create_task(run_loops(config.app_dsn, LOOPS, stopping.asked))
        group.create_task(_publish(board, stopping))


async def _publish(board: Board, stopping: Stopping) -> None:
    while not stopping.asked.is_set():
        board.publish()
        try:
            async with asyncio.timeout(PUBLISH_SECONDS):
                await stopping.asked.wait()
        except TimeoutError:
            continue
    board.publish()


if __name__ == "__main__":
    run_child(work)
