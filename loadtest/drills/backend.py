"""The database backend of a drill's connection, watched from outside: what it uses of a processor
and of memory, whoever else uses the machine."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path


class Backend:
    """The database backend of a connection, watched from outside."""

    def __init__(self, pid: int) -> None:
        self._folder = Path(f"/proc/{pid}")
        self.forget()

    def forget(self) -> None:
        """Look for the greatest memory anew."""
        self.peak_kib = 0
        self.own_peak_kib = 0
        """of this process"""

    def processor_seconds(self) -> float:
        """What it and this process have used so far."""
        fields = (self._folder / "stat").read_text().rpartition(")")[2].split()
        ticks = int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK") + time.process_time()

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Look at its memory five times a second, while the database works."""
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self._watch())
            yield
            task.cancel()

    async def _watch(self) -> None:
        while True:
            self.peak_kib = max(self.peak_kib, _anonymous_kib(self._folder))
            self.own_peak_kib = max(self.own_peak_kib, _anonymous_kib(Path("/proc/self")))
            await asyncio.sleep(0.2)


def _anonymous_kib(folder: Path) -> int:
    """A process's own memory, without what it shares."""
    for line in (folder / "status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1])
    return 0
