"""Signing off the event loop: one small pool of threads for all channels and merchants.

Payments that were committed together are signed together: everything that is asked for in one turn
of the loop goes to a thread as one piece of work. Alone, handing work over and hearing of it costs
an eighth of a signature with RSA-2048. The library keeps the interpreter to itself while it signs,
so a second thread makes nothing faster; checking takes a fourteenth of a signature and stays on the
loop. Knows nothing of channels: it runs what it is given.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

SIGNING_THREADS = 2

T = TypeVar("T")
_Work = tuple[Callable[[bytes], Any], bytes, asyncio.Future[Any]]
_Done = tuple[asyncio.Future[Any], Any, BaseException | None]


class Signer:
    """Runs short work on processor-bound bytes elsewhere."""

    def __init__(self, threads: int = SIGNING_THREADS) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="signer")
        self._asked: list[_Work] = []

    async def run(self, work: Callable[[bytes], T], data: bytes) -> T:
        """`work(data)`; raises what it raises."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        if not self._asked:
            loop.call_soon(self._hand_over, loop)
        self._asked.append((work, data, done))
        return await done

    def close(self) -> None:
        """After the last signature."""
        self._pool.shutdown(wait=True)

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        asked, self._asked = self._asked, []
        try:
            self._pool.submit(_carry_out, loop, asked)
        except RuntimeError as exc:  # it is closed
            _tell([(future, None, exc) for _, _, future in asked])


def _carry_out(loop: asyncio.AbstractEventLoop, asked: Sequence[_Work]) -> None:
    """In a thread."""
    done: list[_Done] = []
    for work, data, future in asked:
        try:
            done.append((future, work(data), None))
        except BaseException as exc:
            done.append((future, None, exc))
    loop.call_soon_threadsafe(_tell, done)


def _tell(done: Sequence[_Done]) -> None:
    """Whoever does not wait any more hears nothing."""
    for future, made, exc in done:
        if future.done():
            continue
        if exc is None:
            future.set_result(made)
        else:
            future.set_exception(exc)
