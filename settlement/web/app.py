"""The HTTP side of one gateway process: addresses, and the listening socket.

NHSA requests in plain form never come here: `connection` answers them. Here are the same requests
in unusual form (chunked, HTTP/1.0 …), the pages about the process, and everything that is refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from http import HTTPStatus
from pathlib import Path

from aiohttp import web
from msgspec import Struct
from msgspec.json import Encoder

from settlement.clock import Clock, monotonic, system_clock
from settlement.gateway import Gateway, HubDoor, Readiness, Unavailable
from settlement.import_job import ImportOffice
from settlement.limits import DEFAULT_LIMITS, Limits
from settlement.telemetry.metrics import METRICS, Board
from settlement.web.arriving import BodyNotWhole, not_whole, waits_to_send, whole_body
from settlement.web.authentication import Authenticator, Denied
from settlement.web.cashier import ROOT as CASHIER_ROOT
from settlement.web.cashier import CashierPages
from settlement.web.connection import Connections
from settlement.web.console import ROOT as CONSOLE_ROOT
from settlement.web.console import ConsoleRelay
from settlement.web.entrance import Entrances
from settlement.web.exchange import Exchange
from settlement.web.framing import PATH
from settlement.web.general import GeneralConnections
from settlement.web.hub import PATH as HUB_PATH
from settlement.web.hub import HubPage
from settlement.web.imports import Imports
from settlement.web.mobile import ROOT as MOBILE_ROOT
from settlement.web.mobile import MobilePages
from settlement.web.my import ROOT as MY_ROOT
from settlement.web.my import MyApi
from settlement.web.my_access import MyAccess
from settlement.web.my_pages import ROOT as MY_PAGES
from settlement.web.my_pages import MyPages
from settlement.web.nonces import SCRIPT, Nonces
from settlement.web.openapi import openapi_document
from settlement.web.pages import (
    ASSETS,
    CONTENT_POLICY,
    DOCS_HTML,
    asset,
    docs_page,
    errors_page,
)
from settlement.web.pay import PayPages
from settlement.web.redis_script import RedisScript
from settlement.web.reply import JSON, HttpReply, problem, too_large
from settlement.web.tls import Renewing, SecureDoor

BACKLOG = 4096
SWEEP_SECONDS = 0.25
PUBLISH_SECONDS = 0.5
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
INFNO_LENGTH_MAX = 6
NO_SNIFFING = {"X-Content-Type-Options": "nosniff"}
"""What says JSON is JSON, whatever somebody had written into it."""
_EXPLANATION = re.compile(r"/settlements/(\d{1,20})/explanation", re.ASCII)

DemoWorld = Callable[[int | None], Awaitable[bytes]]
"""The demo region as JSON, with so many persons (None: all)."""

DemoToken = Callable[[str, str], Awaitable[bytes | None]]
"""An e-credential token for a person at an institution; None outside a demo region."""

Page = Callable[[web.BaseRequest], Awaitable[web.Response]]


class WebSettings(Struct, frozen=True, kw_only=True):
    """What the web layer of one process is told."""

    limits: Limits = DEFAULT_LIMITS
    redis_url: str | None = None
    demo_world: DemoWorld | None = None
    demo_token: DemoToken | None = None
    import_office: ImportOffice | None = None
    """where files of the agency are received; None where nobody receives any"""
    hub_door: HubDoor | None = None
    """where other regions ask; None where this one speaks to no other"""
    console_socket: Path | None = None
    """where the console's process listens; None where there is no console"""
    tls: Renewing | None = None
    """None: plain HTTP"""
    clock: Clock = system_clock


