"""The simulated hub over HTTP.

    python -m loadtest.simulators.hub_server --port 9100 --book hub.jsonl --authority FOLDER \\
        --region 441900=http://127.0.0.1:8080 --region 430100=http://127.0.0.1:8180

`/_sim/…` is the director's entrance and exists at no real hub:

    GET  /_sim/book[?day=yyyy-mm-dd][&totals]     what the hub itself knows
    GET  /_sim/cases                              and what every case comes to
    POST /_sim/region {"region": "430100", "address": "http://…"}    deliver to it from now on
    GET  /_sim/faults, POST /_sim/faults {plan}   hub_faults.Plan; {} mends everything
    GET  /_sim/clock,  POST /_sim/clock {"advance_seconds": n}
    POST /_sim/down {"region": "430100", "seconds": 3600}     0 brings it back
    GET  /_sim/times                              of messages since the last look: seconds here, in
                                                  all and while a region had it
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import time
from collections import deque
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path

import msgspec
import uvloop
from aiohttp import web
from msgspec import Struct

from loadtest.simulators.channel import broken_off
from loadtest.simulators.hub import HubSimulator, Passed
from loadtest.simulators.hub_authority import Issuer
from loadtest.simulators.hub_book import HubBook
from loadtest.simulators.hub_faults import Plan
from loadtest.simulators.hub_listener import HubConnection
from loadtest.simulators.hub_party import HubParty
from loadtest.simulators.virtual_clock import VirtualClock
from protocol.hub.envelope import BYTES_MAX
from settlement.region.hub_line import MESSAGES_PATH
from settlement.region.kept_http import KeptHttp, NotAnswered

FORWARD_SECONDS = 30.0
TIMES_KEPT = 10_000
CONNECT_SECONDS = 5.0


class HubServer:
    """A hub that listens."""

    def __init__(self, hub: HubSimulator) -> None:
        self.hub = hub
        self.url = ""
        self._runner: web.AppRunner | None = None
        self._listening: asyncio.Server | None = None
        self._gateways: list[KeptHttp] = []
        self._whole: deque[float] = deque(maxlen=TIMES_KEPT)
        self._at_regions: deque[float] = deque(maxlen=TIMES_KEPT)

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Accept messages; gives the address."""
        application = web.Application(client_max_size=BYTES_MAX)
        application.router.add_post(MESSAGES_PATH, self._serve)  # in unusual form
        application.router.add_get("/_sim/book", self._show_book)
        application.router.add_get("/_sim/cases", self._show_cases)
        application.router.add_post("/_sim/region", self._take_region)
        application.router.add_get("/_sim/faults", self._show_faults)
        application.router.add_post("/_sim/faults", self._take_faults)
        application.router.add_get("/_sim/clock", self._show_clock)
        application.router.add_post("/_sim/clock", self._advance_clock)
        application.router.add_post("/_sim/down", self._take_down)
        application.router.add_get("/_sim/times", self._show_times)
        # Handlers are not cancelled when a region hangs up: what is forwarded is forwarded.
        self._runner = runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        general = runner.server
        if general is None:
            raise RuntimeError("the application was not set up")
        self._listening = await asyncio.get_running_loop().create_server(
            lambda: HubConnection(self._carry, general), host, port
        )
        address = self._listening.sockets[0].getsockname()
        self.url = f"http://{address[0]}:{address[1]}"
        return self.url

    def connect(self, region: str, address: str) -> None:
        """Forward to a region's gateway."""
        gateway = KeptHttp(address, connect_seconds=CONNECT_SECONDS)
        self._gateways.append(gateway)

        async def receive(message: bytes) -> Passed | None:
            began = time.perf_counter()
            reply = await gateway.post(MESSAGES_PATH, message, seconds=FORWARD_SECONDS)
            self._at_regions.append(time.perf_counter() - began)
            if isinstance(reply, NotAnswered):
                return Passed(HTTPStatus.BAD_GATEWAY)
            return Passed(reply.status, reply.body)

        self.hub.connect(region, receive)

    async def stop(self) -> None:
        """Stop listening; what was to happen later does not."""
        if self._listening is not None:
            self._listening.close()
        await self.hub.clock.close()
        if self._runner is not None:
            await self._runner.cleanup()
        for gateway in self._gateways:
            gateway.close()
        self.hub.book.close()

    async def _carry(self, message: bytes) -> Passed | None:
        began = time.perf_counter()
        passed = await self.hub.carry(message)
        self._whole.append(time.perf_counter() - began)
        return passed

    async def _serve(self, request: web.Request) -> web.Response:
        passed = await self.hub.carry(await request.read())
        if passed is None:
            return broken_off(request)
        return web.Response(
            status=passed.status, body=passed.body, content_type="application/json"
        )

    async def _show_book(self, request: web.Request) -> web.Response:
        day, book = request.query.get("day"), self.hub.book
        shown: dict[str, object] = {"totals": book.totals(day)}
        if "totals" not in request.query:
            shown["entries"] = [one for one in book.entries if day in (None, one.day)]
            shown["rows"] = [] if day is None else book.rows_of(day)
        return _json(shown)

    async def _show_cases(self, _request: web.Request) -> web.Response:
        book = self.hub.book
        return _json({"totals": book.totals(), "cases": list(book.cases.values())})

    async def _take_region(self, request: web.Request) -> web.Response:
        try:
            asked = msgspec.json.decode(await request.read(), type=_Region)
        except msgspec.DecodeError as exc:
            return _json({"message": str(exc)}, status=HTTPStatus.BAD_REQUEST)
        self.connect(asked.region, asked.address)
        return _json(asked)

    async def _show_faults(self, _request: web.Request) -> web.Response:
        faults = self.hub.faults
        return _json({"plan": faults.plan, "happened": dict(faults.happened)})

    async def _take_faults(self, request: web.Request) -> web.Response:
        try:
            plan = msgspec.json.decode(await request.read(), type=Plan)
        except msgspec.DecodeError as exc:
            return _json({"message": str(exc)}, status=HTTPStatus.BAD_REQUEST)
        self.hub.faults.replace(plan)
        return await self._show_faults(request)

    async def _show_clock(self, _request: web.Request) -> web.Response:
        return _json({"now": self.hub.clock()})

    async def _advance_clock(self, request: web.Request) -> web.Response:
        try:
            asked = msgspec.json.decode(await request.read(), type=_Advance)
        except msgspec.DecodeError as exc:
            return _json({"message": str(exc)}, status=HTTPStatus.BAD_REQUEST)
        await self.hub.clock.advance(asked.advance_seconds)
        return await self._show_clock(request)

    async def _show_times(self, _request: web.Request) -> web.Response:
        shown = _json({"whole": list(self._whole), "at_regions": list(self._at_regions)})
        self._whole.clear()
        self._at_regions.clear()
        return shown

    async def _take_down(self, request: web.Request) -> web.Response:
        try:
            asked = msgspec.json.decode(await request.read(), type=_Down)
        except msgspec.DecodeError as exc:
            return _json({"message": str(exc)}, status=HTTPStatus.BAD_REQUEST)
        self.hub.take_down(asked.region, asked.seconds)
        return _json(asked)


