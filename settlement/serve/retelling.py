"""What a channel tells one process of a payment that a counter waits for in another one.

The load balancer, or the kernel, gives a notification to any process. Where a channel's answer to a
payment leaves it open, the counter waits for just that. So it is called out to the other processes
as it came; whoever has that counter takes it as if it had come there, signature and all. Where the
word is lost, both find each other in the database some tenths of a second later.

On its way it is sealed, as the database keeps what channels said: it may lie in its files.
"""

from __future__ import annotations

import asyncio
import logging
from binascii import Error as NotBase64
from binascii import a2b_base64, b2a_base64
from collections.abc import Awaitable, Callable, Coroutine

import msgspec
from msgspec import Struct

from settlement.keyring import Keyring, UndecipherableError
from settlement.storage.siblings import Siblings

logger = logging.getLogger("settlement.paying")


class Retold(Struct, frozen=True, array_like=True):
    """A notification as it came."""

    channel: str
    merchant_no: str
    headers: dict[str, str]
    body: bytes
    order_no: str
    """as its first hearer read it, so that who does not wait for that order need not check it"""


_DECODE = msgspec.msgpack.Decoder(Retold).decode
_ENCODE = msgspec.msgpack.Encoder().encode
_RECORD = b"a word between processes"
"""What it is sealed for."""
_VERSION_BYTES = 2
Hear = Callable[[Retold], Awaitable[object]]


class Retelling:
    """Calls notifications out, and hears those of others once `begin` was called."""

    def __init__(self, dsn: str, keyring: Callable[[], Keyring]) -> None:
        self._siblings = Siblings(dsn)
        self._keyring = keyring
        self._tasks: set[asyncio.Task[object]] = set()

    @property
    def ready(self) -> asyncio.Event:
        """Others are heard."""
        return self._siblings.ready

    def begin(self, hear: Hear) -> None:
        """Hear others from now on."""
        self._keep(self._siblings.hear(lambda word: self._keep(self._heard(hear, word))))

    def tell(self, word: Retold) -> None:
        """Call it out; nobody waits for that."""
        keyring = self._keyring()
        version = keyring.version.to_bytes(_VERSION_BYTES, "big")
        sealed = version + keyring.seal(_ENCODE(word), _RECORD)
        self._keep(self._siblings.tell(b2a_base64(sealed, newline=False).decode()))

    async def end(self) -> None:
        """Hear and tell nothing more."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._siblings.close()

    async def _heard(self, hear: Hear, word: str) -> None:
        try:
            sealed = a2b_base64(word)
            version = int.from_bytes(sealed[:_VERSION_BYTES], "big")
            plain = self._keyring().open(sealed[_VERSION_BYTES:], _RECORD, version)
            retold = _DECODE(plain)
        except (NotBase64, ValueError, UndecipherableError, msgspec.MsgspecError) as exc:
            where = {"event": "siblings.unreadable", "reason": str(exc)}
            logger.warning("what another process called out cannot be read", extra=where)
            return
        await hear(retold)

    def _keep(self, work: Coroutine[object, object, object]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
