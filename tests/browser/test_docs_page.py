"""/docs in a real browser: requests are made, signed, sent and understood without programming."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

import pytest
import pytest_asyncio

from settlement.clock import local_time, system_clock
from settlement.limits import DEFAULT_LIMITS
from settlement.serve.service import Service, ServiceSettings
from settlement.storage.connect import verify_pool
from settlement.storage.verify import verify
from settlement.telemetry.metrics import Board
from settlement.web.app import WebServer, WebSettings, listen
from tests.kit.browser import Page, a_browser, browser_path
from tests.kit.till import TillWorld
from tests.services import FreshDatabase
from tests.world import small_world

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(browser_path() is None, reason="there is no chromium: apt install chromium"),
]

NARROW = 390
DRAIN_SECONDS = 15.0
TEXTS = ("", "abc", "医保结算", "x" * 55, "x" * 56, "x" * 64, "x" * 1_000)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def url(
    database: FreshDatabase, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    """A gateway with a small demo world, in this process; its ledger is verified at the end."""
    world = await small_world(database, at=system_clock())
    service = await Service.start(
        ServiceSettings(
            app_dsn=database.app_dsn, keyring=world.keyring,
            limits=DEFAULT_LIMITS, clock=system_clock, tills=TillWorld(system_clock).tills,
        )
    )  # fmt: skip
    settings = WebSettings(demo_world=lambda persons: world.json(persons=persons))
    web = WebServer(service, Board(tmp_path_factory.mktemp("metrics"), "test"), settings)
    listener = listen("127.0.0.1", 0)
    await web.start(listener)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    await web.stop(DRAIN_SECONDS)
    await service.stop(DRAIN_SECONDS)
    async with verify_pool(database.owner_dsn) as pool:
        report = await verify(pool, year=local_time(system_clock()).year, keyring=world.keyring)
    assert report.ok, report.first_bad


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page(url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Page]:
    """The page, opened; it never complains."""
    async with a_browser(tmp_path_factory.mktemp("browser")) as page:
        await page.open(f"{url}/docs")
        yield page
        assert page.complaints == []


async def choose(page: Page, infno: str) -> None:
    """The panel is opened at a transaction, filled in from the demo world."""
    await page.ask(f"document.querySelector('#t{infno} button.try').click()")
    await page.wait_for(f"document.querySelector('#t{infno} .panel.demo')")


async def choose_item(page: Page, place: int) -> None:
    """What is sold: the same to the same person within a second would be the same claim."""
    await page.ask(
        "{ const item = document.querySelector('[name=item]'); "
        f"if (!item.options[{place}]) throw Error('nothing else to sell'); item.value = '{place}'; "
        "item.dispatchEvent(new Event('change')); }"
    )


async def send(page: Page) -> tuple[str, str]:
    """What the line above the answer says, and the answer."""
    await page.ask("document.querySelector('.answer').replaceChildren()")
    await page.ask("document.querySelector('.send').click()")
    await page.wait_for("document.querySelector('.verdict')")
    line = await page.ask("document.querySelector('.verdict').textContent")
    return line, await page.ask("document.querySelector('.answer pre')?.textContent ?? ''")


async def write(page: Page, place: str, value: str) -> None:
    """Somebody types into a field."""
    await page.ask(
        f"{{ const field = document.querySelector('[name={place}]'); "
        f"field.value = {json.dumps(value)}; field.dispatchEvent(new Event('input')); }}"
    )


async def written(page: Page, place: str) -> str:
    """What a field says."""
    value = await page.ask(f"document.querySelector('[name={place}]').value")
    assert isinstance(value, str)
    return value


async def run_copied(page: Page) -> str:
    """What the copied command prints in a shell that knows the secret, which is not in it."""
    secret = await written(page, "secret")
    await page.ask("document.querySelector('.copy').click()")
    command = await page.ask("document.querySelector('.command').textContent")
    assert secret not in command
    ran = await asyncio.to_thread(
        subprocess.run, ["bash", "-c", command], env={**os.environ, "SECRET": secret},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return str(ran.stdout)


async def test_sale_is_made_and_taken_back_with_the_numbers_of_its_answer(page: Page) -> None:
    await choose(page, "2102")
    line, text = await send(page)
    assert line.startswith("成功 done")
    assert line.endswith(" ms")
    sold = json.loads(text)["output"]["setlinfo"]
    await choose(page, "2103")
    assert sold["setl_id"] in await written(page, "body")
    line, text = await send(page)
    assert line.startswith("成功 done")
    assert json.loads(text)["output"]["setlinfo"]["medfee_sumamt"] == -sold["medfee_sumamt"]


@pytest.mark.parametrize(
    "infnos",
    [
        ("1101", "2001", "9001", "9002", "1301", "9102"),
        ("2201", "2203", "2204", "2206", "2207", "5203", "2208"),
        ("2401", "2301", "2402", "2303", "2304", "2305", "2405", "2302", "2404"),
        ("2501", "5304", "2502", "3301", "1317", "3302"),
    ],
    ids=lambda infnos: infnos[0],
)
async def test_one_request_after_another_needs_no_typing(
    page: Page, infnos: tuple[str, ...]
) -> None:
    for infno in infnos:
        await choose(page, infno)
        line, text = await send(page)
        assert line.startswith("成功 done"), f"{infno}: {line} {text}"


async def test_settlement_is_explained_where_it_was_made(page: Page) -> None:
    await choose(page, "2102")
    await send(page)
    await page.ask("document.querySelector('.answer button').click()")
    await page.wait_for("document.querySelectorAll('.answer pre').length === 2")
    explained = await page.ask("document.querySelector('.answer pre').textContent")
    assert "统筹" in explained


async def test_refusal_leads_to_what_it_means(page: Page) -> None:
    await choose(page, "1101")
    request = await written(page, "body")
    await write(page, "body", request.replace('"mdtrt_cert_type": "02"', '"mdtrt_cert_type": "07"'))
    line, _ = await send(page)
    assert line.startswith("拒绝 refusedCODE_UNKNOWN")
    address = await page.ask("document.querySelector('.verdict a').getAttribute('href')")
    assert address == "/docs/errors#CODE_UNKNOWN"
    reasons = await page.ask("document.querySelector('.reasons').textContent")
    assert "input.data.mdtrt_cert_type" in reasons
    assert 'id="CODE_UNKNOWN"' in await page.ask("fetch('/docs/errors').then(r => r.text())")


async def test_wrong_secret_is_told(page: Page) -> None:
    await choose(page, "1101")
    await write(page, "secret", "something else")
    line, _ = await send(page)
    assert "SIGNATURE_WRONG" in line
    assert "HTTP 401" in line


async def test_order_is_scanned_found_and_refunded_without_typing(page: Page) -> None:
    await choose(page, "payScan")
    await choose_item(page, 1)
    line, text = await send(page)
    assert line.startswith("成功 done"), text
    paid = json.loads(text)
    assert paid["status"] == "settled"
    await choose(page, "payFind")
    assert await written(page, "order") == paid["order_no"]
    assert await page.ask("document.querySelector('[name=body]').offsetParent === null")
    _, text = await send(page)
    assert json.loads(text)["settlement_id"] == paid["settlement_id"]
    assert json.loads(await run_copied(page))["settlement_id"] == paid["settlement_id"]
    await choose(page, "payCancel")
    line, text = await send(page)
    assert line.startswith("未受理 not takenORDER_SETTLED"), text
    assert "HTTP 409" in line
    await choose(page, "payRefund")
    line, text = await send(page)
    assert line.startswith("成功 done"), text
    assert json.loads(text)["status"] == "refunded"


async def test_same_msgid_is_a_resend(page: Page) -> None:
    await choose(page, "2102")
    await choose_item(page, 2)
    _, first = await send(page)
    await page.ask("document.querySelector('[name=fresh]').checked = false")
    line, again = await send(page)
    assert line.startswith("成功 done")
    assert json.loads(again)["output"] == json.loads(first)["output"]


async def test_curl_command_does_the_same_and_does_not_give_the_secret_away(page: Page) -> None:
    await choose(page, "1101")
    assert json.loads(await run_copied(page))["infcode"] == 0


async def test_secret_is_kept_nowhere(page: Page) -> None:
    await choose(page, "2101")
    secret = await written(page, "secret")
    assert len(secret) > 8
    await send(page)
    kept = await page.ask("JSON.stringify([sessionStorage, localStorage, document.cookie])")
    assert "serial" in kept
    assert secret not in kept
    assert json.loads(kept)[1:] == [{}, ""]


async def test_signatures_are_what_everybody_calls_sha_256(page: Page) -> None:
    script = f"import('/docs/sha256.js').then(m => {json.dumps(TEXTS)}.map(m.sha256))"
    assert await page.ask(script) == [sha256(text.encode()).hexdigest() for text in TEXTS]


async def test_contents_can_be_filtered(page: Page) -> None:
    await write(page, "filter", "住院结算")
    shown: list[Any] = await page.ask(
        "[...document.querySelectorAll('nav li')].filter(e => e.offsetParent)"
        ".map(e => e.textContent.trim().split(' ')[0])"
    )
    assert shown == ["2304", "2304A", "2305"]
    await write(page, "filter", "")


async def test_page_fits_a_narrow_screen(page: Page, url: str) -> None:
    await page.open(f"{url}/docs", width=NARROW)
    await choose(page, "2102")
    await send(page)
    assert await page.ask("document.documentElement.scrollWidth") <= NARROW
