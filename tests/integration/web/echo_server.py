"""A web server over the echo gateway, in the test's own process."""

from __future__ import annotations

from pathlib import Path

import msgspec

from settlement.limits import DEFAULT_LIMITS, Limits
from settlement.telemetry.metrics import Board
from settlement.web.app import WebServer, WebSettings, listen
from tests.integration.web.echo_gateway import EchoGateway

LIMITS = msgspec.structs.replace(DEFAULT_LIMITS, body_bytes_max=20_000, head_bytes_max=8_000)


class Server:
    """A web server over the echo gateway."""

    def __init__(self, folder: Path, limits: Limits = LIMITS) -> None:
        self.gateway = EchoGateway()
        self._limits = limits
        settings = WebSettings(
            limits=limits, demo_world=self.gateway.demo_world, demo_token=self.gateway.demo_token
        )
        self.web = WebServer(self.gateway, Board(folder, "test"), settings)
        self.port = 0

    async def __aenter__(self) -> Server:
        listener = listen("127.0.0.1", 0, self._limits)
        self.port = listener.getsockname()[1]
        await self.web.start(listener)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.gateway.released.set()
        await self.web.stop(5.0)
