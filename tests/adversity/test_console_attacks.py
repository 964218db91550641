"""What strangers and colleagues may try on the console: each gets nothing, and most of it is kept
in the audit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import urlencode

import asyncpg
import pytest
import pytest_asyncio

from settlement.console.asking import Cookie
from settlement.console.rights import Role
from tests.kit import population
from tests.kit.console import Office, an_office
from tests.kit.population import CLASS_A, some
from tests.kit.town import a_town
from tests.services import FreshDatabase, temporary_directory

pytestmark = pytest.mark.asyncio(loop_scope="module")

SCRIPT = "<script>alert(1)</script>"
INJECTIONS = (
    "' or 1=1 --", "%27;drop table settlement.audit;--", "\\", "\x00", "$1", "%", "_", SCRIPT,
)  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(database: FreshDatabase) -> AsyncIterator[Office]:
    """A console over a town of its own."""
    with temporary_directory() as directory:
        async with a_town(database) as town, an_office(town, directory) as office:
            yield office


async def test_form_of_another_site_is_not_acted_on(office: Office) -> None:
    operator = await office.signed_in("yun")
    await operator.get("/console/switches")
    operator.origin = "https://evil.test"
    page = await operator.post(
        "/console/switches", kind="institution", subject=population.PHARMACY.code, reason="x"
    )
    assert page.status == 403 and "其他网站" in page.text


@pytest.mark.parametrize("token", ["", "0" * 64, "ü"])
async def test_form_without_the_token_of_the_session_is_shown_again_not_acted_on(
    office: Office, token: str
) -> None:
    chief = await office.signed_in("fu")
    page = await chief.post(
        "/console/users/add", bare=True, csrf=token, name="boese", display_name="x", role="clerk",
        reason="typed before",
    )  # fmt: skip
    assert page.status == 403 and "页面已过期" in page.text and "typed before" in page.text
    assert not await office.town.owner.fetchval(
        "select count(*) from settlement.console_user u where u.name = 'boese'"
    )


async def test_token_of_another_session_is_worth_nothing(office: Office) -> None:
    one, two = await office.signed_in("fu"), await office.signed_in("fu")
    await one.get("/console/users")
    page = await two.post(
        "/console/users/add", bare=True, csrf=one.page.field("csrf"), name="boese",
        display_name="x", role="clerk", reason="x",
    )  # fmt: skip
    assert page.status == 403


async def test_session_that_an_attacker_planted_is_not_the_one_that_is_used(
    office: Office,
) -> None:
    browser = office.browser()
    browser.cookies[Cookie.SESSION] = "planted-by-somebody-else"
    await browser.sign_in("jing", office.passwords["jing"])
    assert browser.cookies[Cookie.SESSION] != "planted-by-somebody-else"
    thief = office.browser()
    thief.cookies[Cookie.SESSION] = "planted-by-somebody-else"
    assert (await thief.get("/console/search")).location == "/console/sign-in"


async def test_signing_in_again_ends_the_session_before(office: Office) -> None:
    browser = await office.signed_in("jing")
    old = browser.cookies[Cookie.SESSION]
    secret = browser.cookies.pop(Cookie.SESSION)
    await browser.get("/console/sign-in")
    browser.cookies[Cookie.SESSION] = secret
    await browser.post("/console/sign-in", name="jing", password=office.passwords["jing"])
    thief = office.browser()
    thief.cookies[Cookie.SESSION] = old
    assert (await thief.get("/console/search")).location == "/console/sign-in"


async def test_cookies_are_for_tls_alone_where_there_is_tls(office: Office) -> None:
    browser = office.browser()
    browser.secure = True
    page = await browser.sign_in("jing", office.passwords["jing"])
    assert all("Secure" in one and "HttpOnly" in one for one in page.cookies)


async def test_pages_forbid_what_is_inline_or_from_elsewhere(office: Office) -> None:
    clerk = await office.signed_in("jing")
    page = await clerk.get("/console/")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["Cache-Control"] == "no-store"
    assert "<script>" not in page.text and " style=" not in page.text
    assert "onclick" not in page.text


async def test_names_are_left_alone_longer_each_time_whoever_asks(office: Office) -> None:
    password = await office.hire("opfer", Role.CLERK)
    for name in ("opfer", "niemand"):
        for _ in range(3):
            assert (await office.browser().sign_in(name, "Falsch-0815-x")).status == 401
        assert (await office.browser().sign_in(name, "Falsch-0815-x")).status == 429
    assert (await office.browser().sign_in("opfer", password)).status == 429
    office.town.clock.pass_by(timedelta(seconds=16))
    assert (await office.browser().sign_in("opfer", "Falsch-0815-x")).status == 401
    office.town.clock.pass_by(timedelta(seconds=16))
    assert (await office.browser().sign_in("opfer", password)).status == 429
    office.town.clock.pass_by(timedelta(seconds=16))
    assert (await office.browser().sign_in("opfer", password)).status == 303
    failed = [note for actor, _, note in await office.audited("console.sign-in-failed")
              if actor == "opfer"]  # fmt: skip
    assert failed == ["refused", "refused", "refused", "wait", "wait", "refused", "wait"]


@pytest.mark.parametrize("text", INJECTIONS)
async def test_search_takes_any_text_for_a_text(office: Office, text: str) -> None:
    clerk = await office.signed_in("jing")
    for by in ("setl_id", "msgid", "order_no", "invoice_no", text):
        page = await clerk.get(f"/console/search?{_query(by=by, text=text, institution=text)}")
        assert page.status == 200 and SCRIPT not in page.text
    for path, field in (("person", "certificate"), ("name", "name")):
        await clerk.post(f"/console/search/{path}", **{field: text})
        assert clerk.page.status == 200 and SCRIPT not in clerk.page.text
    chief = await office.signed_in("fu")
    for path in ("/console/audit?actor=", "/console/audit?before=", "/console/institutions?text="):
        page = await chief.get(path + _query(x=text)[2:])
        assert page.status == 200 and SCRIPT not in page.text


async def test_script_in_names_and_reasons_is_text(office: Office) -> None:
    town = office.town
    chief = await office.signed_in("fu")
    await chief.get("/console/users")
    page = await chief.post(
        "/console/users/add", name="skript", display_name=SCRIPT, role="clerk", reason=SCRIPT
    )
    assert SCRIPT not in page.text and "&lt;script&gt;" in page.text
    await town.owner.execute(
        "update settlement.institution set name = $1 where code = $2", SCRIPT,
        population.PHARMACY.code,
    )
    sold = await town.pharmacy.sell(town.someone(), some(CLASS_A))
    for path in (f"settlements/{sold.setl_id}", "institutions", "audit", "users"):
        page = await chief.get(f"/console/{path}")
        assert page.status == 200
        assert SCRIPT not in page.text and "&lt;script&gt;" in page.text, path


async def test_switch_back_leads_nowhere_else(office: Office) -> None:
    for back in ("https://evil.test/", "//evil.test", "/console/\\evil", "/console//evil.test"):
        page = await office.browser().post("/console/language", to="en", back=back)
        assert page.location == "/console/"


async def test_what_was_sealed_for_one_purpose_opens_nothing_else(office: Office) -> None:
    clerk = await office.signed_in("jing")
    await clerk.get("/console/search")
    sealed = clerk.page.field("kept_for")
    assert (await clerk.get(f"/console/people/{sealed}")).status == 404
    assert (await clerk.get(f"/console/?done={sealed}")).status == 200


async def test_form_that_is_too_large_or_has_too_many_fields_is_not_read(office: Office) -> None:
    clerk = await office.signed_in("jing")
    await clerk.get("/console/search")
    page = await clerk.post("/console/search/person", certificate="9" * 70_000)
    assert page.status == 413
    page = await clerk.post("/console/search/person", **{f"f{n}": "x" for n in range(60)})
    assert page.status == 403


async def test_audit_can_be_neither_changed_nor_linked_by_the_application(office: Office) -> None:
    application = await asyncpg.connect(office.town.app_dsn)
    try:
        for statement in (
            "update settlement.audit set note = 'x'",
            "delete from settlement.audit",
            "delete from settlement.audit_link",
            "insert into settlement.audit_link (link_no, audit_id, hash)"
            " values (999, 999, sha256(''))",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await application.execute(statement)
    finally:
        await application.close()


def _query(**fields: str) -> str:
    return urlencode(fields)
