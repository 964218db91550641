"""The console from within: whoever has signed in and wants more than their role; forms of other
sites; what others wrote, on every page that shows it."""

from __future__ import annotations

import random
import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from settlement.console.asking import Cookie
from settlement.console.rights import GRANTED, Right, Role
from settlement.console.routes import ROUTES, Route
from tests.acceptance.test_console_rights import ENDS_SESSIONS, address
from tests.kit import population, registrar
from tests.kit.console import HOST, NAMES, Browser, Office, Page, an_office
from tests.kit.crawl import crawled
from tests.kit.hostile import SCRIPT
from tests.kit.population import CLASS_A, some
from tests.kit.scanner import Scanner
from tests.kit.till import WALLET
from tests.kit.town import a_town
from tests.services import FreshDatabase, temporary_directory

pytestmark = pytest.mark.asyncio(loop_scope="module")

OURS, THEIRS = "测试甲店之名", "测试乙店之名"
OUR_SCRIPT = re.compile(
    r'<script(?: type="module")? src="/console/assets/[a-z.]+\?v=\w+"(?: defer)?>'
)
FORMS = [one for one in ROUTES if one.method == "POST" and one.right is not Right.ANYBODY]
FOREIGN = (
    "https://evil.test", "null", f"http://sub.{HOST}", f"http://{HOST}:81", "file://",
    f"http://{HOST}.evil.test",
)  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(database: FreshDatabase) -> AsyncIterator[Office]:
    """A console over a town where two pharmacies, and a hospital, have something of everything."""
    with temporary_directory() as directory:
        async with a_town(database) as town, an_office(town, directory) as office:
            await _live_a_little(office)
            yield office


async def _live_a_little(office: Office) -> None:
    """Settlements, payments, filings and a stop switch; every name and reason is a script."""
    town = office.town
    for institution, name in ((population.PHARMACY, OURS), (population.OTHER_PHARMACY, THEIRS)):
        await town.owner.execute(
            "update settlement.institution set name = $1 where code = $2",
            f"{name}{SCRIPT}", institution.code,
        )  # fmt: skip
        scanner = Scanner(institution, town.service)
        await scanner.scan(scanner.order(town.someone(), CLASS_A, 1, pay_code=WALLET))
    for shop in (town.pharmacy, town.other_pharmacy):
        message = shop.sale(town.someone(), some(CLASS_A))
        written = {"opter_name": SCRIPT, "input.drugdetail[0].drord_no": SCRIPT}
        await shop.send(message.edited(written))
        await shop.sell(town.someone(), some(CLASS_A))
    visit = await town.hospital.open_visit(town.someone(), some(CLASS_A))
    await visit.settle(some(CLASS_A))
    await town.hospital.send(registrar.disease(town.hospital, town.someone()))
    await town.list_statements()
    chief = await office.signed_in(NAMES[Role.SUPERVISOR])
    await chief.get("/console/users")
    await chief.post(
        "/console/users/add", name="skript", display_name=SCRIPT, role="clerk", reason=SCRIPT
    )
    operator = await office.signed_in(NAMES[Role.OPERATOR])
    await operator.get("/console/switches")
    wanted = {"kind": "institution", "subject": population.OTHER_PHARMACY.code, "reason": SCRIPT}
    page = await operator.post("/console/switches", **wanted)
    await operator.post("/console/switches", **wanted, sealed=page.field("sealed"))


async def _all_addresses(office: Office) -> list[str]:
    """Pages of what there is, that no link leads to without a search."""
    rows = await office.town.owner.fetch(
        "select 'settlements/' || t.setl_id as path from settlement.settlement t"
        " union all select 'settlements/' || t.setl_id || '/sheet' from settlement.settlement t"
        " union all select 'payments/' || p.pay_no from settlement.payment p"
        " union all select 'filings/' || f.filing_no from settlement.filing f"
        " union all select 'institutions/' || i.code from settlement.institution i"
        " union all select 'search?by=setl_id&text=' || t.setl_id from settlement.settlement t"
    )
    return [f"/console/{row['path']}" for row in rows]


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.OPERATOR])
async def test_script_of_somebody_runs_on_no_page(office: Office, role: Role) -> None:
    browser = await office.signed_in(NAMES[role])
    pages = await crawled(browser, *await _all_addresses(office))
    assert len(pages) > 20
    assert any("&lt;script&gt;" in page.text for page in pages.values())
    for path, page in pages.items():
        assert page.status < 500, path
        if "html" in page.headers.get("Content-Type", ""):
            _assert_inert(path, page)


def _assert_inert(path: str, page: Page) -> None:
    """Nothing that is written into the page runs, and it stands in nobody's frame."""
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy, path
    assert "frame-ancestors 'none'" in policy and page.headers["X-Frame-Options"] == "DENY", path
    assert page.headers["X-Content-Type-Options"] == "nosniff", path
    assert "no-store" in page.headers["Cache-Control"], path
    for script in re.findall(r"<script[^>]*>", page.text):
        assert OUR_SCRIPT.fullmatch(script), (path, script)
    assert not re.search(r"<[^>]+\s(?:on\w+|style)\s*=", page.text), path
    assert "javascript:" not in page.text, path


