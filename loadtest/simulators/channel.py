"""What every simulated payment channel is made of: a server, a book, faults, notices, a clock.

A channel says which paths it answers, what a call is about, and how it answers; here is decided
whether the answer arrives. `/_sim/…` is the director's entrance and exists at no real channel:

    GET  /_sim/book[?day=yyyy-mm-dd][&totals]     what the channel itself knows of the money
    GET  /_sim/faults, POST /_sim/faults {plan}   channel_faults.Plan; {} mends everything
    GET  /_sim/clock,  POST /_sim/clock {"advance_seconds": n}
    GET  /_sim/times                              how many answers, and how long they took
    GET  /_sim/codes,  POST /_sim/codes {"behaviour": "ok", "seconds": 10}

A caller may also ask for a fault by the header `Sim-Fault`.
"""

from __future__ import annotations

import asyncio
import ssl
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from itertools import count

import msgspec
from aiohttp import web
from msgspec import Struct

from loadtest.simulators.channel_book import ChannelBook
from loadtest.simulators.channel_faults import Fault, Faults, Met, Operation, Plan
from loadtest.simulators.payer_codes import Behaviour, PayerCodes
from loadtest.simulators.plain_http import (
    Call,
    PlainServer,
    Routes,
    Wire,
    head_of,
    reset,
    shows_certificate,
)
from loadtest.simulators.virtual_clock import VirtualClock
from settlement.channels.http1 import AddressError, BrokenError, Host, NotSentError, TooLongError
from settlement.clock import monotonic

FAULT_HEADER = "sim-fault"
BODY_BYTES_MAX = 1024 * 1024
NOTICE_SECONDS = 5.0
"""A receiver that takes longer has not acknowledged."""

NOTHING_DONE = (Fault.BUSY, Fault.RATE_LIMITED, Fault.MAINTENANCE)
BAD_NOTICES = (
    Fault.NOTICE_FORGED, Fault.NOTICE_ONE_FEN_OFF, Fault.NOTICE_STRANGER, Fault.NOTICE_PROBE,
)  # fmt: skip
"""Come before the good one."""
PAGE_502 = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"


class Reply(Struct, frozen=True, kw_only=True):
    """What the channel answers."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    """a charset may follow"""
    headers: Mapping[str, str] = {}
    lost: bool = False
    """the payer's code asked for it: carried out, and the connection breaks"""


class Passage(Struct, frozen=True, kw_only=True):
    """What goes over the line: nothing where it breaks, or an answer, perhaps in two halves."""

    reply: Reply | None
    halves: Met | None = None
    """the fault that comes between them"""


class Notice(Struct, frozen=True, kw_only=True):
    """Something the channel tells by itself, until it is acknowledged or the plan ends."""

    url: str
    order_no: str
    gaps: tuple[float, ...]
    """virtual seconds before the second try, the third …"""
    render: Callable[[Fault | None], Awaitable[Reply]]
    """Headers and body of one try, signed anew; of a fault the broken one."""
    is_acknowledged: Callable[[int, bytes], bool]


