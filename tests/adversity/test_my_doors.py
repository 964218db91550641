"""Who stands at the door of `/my` with what is not theirs: tokens and sessions forged, old, used
before, or somebody else's; forms of other sites; an app that was stopped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp
import pytest
import pytest_asyncio

from settlement.people.my_token import signed_token
from tests.kit.citizen_app import KEY, SECRET, CitizenApp, a_city_app, until_known
from tests.kit.population import CLASS_A, Citizen, some
from tests.kit.town import Town, a_town
from tests.kit.waiting import until
from tests.services import FreshDatabase

pytestmark = pytest.mark.asyncio(loop_scope="module")

COOKIE = "my_session"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(database: FreshDatabase) -> AsyncIterator[Town]:
    """A town whose books are checked at the end."""
    async with a_town(database) as town:
        yield town


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(town: Town) -> AsyncIterator[CitizenApp]:
    """The city's app."""
    async with a_city_app(town) as app:
        yield app


class Browser:
    """A browser without a window: it keeps what it is given and sends it back."""

    def __init__(self, url: str) -> None:
        self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        self._url = url
        self.cookie = ""

    async def enter(self, app: CitizenApp, who: Citizen) -> int:
        """The app sends somebody."""
        return await self.follow(f"/my/?ticket={app.token(who)}")

    async def follow(self, path: str) -> int:
        """A page's status; a cookie that comes with it is kept."""
        async with self._session.get(
            self._url + path, headers=self._headers(), allow_redirects=False
        ) as reply:
            if COOKIE in reply.cookies:
                self.cookie = reply.cookies[COOKIE].value
            return reply.status

    async def page(self, path: str) -> str:
        """A page."""
        async with self._session.get(self._url + path, headers=self._headers()) as reply:
            return await reply.text()

    async def send(self, path: str, form: dict[str, str]) -> tuple[int, str]:
        """A form; where it leads."""
        async with self._session.post(
            self._url + path, data=form, headers=self._headers(), allow_redirects=False
        ) as reply:
            return reply.status, reply.headers.get("Location", "")

    async def form(self, path: str) -> dict[str, str]:
        """What the first form of a page carries unseen."""
        text = await self.page(path)
        return {
            name: text.partition(f'name="{name}" value="')[2].partition('"')[0]
            for name in ("form_key", "request_no")
        }

    async def close(self) -> None:
        """No more."""
        await self._session.close()

    def _headers(self) -> dict[str, str]:
        return {"Cookie": f"{COOKIE}={self.cookie}"} if self.cookie else {}


@pytest_asyncio.fixture(loop_scope="module")
async def browser(app: CitizenApp) -> AsyncIterator[Browser]:
    """One that nobody used."""
    browser = Browser(app.url)
    yield browser
    await browser.close()


async def test_token_opens_the_door_once(town: Town, app: CitizenApp) -> None:
    who = town.borrowed()
    token = app.token(who)
    assert (await app.get(who, "status", token=token)).status == 200
    again = await app.get(who, "account", token=token)
    assert (again.status, again.code) == (401, "APP_TOKEN_USED")


async def test_of_many_with_one_token_one_comes_in(town: Town, app: CitizenApp) -> None:
    who = town.borrowed()
    token = app.token(who)
    told = await asyncio.gather(*(app.get(who, "status", token=token) for _ in range(12)))
    assert sorted(one.status for one in told) == [200] + [401] * 11


@pytest.mark.parametrize("secret", [SECRET[:-1], SECRET + "x", ""])
async def test_forged_token_is_refused_and_uses_nothing_up(
    town: Town, app: CitizenApp, secret: str
) -> None:
    who = town.borrowed()
    claims = app.claims(who)
    forged = await app.get(who, "status", token=signed_token(KEY, secret or "x", claims))
    assert (forged.status, forged.code) == (401, "APP_TOKEN_WRONG")
    true = await app.get(who, "status", token=signed_token(KEY, SECRET, claims))
    assert true.status == 200


