"""Delivers what we owe others (待发通知, ADR 0032).

A step writes down what came of earlier attempts, and begins those that are due: the oldest of each
case, so that a case is told in order. Attempts are under way between steps, so that a receiver that
is silent holds up nobody else; only the holder of the lease writes. What was sent and not written
down, because the lease or the process was lost, is sent again: at least once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from protocol.nhsa.gm import Sm2PrivateKey
from settlement.channels.http1 import AddressError
from settlement.channels.line import Answered, Line, NoAnswer, Reply
from settlement.clock import Clock, system_clock
from settlement.keyring import Keyring
from settlement.notices import CannotBeSignedError, Letter, Said, heard, letter
from settlement.outbox import (
    ANSWER_SECONDS,
    SAID_LENGTH_MAX,
    WORRYING_SECONDS,
    Attempt,
    Came,
    Kind,
)
from settlement.people.sms import JsonGateway, SmsGateway
from settlement.storage.lease import PlainConnection
from settlement.storage.outbox import Owed, Receiver, backlog, due_notices, keep_attempt
from settlement.telemetry.metrics import METRICS

logger = logging.getLogger("settlement.outbox")

AT_A_TIME = 16
"""Attempts under way to one institution."""
CONNECT_SECONDS = 3.0
ANSWER_BYTES_MAX = 64 * 1024
COUNT_SECONDS = 5.0
"""How often the backlog is counted."""
Post = Callable[[Letter], Awaitable[Reply]]
Place = tuple[int, int]


class OutboxSender:
    """The loop's work. `sms` is how the gateway of messages to persons wants to be asked; `post`
    sends a letter; given by tests that need no wire."""

    def __init__(
        self, keyring: Keyring, platform_key: Sm2PrivateKey | None, *,
        clock: Clock = system_clock, post: Post | None = None, sms: SmsGateway | None = None,
    ) -> None:  # fmt: skip
        self._sms = sms or JsonGateway()
        self._keyring = keyring
        self._platform_key = platform_key
        self._clock = clock
        self._post = post or Lines().post
        self._out: dict[Place, asyncio.Task[None]] = {}
        self._came: list[tuple[Owed, Attempt]] = []
        self._counted_at: datetime | None = None

    async def step(self, connection: PlainConnection) -> int:
        """Write down what came, begin what is due; how many attempts ended."""
        came, self._came = self._came, []
        for owed, attempt in came:
            if await keep_attempt(connection, owed, attempt):
                self._count(owed, attempt)
        now = self._clock()
        due = await due_notices(connection, self._keyring, by=now, each=AT_A_TIME)
        busy = {*self._out, *((owed.case_no, owed.notice_no) for owed, _ in self._came)}
        for owed in due:
            place = owed.case_no, owed.notice_no
            if place not in busy:
                self._out[place] = asyncio.create_task(self._try(owed))
        if self._counted_at is None or now >= self._counted_at + timedelta(seconds=COUNT_SECONDS):
            self._counted_at = now
            await self._measure(connection, now)
        return len(came)

    def forget(self) -> None:
        """Show no backlog: another server counts it."""
        METRICS.notices_owed = METRICS.notices_overdue = 0
        self._counted_at = None

    async def settled(self) -> None:
        """Wait for the attempts that are under way."""
        while self._out:
            await asyncio.gather(*self._out.values())

    async def _try(self, owed: Owed) -> None:
        try:
            attempt = await self._attempt(owed)
        except Exception as exc:
            logger.exception("an attempt failed on our side", extra={"event": "outbox.failed"})
            attempt = self._ended(Came.SILENT, f"本平台错误：{type(exc).__name__}", self._clock())
        finally:
            del self._out[owed.case_no, owed.notice_no]
        self._came.append((owed, attempt))

    async def _attempt(self, owed: Owed) -> Attempt:
        began = self._clock()
        receiver = owed.receiver
        if receiver is None:
            return self._ended(Came.NOBODY, "机构没有可用的回调地址", began)
        if owed.data is None:
            return self._ended(Came.NOBODY, "本平台的密钥打不开这条通知", began)
        said = Said(
            kind=owed.kind, topic=owed.topic, institution=owed.institution,
            case_no=owed.case_no, notice_no=owed.notice_no, told_at=owed.told_at, data=owed.data,
        )  # fmt: skip
        try:
            made = await asyncio.to_thread(self._letter, said, receiver, began)
        except CannotBeSignedError as exc:
            return self._ended(Came.NOBODY, str(exc), began)
        reply = await self._post(made)
        if not isinstance(reply, Answered):
            return self._ended(Came.SILENT, f"{reply.code} {reply.reason}", began, reply.took_ms)
        came, words = await asyncio.to_thread(
            self._heard, said, receiver, reply.status, reply.body
        )
        return self._ended(came, words, began, reply.took_ms, reply.status)

    def _letter(self, said: Said, receiver: Receiver, now: datetime) -> Letter:
        if said.kind is Kind.SMS:
            return self._sms.letter(said, receiver.url, receiver.keys, now)
        return letter(said, receiver.url, receiver.keys, self._platform_key, now)

    def _heard(
        self, said: Said, receiver: Receiver, status: int, answer: bytes
    ) -> tuple[Came, str]:
        if said.kind is Kind.SMS:
            return self._sms.heard(status, answer)
        return heard(said, receiver.keys, status, answer)

    def _ended(
        self, came: Came, said: str, began: datetime, took_ms: int = 0, status: int | None = None
    ) -> Attempt:
        return Attempt(
            came=came, status=status, said=said[:SAID_LENGTH_MAX], began_at=began, took_ms=took_ms
        )

    def _count(self, owed: Owed, attempt: Attempt) -> None:
        if attempt.came is Came.DELIVERED:
            METRICS.notices_delivered += 1
            METRICS.notice_seconds.observe((self._clock() - owed.told_at).total_seconds())
            return
        METRICS.notices_failed += 1
        extra = {
            "event": "notice.failed", "topic": owed.topic, "institution": owed.institution,
            "case_no": owed.case_no, "came": attempt.came.value, "attempts": owed.attempts + 1,
        }  # fmt: skip
        logger.warning("a notice was not taken; it will be tried again", extra=extra)

    async def _measure(self, connection: PlainConnection, now: datetime) -> None:
        found = await backlog(connection)
        METRICS.notices_owed = found.notices
        late = found.oldest_at is not None and (
            now - found.oldest_at > timedelta(seconds=WORRYING_SECONDS)
        )
        METRICS.notices_overdue = int(late)


class Lines:
    """Kept connections, a line for each receiver's host."""

    def __init__(self) -> None:
        self._lines: dict[str, Line] = {}

    async def post(self, made: Letter) -> Reply:
        """Send it once."""
        parts = urlsplit(made.url)
        host = f"{parts.scheme}://{parts.netloc}"
        line = self._lines.get(host)
        if line is None:
            try:
                line = self._lines[host] = Line(
                    host, connect_seconds=CONNECT_SECONDS,
                    answer_seconds=ANSWER_SECONDS - CONNECT_SECONDS,
                )  # fmt: skip
            except AddressError as exc:
                return NoAnswer(code="NOT_SENT", reason=str(exc), took_ms=0)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return await line.ask(
            "POST", target, body=made.body, headers=made.headers, bytes_max=ANSWER_BYTES_MAX
        )

    async def close(self) -> None:
        """Give the connections back."""
        for line in self._lines.values():
            await line.close()
