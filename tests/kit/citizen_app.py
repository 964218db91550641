"""The city's app as the town's people hold it: signs tokens, asks, and keeps the answers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import aiohttp
from msgspec import Struct
from msgspec.structs import replace

from settlement.clock import Clock
from settlement.people.my_token import Claims, owner_of, signed_token
from settlement.storage.queries import REFERENCE
from settlement.storage.reference import credential_record
from settlement.telemetry.metrics import Board
from settlement.web.app import WebServer, WebSettings, listen
from tests.kit.population import Citizen
from tests.kit.town import Town
from tests.kit.townhall import Townhall
from tests.kit.waiting import until
from tests.services import temporary_directory

APP, KEY, SECRET = "city", "city-app-0001", "test-secret-of-the-city-app-0001"
"""The app that the town registers."""
LIFE_SECONDS = 120
STOP_SECONDS = 5.0


class Told(Struct, frozen=True, kw_only=True):
    """What came back: HTTP status and JSON."""

    status: int
    said: dict[str, Any]

    @property
    def code(self) -> str:
        """Why not; empty where it was done."""
        return str(self.said.get("err_code", ""))


class CitizenApp:
    """Asks for whoever is signed in. `answer` is the server's, or a town's own."""

    def __init__(
        self, town: Townhall, session: aiohttp.ClientSession | None, url: str,
        clock: Clock | None = None,
    ) -> None:  # fmt: skip
        """Without a session it only signs. The clock is the server's, which is the town's own
        unless the server is a process of its own."""
        self._town = town
        self._clock = clock or town.clock
        self._session = session
        self.url = url
        self._numbers = count(1)

    def claims(self, who: Citizen) -> Claims:
        """What a token of somebody says now."""
        now = int(self._clock().timestamp())
        return Claims(
            aud="my", iat=now, exp=now + LIFE_SECONDS, jti=f"{who.number}-{next(self._numbers)}",
            sub=who.number,
        )  # fmt: skip

    def token(self, who: Citizen, **changes: Any) -> str:
        """A token of somebody, perhaps not as it should be."""
        return signed_token(KEY, SECRET, replace(self.claims(who), **changes))

    async def get(
        self, who: Citizen, place: str, *, about: Citizen | None = None, token: str | None = None
    ) -> Told:
        """What stands."""
        return await self._ask("GET", who, place, about, token, None)

    async def post(
        self, who: Citizen, place: str, content: dict[str, Any], *, about: Citizen | None = None,
        token: str | None = None,
    ) -> Told:  # fmt: skip
        """Have something done; a request number of its own unless one is given."""
        told = {"request_no": f"R{next(self._numbers)}", **content}
        return await self._ask("POST", who, place, about, token, told)

    async def file(self, who: Citizen, kind: str = "other", **more: Any) -> Told:
        """File care outside the region, in Sichuan unless told otherwise."""
        about = more.pop("about", None)
        content = {"kind": kind, "place": "510000", **more}
        return await self.post(who, "filings", content, about=about)

    async def authorise(self, who: Citizen, agent: Citizen, **more: Any) -> Told:
        """Let somebody act for a month."""
        ends_on = more.pop("ends_on", str(self._town.clock.local.date().replace(day=28)))
        content = {"relation": "relative", "agent_no": agent.number, "ends_on": ends_on}
        return await self.post(who, "authorisations", {**content, **more})

    async def _ask(
        self, method: str, who: Citizen, place: str, about: Citizen | None, token: str | None,
        content: dict[str, Any] | None,
    ) -> Told:  # fmt: skip
        token = self.token(who) if token is None else token
        assert self._session is not None
        query = {} if about is None else {"for": about.number}
        async with self._session.request(
            method, f"{self.url}/my/v1/{place}", params=query, json=content,
            headers={"Authorization": f"Bearer {token}"},
        ) as reply:  # fmt: skip
            return Told(status=reply.status, said=json.loads(await reply.read()))


async def register_app(town: Townhall, *, key: str = KEY, secret: str = SECRET) -> None:
    """An operator registers the app, and every process hears of it."""
    await keep_credential(town, owner_of(APP), key, secret)


async def keep_credential(town: Townhall, owner: str, key: str, secret: str) -> None:
    """A credential of somebody who is no institution."""
    sealed = town.keyring.seal(secret.encode(), credential_record(key))
    await town.owner.execute(REFERENCE["keep_credential"], key, owner, town.keyring.version, sealed)
    await town.bump("institutions")


async def until_known(app: CitizenApp, who: Citizen) -> None:
    """The server has heard of the app."""

    async def heard() -> bool:
        return (await app.get(who, "status")).code != "APP_UNKNOWN"

    await until(heard)


@asynccontextmanager
async def a_city_app(town: Town) -> AsyncIterator[CitizenApp]:
    """The town's service behind a web server of its own, and the app that sends people there."""
    await register_app(town)
    with temporary_directory() as directory:
        settings = WebSettings(clock=town.clock)
        web = WebServer(town.service, Board(directory, "test"), settings)
        listener = listen("127.0.0.1", 0)
        await web.start(listener)
        try:
            async with aiohttp.ClientSession() as session:
                url = f"http://127.0.0.1:{listener.getsockname()[1]}"
                app = CitizenApp(town, session, url)
                await until_known(app, town.borrowed())
                yield app
        finally:
            await web.stop(STOP_SECONDS)
