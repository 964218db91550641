"""A small disk that a test fills and frees. Only root can have one; others skip the test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from loadtest.drills import small_disk as drills
from loadtest.drills.small_disk import NoDiskError, SmallDisk


@contextmanager
def small_disk(path: Path, *, size: str = drills.SIZE) -> Iterator[SmallDisk]:
    """A disk in memory, mounted at a new directory."""
    with ExitStack() as stack:
        try:
            disk = stack.enter_context(drills.small_disk(path, size=size))
        except NoDiskError as exc:
            pytest.skip(str(exc))
        yield disk
