"""What a channel tells one process of a payment that a counter waits for in another one.

The load balancer, or the kernel, gives a notification to any process. Where a channel's answer to a
payment leaves it open, the counter waits for just that. So it is called out to the other processes
as it came; whoever has that counter takes it as if it had come there, signature and all. Where the
word is lost, both find each other in the database some tenths of a second later.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping

import msgspec
from msgspec import Struct

from settlement.storage.siblings import Siblings

logger = logging.getLogger("settlement.paying")


class Retold(Struct, frozen=True, array_like=True):
    """A notification as it came; `body` in base64 on its way."""

    channel: str
    merchant_no: str
    headers: dict[str, str]
    body: bytes


_DECODE = msgspec.json.Decoder(Retold).decode
_ENCODE = msgspec.json.Encoder().encode
Hear = Callable[[Retold], Awaitable[object]]


class Retelling:
    """Calls notifications out, and hears those of others once `begin` was called."""

    def __init__(self, dsn: str) -> None:
        self._siblings = Siblings(dsn)
        self._tasks: set[asyncio.Task[object]] = set()

    @property
    def ready(self) -> asyncio.Event:
        """Others are heard."""
        return self._siblings.ready

    def begin(self, hear: Hear) -> None:
        """Hear others from now on."""
        self._keep(self._siblings.hear(lambda word: self._keep(_heard(hear, word))))

    def tell(self, channel: str, merchant_no: str, headers: Mapping[str, str], body: bytes) -> None:
        """Call it out; nobody waits for that."""
        word = _ENCODE(Retold(channel, merchant_no, dict(headers), body)).decode()
        self._keep(self._siblings.tell(word))

    async def end(self) -> None:
        """Hear and tell nothing more."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._siblings.close()

    def _keep(self, work: Coroutine[object, object, object]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _heard(hear: Hear, word: str) -> None:
    try:
        retold = _DECODE(word)
    except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
        where = {"event": "siblings.unreadable", "reason": str(exc)}
        logger.warning("a process of another version speaks", extra=where)
        return
    await hear(retold)
