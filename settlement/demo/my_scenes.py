"""The scene of an insured person's own page (参保人自助, `/my/`): how a settlement came about, and
care elsewhere filed in advance. The figures are read from `/my/v1/…`.
"""

from __future__ import annotations

import asyncio
from decimal import Decimal

from loadtest.citizen_browser import CitizenBrowser, a_browser_of
from loadtest.city_app import ACCESS_KEY, NAME, CityApp, secret_file
from protocol.my import MatterReply, MattersReply, SettlementReply, SettlementsReply, StatusReply
from settlement.demo.cast import Cast, Props
from settlement.demo.neighbour import REGION
from settlement.demo.scene import ORDERED, Scene, StoryError
from settlement.demo.table import money

_FILING = {"kind": "resident", "province": f"{REGION[:2]}0000", "city": REGION, "reason": "演示"}


async def own_page(cast: Cast, _props: Props) -> Scene:
    """A colleague looks why a sale cost what it did, and files care in the other region."""
    secret = await asyncio.to_thread(secret_file, cast.data_dir)
    await cast.operator(
        ("my", "app", NAME, "--access-key", ACCESS_KEY, "--secret-file", str(secret), *ORDERED)
    )
    async with a_browser_of(city_app(cast)) as browser:
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
            f"异地就医备案 files care elsewhere: {filed.what_zh}，{filed.place_zh}",
            f"{filed.state_zh} in force，{filed.begins_on} 起 from then on",
        ),
    )  # fmt: skip


MY_SCENES = (own_page,)


def city_app(cast: Cast) -> CityApp:
    """In the hand of who plays the scene."""
    secret = secret_file(cast.data_dir).read_text("ascii")
    return CityApp(cast.url, secret, cast.colleague.person.psn_no)


async def _filed(browser: CitizenBrowser) -> MatterReply:
    """The filing of care in the other region; one that an earlier story made is in force still."""
    found = await _in_force(browser)
    if found is None:
        await browser.filled_in("/my/filings/new", "/my/filings", _FILING)
        found = await _in_force(browser)
    if found is None:
        raise StoryError("the filing is not in force")
    return found


async def _in_force(browser: CitizenBrowser) -> MatterReply | None:
    matters = (await browser.asked("filings", MattersReply)).matters
    return next((one for one in matters if one.in_force and one.place == REGION), None)