async def test_token_under_the_key_of_an_institution_is_refused(
    town: Town, app: CitizenApp
) -> None:
    row = await town.owner.fetchrow(
        "select c.access_key from settlement.credential c where c.institution = $1",
        town.pharmacy.code,
    )
    assert row is not None
    who = town.borrowed()
    for key in (row["access_key"], "nobody"):
        told = await app.get(who, "status", token=signed_token(key, SECRET, app.claims(who)))
        assert (told.status, told.code) == (401, "APP_UNKNOWN")


async def test_old_token_is_refused(town: Town, app: CitizenApp) -> None:
    who = town.borrowed()
    token = app.token(who)
    town.clock.pass_by(timedelta(seconds=121))
    told = await app.get(who, "status", token=token)
    assert (told.status, told.code) == (401, "APP_TOKEN_EXPIRED")


@pytest.mark.parametrize("place", ["status", "account", "settlements", "filings", "authorisations"])
async def test_nothing_is_told_about_others(town: Town, app: CitizenApp, place: str) -> None:
    who, other = town.borrowed(), town.someone()
    told = await app.get(who, place, about=other)
    assert told.code == "NOT_AUTHORISED" and other.insured.identity.name not in str(told.said)


async def test_somebody_elses_settlement_is_not_there(town: Town, app: CitizenApp) -> None:
    who, other = town.neighbours()
    settled = await town.pharmacy.sell(other, some(CLASS_A))
    told = await app.get(who, f"settlements/{settled.setl_id}")
    assert told.code == "SETTLEMENT_UNKNOWN"


async def test_person_whom_nobody_knows_is_told_nothing(town: Town, app: CitizenApp) -> None:
    who = town.borrowed()
    told = await app.get(who, "status", token=app.token(who, sub="999999990000"))
    assert told.code == "PERSON_UNKNOWN"
    by_paper = app.token(who, sub="", certno=who.insured.identity.certificate_no)
    assert (await app.get(who, "status", token=by_paper)).said["person_no"] == who.number


async def test_authorisation_withdrawn_meanwhile_opens_nothing(
    town: Town, app: CitizenApp
) -> None:
    """A withdrawal and what the agent does at the same moment are in one order: the version of the
    person says which came first, and nothing of the agent's stands after it."""
    who, agent = town.people(2)
    number = (await app.authorise(who, agent)).said["matter_no"]
    filed, withdrawn = await asyncio.gather(
        app.file(agent, about=who), app.post(who, f"matters/{number}/cancel", {})
    )
    assert withdrawn.said["state"] == "cancelled"
    assert filed.code in ("", "NOT_AUTHORISED")
    rows = await town.owner.fetch(
        "select e.kind from settlement.matter m join settlement.matter_event e"
        " on e.lane = m.lane and e.matter_no = m.matter_no where m.psn_no = $1",
        who.number,
    )
    assert len(rows) == (5 if filed.code == "" else 3)
    late = await app.file(agent, "referral", about=who)
    assert late.code == "NOT_AUTHORISED"


async def test_same_request_twice_at_once_is_one_filing(town: Town, app: CitizenApp) -> None:
    who = town.someone()
    told = await asyncio.gather(
        *(app.file(who, "other", request_no="TWICE") for _ in range(5))
    )
    assert len({one.said.get("matter_no") for one in told}) == 1, told
    assert len((await app.get(who, "filings")).said["matters"]) == 1


async def test_ticket_opens_the_page_once_and_leaves_no_trace(
    town: Town, app: CitizenApp, browser: Browser
) -> None:
    who = town.borrowed()
    ticket = app.token(who)
    assert await browser.follow(f"/my/?ticket={ticket}") == 303
    assert who.number not in browser.cookie
    assert await browser.follow("/my/") == 200
    stranger = Browser(app.url)
    assert await stranger.follow(f"/my/?ticket={ticket}") == 401
    assert await stranger.follow("/my/") == 401
    await stranger.close()


