"""An insured person's browser on `/my/`, and what the city's app asks for by itself (参保人自助).

The app's ticket becomes a cookie, and a filing is sent by the page's own form, as in a browser.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TypeVar

import aiohttp
import msgspec
from msgspec import Struct

from loadtest.city_app import CityApp
from loadtest.institution_client import ClientError
from settlement.web.my_access import COOKIE

ANSWER_SECONDS_MAX = 30.0
PATIENCE_TIMES, PATIENCE_SECONDS = 60, 0.5
"""How often, and how far apart, is asked until every process has heard of the app."""
_HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')
_Answer = TypeVar("_Answer", bound=Struct)


class CitizenBrowser:
    """Of whom the app has signed in."""

    def __init__(self, session: aiohttp.ClientSession, app: CityApp) -> None:
        self._session = session
        self._app = app
        self._cookie = ""

    async def asked(self, place: str, kind: type[_Answer]) -> _Answer:
        """What `/my/v1/…` answers, once the process that is asked has heard of the app. Raises
        ClientError."""
        url = f"{self._app.url}/my/v1/{place}"
        for _ in range(PATIENCE_TIMES):
            headers = {"Authorization": f"Bearer {self._app.token()}"}
            async with self._session.get(url, headers=headers) as response:
                body = await response.read()
            if response.status == HTTPStatus.OK:
                return msgspec.json.decode(body, type=kind)
            await asyncio.sleep(PATIENCE_SECONDS)
        raise ClientError(f"/my/v1/{place}: HTTP {response.status}: {body[:200]!r}")

    async def opened(self, path: str) -> str:
        """A page; the first time by a ticket, which becomes a cookie. Raises ClientError."""
        for _ in range(PATIENCE_TIMES):
            if self._cookie:
                break
            async with self._session.get(self._app.door(), allow_redirects=False) as response:
                kept = response.cookies.get(COOKIE)
            if kept is None:
                await asyncio.sleep(PATIENCE_SECONDS)
            else:
                self._cookie = f"{COOKIE}={kept.value}"
        return await self._page("GET", path)

    async def filled_in(self, path: str, action: str, written: Mapping[str, str]) -> str:
        """The page's form with this written into it; the page that comes after it. Raises
        ClientError."""
        hidden = dict(_HIDDEN.findall(await self.opened(path)))
        return await self._page("POST", action, {**hidden, **written})

    async def _page(self, method: str, path: str, form: Mapping[str, str] | None = None) -> str:
        async with self._session.request(
            method, f"{self._app.url}{path}", data=form, headers={"Cookie": self._cookie}
        ) as response:
            text = await response.text()
        if response.status != HTTPStatus.OK:
            raise ClientError(f"{path}: HTTP {response.status}")
        return text


@asynccontextmanager
async def a_browser_of(app: CityApp) -> AsyncIterator[CitizenBrowser]:
    """A browser that knows nothing yet."""
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS_MAX)
    # The cookie is for HTTPS, which a demonstration has not: it is carried by hand.
    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(timeout=timeout, cookie_jar=jar) as session:
        yield CitizenBrowser(session, app)
