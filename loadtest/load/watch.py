"""Looks at the machine while a load goes on: processors, memory, disk, tables.

A process of its own: in the generator's it would take time between two messages, and would be
measured. It also says when the disk is nearly full, and the run ends before the database must.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import shutil
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType

import asyncpg
from msgspec import Struct

from loadtest import attach
from loadtest.attach import AttachError
from loadtest.load.guards import BYTES_LOW
from loadtest.processes import TICKS_PER_SECOND, by_kind, private_bytes, read_processes

EVERY_SECONDS = 2.0
TABLES_EVERY = 10
"""Samples between two looks at the tables, which cost the database something."""
GENERATOR, NEIGHBOUR = "generator", "neighbour"
ENDED_SECONDS_MAX = 30.0


class Sample(Struct, frozen=True, kw_only=True):
    """The machine at one time."""

    at_seconds: float
    cpu_seconds: dict[str, float]
    """so far, by kind of process; the generator's too"""
    private_bytes: dict[str, int]
    busy_seconds: float
    """of all processors since the machine started, whoever used them"""
    waiting_seconds: float
    """idle, while somebody waited for the disk"""
    free_bytes: int
    """of the disk"""
    tables: dict[str, int]
    """bytes; empty where they were not looked at"""


class Watch:
    """Samples until left. A context manager."""

    def __init__(
        self, data_dir: Path, *, server_pid: int, bytes_low: int = BYTES_LOW,
        beside: Mapping[int, tuple[str, ...]] | None = None,
    ) -> None:  # fmt: skip
        """`beside` are processes of the other region and of the hub, with their directories."""
        context = multiprocessing.get_context("spawn")
        self._ours, self._theirs = context.Pipe()
        self._process = context.Process(
            target=_watch, daemon=True,
            args=(self._theirs, data_dir, server_pid, os.getpid(), bytes_low, dict(beside or {})),
        )  # fmt: skip
        self.samples: list[Sample] = []
        self.complaint = ""
        """why the run should end"""

    def __enter__(self) -> Watch:
        self._process.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.stop()

    def look(self) -> str:
        """Take in what was seen since; gives why the run should end, or nothing."""
        while self._ours.poll():
            seen = self._ours.recv()
            if isinstance(seen, Sample):
                self.samples.append(seen)
            else:
                self.complaint = self.complaint or str(seen)
        if self._process.exitcode:
            self.complaint = self.complaint or "the process that looks at the machine ended"
        return self.complaint

    def stop(self) -> None:
        """Look for the last time, at the tables too."""
        if self._process.is_alive():
            self._ours.send("stop")
            self._process.join(ENDED_SECONDS_MAX)
        self.look()


def _watch(
    pipe: Connection, data_dir: Path, server_pid: int, generator_pid: int, bytes_low: int,
    beside: Mapping[int, tuple[str, ...]],
) -> None:  # fmt: skip
    """The other process."""
    places, began = attach.places_of(data_dir), time.monotonic()
    number, ends = 0, False
    while True:
        tables: dict[str, int] = {}
        if ends or number % TABLES_EVERY == 0:
            try:
                tables = asyncio.run(attach.read_table_bytes(data_dir))
            except (AttachError, asyncpg.PostgresError, OSError) as exc:
                pipe.send(f"the database cannot be looked at: {exc}")
        sample = _sample(
            data_dir, places, server_pid=server_pid, generator_pid=generator_pid,
            at_seconds=time.monotonic() - began, tables=tables, beside=beside,
        )  # fmt: skip
        pipe.send(sample)
        if sample.free_bytes < bytes_low:
            pipe.send(
                f"the disk is nearly full: {sample.free_bytes / 1e6:.0f} MB are free. The run was "
                "ended before the database had to stop"
            )
        if ends:
            pipe.recv()
            return
        number += 1
        ends = pipe.poll(max(began + number * EVERY_SECONDS - time.monotonic(), 0))


def _sample(
    data_dir: Path, places: tuple[str, ...], *, server_pid: int, generator_pid: int,
    at_seconds: float, tables: dict[str, int], beside: Mapping[int, tuple[str, ...]],
) -> Sample:  # fmt: skip
    processes = read_processes()
    kinds = by_kind(processes, server_pid=server_pid, places=places)
    for pid, its_places in beside.items():
        for found in by_kind(processes, server_pid=pid, places=its_places).values():
            kinds.setdefault(NEIGHBOUR, []).extend(found)
    others = (server_pid, os.getpid(), *beside)
    kinds[GENERATOR] = [
        one
        for one in processes
        if one.pid == generator_pid or (one.parent == generator_pid and one.pid not in others)
    ]  # Locust is a child of ours
    busy, waiting = _machine()
    return Sample(
        at_seconds=at_seconds,
        cpu_seconds={
            kind: sum(one.cpu_ticks for one in of_kind) / TICKS_PER_SECOND
            for kind, of_kind in kinds.items()
        },
        private_bytes={
            kind: sum(private_bytes(one.pid) for one in of_kind) for kind, of_kind in kinds.items()
        },
        busy_seconds=busy, waiting_seconds=waiting,
        free_bytes=shutil.disk_usage(data_dir).free, tables=tables,
    )  # fmt: skip


def _machine() -> tuple[float, float]:
    """Seconds that processors were busy, and idle while somebody waited for the disk."""
    line = Path("/proc/stat").read_text().splitlines()[0]
    user, nice, system, _idle, waiting, *others = (int(one) for one in line.split()[1:9])
    return (user + nice + system + sum(others)) / TICKS_PER_SECOND, waiting / TICKS_PER_SECOND
