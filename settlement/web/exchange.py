"""One NHSA request: admit, authenticate, let the core answer, count. The hot path.

A request is a `Turn` from its last byte to its reply. No task and no coroutine is made for it: what
has to be waited for (a nonce, a batch) calls the turn back, and whoever started the turn gets the
reply through `done`. Whatever happens, the sender gets a reply whose retry advice is true. This
module knows headers and bytes; it knows neither sockets nor what is inside a message.
"""

from __future__ import annotations

import asyncio
import logging
from asyncio import Future
from collections.abc import Callable, Mapping
from time import monotonic

from protocol.nhsa.codec import peek_infno
from protocol.nhsa.errors import WireError
from settlement.gate import Rank, rank_of
from settlement.gateway import Caller, Gateway, NotYours, Overloaded, Unavailable
from settlement.limits import Limits
from settlement.telemetry.metrics import IN_BODY, METRICS, Outcome
from settlement.telemetry.traces import TRACES, Trace
from settlement.web.authentication import Authenticator, Denied
from settlement.web.entrance import Entrance
from settlement.web.reply import ZIP, HttpReply, problem, too_large

logger = logging.getLogger("settlement.web")

DONE = b'{"infcode":0,'
"""How every reply to a request that was carried out begins (protocol/nhsa/envelope.py)."""

FILE = b"PK"
"""How the answer of 9102 begins: a zip, which has no envelope."""

Done = Callable[[HttpReply], None]


class Exchange:
    """Answers requests of one process; `in_flight` is how many right now."""

    def __init__(
        self, gateway: Gateway, authenticator: Authenticator, entrance: Entrance, limits: Limits
    ) -> None:
        self.ask = gateway.ask
        self.claimed = authenticator.claimed
        self.identify = authenticator.identify
        self.grant = authenticator.grant
        self.entrance = entrance
        self.limits = limits
        self._in_flight_max = limits.in_flight_max
        self._idle = asyncio.Event()
        self._idle.set()
        self.in_flight = 0
        self.arriving = 0
        """of them, how many wait for their nonce and will ask the core after it"""
        self.draining = False
        gateway.expect(lambda: self.arriving)

    def start(
        self, infno: str | None, headers: Mapping[str, str], body: bytes, done: Done
    ) -> Turn | None:
        """Answer a request: `done` gets the reply, perhaps before this returns; then it is None."""
        if self.in_flight >= self._in_flight_max or self.draining:
            # A place is kept for what is never a claim; so this is for the very last, and the end.
            METRICS.request_ended(infno, Outcome.OVERLOADED, 0.0)
            done(problem("OVERLOADED", seconds=self.limits.retry_after_seconds))
            return None
        if len(body) > self.limits.body_bytes_max:
            METRICS.request_ended(infno, Outcome.UNREADABLE, 0.0)
            done(too_large(self.limits))
            return None
        self.in_flight += 1
        METRICS.in_flight = self.in_flight
        turn = Turn(self, infno, body, done)
        turn.begin(headers)
        return None if turn.ended else turn

    async def __call__(
        self, infno: str | None, headers: Mapping[str, str], body: bytes
    ) -> HttpReply:
        """The reply, always, for a caller that waits; a caller that is cancelled gives it up."""
        replied: Future[HttpReply] = asyncio.get_running_loop().create_future()

        def done(reply: HttpReply) -> None:
            if not replied.done():
                replied.set_result(reply)

        turn = self.start(infno, headers, body, done)
        try:
            return await replied
        except asyncio.CancelledError:
            if turn is None:
                raise
            turn.expire()
            return replied.result() if not replied.cancelled() else self.unknown()

    def ended(self) -> None:
        """One request less in flight."""
        self.in_flight -= 1
        METRICS.in_flight = self.in_flight
        if self.in_flight == 0 and self.draining:
            self._idle.set()

    def unknown(self) -> HttpReply:
        """Nobody knows whether it was booked: the same msgid finds out."""
        return problem("OUTCOME_UNKNOWN", seconds=self.limits.retry_after_seconds)

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


