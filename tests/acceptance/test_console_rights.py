"""Every address of the console, tried from outside with every role: the table of rights decides,
and nothing else does."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest
import pytest_asyncio

from settlement.console.rights import Right, Role, may
from settlement.console.routes import (
    CODE,
    DAY,
    FILE_NO,
    MONTH,
    PARTY,
    ROUTES,
    SHA,
    SHORT,
    SIDE,
    SUBJECT,
    Route,
)
from tests.kit import population
from tests.kit.console import NAMES, Browser, Office, Page, an_office
from tests.kit.population import CLASS_A, some
from tests.kit.scanner import Scanner
from tests.kit.till import WALLET
from tests.kit.town import a_town
from tests.services import FreshDatabase, temporary_directory

pytestmark = pytest.mark.asyncio(loop_scope="module")

UNKNOWN = "2611000100001000001"
PARTS = {
    DAY: "2026-11-01", CODE: "P44190099001", FILE_NO: "261100001", SHA: "0" * 64, SHORT: "1",
    SUBJECT: "income", MONTH: "2026-11", PARTY: "430000", SIDE: "payable",
}  # fmt: skip
"""What stands for each part of an address."""
ENDS_SESSIONS = {"/console/sign-out", "/console/sign-out-everywhere"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(database: FreshDatabase) -> AsyncIterator[Office]:
    """A console over a town of its own."""
    with temporary_directory() as directory:
        async with a_town(database) as town, an_office(town, directory) as office:
            yield office


def address(route: Route) -> str:
    """An address that the route's pattern matches."""
    path = route.pattern
    for pattern, part in PARTS.items():
        path = path.replace(pattern, part)
    path = re.sub(r"\(\[0-9\]\{19\}\)", UNKNOWN, path)
    path = re.sub(r"\(\[0-9A-Za-z_-\]\{20,400\}\)", "A" * 40, path)
    path = re.sub(r"\(\[0-9A-Za-z\]\{1,30\}\)", population.PHARMACY.code, path)
    assert re.fullmatch(route.pattern, path), path
    return path


async def tried(browser: Browser, route: Route) -> Page:
    """The address, asked as it is meant to be; a form carries its token and nothing else."""
    if route.method == "GET":
        return await browser.get(address(route))
    token = browser.page.field("csrf")
    if route.takes_file:
        return await browser.bring(address(route), "x.csv", b"", csrf=token)
    return await browser.post(address(route), csrf=token)


@pytest.mark.parametrize("role", list(Role))
async def test_a_role_may_what_the_table_says_and_no_more(office: Office, role: Role) -> None:
    browser = await office.signed_in(NAMES[role])
    for route in ROUTES:
        if address(route) in ENDS_SESSIONS:
            continue
        await browser.get("/console/password")
        page = await tried(browser, route)
        denied = page.status == 403 and "您没有这项权限" in page.text
        assert denied != may(role, route.right), (route.method, route.pattern, page.status)
        assert page.status < 500, (route.pattern, page.text)


async def test_nobody_may_anything_but_sign_in(office: Office) -> None:
    browser = office.browser()
    for route in ROUTES:
        if route.right is Right.ANYBODY:
            continue
        page = await tried(browser, route)
        if route.method == "GET":
            assert (page.status, page.location) == (303, "/console/sign-in"), route.pattern
        else:
            assert page.status == 401 and "用户名" in page.text, route.pattern


async def test_role_that_was_taken_away_is_gone_at_once(office: Office) -> None:
    await office.hire("wechsel", Role.SUPERVISOR)
    browser = await office.signed_in("wechsel")
    assert (await browser.get("/console/audit")).status == 200
    chief = await office.signed_in(NAMES[Role.SUPERVISOR])
    await chief.get("/console/users")
    await chief.post(
        "/console/users/change", name="wechsel", what="role", role="operator", reason="调岗"
    )
    assert (await browser.get("/console/audit")).status == 403
    assert ("wechsel", "GET /console/audit", "") in await office.audited("console.denied")


async def test_institution_sees_its_own_cases_alone(office: Office) -> None:
    town = office.town
    citizen = town.someone()
    own = await town.pharmacy.sell(citizen, some(CLASS_A))
    other = await town.other_pharmacy.sell(citizen, some(CLASS_A))
    stranger = town.someone()
    await town.other_pharmacy.sell(stranger, some(CLASS_A))
    scanner = Scanner(population.OTHER_PHARMACY, town.service)
    order = scanner.order(town.someone(), CLASS_A, 1, pay_code=WALLET)
    paid = await scanner.scan(order)
    pay_no = await town.owner.fetchval(
        "select max(p.pay_no) from settlement.payment p where p.institution = $1",
        population.OTHER_PHARMACY.code,
    )
    finance = await office.signed_in(NAMES[Role.INSTITUTION])
    assert (await finance.get(f"/console/settlements/{own.setl_id}")).status == 200
    assert (await finance.get(f"/console/settlements/{other.setl_id}")).status == 404
    if pay_no is not None:
        assert (await finance.get(f"/console/payments/{pay_no}")).status == 404
    for by, text in (
        ("setl_id", other.setl_id), ("msgid", other.inf_refmsgid), ("order_no", order["order_no"]),
        ("setl_id", paid.settlement_id),
    ):  # fmt: skip
        page = await finance.get(
            f"/console/search?by={by}&text={text}&institution={population.OTHER_PHARMACY.code}"
        )
        assert "没有找到" in page.text, by
    for known, shown in ((citizen, True), (stranger, False)):
        await finance.get("/console/search")
        number = known.insured.identity.certificate_no
        page = await finance.post("/console/search/person", certificate=number)
        assert (page.status == 303) == shown
        if shown:
            page = await finance.follow()
            assert own.setl_id in page.text and other.setl_id not in page.text
            assert "账户余额" not in page.text
        await finance.get("/console/search")
        page = await finance.post("/console/search/name", name=known.insured.identity.name)
        assert (page.status == 303) == shown
    page = await finance.get("/console/institutions?text=44190099")
    assert population.OTHER_PHARMACY.code not in page.text
    assert population.PHARMACY.code in page.text
    assert "请求与结果" not in (await finance.get("/console/")).text


async def test_institution_is_chosen_by_its_name_among_those_that_may_be_seen(
    office: Office,
) -> None:
    own, other = population.PHARMACY, population.OTHER_PHARMACY
    clerk = await office.signed_in(NAMES[Role.CLERK])
    found = await clerk.get(f"/console/institution-choices?text={quote(other.name)}")
    assert [other.code, other.name] in json.loads(found.text)
    assert found.headers["Content-Type"].startswith("application/json")
    page = await clerk.get(f"/console/statements?month=2026-11&institution={quote(own.name)}")
    assert f'value="{own.code}"' in page.text, "the name was taken for its code"
    finance = await office.signed_in(NAMES[Role.INSTITUTION])
    for text, codes in ((other.name, []), (other.code, []), (own.code, [own.code])):
        found = await finance.get(f"/console/institution-choices?text={quote(text)}")
        assert [code for code, _ in json.loads(found.text)] == codes, text
    page = await clerk.get("/console/statements?month=2026-11&institution=%E6%B2%A1%E6%9C%89")
    assert 'value="没有"' in page.text, "what is no name stays as it was typed"
