"""What somebody writes into a field, a header, an address or a form stays a text: nothing fails,
nothing is carried out, and where the console shows it nothing runs."""

from __future__ import annotations

import asyncio
import gzip
import json
import random
import re
from collections.abc import AsyncIterator, Sequence
from itertools import count
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio
from msgspec import Struct

from protocol.nhsa.errors import WireError
from protocol.nhsa.registry import TRANSACTIONS
from settlement.console.asking import Cookie
from settlement.console.routes import ROUTES
from settlement.gateway import NotYours
from settlement.refusals import REFUSALS
from settlement.web.samples import sample_request
from tests.kit import registrar
from tests.kit.console import Office, an_office
from tests.kit.counter import Message
from tests.kit.doors import Doors, Knock, addresses, csb, importing, secret_of, the_doors, tif
from tests.kit.hostile import BYTES, SCRIPT, TEXTS, with_one_changed
from tests.kit.import_desk import KEY, issue_keys
from tests.kit.memory import MEGABYTE, little_memory
from tests.kit.population import CLASS_A, some
from tests.kit.town import Town, a_town
from tests.kit.ward import admission, admit
from tests.services import FreshDatabase, temporary_directory

pytestmark = pytest.mark.asyncio(loop_scope="module")

AT_ONCE = 64
_SERIALS = count(1)


class Place(Struct):
    """A town with its console and all its doors."""

    office: Office
    doors: Doors

    @property
    def town(self) -> Town:
        """The town."""
        return self.office.town


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(database: FreshDatabase) -> AsyncIterator[Place]:
    """Its books are checked when it is left, whatever was written into it."""
    with temporary_directory() as directory:
        async with a_town(database) as town, an_office(town, directory) as office:
            await issue_keys(town)
            async with the_doors(town, directory, directory / "console.sock") as doors:
                yield Place(office=office, doors=doors)


async def test_no_text_in_any_field_of_a_transaction_breaks_anything(
    place: Place, rng: random.Random
) -> None:
    messages = [
        (infno, {**changed, "msgid": _msgid(changed)}, text)
        for infno in TRANSACTIONS
        for text in rng.sample(TEXTS, 2)
        for changed in with_one_changed(infno, _of_this_town(place.town, infno), text)
    ]
    await _assert_nothing_breaks(place.town, messages)


async def test_no_text_in_what_is_carried_out_breaks_anything(
    place: Place, rng: random.Random
) -> None:
    """The same in messages that are right but for it, so that it is stored where it may be."""
    town = place.town
    made = await _right_messages(town)
    messages = [
        (one.infno, {**changed, "msgid": _msgid(changed)}, text)
        for one in made
        for text in (SCRIPT, *rng.sample(TEXTS, 2))
        for changed in with_one_changed(one.infno, json.loads(one.body), text)
    ]
    done = await _assert_nothing_breaks(town, messages)
    assert done > len(made)


async def _right_messages(town: Town) -> list[Message]:
    """A message of each kind that writes texts down, for people whom no other test meets."""
    hospital = town.hospital
    visit, stay = await hospital.open_visit(town.someone()), await admit(hospital, town.someone())
    record = _of_this_town(town, "4301")["input"]
    return [
        town.pharmacy.sale(town.someone(), some(CLASS_A)),
        hospital.registration(town.someone()), visit.diagnosis(), visit.lines(some(CLASS_A)),
        admission(hospital, town.someone()), stay.upload(some(CLASS_A)), stay.change(),
        registrar.disease(hospital, town.someone()),
        registrar.transfer(hospital, town.someone(), to=town.other_hospital),
        hospital.message("4301", record),
    ]  # fmt: skip


async def _assert_nothing_breaks(
    town: Town, messages: Sequence[tuple[str, dict[str, Any], str]]
) -> int:
    """Every message is answered as it should be, or refused for a reason that somebody wrote down;
    how many were carried out."""
    told: list[str] = []
    for at in range(0, len(messages), AT_ONCE):
        told += await asyncio.gather(
            *(_told(town, infno, each) for infno, each, _ in messages[at : at + AT_ONCE])
        )
    for (infno, message, text), code in zip(messages, told, strict=True):
        assert code in {"done", *REFUSALS} - {"INTERNAL"}, (infno, text, code, message)
    return told.count("done")


