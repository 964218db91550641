"""A child process as the supervisor starts them, which can stop itself as soon as it is at work.

`python -m tests.kit.hanging_child`; its place says what it does: `hangs`, or anything else.
"""

from __future__ import annotations

import os
import signal

from settlement.serve.child import Stopping, beating, run_child, say_at_work
from settlement.serve.config import WorkerConfig


async def main(config: WorkerConfig, stopping: Stopping) -> None:
    """Give signs of life; stopped by a signal, no more."""
    say_at_work()
    async with beating():
        if config.place == "hangs":
            os.kill(os.getpid(), signal.SIGSTOP)
        await stopping.asked.wait()


if __name__ == "__main__":
    run_child(main)
