"""A small disk in memory, to be filled and freed. Only root may mount one."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SIZE = "600m"
"""More than twice what a start demands to be free."""
CHUNK_BYTES = 2**20


class NoDiskError(Exception):
    """This user, or this machine, cannot mount one; the text says why."""


class SmallDisk:
    """A mounted disk. What fills it is one file at its root."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._filler = path / "filler"

    def fill(self) -> None:
        """Leave not a single byte."""
        with self._filler.open("ab", buffering=0) as file:
            while (free := shutil.disk_usage(self.path).free) > 0:
                file.write(bytes(min(free, CHUNK_BYTES)))

    def free(self) -> None:
        """Give back what was filled."""
        self._filler.unlink(missing_ok=True)


@contextmanager
def small_disk(path: Path, *, size: str = SIZE) -> Iterator[SmallDisk]:
    """A disk mounted at a new directory, until left. Raises NoDiskError."""
    if os.geteuid() != 0:
        raise NoDiskError("only root can mount a small disk")
    path.mkdir(mode=0o755)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", str(path)]
    mounted = subprocess.run(  # noqa: S603 - our own command line
        command, check=False, capture_output=True, text=True
    )
    if mounted.returncode != 0:
        path.rmdir()
        said = mounted.stderr.strip()
        raise NoDiskError(f"this machine does not let us mount a small disk: {said}")
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(  # noqa: S603 - our own call
            ["umount", str(path)],  # noqa: S607 - as the system finds it
            check=True,
        )