async def test_form_of_another_site_does_nothing(
    town: Town, app: CitizenApp, browser: Browser
) -> None:
    who, other = town.people(2)
    await browser.enter(app, who)
    mine = await browser.form("/my/filings/new")
    stolen = Browser(app.url)
    await stolen.enter(app, other)
    theirs = await stolen.form("/my/filings/new")
    wanted = {"kind": "other", "province": "510000", "request_no": mine["request_no"]}
    for key in ("", "x" * 32, theirs["form_key"], "é"):
        status, _ = await browser.send("/my/filings", {**wanted, "form_key": key})
        assert status == 403
    assert (await app.get(who, "filings")).said["matters"] == []
    status, path = await browser.send("/my/filings", {**wanted, **mine})
    assert status == 303 and path.startswith("/my/matters/")
    assert await browser.send("/my/filings", {**wanted, **mine}) == (303, path)
    await stolen.close()


async def test_page_shows_what_was_written_and_runs_nothing_of_it(
    town: Town, app: CitizenApp, browser: Browser
) -> None:
    who, evil = town.someone(), '"><script>alert(1)</script>'
    await browser.enter(app, who)
    await app.file(who, "other", reason=evil)
    number = (await app.get(who, "filings")).said["matters"][0]["matter_no"]
    page = await browser.page(f"/my/matters/{number}")
    assert "<script" not in page and "&lt;script&gt;" in page
    for path in (f"/my/?for={evil}", "/my/settlements/1%3Cscript%3E", f"/my/?ticket={evil}"):
        assert "<script" not in await browser.page(path)


async def test_session_ends_after_a_quarter_of_an_hour(
    town: Town, app: CitizenApp, browser: Browser
) -> None:
    await browser.enter(app, town.borrowed())
    assert await browser.follow("/my/account") == 200
    town.clock.pass_by(timedelta(seconds=901))
    assert await browser.follow("/my/account") == 401


async def test_agents_session_ends_where_the_authorisation_does(
    town: Town, app: CitizenApp, browser: Browser
) -> None:
    who, agent = town.people(2)
    number = (await app.authorise(who, agent)).said["matter_no"]
    await browser.enter(app, agent)
    assert await browser.follow(f"/my/account?for={who.number}") == 200
    await app.post(who, f"matters/{number}/cancel", {})
    assert await browser.follow(f"/my/account?for={who.number}") == 403
    form = await browser.form("/my/filings/new")
    wanted = {"kind": "other", "province": "510000", "for": who.number, **form}
    assert (await browser.send("/my/filings", wanted))[0] == 403
    assert (await app.get(who, "filings")).said["matters"] == []


async def test_app_that_was_stopped_lets_nobody_in_and_ends_its_sessions(
    town: Town, app: CitizenApp, browser: Browser
) -> None:
    who = town.borrowed()
    await browser.enter(app, who)
    await town.switch("credential", KEY, on=True)

    async def stopped() -> bool:
        return (await app.get(who, "status")).code == "APP_UNKNOWN"

    await until(stopped)
    assert await browser.follow("/my/") == 401
    await town.switch("credential", KEY, on=False)
    await until_known(app, who)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", "/my/v1/status", 405), ("POST", "/my/v1/status", 405), ("GET", "/my/v1/", 404),
        ("GET", "/my/v1/matters/1/cancel", 405), ("GET", "/my/v1/everything", 404),
        ("GET", "/my/v1/status", 401), ("GET", "/my/nowhere", 401), ("DELETE", "/my/", 401),
        ("GET", "/my/my.css", 200),
    ],
)  # fmt: skip
async def test_what_is_not_there_is_said_so(
    app: CitizenApp, method: str, path: str, status: int
) -> None:
    async with aiohttp.ClientSession() as session, session.request(
        method, app.url + path
    ) as reply:
        assert reply.status == status


async def test_person_under_a_stop_switch_files_nothing(town: Town, app: CitizenApp) -> None:
    who = town.someone()
    await town.switch("person", who.number, on=True)

    async def stopped() -> bool:
        return (await app.file(who, "nothing-of-this-kind")).code == "MY_REQUEST_UNREADABLE" and (
            (await app.file(who)).code == "PERSON_SUSPENDED"
        )

    await until(stopped)
    assert (await app.get(who, "status")).status == 200
    await town.switch("person", who.number, on=False)
