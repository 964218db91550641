"""The steps of a drill: what each took by the clock, of a processor and of memory."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from msgspec import Struct

from loadtest.drills.backend import Backend


class Step(Struct, frozen=True, kw_only=True):
    """What a step took."""

    name: str
    seconds: float
    processor_seconds: float
    process_mib: int
    backend_mib: int
    """the greatest memory of each, without the buffers that all share"""
    what: str


class Clock:
    """Measures steps on one connection."""

    def __init__(self, steps: list[Step], backend: Backend) -> None:
        self._steps = steps
        self._backend = backend

    @asynccontextmanager
    async def step(self, name: str) -> AsyncIterator[list[str]]:
        """One step; what it came to is put into the list."""
        told: list[str] = []
        self._backend.forget()
        async with self._backend.watched():
            began, used = time.perf_counter(), self._backend.processor_seconds()
            yield told
            took = time.perf_counter() - began
            used = self._backend.processor_seconds() - used
        self._steps.append(
            Step(
                name=name, seconds=round(took, 3), processor_seconds=round(used, 2),
                process_mib=self._backend.own_peak_kib // 1024,
                backend_mib=self._backend.peak_kib // 1024, what=" ".join(told),
            )
        )  # fmt: skip
