"""The console's process: `python -m settlement.serve.console`, started by the supervisor only.

Pages and password hashes take their processor time here and from no settlement (ADR 0037).
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from settlement.console.desk import DeskSettings
from settlement.console.server import ConsoleServer
from settlement.serve.child import Stopping, run_child, say_at_work
from settlement.serve.config import WorkerConfig
from settlement.storage.keyfile import KeyFile, key_file


async def serve(config: WorkerConfig, stopping: Stopping) -> None:
    """Answer until told to stop."""
    keys = KeyFile(key_file(Path(config.data_dir) / "secrets", os.environ))
    server = ConsoleServer(
        DeskSettings(
            app_dsn=config.app_dsn, owner_dsn=config.owner_dsn,
            keyring=keys.follow(asyncio.get_running_loop()),
            run_dir=Path(config.run_dir), channels_file=config.channels_file,
            data_dir=Path(config.data_dir),
        )
    )  # fmt: skip
    await server.start(Path(config.console_socket))
    say_at_work()
    await stopping.asked.wait()
    await server.stop()


if __name__ == "__main__":
    run_child(serve)