async def test_finance_of_an_institution_sees_nothing_of_another_one_anywhere(
    office: Office,
) -> None:
    """Every page that the agency's people reach, asked for by the finance of one pharmacy."""
    chief = await office.signed_in(NAMES[Role.SUPERVISOR])
    everything = await crawled(chief, *await _all_addresses(office))
    assert sum(THEIRS in page.text for page in everything.values()) > 5
    finance = await office.signed_in(NAMES[Role.INSTITUTION])
    theirs = population.OTHER_PHARMACY.code
    shown = 0
    for path in everything:
        page = await finance.get(path)
        shown += page.status == 200
        assert THEIRS not in page.text, path
        if page.status == 200 and "html" in page.headers["Content-Type"]:
            _assert_inert(path, page)
        assert theirs not in page.text or theirs in path, path
    assert shown > 10


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.INSTITUTION])
async def test_no_form_gives_a_role_more_than_it_has(office: Office, role: Role) -> None:
    """Every form is sent with everything that any form of the console knows, in the hope that it
    is taken."""
    browser = await office.signed_in(NAMES[role])
    before = await _users(office)
    hoped = {
        "name": NAMES[role], "what": "role", "role": "supervisor", "institution": "",
        "locked": "no", "display_name": "x", "reason": "x", "scope": "",
        "actor": NAMES[Role.SUPERVISOR], "user": NAMES[Role.SUPERVISOR], "right": "users",
        "confirmed_by": NAMES[Role.SUPERVISOR],
    }  # fmt: skip
    for route in FORMS:
        if address(route) in ENDS_SESSIONS:
            continue
        await browser.get("/console/password")
        page = await _sent(browser, route, browser.page.field("csrf"), hoped)
        may = role in GRANTED[route.right]
        assert ("您没有这项权限" in page.text) != may, (route.pattern, page.status)
    assert await _users(office) == before


async def _users(office: Office) -> list[tuple[object, ...]]:
    rows = await office.town.owner.fetch(
        "select u.name, u.role, u.institution, u.locked, u.display_name, u.password_hash"
        " from settlement.console_user u order by 1"
    )
    return [tuple(row) for row in rows]


async def _sent(browser: Browser, route: Route, token: str, form: dict[str, str]) -> Page:
    if route.takes_file:
        return await browser.bring(address(route), "x.csv", b"", csrf=token)
    return await browser.post(address(route), bare=True, csrf=token, **form)


@pytest.mark.parametrize("role", [Role.CLERK, Role.SUPERVISOR, Role.OPERATOR])
async def test_form_is_taken_from_our_own_pages_alone(
    office: Office, role: Role, rng: random.Random
) -> None:
    """Whoever may send it: not from another site, not without the token of the session, not as an
    address that a picture could have."""
    browser, other = [await office.signed_in(NAMES[role]) for _ in range(2)]
    await other.get("/console/password")
    await browser.get("/console/password")
    token, theirs = browser.page.field("csrf"), other.page.field("csrf")
    tried = {min(GRANTED[one.right], key=list(Role).index) for one in FORMS}
    assert tried == {Role.CLERK, Role.SUPERVISOR, Role.OPERATOR}, "every form is somebody's"
    pages = {one.pattern for one in ROUTES if one.method == "GET"}
    for route in FORMS:
        if min(GRANTED[route.right], key=list(Role).index) is not role:
            continue
        for wrong in ("", theirs, rng.choice((token[:-1], token.upper(), "x" * 64))):
            page = await _sent(browser, route, wrong, {})
            assert page.status == 403 and "页面已过期" in page.text, (route.pattern, wrong)
        browser.origin = rng.choice(FOREIGN)
        page = await _sent(browser, route, token, {})
        assert page.status == 403 and "其他网站" in page.text, (route.pattern, browser.origin)
        browser.origin = f"http://{HOST}"
        if route.pattern not in pages:
            assert (await browser.get(f"{address(route)}?csrf={token}")).status == 404
    assert (await browser.get("/console/password")).status == 200, "the session is still there"


async def test_every_cookie_is_for_us_alone(office: Office) -> None:
    browser = office.browser()
    browser.secure = True
    pages = [await browser.get("/console/sign-in")]
    name = NAMES[Role.CLERK]
    pages.append(await browser.post("/console/sign-in", name=name, password=office.passwords[name]))
    pages += [await browser.get("/console/"), await browser.get("/console/password")]
    pages.append(await browser.post("/console/language", to="en", back="/console/"))
    pages.append(await browser.post("/console/sign-out"))
    cookies = [cookie for page in pages for cookie in page.cookies]
    assert {cookie.partition("=")[0] for cookie in cookies} == {one.value for one in Cookie}
    for cookie in cookies:
        told = {part.strip() for part in cookie.split(";")[1:]}
        assert {"HttpOnly", "SameSite=Strict", "Path=/console/", "Secure"} <= told, cookie
        assert not any(part.startswith("Domain") for part in told), cookie


async def test_session_that_was_ended_opens_nothing(office: Office) -> None:
    for path in ("/console/sign-out", "/console/sign-out-everywhere"):
        browser = await office.signed_in(NAMES[Role.AUDITOR])
        kept = dict(browser.cookies)
        await browser.get("/console/")
        assert (await browser.post(path)).status == 303
        browser.cookies = kept
        assert (await browser.get("/console/audit")).location == "/console/sign-in"
