"""Two regions at a hub: without sockets, and over HTTP with our own web server at the far end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from msgspec import Struct

from loadtest.simulators.hub import HubSimulator
from loadtest.simulators.hub_server import HubServer
from loadtest.simulators.hub_world import HubRegion, hub_regions
from loadtest.simulators.virtual_clock import VirtualClock
from settlement.region.hub_line import HttpCarrier, PostLine
from settlement.telemetry.metrics import Board
from settlement.web.app import WebServer, WebSettings, listen
from tests.integration.web.echo_gateway import EchoGateway
from tests.kit.hub import AT, INSURED, OTHER, TREATED
from tests.kit.hub_desk import MemoryDesk


class Wire(Struct):
    """What a test has: the hub, T's line, I's desk."""

    hub: HubSimulator
    line: PostLine
    desk: MemoryDesk
    treated: HubRegion
    insured: HubRegion


@pytest.fixture(params=["in process", "over http"])
async def wire(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Wire]:
    """T and I, and a third region where nobody answers."""
    hub = HubSimulator(clock=VirtualClock(AT))
    regions = hub_regions(hub, [TREATED, INSURED, OTHER])
    treated, insured = regions[TREATED], regions[INSURED]
    insured.desk = desk = MemoryDesk()
    made = Wire(hub=hub, line=treated.line, desk=desk, treated=treated, insured=insured)
    async with AsyncExitStack() as stack:
        if request.param == "over http":
            server = HubServer(hub)
            carrier = HttpCarrier(await server.start(), connect_seconds=5.0)
            stack.push_async_callback(server.stop)
            stack.callback(carrier.close)
            for code, region in regions.items():
                address = await stack.enter_async_context(_gateway(region, tmp_path / code))
                server.connect(code, address)
            made.line = PostLine(lambda: treated.registry, carrier, treated.clock)
        yield made


@asynccontextmanager
async def _gateway(region: HubRegion, directory: Path) -> AsyncIterator[str]:
    """The web server of a region."""
    web = WebServer(EchoGateway(), Board(directory, "gateway-0"), WebSettings(hub_door=region.door))
    listener = listen("127.0.0.1", 0)
    await web.start(listener)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    await web.stop(1.0)
