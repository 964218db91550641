"""One child process under the supervisor: start it, start it again when it dies, stop it.

A child that dies while the server starts is a failed start; later it is started again, after a
pause that doubles while it keeps dying. One that hangs is killed first, where that is asked for.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Coroutine

import msgspec

from settlement.serve.config import AT_WORK, BEAT_SECONDS, WorkerConfig

logger = logging.getLogger("settlement.serve")

PAUSE_SECONDS_MIN = 0.1
PAUSE_SECONDS_MAX = 5.0
WELL_SECONDS = 30.0
"""After so long a child counts as well, and its next death is a first one."""


_BEATS_MAX = 1 << 16
"""All that the pipe may have."""


class ChildError(Exception):
    """A child did not get to work; its own log says why."""


class Child:
    """One place among the server's processes, whoever occupies it."""

    def __init__(
        self, module: str, config: WorkerConfig, *, start_seconds: float,
        silent_seconds_max: int | None = None,
    ) -> None:
        self._module = module
        self._config = config
        self._start_seconds = start_seconds
        self._silent_seconds_max = silent_seconds_max
        """a child that gives no sign of life for so long hangs; None: it gives none at all"""
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
            status = await self._ended()
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

    async def _ended(self) -> int | None:
        """Its exit status, once it has died or hung and was killed."""
        process = self._process
        if process is None or process.stdout is None or self._silent_seconds_max is None:
            return await process.wait() if process is not None else None
        silent = 0
        # Counted in looks, not by the clock: where we ourselves were stopped, nobody else hangs.
        while silent < self._silent_seconds_max:
            heard = await _heard(process.wait(), process.stdout.read(_BEATS_MAX))
            if process.returncode is not None:
                return process.returncode
            silent = 0 if heard else silent + 1
        logger.error(
            "process gives no sign of life and is killed",
            extra={"event": "child.hung", "place": self._config.place, "child": process.pid},
        )
        await self._kill()
        return process.returncode

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


async def _heard(end: Coroutine[None, None, int], sign: Coroutine[None, None, bytes]) -> bool:
    """Whether there was a sign of life between two beats; the end of both is not waited for."""
    ended, heard = asyncio.ensure_future(end), asyncio.ensure_future(sign)
    try:
        await asyncio.wait({ended, heard}, timeout=BEAT_SECONDS)
        return heard.done() and heard.result() != b""
    finally:
        ended.cancel()
        heard.cancel()


HURRY_SECONDS = 2.0
"""What a child gets after the second signal."""


async def _hurried(hurry: asyncio.Event) -> None:
    await hurry.wait()
    await asyncio.sleep(HURRY_SECONDS)
