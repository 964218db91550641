"""Where a gateway process receives files for import: sealed onto the disk, a row for the job.

It imports nothing and could not: it knows the application's login only. The importer
(serve/importer.py) finds the job in the database and the file in the same directory.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from settlement.clock import Clock, system_clock
from settlement.gateway import Unavailable
from settlement.import_job import (
    ENCODE,
    ENDED,
    Admitted,
    DigestDiffers,
    ImportKey,
    ImportRequest,
    TooManyWaiting,
)
from settlement.keyring import Keyring
from settlement.limits import Limits
from settlement.storage import import_jobs
from settlement.storage.connect import Reconnecting
from settlement.storage.errors import StorageError
from settlement.storage.import_spool import SealedFile, sealed_file, spool_directory


class ImportDesk:
    """`settlement.import_job.ImportOffice` of one process."""

    def __init__(
        self, *, dsn: str, keyring: Keyring, data_dir: Path, limits: Limits,
        clock: Clock = system_clock,
    ) -> None:  # fmt: skip
        self._side = Reconnecting(dsn, "settlement-imports")
        self._keyring = keyring
        self._directory = spool_directory(data_dir)
        self._limits = limits
        self._clock = clock

    async def key(self, access_key: str) -> ImportKey | None:
        """The key of an operator; None where there is none. Raises Unavailable."""
        try:
            async with self._side.use() as connection:
                return await import_jobs.read_key(connection, self._keyring, access_key)
        except StorageError as exc:
            raise Unavailable("later") from exc

    async def known(self, request: ImportRequest) -> Admitted | None:
        """The job of a file that need not come again: it is over, or its file is here. Raises
        Unavailable."""
        try:
            async with self._side.use() as connection:
                found = await import_jobs.same_job(connection, request)
        except StorageError as exc:
            raise Unavailable("later") from exc
        if found is None:
            return None
        job_no, state = found
        if state not in ENDED and not sealed_file(self._directory, job_no).exists():
            return None
        return Admitted(job_no=job_no, state=state, again=True)

    async def expect(self, request: ImportRequest) -> ArrivingFile:
        """Get ready for a file. Raises TooManyWaiting, Unavailable."""
        try:
            async with self._side.use() as connection:
                if await import_jobs.jobs_waiting(connection) >= self._limits.imports_waiting_max:
                    raise TooManyWaiting
                job_no = await import_jobs.next_job_no(connection)
            file = SealedFile(self._directory, job_no, request.digest, self._keyring)
        except (StorageError, OSError) as exc:
            raise Unavailable("later") from exc
        return ArrivingFile(self, file, request, job_no)

    async def report(self, job_no: int) -> bytes | None:
        """A job as JSON; None where there is none. Raises Unavailable."""
        try:
            async with self._side.use() as connection:
                found = await import_jobs.report(connection, job_no)
        except StorageError as exc:
            raise Unavailable("later") from exc
        return None if found is None else ENCODE(found)

    async def admit(self, file: SealedFile, request: ImportRequest, job_no: int) -> Admitted:
        """A whole file becomes a job. The file has its name first, so that no job is without one;
        if the very same file waits already, this is its file as well."""
        file.keep(job_no)
        kept = sealed_file(self._directory, job_no)
        try:
            async with self._side.use() as connection:
                added = await import_jobs.add_job(
                    connection, request, job_no=job_no, size_bytes=file.size_bytes,
                    at=self._clock(),
                )  # fmt: skip
                if added:
                    return Admitted(job_no=job_no, state="waiting", again=False)
                found = await import_jobs.same_job(connection, request)
        except StorageError as exc:
            raise Unavailable("later") from exc
        if found is None:
            kept.unlink(missing_ok=True)
            raise Unavailable("later")
        kept.replace(sealed_file(self._directory, found[0]))
        return Admitted(job_no=found[0], state=found[1], again=True)

    def close(self) -> None:
        """Drop the connection."""
        self._side.close()


class ArrivingFile:
    """`settlement.import_job.Arrival`."""

    def __init__(
        self, desk: ImportDesk, file: SealedFile, request: ImportRequest, job_no: int
    ) -> None:
        self._desk = desk
        self._file = file
        self._request = request
        self._job_no = job_no

    async def take(self, piece: bytes) -> None:
        """The next bytes; sealed and written by a thread. Raises Unavailable where the disk does
        not take them."""
        try:
            await asyncio.to_thread(self._file.take, piece)
        except OSError as exc:
            raise Unavailable("later") from exc

    async def complete(self) -> Admitted:
        """That was all of it. Raises DigestDiffers, Unavailable."""
        try:
            if not await asyncio.to_thread(self._file.finish):
                raise DigestDiffers
        except OSError as exc:
            raise Unavailable("later") from exc
        return await self._desk.admit(self._file, self._request, self._job_no)

    def abandon(self) -> None:
        """It will never be complete."""
        self._file.drop()
