"""The importer: runs the files that gateways received, one after the other, as the schema's owner;
looks after the bills of payment channels (settlement/workers/bills.py), and compares days with
other regions (settlement/serve/regional_round.py).

`python -m settlement.serve.importer`, started by the supervisor only. It listens to nobody and
serves nobody, so an import that takes all of a core or all of its memory takes them from no
settlement (ADR 0025). It runs the jobs whose file lies in its own data directory. A job that was
cut short is begun again: the same file again does the rest (ADR 0018).
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from contextlib import suppress
from pathlib import Path

from settlement.channels.config import load_tills
from settlement.channels.registry import NO_TILLS
from settlement.channels.signer import Signer
from settlement.clock import system_clock
from settlement.embedded.errors import ServiceError
from settlement.import_job import ATTEMPTS_MAX, Counted, Result, first_faults
from settlement.intake.faults import FileError, Told
from settlement.intake.order import Order, Progress
from settlement.keyring import UndecipherableError
from settlement.policy.errors import PolicyError
from settlement.region.hub_config import HubConfigError
from settlement.serve.background import publish
from settlement.serve.child import Stopping, run_child, say_at_work
from settlement.serve.config import WorkerConfig
from settlement.serve.imports import AnotherRunsError, Imported, import_file, said
from settlement.serve.regional_round import RegionRound, over_the_hub
from settlement.storage import import_jobs as store
from settlement.storage.errors import StorageError
from settlement.storage.import_jobs import OpenJob
from settlement.storage.import_spool import sealed_file, spool_directory, unseal
from settlement.storage.keyfile import KeyFileError, key_file, load_keyring
from settlement.storage.lease import PlainConnection, connection_for
from settlement.telemetry.metrics import Board
from settlement.workers.registry import owner_loops
from settlement.workers.runner import run_loops

logger = logging.getLogger("settlement.importer")

LOOK_SECONDS = 1.0
"""How often it looks for a job, and tells how far the one it runs is."""
FAILURE_PAUSE_SECONDS = 5.0
STRAY_SECONDS = 3_600.0
"""A file that belongs to no open job for so long is not wanted."""
_FAILURES = (
    ServiceError, PolicyError, KeyFileError, UndecipherableError, HubConfigError, OSError,
)  # fmt: skip
"""What another try would not mend; a lost database it would."""


class Importer:
    """The jobs of one data directory."""

    def __init__(self, config: WorkerConfig, stopping: asyncio.Event) -> None:
        self._owner_dsn = config.owner_dsn
        self._room = Path(config.data_dir)
        self._directory = spool_directory(self._room)
        self._plain = self._directory / "open"
        self._stopping = stopping

    async def run(self) -> None:
        """Job after job, until told to stop; a lost database is waited for."""
        while not self._stopping.is_set():
            try:
                async with connection_for(self._owner_dsn, "settlement-importer") as connection:
                    await self._work(connection)
            except StorageError as exc:
                extra = {"event": "importer.failed"}
                logger.warning("the importer has no database", exc_info=exc, extra=extra)
                await self._pause(FAILURE_PAUSE_SECONDS)

    async def _work(self, connection: PlainConnection) -> None:
        while not self._stopping.is_set():
            shutil.rmtree(self._plain, ignore_errors=True)
            jobs = list(await store.open_jobs(connection))
            self._tidy({job.job_no for job in jobs})
            ours = (job for job in jobs if sealed_file(self._directory, job.job_no).exists())
            job = next(ours, None)
            if job is None or not await self._run(connection, job):
                await self._pause(LOOK_SECONDS)

    async def _run(self, connection: PlainConnection, job: OpenJob) -> bool:
        """One job, until it is over or we are to stop; False where it has to wait."""
        if job.attempts >= ATTEMPTS_MAX:
            problem = Told(
                f"导入{ATTEMPTS_MAX}次均中断", f"the import died {ATTEMPTS_MAX} times"
            )
            await self._end(connection, job, "failed", Result(message=problem))
            return True
        logger.info("import", extra={"event": "import.started", "job": job.job_no})
        await store.begin(connection, job.job_no, system_clock())
        progress = Progress()
        work = asyncio.ensure_future(self._import(job, progress))
        stopped = asyncio.ensure_future(self._stopping.wait())
        try:
            while not (work.done() or stopped.done()):
                await asyncio.wait(
                    {work, stopped}, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
                await store.goes_on(connection, job.job_no, progress.rows_done)
            if not work.done():  # told to stop: that counts as no attempt
                await store.waits(connection, job.job_no)
                return False
            state, result = work.result()
        except AnotherRunsError:
            await store.waits(connection, job.job_no)
            return False
        finally:
            stopped.cancel()
            work.cancel()
            with suppress(asyncio.CancelledError, AnotherRunsError):
                await work
            shutil.rmtree(self._plain, ignore_errors=True)
        await self._end(connection, job, state, result)
        return True

    async def _import(self, job: OpenJob, progress: Progress) -> tuple[str, Result]:
        """Unseal, import; how it ended. Raises AnotherRunsError, StorageError."""
        plain = self._plain / job.file_name
        order = Order(
            path=plain, format=job.format, preview=job.preview, whole=job.whole,
            skip_bad=job.skip_bad, ends_on=job.ends_on, reason=job.reason, actor=job.operator,
            confirms=job.confirms,
        )  # fmt: skip
        keys = key_file(self._room / "secrets", os.environ)
        try:
            self._plain.mkdir(mode=0o700, exist_ok=True)
            sealed = sealed_file(self._directory, job.job_no)
            await asyncio.to_thread(unseal, sealed, job.digest, load_keyring(keys), plain)
            imported = await import_file(
                job.kind, order, owner_dsn=self._owner_dsn, keys=keys, room=self._room,
                at=system_clock(), progress=progress,
            )  # fmt: skip
        except AnotherRunsError:
            raise
        except ExceptionGroup as group:
            if group.split(StorageError)[1] is not None:
                raise
            raise StorageError("the import lost its database") from group
        except FileError as exc:
            return "refused", Result(message=_told(exc))
        except _FAILURES as exc:
            extra = {"event": "import.failed", "job": job.job_no}
            logger.error("an import failed", exc_info=exc, extra=extra)
            return "failed", Result(message=_told(exc))
        return ("done" if imported.written else "refused"), result_of(imported, order)

    async def _end(
        self, connection: PlainConnection, job: OpenJob, state: str, result: Result
    ) -> None:
        """First the row, then the file: a job that is not over has its file."""
        await store.end(connection, job.job_no, state, result, system_clock())
        sealed_file(self._directory, job.job_no).unlink(missing_ok=True)
        extra = {"event": "import.completed", "job": job.job_no, "state": state}
        logger.info("import is over", extra=extra)

    def _tidy(self, open_jobs: set[int]) -> None:
        """Files without a job that is still open go, once nobody can be busy with them."""
        for path in self._directory.glob("*.*"):
            number = path.name.split(".", 1)[0]
            wanted = path.suffix == ".sealed" and number.isdigit() and int(number) in open_jobs
            with suppress(FileNotFoundError):
                if not wanted and system_clock().timestamp() - path.stat().st_mtime > STRAY_SECONDS:
                    path.unlink()

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()


def result_of(imported: Imported, order: Order) -> Result:
    """What an import came to, for a program and for a person."""
    counts = imported.counts
    return Result(
        written=imported.written and imported.booked and not order.preview,
        counts=Counted(
            new=counts.new, changed=counts.changed, unchanged=counts.unchanged,
            missing=counts.missing, skipped=counts.skipped,
        ),
        samples=counts.samples, fault_count=len(imported.faults),
        faults=first_faults(imported.faults), text=said(imported, order).text,
    )  # fmt: skip


def _told(exc: Exception) -> Told:
    """Messages of ours say both languages, divided by a bar; others one."""
    zh, _, en = str(exc).partition(" | ")
    return Told(zh, en or zh)


async def work(config: WorkerConfig, stopping: Stopping) -> None:
    """Run jobs, look after channels' bills and compare with regions, until told to stop."""
    board = Board(Path(config.run_dir), config.place)
    board.resume()
    tills, signer = NO_TILLS, Signer()
    if config.channels_file:
        tills = load_tills(Path(config.channels_file), signer=signer, clock=system_clock)
    regions = RegionRound(over_the_hub(Path(config.data_dir), config.owner_dsn))
    board.publish()
    say_at_work()
    loops = owner_loops(tills, regions)
    async with asyncio.TaskGroup() as group:
        group.create_task(Importer(config, stopping.asked).run())
        group.create_task(run_loops(config.owner_dsn, loops, stopping.asked))
        group.create_task(publish(board, stopping))
    for channel in tills.merchants().values():
        await channel.close()
    signer.close()


if __name__ == "__main__":
    run_child(work)
