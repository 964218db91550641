"""The inbox of a gateway process: messages that come in one turn of the event loop are opened
together, a step at a time (ADR 0013).

It knows neither what a message says nor what becomes of it; who opens and who takes is told to it.
A message that raises is our own fault: the others are then opened one by one, and it alone fails.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec import Struct

from protocol.nhsa.envelope import Envelope
from settlement.commands import Command
from settlement.gateway import Caller
from settlement.institution import Institution

logger = logging.getLogger("settlement.service")


class Mail:
    """A message as it came, and where its reply goes."""

    __slots__ = ("body", "caller", "infno", "received", "reply")

    def __init__(
        self, infno: str | None, body: bytes, caller: Caller, received: datetime,
        reply: asyncio.Future[bytes],
    ) -> None:  # fmt: skip
        self.infno = infno
        self.body = body
        self.caller = caller
        self.received = received
        self.reply = reply

    def answer(self, wire: bytes) -> None:
        """Reply, unless nobody waits any more."""
        if not self.reply.done():
            self.reply.set_result(wire)

    def fail(self, error: Exception) -> None:
        """Give up on it, unless nobody waits any more."""
        if not self.reply.done():
            self.reply.set_exception(error)


class Opened(Struct, frozen=True):
    """A message that was read, checked and translated; `command` None: it needs a look-up first."""

    mail: Mail
    request: Envelope
    institution: Institution
    command: Command | None


class Inbox:
    """What came and was not opened yet. `open_all` opens some mail: what it refuses it answers
    itself, and leaves out. `take` goes on with what was opened."""

    def __init__(
        self,
        open_all: Callable[[Sequence[Mail]], list[Opened]],
        take: Callable[[Opened], None],
    ) -> None:
        self._open_all = open_all
        self._take = take
        self._mail: list[Mail] = []

    def __len__(self) -> int:
        return len(self._mail)

    def put(self, mail: Mail) -> None:
        """It is opened when the loop has read what else is there."""
        if not self._mail:
            asyncio.get_running_loop().call_soon(self.empty)
        self._mail.append(mail)

    def empty(self) -> None:
        """Open all that is here, now."""
        mail, self._mail = self._mail, []
        for opened in self._opened(mail):
            try:
                self._take(opened)
            except Exception as exc:
                opened.mail.fail(exc)

    def _opened(self, mail: list[Mail]) -> list[Opened]:
        try:
            return self._open_all([one for one in mail if not one.reply.done()])
        except Exception:
            where = {"event": "inbox.failed", "messages": len(mail)}
            logger.exception("a message could not be opened", extra=where)
        return [opened for one in mail for opened in self._opened_alone(one)]

    def _opened_alone(self, mail: Mail) -> list[Opened]:
        if mail.reply.done():
            return []
        try:
            return self._open_all([mail])
        except Exception as exc:
            mail.fail(exc)
            return []