class _Advance(Struct, frozen=True):
    advance_seconds: float


class _Region(Struct, frozen=True):
    region: str
    address: str


class _Down(Struct, frozen=True):
    region: str
    seconds: float


def _json(shown: object, *, status: int = HTTPStatus.OK) -> web.Response:
    body = msgspec.json.encode(shown)
    return web.Response(status=status, body=body, content_type="application/json")


def answer_by(hub: HubSimulator, authority: Path) -> None:
    """The hub answers for its book with the keys that lie in its authority's folder by then."""
    hub.answer_itself(HubParty(Issuer(authority).hub_post, hub.book, hub.clock))


async def _run(
    port: int, book: Path | None, authority: Path | None, regions: Sequence[str]
) -> None:
    server = HubServer(HubSimulator(clock=VirtualClock(), book=HubBook(book)))
    if authority is not None:
        answer_by(server.hub, authority)
    for told in regions:
        region, _, address = told.partition("=")
        server.connect(region, address)
    asked = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Also where whoever started us has Ctrl-C ignored, as shells do for what runs behind.
        asyncio.get_running_loop().add_signal_handler(number, asked.set)
    print(await server.start(port=port), flush=True)
    try:
        await asked.wait()
    finally:
        await server.stop()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run it until Ctrl-C or SIGTERM."""
    parser = argparse.ArgumentParser(description="The simulated hub between regions.")
    parser.add_argument("--port", type=int, default=9100)
    parser.add_argument("--book", type=Path, help="file of its book; in memory without")
    parser.add_argument(
        "--authority", type=Path, metavar="FOLDER",
        help="of its authority, with the hub's own keys: it answers for its book",
    )  # fmt: skip
    parser.add_argument("--region", action="append", default=[], metavar="CODE=ADDRESS")
    parsed = parser.parse_args(arguments)
    uvloop.run(_run(parsed.port, parsed.book, parsed.authority, parsed.region))


if __name__ == "__main__":
    main()
