"""Signing off the event loop: one small pool of threads for all channels and merchants.

A signature with RSA-2048 takes about two thirds of a millisecond of processor time, in which
OpenSSL gives up the interpreter lock; checking one takes a fifteenth of that and stays on the loop.
Knows nothing of channels: it runs what it is given.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

SIGNING_THREADS = 2

T = TypeVar("T")


class Signer:
    """Runs short work on processor-bound bytes elsewhere."""

    def __init__(self, threads: int = SIGNING_THREADS) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="signer")

    async def run(self, work: Callable[[bytes], T], data: bytes) -> T:
        """`work(data)`; raises what it raises."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, data)

    def close(self) -> None:
        """After the last signature."""
        self._pool.shutdown(wait=True)