async def _told(town: Town, infno: str, message: dict[str, Any]) -> str:
    """The code of what came of a message; whatever nobody foresaw is raised."""
    sender = town.pharmacy if message["fixmedins_code"] == town.pharmacy.code else town.hospital
    try:
        wire = await town.service.answer(infno, json.dumps(message).encode(), sender.caller)
    except WireError as refused:
        return refused.code.value
    except NotYours as refused:
        return refused.code
    if wire.startswith(b"PK"):
        return "done"
    return str(json.loads(wire).get("err_code", "done"))


def _msgid(message: dict[str, Any]) -> str:
    """A number of its own, unless the text is there."""
    found = str(message["msgid"])
    return f"{found[:22]}{next(_SERIALS):08d}" if found[:1] in "HP" and len(found) == 30 else found


def _of_this_town(town: Town, infno: str) -> dict[str, Any]:
    """The sample of a transaction, of people and places that there are."""
    whom = town.borrowed()
    text = json.dumps(sample_request(TRANSACTIONS[infno]))
    for ours, theirs in (
        ("44190000000000000001", whom.number), ("H44190000001", town.hospital.code),
        ("999999199001010017", whom.insured.identity.certificate_no),
        ("测试甲", whom.insured.identity.name),
    ):  # fmt: skip
        text = text.replace(json.dumps(ours)[1:-1], json.dumps(theirs)[1:-1])
    made: dict[str, Any] = json.loads(text)
    return made


async def test_no_bytes_in_any_header_break_anything(place: Place, rng: random.Random) -> None:
    """Also where a signature is right but for them; HTTP keeps bytes that are no text."""
    doors = place.doors
    for method, path, headers in _signed_everywhere(doors):
        for name in headers:
            for value in (rng.choice(BYTES), _one_line(rng.choice(TEXTS)).encode()):
                knock = Knock(
                    method=method, path=path, headers={**headers, name: value}, body=b"{}"
                )
                came = await doors.knock(knock)
                assert 200 <= came.status < 500, (method, path, name, value, came)
                assert not came.headers.get("set-cookie", "").startswith("a="), came


def _signed_everywhere(doors: Doors) -> list[tuple[str, str, dict[str, str]]]:
    """Every address with headers that are right there, and such as browsers and proxies send."""
    town = doors.town
    key, secret = town.pharmacy.caller.access_key, secret_of(town.pharmacy.code)
    at = town.clock().timestamp()
    made = []
    for method, path in addresses("tif"):
        if not path.startswith("/hsa/") or path.endswith(("/2102", "/1101")):
            made += [(method, path, tif(key, secret)), (method, path, csb(key, secret))]
    for method, path in addresses("import"):
        target = f"{path}?reason=x"
        made.append((method, target, importing(KEY, at, method, target, b"{}")))
    made += [(method, path, {"Authorization": "Bearer a.b.c"}) for method, path in addresses("app")]
    cookies = "; ".join(f"{one.value}=x" for one in Cookie)
    browsers = {"Cookie": f"my_session=x; {cookies}", "Origin": "http://doors.test"}
    places = [("GET", "/my/"), ("POST", "/my/filings"), ("GET", "/docs"), ("GET", "/metrics")]
    places += [("GET", "/console/"), ("GET", "/console/sign-in"), ("POST", "/console/sign-in")]
    made += [(method, path, browsers) for method, path in places]
    more = {"X-Forwarded-Proto": "https", "Content-Type": "application/json"}
    return [(method, path, {**more, **headers}) for method, path, headers in made]


def _one_line(text: str) -> str:
    """A text that HTTP can carry: a line break is another header, and not our attack."""
    return text.replace("\r", "").replace("\n", "").replace("\x00", "")


async def test_no_bytes_in_any_address_break_anything(place: Place, rng: random.Random) -> None:
    doors = place.doors
    key, secret = doors.town.pharmacy.caller.access_key, secret_of(doors.town.pharmacy.code)
    at = doors.town.clock().timestamp()
    for method, path in _addresses_with_parts():
        shown = quote(rng.choice(TEXTS)[:1_000], safe="")
        await _visited(doors, method, path.replace("*", shown), key, secret, at)
        wire = path.encode().replace(b"*", rng.choice(BYTES))
        await _visited(doors, method, wire.decode("latin-1"), key, secret, at, raw=wire)


