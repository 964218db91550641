"""Downloads: a file that a process of its own writes, started when somebody reads and ended when
nobody does; a bill as it was kept, and the rows of a month with another region, a piece at a time.
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator

from settlement.serve.regional_reports import legs_in_pieces
from settlement.storage import bills, regional_clearing
from settlement.storage.connect import connect_plain
from settlement.storage.errors import translate
from settlement.storage.regional_clearing import Place

PIECE_BYTES = 64 * 1024
PIECE_SECONDS = 15.0
NAME = "settlement-console"
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


async def kept_bill(
    dsn: str, turns: asyncio.Semaphore, lane: int, sha256: bytes
) -> AsyncGenerator[bytes, None]:
    """The bytes of a bill as they came, held against their hash. Raises DownloadBrokenError."""
    async with turns:
        connection = await connect_plain(dsn, name=NAME, seconds=PIECE_SECONDS)
        running = hashlib.sha256()
        try:
            async for piece in bills.content_of(connection, lane, sha256):
                running.update(piece)
                yield piece
        except Exception as exc:
            if translate(exc) is None:
                raise
            raise DownloadBrokenError("the database gave no more of it") from exc
        finally:
            await connection.close()
        if running.digest() != sha256:
            raise DownloadBrokenError("the bill is not as it came")


async def region_legs(
    dsn: str, turns: asyncio.Semaphore, place: Place, institution: str | None
) -> AsyncGenerator[bytes, None]:
    """The rows of a period as CSV that spreadsheets open. Raises DownloadBrokenError."""
    async with turns:
        connection = await connect_plain(dsn, name=NAME, seconds=PIECE_SECONDS)
        legs = regional_clearing.legs_of(connection, place, institution=institution)
        try:
            async for piece in legs_in_pieces(legs):
                yield piece.encode()
        except Exception as exc:
            if translate(exc) is None:
                raise
            raise DownloadBrokenError("the database gave no more of it") from exc
        finally:
            await connection.close()
