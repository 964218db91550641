"""The background process: loops that keep house, each under its lease.

`python -m settlement.serve.background`, started by the supervisor only.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from settlement.serve.child import Stopping, run_child, say_at_work
from settlement.serve.config import WorkerConfig
from settlement.storage.keyfile import KeyFile, key_file
from settlement.storage.platform_key import load_platform_key, platform_key_file
from settlement.storage.seal_key import load_seal_keys, seal_key_file
from settlement.telemetry.metrics import Board
from settlement.workers.registry import all_loops
from settlement.workers.runner import run_loops

PUBLISH_SECONDS = 1.0


async def work(config: WorkerConfig, stopping: Stopping) -> None:
    """Run the loops until told to stop."""
    board = Board(Path(config.run_dir), config.place, looks_at_disk=True)
    board.resume()
    secrets = Path(config.data_dir) / "secrets"
    keyring = KeyFile(key_file(secrets, os.environ)).follow(asyncio.get_running_loop())
    signing = load_platform_key(platform_key_file(secrets, os.environ))
    seal_keys = load_seal_keys(seal_key_file(secrets, os.environ))
    seal_key = None if seal_keys is None else seal_keys.signing
    loops = all_loops(keyring, signing, seal_key)
    say_at_work()
    async with asyncio.TaskGroup() as group:
        group.create_task(run_loops(config.app_dsn, loops, stopping.asked))
        group.create_task(publish(board, stopping))


async def publish(board: Board, stopping: Stopping) -> None:
    """Show this process's numbers until it is to stop."""
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
