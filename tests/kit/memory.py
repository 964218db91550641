"""How much memory something takes, where refusing a bomb must take little."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

MEGABYTE = 1024 * 1024
MEMORY_BYTES_MAX = 32 * MEGABYTE


@contextmanager
def little_memory() -> Iterator[None]:
    """What happens meanwhile takes no more memory than it may."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MEMORY_BYTES_MAX, f"{peak // MEGABYTE} MB"
