"""One child process under the supervisor: start it, start it again when it dies, stop it.

A child that dies while the server starts is a failed start; later it is started again, after a
pause that doubles while it keeps dying.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
from asyncio.subprocess import PIPE, Process

import msgspec

from settlement.serve.config import AT_WORK, WorkerConfig

logger = logging.getLogger("settlement.serve")

PAUSE_SECONDS_MIN = 0.1
PAUSE_SECONDS_MAX = 5.0
WELL_SECONDS = 30.0
"""After so long a child counts as well, and its next death is a first one."""


class ChildError(Exception):
    """A child did not get to work; its own log says why."""


class Child:
    """One place among the server's processes, whoever occupies it."""

    def __init__(self, module: str, config: WorkerConfig, *, start_seconds: float) -> None:
        self._module = module
        self._config = config
        self._start_seconds = start_seconds
        self._process: Process | None = None
        self._stopping = False

    async def start(self) -> None:
        """Start it and wait until it is at work. Raises ChildError."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", self._module, stdin=PIPE, stdout=PIPE
        )
        self._process = process
        stdin, stdout = process.stdin, process.stdout
        if stdin is None or stdout is None:
            raise ChildError(f"{self._config.place} has no pipes")
        line = b""
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(self._start_seconds):
                # The pipe stays open for as long as we live: its end tells the child.
                stdin.write(msgspec.json.encode(self._config) + b"\n")
                await stdin.drain()
                line = await stdout.readline()
        if line != AT_WORK:
            await self._kill()
            raise ChildError(
                f"{self._config.place} did not start (exit status {process.returncode}); "
                "its log is printed above."
            )
        logger.info(
            "process started",
            extra={"event": "child.started", "place": self._config.place, "child": process.pid},
        )

    async def keep(self) -> None:
        """Start it again whenever it dies; runs until cancelled."""
        loop = asyncio.get_running_loop()
        pause = PAUSE_SECONDS_MIN
        while True:
            since = loop.time()
            status = await self._process.wait() if self._process is not None else None
            if loop.time() - since >= WELL_SECONDS:
                pause = PAUSE_SECONDS_MIN
            logger.error(
                "process died",
                extra={"event": "child.died", "place": self._config.place, "status": status},
            )
            await asyncio.sleep(pause)
            pause = min(pause * 2, PAUSE_SECONDS_MAX)
            try:
                await self.start()
            except ChildError as exc:
                logger.error(str(exc), extra={"event": "child.start.failed"})

    def terminate(self) -> None:
        """Ask it to stop; a second time means hurry."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)

    async def stop(self, limit_seconds: float, hurry: asyncio.Event) -> None:
        """Ask it to stop and wait; kill it when the limit has passed, soon where `hurry` is set."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        self.terminate()
        ended = asyncio.ensure_future(process.wait())
        hurried = asyncio.ensure_future(_hurried(hurry))
        await asyncio.wait(
            {ended, hurried}, timeout=limit_seconds, return_when=asyncio.FIRST_COMPLETED
        )
        hurried.cancel()
        if not ended.done():
            logger.warning(
                "process did not stop in time",
                extra={"event": "child.killed", "place": self._config.place},
            )
            await self._kill()
        await ended

    async def _kill(self) -> None:
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()


HURRY_SECONDS = 2.0
"""What a child gets after the second signal."""


async def _hurried(hurry: asyncio.Event) -> None:
    await hurry.wait()
    await asyncio.sleep(HURRY_SECONDS)