class ChannelSimulator(ABC):
    """One channel with all its merchants."""

    name: str
    codes: PayerCodes

    def __init__(
        self, *, clock: VirtualClock, book: ChannelBook, faults: Faults | None = None,
        latency_seconds: Callable[[], float] | None = None, calls_per_second: int | None = None,
    ) -> None:  # fmt: skip
        """`latency_seconds` draws each answer's delay; `calls_per_second` is the rate limit of
        all merchants together."""
        self.clock = clock
        self.book = book
        self.faults = faults or Faults()
        self.url = ""
        self._latency_seconds = latency_seconds
        self._calls_per_second = calls_per_second
        self._this_second = (0, 0)
        self._serial = count(1)
        self._answers = 0
        self._answering_seconds = 0.0
        self._runner: web.AppRunner | None = None
        self._server: PlainServer | None = None
        self._listening: asyncio.Server | None = None
        self._receivers: dict[str, Host] = {}

    @abstractmethod
    def routes(self) -> tuple[tuple[str, str], ...]:
        """Method and path pattern of everything the channel answers."""

    @abstractmethod
    def classify(self, call: Call) -> tuple[Operation, str]:
        """What is asked, and the number of the order or refund it is about; "" if unreadable."""

    @abstractmethod
    async def answer(self, call: Call, operation: Operation, fault: Fault | None) -> Reply:
        """Check, carry out, answer with a signature. Of the faults those are meant that are in
        the content: signature, clock, a fen, ghost, phantom, bill, NOT_JSON."""

    @abstractmethod
    async def refusal(self, call: Call, fault: Fault) -> Reply:
        """The channel's own words for BUSY, RATE_LIMITED, MAINTENANCE."""

    async def start(
        self, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
    ) -> str:
        """Accept requests; gives the URL."""
        application = web.Application(client_max_size=BODY_BYTES_MAX)
        for method, path in self.routes():
            application.router.add_route(method, path, self._serve)
        application.router.add_get("/_sim/book", self._show_book)
        application.router.add_get("/_sim/faults", self._show_faults)
        application.router.add_post("/_sim/faults", self._take_faults)
        application.router.add_get("/_sim/clock", self._show_clock)
        application.router.add_post("/_sim/clock", self._advance_clock)
        application.router.add_get("/_sim/times", self._show_times)
        application.router.add_get("/_sim/codes", self._show_codes)
        application.router.add_post("/_sim/codes", self._make_code)
        # Handlers are not cancelled when a caller hangs up: what is begun is carried out.
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        general = self._runner.server
        if general is None:
            raise RuntimeError("the application was not set up")
        self._server = PlainServer(
            Routes(self.routes()), self._answer_plain, general, body_bytes_max=BODY_BYTES_MAX
        )
        self._listening = await asyncio.get_running_loop().create_server(
            self._server, host, port, ssl=tls
        )
        address = self._listening.sockets[0].getsockname()
        self.url = f"{'https' if tls else 'http'}://{address[0]}:{address[1]}"
        return self.url

    async def stop(self) -> None:
        """Stop listening and its clock; what was to happen later does not."""
        await self.clock.close()
        if self._listening is not None:
            self._listening.close()
        if self._server is not None:
            self._server.close()
        if self._runner is not None:
            await self._runner.cleanup()
        receivers, self._receivers = self._receivers, {}
        for receiver in receivers.values():
            receiver.close()
        self.book.close()

    def tell(self, notice: Notice) -> None:
        """Begin to send it; the faults of notices are applied here."""
        met = self.faults.meet(Operation.NOTICE, notice.order_no)
        if met is not None and met.fault is Fault.NOTICE_NEVER:
            return
        late = met is not None and met.fault is Fault.NOTICE_LATE
        seconds = met.delay_seconds if met is not None and late else 0.0
        self.clock.after(seconds, lambda: self._try(notice, 0, met))

    async def _try(self, notice: Notice, nth: int, met: Met | None) -> None:
        fault = met.fault if met is not None and nth == 0 else None
        if fault in BAD_NOTICES:
            await self._post(notice, fault)
        if fault is Fault.NOTICE_TWICE:
            await self._post(notice, None)
        taken = fault is not Fault.NOTICE_LOST and await self._post(notice, None)
        if not taken and nth < len(notice.gaps):
            self.clock.after(notice.gaps[nth], lambda: self._try(notice, nth + 1, None))

    async def _post(self, notice: Notice, fault: Fault | None) -> bool:
        """Whether it was acknowledged."""
        made = await notice.render(fault)
        headers = {**made.headers, "Content-Type": made.content_type}
        try:
            receiver, target = self._receiver(notice.url)
            came = await receiver.ask(
                "POST", target, body=made.body, headers=headers, bytes_max=BODY_BYTES_MAX
            )
        except (AddressError, NotSentError, BrokenError, TooLongError):
            return False
        return notice.is_acknowledged(came.status, came.body)

    def _receiver(self, url: str) -> tuple[Host, str]:
        """Kept connections to whom a notice goes, and where there. Raises AddressError."""
        scheme, _, rest = url.partition("://")
        place, slash, path = rest.partition("/")
        receiver = self._receivers.get(place)
        if receiver is None:
            receiver = self._receivers[place] = Host(
                f"{scheme}://{place}", connect_seconds=NOTICE_SECONDS,
                answer_seconds=NOTICE_SECONDS, tls=None,
            )  # fmt: skip
        return receiver, f"{slash}{path}"

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        """What aiohttp has read: a call in an unusual form."""
        passage = await self._pass(await _call_of(request))
        if passage.reply is None:
            return broken_off(request)
        if passage.halves is not None:
            return await self._in_halves(request, passage.reply, passage.halves)
        return _response(passage.reply)

    async def _answer_plain(self, call: Call, wire: Wire) -> None:
        passage = await self._pass(call)
        reply, halves = passage.reply, passage.halves
        if reply is None:
            wire.reset()
            return
        size = len(reply.body)
        head = head_of(reply.status, reply.content_type, reply.headers, size)
        if halves is None:
            wire.write(head + reply.body)
            return
        wire.write(head + reply.body[: size // 2])
        await asyncio.sleep(0)  # it leaves
        if halves.fault is Fault.RESET:
            wire.reset()
            return
        await self.clock.wait(halves.delay_seconds)
        wire.write(reply.body[size // 2 :])

    async def _pass(self, call: Call) -> Passage:
        operation, order_no = self.classify(call)
        asked = call.headers.get(FAULT_HEADER, "")
        met = self.faults.meet(operation, order_no, asked=asked)
        if met is None and self._is_too_fast():
            met = Met(Fault.RATE_LIMITED, 0.0)
        if self._latency_seconds is not None:
            await self.clock.wait(self._latency_seconds())
        fault = met.fault if met is not None else None
        delay_seconds = met.delay_seconds if met is not None else 0.0
        if fault in NOTHING_DONE:
            return Passage(reply=await self.refusal(call, fault))
        if fault is Fault.HTML_BEFORE:
            return _HTML_502
        if fault is Fault.LOST_BEFORE:
            return _BROKEN
        if fault is Fault.ARRIVES_LATE:
            self.clock.after(delay_seconds, lambda: self._carry_out_unheard(call, operation))
            return _BROKEN
        began = monotonic()
        reply = await self.answer(call, operation, fault)
        self._answers += 1
        self._answering_seconds += monotonic() - began
        if reply.lost:
            return _BROKEN
        match fault:
            case Fault.LOST_AFTER:
                return _BROKEN
            case Fault.HTML_AFTER:
                return _HTML_502
            case Fault.BUSY_AFTER:
                return Passage(reply=await self.refusal(call, Fault.BUSY))
            case Fault.ANSWERS_LATE:
                await self.clock.wait(delay_seconds)
            case Fault.DRIP | Fault.RESET:
                return Passage(reply=reply, halves=met)
        return Passage(reply=reply)

    async def _carry_out_unheard(self, call: Call, operation: Operation) -> None:
        await self.answer(call, operation, None)

    async def _in_halves(
        self, request: web.Request, reply: Reply, met: Met
    ) -> web.StreamResponse:
        response = web.StreamResponse(status=reply.status, headers=_headers(reply))
        response.content_length = len(reply.body)
        await response.prepare(request)
        half = len(reply.body) // 2
        await response.write(reply.body[:half])
        if met.fault is Fault.RESET:
            broken_off(request)
            return response
        await self.clock.wait(met.delay_seconds)
        with suppress(ConnectionResetError):  # whoever asked did not wait so long
            await response.write(reply.body[half:])
        return response

    def _is_too_fast(self) -> bool:
        if self._calls_per_second is None:
            return False
        second = int(self.clock().timestamp())
        before = self._this_second[1] if self._this_second[0] == second else 0
        self._this_second = (second, before + 1)
        return before >= self._calls_per_second

    async def _show_book(self, request: web.Request) -> web.Response:
        day = request.query.get("day")
        shown: dict[str, object] = {"totals": self.book.totals(day)}
        if "totals" not in request.query:
            shown["entries"] = self.book.of_day(day)
        return _json(shown)

    async def _show_faults(self, _request: web.Request) -> web.Response:
        return _json({"plan": self.faults.plan, "happened": dict(self.faults.happened)})

    async def _take_faults(self, request: web.Request) -> web.Response:
        try:
            plan = msgspec.json.decode(await request.read(), type=Plan)
        except (msgspec.DecodeError, msgspec.ValidationError) as exc:
            return _json({"message": str(exc)}, status=HTTPStatus.BAD_REQUEST)
        self.faults.replace(plan)
        return await self._show_faults(request)

    async def _show_clock(self, _request: web.Request) -> web.Response:
        return _json({"now": self.clock()})

    async def _show_times(self, _request: web.Request) -> web.Response:
        shown = {"answers": self._answers, "answering_seconds": self._answering_seconds}
        return _json(shown)

    async def _advance_clock(self, request: web.Request) -> web.Response:
        try:
            asked = msgspec.json.decode(await request.read(), type=_Advance)
        except (msgspec.DecodeError, msgspec.ValidationError) as exc:
            return _json({"message": str(exc)}, status=HTTPStatus.BAD_REQUEST)
        await self.clock.advance(asked.advance_seconds)
        return await self._show_clock(request)

    async def _show_codes(self, _request: web.Request) -> web.Response:
        return _json(self.codes.test_codes())

    async def _make_code(self, request: web.Request) -> web.Response:
        try:
            asked = msgspec.json.decode(await request.read(), type=_Wanted)
            behaviour = Behaviour[asked.behaviour.upper()]
        except (msgspec.DecodeError, msgspec.ValidationError, KeyError) as exc:
            return _json({"message": str(exc)}, status=HTTPStatus.BAD_REQUEST)
        made = self.codes.make(
            behaviour, at=self.clock(), serial=next(self._serial), seconds=asked.seconds
        )
        return _json({"code": made})


class _Advance(Struct, frozen=True):
    advance_seconds: float


class _Wanted(Struct, frozen=True):
    behaviour: str = "ok"
    seconds: int = 10


async def _call_of(request: web.Request) -> Call:
    return Call(
        method=request.method, target=request.raw_path, path=request.path,
        parameters=dict(request.match_info),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await request.read(), shows_certificate=shows_certificate(request.transport),
    )  # fmt: skip


def _response(reply: Reply) -> web.Response:
    return web.Response(status=reply.status, body=reply.body, headers=_headers(reply))


def _headers(reply: Reply) -> dict[str, str]:
    return {"Content-Type": reply.content_type, **reply.headers}


def _json(shown: object, *, status: int = HTTPStatus.OK) -> web.Response:
    body = msgspec.json.encode(shown)
    return web.Response(status=status, body=body, content_type="application/json")


def broken_off(request: web.Request) -> web.Response:
    """The connection is reset; what is returned goes nowhere."""
    if request.transport is not None:
        reset(request.transport)
    return web.Response()


_BROKEN = Passage(reply=None)
_HTML_502 = Passage(reply=Reply(status=502, body=PAGE_502, content_type="text/html"))
