"""What every child process does: read its configuration, hear when to stop, tell when it works."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import uvloop

from settlement.serve.config import AT_WORK, BEAT, BEAT_SECONDS, WorkerConfig, decode_config
from settlement.serve.pages import use_large_pages
from settlement.telemetry import logs
from settlement.telemetry.private_memory import keep_memory_private

GC_YOUNG_MAX = 50_000
"""Allocations between two looks for cycles; a request leaves none, so looking is wasted time."""


class Stopping:
    """The two stages of being told to stop."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        """stop in good order"""
        self.hurried = asyncio.Event()
        """asked again: stop without waiting for anybody"""

    def ask(self) -> None:
        """Once: stop; twice: hurry."""
        if self.asked.is_set():
            self.hurried.set()
        self.asked.set()


def run_child(main: Callable[[WorkerConfig, Stopping], Awaitable[None]]) -> None:
    """Run a child's `main` until it returns."""
    keep_memory_private()
    config = decode_config(sys.stdin.buffer.readline())
    logs.configure(config.place)
    # Ctrl-C reaches the whole terminal; the supervisor alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    uvloop.run(_run(config, main))


def say_at_work() -> None:
    """Tell the supervisor, once everything that lives for long has been made."""
    gc.collect()
    gc.freeze()
    use_large_pages()
    gc.set_threshold(GC_YOUNG_MAX, 20, 100)
    os.write(sys.stdout.fileno(), AT_WORK)


@asynccontextmanager
async def beating() -> AsyncIterator[None]:
    """Give the supervisor a sign of life every second; only the event loop itself can."""
    descriptor = sys.stdout.fileno()
    os.set_blocking(descriptor, False)  # a supervisor that does not listen must not stop us

    async def beat() -> None:
        while True:
            # A full pipe has signs enough; a broken one has its own end on stdin.
            with suppress(BlockingIOError, BrokenPipeError):
                os.write(descriptor, BEAT)
            await asyncio.sleep(BEAT_SECONDS)

    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        task.cancel()


async def _run(
    config: WorkerConfig, main: Callable[[WorkerConfig, Stopping], Awaitable[None]]
) -> None:
    stopping = Stopping()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stopping.ask)
    _watch_supervisor(loop, stopping)
    await main(config, stopping)


def _watch_supervisor(loop: asyncio.AbstractEventLoop, stopping: Stopping) -> None:
    """The end of stdin means that the supervisor died, however it died."""
    descriptor = sys.stdin.fileno()

    def readable() -> None:
        if not os.read(descriptor, 4096):
            loop.remove_reader(descriptor)
            stopping.asked.set()

    loop.add_reader(descriptor, readable)
