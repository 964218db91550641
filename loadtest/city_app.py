"""A stand-in for the city's app (城市 App): it signs for one insured person and sends a browser on.

Whoever opens its address is that person, and is redirected to `/my/` with a new ticket each time,
because a ticket opens the door once and within minutes.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from settlement.clock import system_clock
from settlement.people.my_token import AUDIENCE, Claims, signed_token

NAME = "city"
ACCESS_KEY = "demo-city-app"
TICKET_SECONDS = 120
_PRIVATE = 0o600


def secret_file(data_dir: Path) -> Path:
    """What the app of a demonstration signs with; made where it is not there yet."""
    file = data_dir / "demo-city-app.secret"
    if not file.exists():
        file.touch(mode=_PRIVATE)
        file.write_text(secrets.token_hex(32), "ascii")
    return file


class CityApp:
    """The app in one person's hand."""

    def __init__(self, url: str, secret: str, person_no: str) -> None:
        self.url = url
        self._secret = secret
        self._person_no = person_no

    def token(self) -> str:
        """One that was never used."""
        now = int(system_clock().timestamp())
        claims = Claims(
            aud=AUDIENCE, iat=now, exp=now + TICKET_SECONDS, jti=secrets.token_hex(12),
            sub=self._person_no,
        )  # fmt: skip
        return signed_token(ACCESS_KEY, self._secret, claims)

    def door(self) -> str:
        """The address that lets a browser in, once."""
        return f"{self.url}/my/?ticket={self.token()}"


@asynccontextmanager
async def open_app(app: CityApp, host: str) -> AsyncIterator[str]:
    """The app's own address, while it runs."""

    async def send_on(_request: web.BaseRequest) -> web.StreamResponse:
        headers = {"Location": app.door(), "Cache-Control": "no-store"}
        return web.Response(status=302, headers=headers)

    listener = socket.create_server((host, 0))
    runner = web.ServerRunner(web.Server(send_on))
    await runner.setup()
    await web.SockSite(runner, listener).start()
    try:
        yield f"http://{host}:{listener.getsockname()[1]}/"
    finally:
        await runner.cleanup()