class Turn:
    """One request from its last byte to its reply. `ended` once the reply was given."""

    __slots__ = (
        "_body", "_caller", "_done", "_exchange", "_infno", "_started", "_trace", "_waiting",
        "ended",
    )  # fmt: skip

    def __init__(self, exchange: Exchange, infno: str | None, body: bytes, done: Done) -> None:
        self._exchange = exchange
        self._infno = infno
        self._body = body
        self._done = done
        self._started = monotonic()
        self._waiting: Future[bool] | Future[bytes] | None = None
        self._caller: Caller | None = None
        self._trace: Trace | None = None
        self.ended = False

    @property
    def seconds_max(self) -> float:
        """How long it may take."""
        return self._exchange.limits.request_seconds_max

    def begin(self, headers: Mapping[str, str]) -> None:
        """Is there room, and who is it? Then on, at once or when the nonce is decided."""
        exchange = self._exchange
        if exchange.entrance.gate.is_tight and self._infno is not None:
            full = self._full(headers)
            if full is not None:
                self._end(Outcome.OVERLOADED, full)
                return
        known = exchange.identify(headers)
        if isinstance(known, Denied):
            self._deny(known)
            return
        away = exchange.entrance.admit(known.caller.institution_code, self._rank())
        if away is not None:
            self._end(Outcome.OVERLOADED, away)
            return
        self._caller = known.caller
        if TRACES.is_on:
            name = self._infno or IN_BODY
            self._trace = TRACES.pick(name, self._body, known.caller.institution_code)
        granted = exchange.grant(known, self._body)
        if isinstance(granted, Denied):
            self._deny(granted)
            return
        if granted.nonce is None:
            self._ask(granted.caller)
            return
        self._waiting = granted.nonce
        exchange.arriving += 1
        granted.nonce.add_done_callback(self._nonce_decided)

    def expire(self) -> None:
        """The deadline: whoever works on it is told to stop, the sender that nobody knows."""
        if self._waiting is not None and not self.ended:
            self._waiting.cancel()
            self._end(*self._excused(asyncio.CancelledError()))

    def _full(self, headers: Mapping[str, str]) -> HttpReply | None:
        """What the head alone is answered: the address has the rank, and the key an institution."""
        claimed = self._exchange.claimed(headers)
        return None if claimed is None else self._exchange.entrance.full(claimed, self._rank())

    def _rank(self) -> Rank:
        """By the address; where that names no transaction, and only if it matters, by the body."""
        if self._infno is not None or not self._exchange.entrance.gate.is_tight:
            return rank_of(self._infno)
        try:
            return rank_of(peek_infno(self._body))
        except WireError:
            return Rank.CLAIM

    def _nonce_decided(self, decided: Future[bool]) -> None:
        self._exchange.arriving -= 1
        if self.ended or self._caller is None:
            return
        if self._trace is not None:
            TRACES.part(self._trace.message_id, "nonce", self._started)
        if decided.result():
            self._ask(self._caller)
        else:
            self._deny(_NONCE_REUSED)

    def _ask(self, caller: Caller) -> None:
        answer = self._waiting = self._exchange.ask(self._infno, self._body, caller)
        answer.add_done_callback(self._told)

    def _told(self, answer: Future[bytes]) -> None:
        if self.ended:
            return
        try:
            wire = answer.result()
        except (Exception, asyncio.CancelledError) as exc:
            self._end(*self._excused(exc))
            return
        if wire.startswith(DONE):
            self._end(Outcome.OK, HttpReply(200, wire))
        elif wire.startswith(FILE):
            self._end(Outcome.OK, HttpReply(200, wire, media=ZIP))
        else:
            self._end(Outcome.REFUSED, HttpReply(200, wire))

    def _deny(self, denied: Denied) -> None:
        self._end(Outcome.UNAUTHENTICATED, problem(denied.code, params=denied.params))

    def _end(self, outcome: Outcome, reply: HttpReply) -> None:
        self.ended = True
        if self._caller is not None:
            self._exchange.entrance.leave(self._caller.institution_code)
        METRICS.request_ended(self._infno, outcome, monotonic() - self._started)
        if self._trace is not None:
            TRACES.end(self._trace, outcome)
        self._exchange.ended()
        self._done(reply)

    def _excused(self, exc: BaseException) -> tuple[Outcome, HttpReply]:
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
                    extra={"event": "request.deadline", "infno": self._infno},
                )
            case _:
                where = {"event": "request.failed", "infno": self._infno}
                logger.error("request failed", exc_info=exc, extra=where)
        return Outcome.UNAVAILABLE, self._exchange.unknown()


_NONCE_REUSED = Denied("NONCE_REUSED")
