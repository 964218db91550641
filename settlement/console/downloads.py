"""A download that a process of its own writes: started when somebody reads, ended when nobody does.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator

PIECE_BYTES = 64 * 1024
STATEMENTS = ("-m", "settlement.finance.statement_job")
PAPERS = ("-m", "settlement.finance.paper_job")


class DownloadBrokenError(Exception):
    """Its writer failed: what came so far is not the whole."""


class Download:
    """One file; `pieces` once."""

    def __init__(
        self, command: tuple[str, ...], job: bytes, turns: asyncio.Semaphore
    ) -> None:
        self._command = command
        self._job = job
        self._turns = turns

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """The file, as it is written. Raises DownloadBrokenError."""
        async with self._turns:
            process = await asyncio.create_subprocess_exec(
                sys.executable, *self._command, stdin=PIPE, stdout=PIPE
            )
            try:
                if process.stdin is None or process.stdout is None:
                    raise DownloadBrokenError("its writer has no pipes")
                process.stdin.write(self._job)
                process.stdin.close()
                while piece := await process.stdout.read(PIECE_BYTES):
                    yield piece
                status = await process.wait()
                if status:
                    raise DownloadBrokenError(f"its writer ended with {status}")
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