class WebServer:
    """One gateway process's HTTP server: `start`, then `stop` once."""

    def __init__(self, gateway: Gateway, board: Board, settings: WebSettings) -> None:
        limits = settings.limits
        limits.check()
        self._body = partial(whole_body, limits=limits)
        self._gateway = gateway
        self._board = board
        self._settings = settings
        self._script = RedisScript(settings.redis_url, SCRIPT) if settings.redis_url else None
        self.nonces = Nonces(self._script, limits)
        self._authenticator = Authenticator(gateway, self.nonces, limits)
        self._entrances = Entrances(limits, monotonic)
        self.exchange = Exchange(gateway, self._authenticator, self._entrances.messages, limits)
        desk = gateway.payments
        self._pay: PayPages | None = None
        self._cashier = None if desk is None else CashierPages(desk, self._body, limits)
        if desk is not None:
            entrance = self._entrances.payments
            self._pay = PayPages(desk, self._authenticator, self._body, limits, entrance)
        centre = gateway.mobile_centre
        self._mobile = None if centre is None else MobilePages(centre, self._body, limits)
        self._my: MyApi | None = None
        self._my_pages: MyPages | None = None
        if gateway.mine is not None:
            access = MyAccess(gateway.mine, gateway.credential, self.nonces, settings.clock)
            self._my = MyApi(gateway.mine, access, self._body, limits)
            self._my_pages = MyPages(gateway.mine, access, self._body)
        door = settings.hub_door
        self._hub = None if door is None else HubPage(door, self._body, limits)
        self._console: ConsoleRelay | None = None
        if settings.console_socket is not None:
            self._console = ConsoleRelay(settings.console_socket)
        self._general = web.Server(self._answer, access_log=None)
        self.guests = GeneralConnections(self._general, limits)
        self.connections = Connections(
            self.exchange, self.guests, limits, self._hub, self._pay
        )
        self._door = self._secure_door(settings.tls, limits)
        self.connections.elsewhere = self._elsewhere
        self._pages = self._page_table()
        office = settings.import_office
        self._imports: Imports | None = None
        if office is not None:
            self._imports = Imports(office, gateway.credential, limits, settings.clock)
        self._server: asyncio.Server | None = None
        self._housekeeping: asyncio.Task[None] | None = None

    def _secure_door(self, tls: Renewing | None, limits: Limits) -> SecureDoor | None:
        """What stands before plain connections where TLS is spoken."""
        if tls is None:
            return None
        return SecureDoor(
            self.connections, tls, seconds_max=limits.arrival_seconds_max,
            is_full=lambda: self.connections.count >= limits.connections_max,
        )  # fmt: skip

    def _elsewhere(self) -> int:
        """Connections that are general, and those whose handshake is not done."""
        return self.guests.count() + (0 if self._door is None else self._door.count)

    async def start(self, listener: socket.socket) -> None:
        """Accept connections on a bound socket."""
        loop = asyncio.get_running_loop()
        self._board.resume()
        self._board.publish()
        if self._door is None:
            self._server = await loop.create_server(
                self.connections, sock=listener, backlog=BACKLOG
            )
        else:
            self._door.open(listener, BACKLOG)
        self._housekeeping = loop.create_task(self._keep_house())

    async def stop(self, drain_seconds: float) -> bool:
        """Stop accepting, finish what is in flight; False where time ran out first."""
        if self._server is not None:
            self._server.close()
        if self._door is not None:
            self._door.close()
        self.connections.stop()
        finished = await self.exchange.drain(drain_seconds)
        self._general.pre_shutdown()
        self.connections.abort()
        await self._general.shutdown(timeout=0.1)
        if self._housekeeping is not None:
            self._housekeeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._housekeeping
        await self.nonces.stop()
        if self._console is not None:
            await self._console.close()
        if self._script is not None:
            self._script.close()
        self._board.publish()
        return finished

    def readiness(self) -> Readiness:
        """The core's readiness together with what the web layer knows."""
        core = self._gateway.readiness()
        checks = {**core.checks, "nonces": "process only" if self.nonces.degraded else "shared"}
        degraded = (*core.degraded, "nonces") if self.nonces.degraded else core.degraded
        ready = core.ready and not self.exchange.draining
        return Readiness(ready=ready, degraded=degraded, checks=checks)

    async def _keep_house(self) -> None:
        loop = asyncio.get_running_loop()
        published_at = loop.time()
        while True:
            due = loop.time() + SWEEP_SECONDS
            await asyncio.sleep(SWEEP_SECONDS)
            METRICS.loop_lag.observe(max(loop.time() - due, 0.0))
            self.guests.sweep()
            self.connections.sweep()
            self._entrances.keep(self._gateway.strain())
            if loop.time() - published_at >= PUBLISH_SECONDS:
                published_at = loop.time()
                if self._settings.tls is not None:
                    self._settings.tls.look()
                self._board.publish()

    def _page_table(self) -> Mapping[str, Page]:
        pages: dict[str, Page] = {
            "/": self._front,
            "/healthz": self._healthz,
            "/readyz": self._readyz,
            "/metrics": self._metrics,
            "/openapi.json": self._openapi,
            "/docs": self._docs,
            "/docs/errors": self._errors,
            **dict.fromkeys(ASSETS, self._asset),
        }
        if self._settings.demo_world is not None:
            pages["/demo/world.json"] = self._demo_world
        return pages

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Every request that is not plain. aiohttp's own parser has read its head."""
        self.guests.began(request.protocol)
        try:
            response = await self._answered(request)
        except (BodyNotWhole, web.RequestPayloadError) as exc:
            response = _response(not_whole(request, exc, self._settings.limits))
            response.force_close()
        if waits_to_send(request):  # nobody asked for it, so what comes next may be it or not
            response.force_close()
        return response

    async def _answered(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        if path == PATH or path.startswith(PATH + "/"):
            return await self._nhsa(request, path[len(PATH) + 1 :])
        explained = _EXPLANATION.fullmatch(path)
        if explained is not None:
            return await self._explanation(request, explained.group(1))
        if self._pay is not None and path.startswith(("/pay/", "/notify/")):
            return _response(await self._pay.answer(request))
        if self._cashier is not None and path.startswith(CASHIER_ROOT):
            return await self._cashier.answer(request)
        if self._mobile is not None and path.startswith(MOBILE_ROOT):
            return _response(await self._mobile.answer(request))
        if self._my is not None and path.startswith(MY_ROOT):
            return _response(await self._my.answer(request))
        if self._my_pages is not None and path.startswith(MY_PAGES):
            return await self._my_pages.answer(request)
        if self._hub is not None and path == HUB_PATH:
            return _response(await self._hub.answer(request))
        if self._imports is not None and path.startswith("/imports/"):
            return _response(await self._imports.answer(request))
        if self._settings.demo_token is not None and path == "/demo/token":
            return await self._demo_token(request, self._settings.demo_token)
        if self._console is not None and (path + "/").startswith(CONSOLE_ROOT + "/"):
            return await self._console.answer(request)
        page = self._pages.get(path)
        if page is None:
            return _response(problem("NOT_FOUND"))
        if request.method != "GET":
            return _not_allowed("GET")
        return await page(request)

    async def _nhsa(self, request: web.BaseRequest, infno: str) -> web.Response:
        if len(infno) > INFNO_LENGTH_MAX or (infno and not (infno.isascii() and infno.isalnum())):
            return _response(problem("NOT_FOUND"))
        if request.method != "POST":
            return _not_allowed("POST")
        body = await self._body(request)
        if body is None:
            response = _response(too_large(self._settings.limits))
            response.force_close()
            return response
        headers = {name.lower(): value for name, value in request.headers.items()}
        return _response(await self.exchange(infno or None, headers, body))

    async def _explanation(self, request: web.BaseRequest, setl_id: str) -> web.Response:
        """GET /settlements/{id}/explanation, signed as an NHSA request with an empty body."""
        if request.method != "GET":
            return _not_allowed("GET")
        headers = {name.lower(): value for name, value in request.headers.items()}
        granted = self._authenticator.authenticate(headers, b"")
        if isinstance(granted, Denied):
            return _response(problem(granted.code, params=granted.params))
        if granted.nonce is not None and not await granted.nonce:
            return _response(problem("NONCE_REUSED"))
        try:
            found = await self._gateway.explanation(setl_id, granted.caller)
        except Unavailable as exc:
            return _response(problem("UNAVAILABLE", seconds=exc.seconds))
        return _response(_NO_SUCH) if found is None else _json(200, found)

    async def _front(self, _request: web.BaseRequest) -> web.Response:
        """Whoever types only the server's name gets what is to be read about it."""
        return web.Response(status=HTTPStatus.FOUND, headers={"Location": "/docs"})

    async def _healthz(self, _request: web.BaseRequest) -> web.Response:
        return _json(200, b'{"status":"ok"}')

    async def _readyz(self, _request: web.BaseRequest) -> web.Response:
        readiness = self.readiness()
        return _json(200 if readiness.ready else 503, _ENCODER.encode(readiness))

    async def _metrics(self, _request: web.BaseRequest) -> web.Response:
        return web.Response(body=self._board.render(), headers={"Content-Type": METRICS_TYPE})

    async def _openapi(self, _request: web.BaseRequest) -> web.Response:
        return _json(200, await asyncio.to_thread(openapi_document))

    async def _docs(self, _request: web.BaseRequest) -> web.Response:
        demo = self._settings.demo_world is not None
        return _document(await asyncio.to_thread(docs_page, demo=demo))

    async def _errors(self, _request: web.BaseRequest) -> web.Response:
        return _document(await asyncio.to_thread(errors_page))

    async def _asset(self, request: web.BaseRequest) -> web.Response:
        headers = {
            "Content-Type": ASSETS[request.path], "Cache-Control": "no-cache", **NO_SNIFFING
        }  # fmt: skip
        return web.Response(body=asset(request.path), headers=headers)

    async def _demo_world(self, request: web.BaseRequest) -> web.Response:
        make = self._settings.demo_world
        persons = request.rel_url.query.get("persons", "")
        if make is None or (persons and not (persons.isascii() and persons.isdigit())):
            return _response(problem("NOT_FOUND"))
        return _json(200, await make(int(persons[:9]) if persons else None))

    async def _demo_token(self, request: web.BaseRequest, make: DemoToken) -> web.Response:
        if request.method != "POST":
            return _not_allowed("POST")
        asked = request.rel_url.query
        person_no, institution = asked.get("psn_no", ""), asked.get("fixmedins_code", "")
        if not (person_no.isalnum() and institution.isalnum()):
            return _response(problem("NOT_FOUND"))
        made = await make(person_no, institution)
        return _response(problem("NOT_FOUND")) if made is None else _json(200, made)


def listen(host: str, port: int, limits: Limits = DEFAULT_LIMITS) -> socket.socket:
    """A bound socket that shares its port with other processes of ours. Raises OSError."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        # Accepted sockets inherit these. An answer leaves at once; and whoever has gone, or reads
        # nothing, is found out by the kernel.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, limits.quiet_seconds_max)
        unread_ms = round(limits.unread_seconds_max * 1000)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, unread_ms)
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


def _not_allowed(allow: str) -> web.Response:
    response = _response(problem("METHOD_NOT_ALLOWED", params={"allow": allow}))
    response.headers["Allow"] = allow
    return response


def _response(reply: HttpReply) -> web.Response:
    response = web.Response(
        status=reply.status, body=reply.body, headers={"Content-Type": reply.media, **NO_SNIFFING}
    )
    if reply.retry_after_seconds is not None:
        response.headers["Retry-After"] = str(reply.retry_after_seconds)
    return response


def _document(page: bytes) -> web.Response:
    headers = {
        "Content-Type": DOCS_HTML, "Content-Security-Policy": CONTENT_POLICY, **NO_SNIFFING
    }  # fmt: skip
    return web.Response(body=page, headers=headers)


def _json(status: int, body: bytes) -> web.Response:
    return web.Response(status=status, body=body, headers={"Content-Type": JSON})


_ENCODER = Encoder()
_NO_SUCH = problem("NOT_FOUND", message="本机构没有这笔结算。请核对地址中的结算ID（setl_id）。")