def _addresses_with_parts() -> list[tuple[str, str]]:
    """Addresses in which a star may be anything: a part of the path, or of what is asked for."""
    found = [
        (method, path.replace("/O1", "/*").replace("/1", "/*"))
        for scheme in ("tif", "import", "app")
        for method, path in addresses(scheme)
        if not path.startswith("/hsa/")
    ]
    found += [("POST", "/hsa/hgs/*"), ("POST", "/notify/wechat/*"), ("POST", "/notify/*/1"),
              ("POST", "/org/local/api/hos/*"), ("GET", "/my/?ticket=*"), ("GET", "/my/*"),
              ("GET", "/my/account?for=*"), ("GET", "/*"), ("GET", "/docs/*")]  # fmt: skip
    found += [
        (one.method, re.sub(r"\(.*?\)(?=/|$)", "*", one.pattern)) for one in ROUTES
    ]
    queries = [(method, f"{path}?reason=*&name=*&for=*&*=1&by=*&text=*") for method, path in found]
    return [(method, path) for method, path in (*found, *queries) if "*" in path]


async def _visited(
    doors: Doors, method: str, path: str, key: str, secret: str, at: float, *, raw: bytes = b""
) -> None:
    """Signed as well as may be, asked, and not failed."""
    if path.startswith("/imports"):
        headers = importing(KEY, at, method, path, b"{}")
    else:
        headers = {**tif(key, secret), "Authorization": "Bearer a.b.c"}
    came = await doors.knock(
        Knock(method=method, path=raw or path, headers=headers, body=b"{}")
    )
    assert 200 <= came.status < 500, (method, path, came)
    assert SCRIPT.encode() not in came.body or came.headers["content-type"].startswith(
        "application/json"
    ), (path, came)


async def test_no_answer_can_be_framed_or_taken_for_something_else(place: Place) -> None:
    """Pages forbid what is inline, from elsewhere and around them; what a browser would guess at
    says what it is."""
    doors, seen = place.doors, set[str]()
    paths = [path for method, path in addresses("tif") if method == "GET"]
    paths += ["/docs", "/docs/errors", "/docs/docs.css", "/docs/try.js", "/my/", "/my/nowhere",
              "/my/my.css", "/console/", "/console/nowhere", "/console/sign-in", "/nowhere",
              "/pay/x y", "/imports/1", "/hub/v1/messages"]  # fmt: skip
    for path in paths:
        came = await doors.knock(Knock(method="GET", path=path.replace(" ", "%20")))
        media = came.headers.get("content-type", "").partition(";")[0]
        seen.add(media)
        if media:
            assert came.headers["x-content-type-options"] == "nosniff", path
        if media == "text/html":
            policy = came.headers["content-security-policy"]
            assert "default-src 'none'" in policy and "unsafe" not in policy, path
            assert "frame-ancestors 'none'" in policy and "base-uri 'none'" in policy, path
    assert {"text/html", "text/css", "application/json"} <= seen


async def test_pages_of_who_is_busy_are_as_safe_as_others(place: Place) -> None:
    """The console's process is away: the gateway says so itself."""
    with temporary_directory() as directory:
        async with the_doors(place.town, directory, directory / "nobody.sock") as doors:
            came = await doors.knock(Knock(method="GET", path="/console/"))
    assert came.status == 503
    assert "frame-ancestors 'none'" in came.headers["content-security-policy"]


async def test_body_that_unpacks_to_very_much_is_read_no_further_than_it_may(
    place: Place,
) -> None:
    """HTTP lets a sender pack a body; what counts is what it comes to."""
    packed = gzip.compress(bytes(96 * MEGABYTE), 1)
    key, secret = place.town.pharmacy.caller.access_key, secret_of(place.town.pharmacy.code)
    for path in ("/hsa/hgs/2102", "/pay/scan", "/my/v1/filings", "/org/local/api/hos/uldFeeInfo"):
        headers = {**tif(key, secret), "Content-Encoding": "gzip"}
        with little_memory():
            came = await place.doors.knock(
                Knock(method="POST", path=path, headers=headers, body=packed)
            )
        assert came.status == 413, (path, came)
