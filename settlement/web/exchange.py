"""One NHSA request: admit, authenticate, let the core answer, count. The hot path.

Whatever happens, the sender gets a reply whose retry advice is true. This module knows headers
and bytes; it knows neither sockets nor what is inside a message.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from time import monotonic

from protocol.nhsa.errors import WireError
from settlement.gateway import Gateway, NotYours, Overloaded, Unavailable
from settlement.limits import Limits
from settlement.telemetry.metrics import METRICS, Outcome
from settlement.web.authentication import Authenticator, Denied, Granted
from settlement.web.reply import HttpReply, problem, too_large

logger = logging.getLogger("settlement.web")

DONE = b'{"infcode":0,'
"""How every reply to a request that was carried out begins (protocol/nhsa/envelope.py)."""


class Exchange:
    """Answers requests of one process; `in_flight` is how many right now."""

    def __init__(self, gateway: Gateway, authenticator: Authenticator, limits: Limits) -> None:
        self._gateway = gateway
        self._authenticate = authenticator.authenticate
        self._in_flight_max = limits.in_flight_max
        self._limits = limits
        self._idle = asyncio.Event()
        self._idle.set()
        self.in_flight = 0
        self.draining = False

    async def __call__(
        self, infno: str | None, headers: Mapping[str, str], body: bytes
    ) -> HttpReply:
        """The reply, always; CancelledError is answered too, because it means the deadline."""
        started = monotonic()
        if not self._admits():
            METRICS.request_ended(infno, Outcome.OVERLOADED, 0.0)
            return problem("OVERLOADED", seconds=self._limits.retry_after_seconds)
        if len(body) > self._limits.body_bytes_max:
            METRICS.request_ended(infno, Outcome.UNREADABLE, 0.0)
            return too_large(self._limits)
        self.in_flight += 1
        METRICS.in_flight = self.in_flight
        try:
            granted = self._authenticate(headers, body)
            if isinstance(granted, Granted) and (granted.nonce is None or await granted.nonce):
                wire = await self._gateway.answer(infno, body, granted.caller)
                outcome = Outcome.OK if wire.startswith(DONE) else Outcome.REFUSED
                reply = HttpReply(200, wire)
            else:
                denied = granted if isinstance(granted, Denied) else _NONCE_REUSED
                outcome = Outcome.UNAUTHENTICATED
                reply = problem(denied.code, params=denied.params)
        except (Exception, asyncio.CancelledError) as exc:
            outcome, reply = self._excused(exc, infno)
        self.in_flight -= 1
        METRICS.in_flight = self.in_flight
        METRICS.request_ended(infno, outcome, monotonic() - started)
        if self.in_flight == 0 and self.draining:
            self._idle.set()
        return reply

    def _admits(self) -> bool:
        return self.in_flight < self._in_flight_max and not self.draining

    async def drain(self, seconds: float) -> bool:
        """Admit nothing more and wait for what is in flight; False when time ran out first."""
        self.draining = True
        if self.in_flight == 0:
            return True
        self._idle.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True

    def _excused(self, exc: BaseException, infno: str | None) -> tuple[Outcome, HttpReply]:
        """What an exception means to the sender."""
        match exc:
            case WireError():
                return Outcome.UNREADABLE, problem(exc.code.value, params={**exc.params})
            case NotYours():
                return Outcome.UNAUTHENTICATED, problem(exc.code, message=exc.message)
            case Overloaded():
                return Outcome.OVERLOADED, problem("OVERLOADED", seconds=exc.seconds)
            case Unavailable():
                code = "UNAVAILABLE" if exc.retry == "later" else "OUTCOME_UNKNOWN"
                return Outcome.UNAVAILABLE, problem(code, seconds=exc.seconds)
            case asyncio.CancelledError():
                logger.warning(
                    "request exceeded its deadline",
                    extra={"event": "request.deadline", "infno": infno},
                )
            case _:
                where = {"event": "request.failed", "infno": infno}
                logger.error("request failed", exc_info=exc, extra=where)
        # Nobody knows whether it was booked: the same msgid finds out.
        return Outcome.UNAVAILABLE, problem(
            "OUTCOME_UNKNOWN", seconds=self._limits.retry_after_seconds
        )


_NONCE_REUSED = Denied("NONCE_REUSED")
