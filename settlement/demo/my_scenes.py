"""The scene of an insured person's own page (参保人自助, `/my/`): how a settlement came about, and
care elsewhere filed in advance.

An operator registers the city's app. Its ticket becomes a cookie, as in a browser, and the filing
is sent by the page's own form; the figures are read from `/my/v1/…`.
"""

from __future__ import annotations

import asyncio
import re
from decimal import Decimal
from http import HTTPStatus
from typing import TypeVar

import aiohttp
import msgspec
from msgspec import Struct

from protocol.my import MatterReply, MattersReply, SettlementReply, SettlementsReply, StatusReply
from settlement.demo import till
from settlement.demo.cast import Cast, Props
from settlement.demo.city_app import ACCESS_KEY, NAME, CityApp, secret_file
from settlement.demo.neighbour import REGION
from settlement.demo.scene import ORDERED, Scene, StoryError
from settlement.demo.table import money
from settlement.web.my_access import COOKIE

ANSWER_SECONDS_MAX = 30.0
_HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')
_FILING = {"kind": "resident", "province": f"{REGION[:2]}0000", "city": REGION, "reason": "演示"}
_Answer = TypeVar("_Answer", bound=Struct)


async def own_page(cast: Cast, _props: Props) -> Scene:
    """A colleague looks why a sale cost what it did, and files care in the other region."""
    secret = await asyncio.to_thread(secret_file, cast.data_dir)
    await cast.operator(
        ("my", "app", NAME, "--access-key", ACCESS_KEY, "--secret-file", str(secret), *ORDERED)
    )
    async with _Browser(city_app(cast)) as browser:
        status = await browser.asked("status", StatusReply)
        if money(Decimal(status.balance)) not in await browser.opened("/my/"):
            raise StoryError("the page does not show the balance")
        latest = (await browser.asked("settlements", SettlementsReply)).settlements[0]
        why = await browser.asked(f"settlements/{latest.settlement_id}", SettlementReply)
        filed = await _filed(browser)
    if why.recomputed != "same":
        raise StoryError(f"computed again the settlement is not the same: {why.recomputed}")
    return Scene(
        infno="/my/", chinese="参保人自己查、自己备案", english="an insured person's own page",
        lines=(
            f"{cast.colleague.person.psn_name}从城市 App 打开“我的医保”，"
            f"个人账户余额 balance {money(Decimal(status.balance))}",
            f"最近一笔 the latest: {latest.institution_zh}，总费用 total {latest.total}",
            *(f"{number}. {one.text}" for number, one in enumerate(why.reasons, 1)),
            "重新计算结果一致 computed again: the same to the fen",
            f"异地就医备案 files care elsewhere: {filed.what_zh}，{filed.place_zh}，"
            f"{filed.begins_on} 起{filed.state_zh} in force",
        ),
    )  # fmt: skip


MY_SCENES = (own_page,)


def city_app(cast: Cast) -> CityApp:
    """In the hand of who plays the scene."""
    secret = secret_file(cast.data_dir).read_text("ascii")
    return CityApp(cast.url, secret, cast.colleague.person.psn_no)


class _Browser:
    """The page in a browser, and beside it what the app asks for by itself."""

    def __init__(self, app: CityApp) -> None:
        self._app = app
        self._cookie = ""

    async def __aenter__(self) -> _Browser:
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS_MAX)
        # The cookie is for HTTPS, which a demonstration has not: it is carried by hand.
        self._session = aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def asked(self, place: str, kind: type[_Answer]) -> _Answer:
        """What `/my/v1/…` answers, once the process that is asked has heard of the app."""
        url = f"{self._app.url}/my/v1/{place}"
        for _ in range(till.POLLS_MAX):
            headers = {"Authorization": f"Bearer {self._app.token()}"}
            async with self._session.get(url, headers=headers) as response:
                body = await response.read()
            if response.status != HTTPStatus.UNAUTHORIZED:
                return msgspec.json.decode(body, type=kind)
            await asyncio.sleep(till.POLL_SECONDS)
        raise StoryError(f"/my/v1/{place}: {body[:200]!r}")

    async def opened(self, path: str) -> str:
        """A page; the first time by a ticket, which becomes a cookie."""
        for _ in range(till.POLLS_MAX):
            if self._cookie:
                break
            async with self._session.get(self._app.door(), allow_redirects=False) as response:
                kept = response.cookies.get(COOKIE)
            if kept is None:
                await asyncio.sleep(till.POLL_SECONDS)
            else:
                self._cookie = f"{COOKIE}={kept.value}"
        return await self._page("GET", path)

    async def filled_in(self, path: str, action: str, written: dict[str, str]) -> str:
        """The page's form with this written into it; the page that comes after it."""
        hidden = dict(_HIDDEN.findall(await self.opened(path)))
        return await self._page("POST", action, hidden | written)

    async def _page(self, method: str, path: str, form: dict[str, str] | None = None) -> str:
        async with self._session.request(
            method, f"{self._app.url}{path}", data=form, headers={"Cookie": self._cookie}
        ) as response:
            text = await response.text()
        if response.status != HTTPStatus.OK:
            raise StoryError(f"{path}: HTTP {response.status}")
        return text


async def _filed(browser: _Browser) -> MatterReply:
    """The filing of care in the other region; one that an earlier story made is in force still."""
    found = await _in_force(browser)
    if found is None:
        await browser.filled_in("/my/filings/new", "/my/filings", _FILING)
        found = await _in_force(browser)
    if found is None:
        raise StoryError("the filing is not in force")
    return found


async def _in_force(browser: _Browser) -> MatterReply | None:
    matters = (await browser.asked("filings", MattersReply)).matters
    return next((one for one in matters if one.in_force and one.place == REGION), None)
