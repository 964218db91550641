"""What a hospital's HTTP client meets: replies, statuses, limits, odd requests, shutdown."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from html import escape
from pathlib import Path

import msgspec
import pytest

from protocol.nhsa.registry import TRANSACTIONS
from settlement.gateway import Caller, PayReply
from settlement.intake.order import KINDS
from settlement.refusals import REFUSALS
from settlement.refusals_english import CAUSES, REMEDIES
from settlement.telemetry.metrics import Board
from settlement.web.app import WebServer, WebSettings, listen
from settlement.web.hospital_documents import HOSPITAL_OPERATIONS
from settlement.web.import_documents import IMPORT_OPERATIONS
from settlement.web.my_documents import MY_OPERATIONS
from settlement.web.pages import ASSETS
from settlement.web.pay_documents import PAY_OPERATIONS
from tests.integration.web.client import Client, csb_signed, request, signed
from tests.integration.web.echo_gateway import DONE, REFUSED, EchoGateway
from tests.integration.web.echo_server import LIMITS, Server
from tests.kit.waiting import until


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with Server(tmp_path) as running:
        yield running


@pytest.fixture
async def client(server: Server) -> AsyncIterator[Client]:
    connected = await Client.to(server.port)
    yield connected
    connected.close()


async def test_signed_request_is_answered_and_names_its_caller(
    server: Server, client: Client
) -> None:
    reply = await client.post(b"hello")
    assert (reply.status, reply.body) == (200, DONE)
    assert reply.headers["content-type"].startswith("application/json")
    assert "date" in reply.headers
    infno, body, caller = server.gateway.seen[0]
    assert (infno, body, caller.institution_code) == ("2102", b"hello", "H44190000001")


async def test_csb_request_is_answered(client: Client) -> None:
    assert (await client.post(b"hello", headers=csb_signed())).body == DONE
    wrong = await client.post(b"hello", headers=csb_signed(secret="other"))
    assert (wrong.status, json.loads(wrong.body)["err_code"]) == (401, "SIGNATURE_WRONG")


async def test_address_without_transaction_leaves_it_to_the_body(
    server: Server, client: Client
) -> None:
    await client.post(b"hello", path="/hsa/hgs")
    assert server.gateway.seen[0][0] is None


@pytest.mark.parametrize("content_type", ["application/json", "text/plain; charset=utf-8"])
async def test_both_content_types_are_accepted(client: Client, content_type: str) -> None:
    reply = await client.post(b"hello", headers={**signed(), "Content-Type": content_type})
    assert reply.body == DONE


@pytest.mark.parametrize(
    ("order", "status", "err_code", "retry", "retry_after"),
    [
        (b"unreadable", 400, "MALFORMED_JSON", "never", None),
        (b"not-yours", 401, "INSTITUTION_NOT_YOURS", "never", None),
        (b"later", 503, "UNAVAILABLE", "later", "3"),
        (b"unknown", 503, "OUTCOME_UNKNOWN", "same_msgid", "2"),
        (b"overloaded", 503, "OVERLOADED", "later", "7"),
        (b"crash", 503, "OUTCOME_UNKNOWN", "same_msgid", "1"),
    ],
)
async def test_exceptions_become_statuses_whose_advice_is_true(
    client: Client, order: bytes, status: int, err_code: str, retry: str, retry_after: str | None
) -> None:
    reply = await client.post(order)
    body = json.loads(reply.body)
    assert (reply.status, body["code"], body["err_code"], body["retry"]) == (
        status, status, err_code, retry,
    )  # fmt: skip
    assert reply.headers.get("retry-after") == retry_after
    assert body["message"].endswith("。")


@pytest.mark.parametrize(
    ("headers", "err_code"),
    [
        (lambda: {}, "HEADERS_MISSING"),
        (lambda: {"x-tif-paasid": "good"}, "HEADERS_MISSING"),
        (lambda: signed("nobody"), "ACCESS_KEY_UNKNOWN"),
        (lambda: signed("stopped"), "CREDENTIAL_SUSPENDED"),
        (lambda: signed(secret="other"), "SIGNATURE_WRONG"),
        (lambda: signed(late_seconds=301), "TIMESTAMP_REFUSED"),
        (lambda: signed(late_seconds=-3_000), "TIMESTAMP_REFUSED"),
        (lambda: signed(nonce="n" * 129), "HEADERS_MISSING"),
        (lambda: csb_signed("nobody"), "ACCESS_KEY_UNKNOWN"),
        (lambda: {"_api_access_key": "good"}, "HEADERS_MISSING"),
    ],
)
async def test_stranger_is_told_why(
    server: Server, client: Client, headers: Callable[[], dict[str, str]], err_code: str
) -> None:
    # Signed now: when the tests are collected may be longer ago than a signature is good for.
    reply = await client.post(b"hello", headers=headers())
    assert (reply.status, json.loads(reply.body)["err_code"]) == (401, err_code)
    assert server.gateway.seen == []


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        (lambda: signed(secret="other"), "x-tif-signature应为SHA-256("),
        (lambda: csb_signed(secret="other"), "_api_signature应为Base64(HMAC-SHA1)"),
        (lambda: signed(late_seconds=301), "（秒）"),
        (lambda: signed() | {"x-tif-timestamp": str(int(time.time() * 1_000))}, "单位是否为秒"),
        (lambda: csb_signed() | {"_api_timestamp": str(int(time.time()))}, "单位是否为毫秒"),
    ],
)
async def test_programmer_is_told_how_a_header_is_made(
    client: Client, headers: Callable[[], dict[str, str]], told: str
) -> None:
    assert told in json.loads((await client.post(b"hello", headers=headers())).body)["message"]


async def test_front_door_leads_to_the_documents(client: Client) -> None:
    reply = await client.get("/")
    assert (reply.status, reply.headers["location"]) == (302, "/docs")


async def test_nonce_serves_one_body_and_its_resends(client: Client) -> None:
    headers = signed(nonce="once")
    assert (await client.post(b"first", headers=headers)).status == 200
    assert (await client.post(b"first", headers=headers)).status == 200
    other = await client.post(b"second", headers=headers)
    assert (other.status, json.loads(other.body)["err_code"]) == (401, "NONCE_REUSED")


async def test_failed_signature_does_not_use_up_a_nonce(client: Client) -> None:
    await client.post(b"forged", headers=signed(nonce="mine", secret="guess"))
    assert (await client.post(b"real", headers=signed(nonce="mine"))).status == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/hsa/hgs/2102", 405),
        ("HEAD", "/nowhere", 404),
        ("PUT", "/healthz", 405),
        ("GET", "/nowhere", 404),
        ("GET", "/hsa/hgs2102", 404),
        ("GET", "/healthz", 200),
        ("GET", "/readyz", 200),
    ],
)
async def test_other_addresses_and_methods(
    client: Client, method: str, path: str, status: int
) -> None:
    client.writer.write(f"{method} {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
    if method == "HEAD":
        line = await client._reader.readline()
        assert line.startswith(b"HTTP/1.1 404")
        return
    reply = await client.read()
    assert reply.status == status
    assert isinstance(json.loads(reply.body), dict)


async def test_body_over_the_limit_is_413(server: Server, client: Client) -> None:
    reply = await client.post(b"x" * 20_001)
    assert (reply.status, json.loads(reply.body)["err_code"]) == (413, "BODY_TOO_LARGE")
    assert reply.headers["connection"] == "close"
    again = await Client.to(server.port)
    assert (await again.post(b"x" * 20_000)).status == 200
    again.close()


async def test_chunked_body_is_read_and_limited(server: Server, client: Client) -> None:
    lines = "".join(f"{k}: {v}\r\n" for k, v in signed().items())
    head = f"POST /hsa/hgs/2102 HTTP/1.1\r\nHost: h\r\n{lines}Transfer-Encoding: chunked\r\n\r\n"
    client.writer.write(head.encode() + b"5\r\nhello\r\n0\r\n\r\n")
    assert (await client.read()).body == DONE
    assert server.gateway.seen[0][1] == b"hello"
    assert (await client.post(b"still the same connection")).status == 200
    other = await Client.to(server.port)
    other.writer.write(head.encode() + b"6000\r\n" + b"x" * 0x6000 + b"\r\n0\r\n\r\n")
    assert (await other.read()).status == 413
    other.close()


class Till:
    """A desk that takes every order."""

    async def scan(self, body: bytes, _caller: Caller) -> PayReply:
        return PayReply(200, body)


@pytest.mark.parametrize("path", ["/hsa/hgs/2102", "/pay/scan"])
@pytest.mark.parametrize("said", ["100-continue", "100-Continue"])
async def test_sender_that_waits_to_be_asked_for_the_body_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, said: str
) -> None:
    monkeypatch.setattr(EchoGateway, "payments", Till())
    async with Server(tmp_path) as server:
        client = await Client.to(server.port)
        for _ in range(2):  # and the connection serves on
            head, body = apart(path, {**signed(), "Expect": said})
            client.writer.write(head)
            assert await client.interim() == b"HTTP/1.1 100 Continue\r\n\r\n"
            client.writer.write(body)
            assert (await client.read()).status == 200
        client.close()


@pytest.mark.parametrize(
    ("path", "size", "status"),
    [("/hsa/hgs/2102", 20_001, 413), ("/hsa/hgs/too-long", 5, 404), ("/pay/scan", 20_001, 404)],
)
async def test_sender_that_waits_is_refused_without_being_asked(
    client: Client, path: str, size: int, status: int
) -> None:
    head, _ = apart(path, {**signed(), "Expect": "100-continue"}, b"x" * size)
    client.writer.write(head)
    reply = await client.read()
    assert (reply.status, reply.headers["connection"]) == (status, "close")
    client.close()


@pytest.mark.parametrize(
    ("said", "version"), [("100-continue", "1.0"), ("something-else", "1.1")]
)
async def test_what_is_no_such_expectation_is_let_be(
    client: Client, said: str, version: str
) -> None:
    head, body = apart("/hsa/hgs/2102", {**signed(), "Expect": said})
    client.writer.write(head.replace(b"HTTP/1.1", b"HTTP/" + version.encode()))
    await client.writer.drain()
    client.writer.write(body)
    assert (await client.read()).body == DONE


def apart(path: str, headers: dict[str, str], body: bytes = b"hello") -> tuple[bytes, bytes]:
    """Head and body of a request."""
    whole = request(body, path, headers)
    return whole[: -len(body)], body


@pytest.mark.parametrize("path", ["/hsa/hgs/2102", "/pay/scan"])
@pytest.mark.parametrize(
    ("encoding", "at_once"), [("gzip", True), ("gzip", False), ("deflate", False)]
)
async def test_body_that_is_not_what_its_headers_say_is_400(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
    path: str, encoding: str, at_once: bool,
) -> None:  # fmt: skip
    monkeypatch.setattr(EchoGateway, "payments", Till())
    head, body = apart(path, {**signed(), "Content-Encoding": encoding}, b"hello hello")
    async with Server(tmp_path) as server:
        client = await Client.to(server.port)
        client.writer.write(head + body if at_once else head)
        if not at_once:
            await until(lambda: is_general(server))
            client.writer.write(body)
        reply = await client.read()
        told = json.loads(reply.body)
        assert (reply.status, told["err_code"], told["retry"]) == (400, "MALFORMED_JSON", "never")
        assert "Content-Encoding" in told["message"]
        assert await client.closed()
        client.close()
        assert server.gateway.seen == []
    assert [one for one in caplog.records if one.levelname == "ERROR"] == []


async def is_general(server: Server) -> bool:
    """Whether a connection of the server is."""
    return server.web.guests.count() == 1


async def test_body_that_does_not_come_in_time_is_503(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    limits = msgspec.structs.replace(LIMITS, arrival_seconds_max=0.2)
    async with Server(tmp_path, limits) as server:
        client = await Client.to(server.port)
        head, _ = apart("/hsa/hgs/2102", {**signed(), "Expect": "100-continue"})
        client.writer.write(head)
        await client.interim()
        client.writer.write(b"he")
        reply = await client.read()
        told = json.loads(reply.body)
        assert (reply.status, told["err_code"], told["retry"]) == (503, "UNAVAILABLE", "later")
        assert (reply.headers["retry-after"], reply.headers["connection"]) == ("1", "close")
        client.close()
        assert server.gateway.seen == []
    assert [one for one in caplog.records if one.levelname == "ERROR"] == []


async def test_sender_who_goes_in_the_middle_of_a_body_is_no_error_of_ours(
    server: Server, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    head, body = apart("/hsa/hgs/2102", {**signed(), "Expect": "100-continue"})
    client.writer.write(head)
    await client.interim()
    client.writer.write(body[:2])
    client.close()

    async def is_gone() -> bool:
        server.web.guests.sweep()
        return server.web.guests.count() == 0

    await until(is_gone)
    await asyncio.sleep(0)
    assert server.gateway.seen == []
    assert [one for one in caplog.records if one.levelname == "ERROR"] == []


async def test_request_that_arrives_byte_by_byte_is_answered(client: Client) -> None:
    for byte in request(b"hello", "/hsa/hgs/2102", signed()):
        client.writer.write(bytes([byte]))
        await client.writer.drain()
        await asyncio.sleep(0)
    assert (await client.read()).body == DONE


async def test_requests_sent_ahead_are_answered_in_order(client: Client) -> None:
    for order in (b"one", b"refuse", b"two"):
        client.send(order, "/hsa/hgs/2102", signed())
    assert [(await client.read()).body for _ in range(3)] == [DONE, REFUSED, DONE]


async def test_many_large_requests_sent_ahead_are_all_answered(client: Client) -> None:
    for _ in range(30):
        client.send(b"x" * 15_000, "/hsa/hgs/2102", signed())
    assert [(await client.read()).status for _ in range(30)] == [200] * 30


async def test_garbage_is_answered_400_and_closed(client: Client) -> None:
    client.writer.write(b"\x16\x03\x01\x02\x00 not http\r\n\r\n")
    assert (await client.read()).status == 400
    assert await client.closed()


async def test_request_beyond_the_limit_in_flight_is_told_to_come_back(tmp_path: Path) -> None:
    limits = msgspec.structs.replace(
        LIMITS, in_flight_max=1, queue_length_max=1, batch_size_max=1, connections_max=10
    )
    async with Server(tmp_path, limits) as server:
        first, second = await Client.to(server.port), await Client.to(server.port)
        first.send(b"wait", "/hsa/hgs/2102", signed())
        await server.gateway.entered.wait()
        reply = await second.post(b"hello")
        assert (reply.status, json.loads(reply.body)["err_code"]) == (503, "OVERLOADED")
        assert reply.headers["retry-after"] == "1"
        server.gateway.released.set()
        assert (await first.read()).status == 200
        first.close()
        second.close()


async def test_request_past_its_deadline_is_answered_unknown(tmp_path: Path) -> None:
    limits = msgspec.structs.replace(
        LIMITS, request_seconds_max=0.3, journal_wait_seconds_max=0.1,
        database_read_seconds_max=0.1, database_write_seconds_max=0.1,
    )  # fmt: skip
    async with Server(tmp_path, limits) as server:
        client = await Client.to(server.port)
        reply = await client.post(b"wait")
        assert (reply.status, json.loads(reply.body)["retry"]) == (503, "same_msgid")
        client.close()


async def test_stop_answers_what_is_in_flight_and_admits_nothing_more(tmp_path: Path) -> None:
    async with Server(tmp_path) as server:
        busy, idle = await Client.to(server.port), await Client.to(server.port)
        assert (await idle.post(b"hello")).status == 200
        busy.send(b"wait", "/hsa/hgs/2102", signed())
        await server.gateway.entered.wait()
        stopping = asyncio.create_task(server.web.stop(5.0))
        assert await idle.closed()
        with pytest.raises(ConnectionRefusedError):
            await Client.to(server.port)
        server.gateway.released.set()
        reply = await busy.read()
        assert (reply.body, reply.headers["connection"]) == (DONE, "close")
        assert await stopping is True
        busy.close()
        idle.close()


async def test_stop_gives_up_at_its_limit_and_leaves_the_rest_unknown(tmp_path: Path) -> None:
    async with Server(tmp_path) as server:
        client = await Client.to(server.port)
        client.send(b"wait", "/hsa/hgs/2102", signed())
        await server.gateway.entered.wait()
        assert await server.web.stop(0.05) is False
        client.close()


async def test_metrics_count_what_happened(client: Client) -> None:
    """Beside what other servers of this process have counted."""
    before = await _counted(client)
    await client.post(b"hello", path="/hsa/hgs/5203")
    await client.post(b"refuse", path="/hsa/hgs/5203")
    after = await _counted(client)
    assert after - before == Counter(ok=1, refused=1)


async def _counted(client: Client) -> Counter[str]:
    """How 5203 ended so often; its times are there as well."""
    text = (await client.get("/metrics")).body.decode()
    found = re.findall(
        r'^settlement_requests_total\{infno="5203",outcome="(\w+)"\} (\d+)', text, re.MULTILINE
    )
    assert not found or 'settlement_request_seconds_bucket{infno="5203",le="+Inf"}' in text
    return Counter({outcome: int(count) for outcome, count in found})


async def test_openapi_describes_every_transaction(client: Client) -> None:
    document = json.loads((await client.get("/openapi.json")).body)
    transactions = {f"/hsa/hgs/{infno}" for infno in TRANSACTIONS}
    payments = {one.path for one in (*PAY_OPERATIONS, *HOSPITAL_OPERATIONS)}
    imports = {"/imports/{job}", *(f"/imports/{kind}" for kind in KINDS)}
    others = {"/settlements/{setl_id}/explanation"}
    mine = {one.path for one in MY_OPERATIONS}
    assert set(document["paths"]) == transactions | payments | imports | mine | others
    names = set(document["components"]["schemas"])
    used = {part.rsplit("/", 1)[1] for part in _references(document)}
    assert used <= names


async def test_docs_page_is_whole_and_needs_nothing_from_elsewhere(client: Client) -> None:
    reply = await client.get("/docs")
    page = reply.body.decode()
    assert reply.headers["content-type"].startswith("text/html")
    assert all(f'id="t{infno}"' in page for infno in TRANSACTIONS)
    others = (*PAY_OPERATIONS, *HOSPITAL_OPERATIONS, *IMPORT_OPERATIONS, *MY_OPERATIONS)
    assert all(f'id="t{one.name}"' in page for one in others)
    assert "http://" not in page and "https://" not in page
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    needed = re.findall(r'(?:src|href)="(/docs/[^"]+\.\w+)"', page)
    assert set(needed) == {"/docs/docs.css", "/docs/try.js"}


@pytest.mark.parametrize("address", ASSETS)
async def test_files_beside_the_pages_are_ours(client: Client, address: str) -> None:
    reply = await client.get(address)
    text = reply.body.decode()
    assert (reply.status, reply.headers["content-type"]) == (200, ASSETS[address])
    assert "http://" not in text and "https://" not in text and "url(" not in text
    imported = {f"/docs/{name}" for name in re.findall(r'from "\./([^"]+)"', text)}
    assert imported <= set(ASSETS)
    assert (await client.get(address + "x")).status == 404


@pytest.mark.parametrize("path", ["/docs", "/docs/errors"])
async def test_only_a_demo_offers_its_people(client: Client, tmp_path: Path, path: str) -> None:
    assert ('data-demo="yes"' in (await client.get(path)).body.decode()) == (path == "/docs")
    web = WebServer(EchoGateway(), Board(tmp_path / "other", "test"), WebSettings(limits=LIMITS))
    listener = listen("127.0.0.1", 0)
    await web.start(listener)
    plain = await Client.to(listener.getsockname()[1])
    assert "data-demo" not in (await plain.get(path)).body.decode()
    plain.close()
    await web.stop(5.0)


async def test_demo_token_is_for_the_person_and_the_institution_named(client: Client) -> None:
    address = "/demo/token?psn_no=P1&fixmedins_code=H1"
    assert (await client.get(address)).status == 405
    assert json.loads((await client.post(b"", address)).body) == {"mdtrt_cert_no": "P1-H1"}
    for lacking in ("psn_no=P1", "psn_no=P1&fixmedins_code=", "psn_no=P'1&fixmedins_code=H1"):
        assert (await client.post(b"", f"/demo/token?{lacking}")).status == 404


async def test_demo_world_is_cut_to_the_persons_asked_for(client: Client) -> None:
    assert json.loads((await client.get("/demo/world.json?persons=5")).body) == {"persons": 5}
    assert (await client.get("/demo/world.json?persons=x")).status == 404


def _references(node: object) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [ref for value in node.values() for ref in _references(value)]
    if isinstance(node, list):
        return [ref for value in node for ref in _references(value)]
    return []


@pytest.mark.parametrize(
    ("path", "method", "header_makers", "status"),
    [
        ("/settlements/1/explanation",  "GET",  signed,     200),
        ("/settlements/1/explanation",  "GET",  csb_signed, 200),
        ("/settlements/1/explanation",  "GET",  dict,       401),
        ("/settlements/2/explanation",  "GET",  signed,     404),
        ("/settlements/x/explanation",  "GET",  signed,     404),
        ("/settlements/1/explanation/", "GET",  signed,     404),
        ("/settlements/1/explanation",  "POST", signed,     405),
    ],
)  # fmt: skip
async def test_explanation_is_for_the_institution_that_signs(
    client: Client, path: str, method: str, header_makers: Callable[[], dict[str, str]], status: int
) -> None:
    reply = await client.get(path, method, header_makers())
    assert reply.status == status
    assert (reply.body == b"H44190000001") == (status == 200)


async def test_page_of_error_codes_has_every_one_in_two_languages(client: Client) -> None:
    reply = await client.get("/docs/errors")
    page = reply.body.decode()
    assert reply.headers["content-type"].startswith("text/html")
    assert "<code>enc_type</code> is SM4" in page and "`" not in page
    for code, row in REFUSALS.items():
        assert f'id="{code}"' in page
        for said in (CAUSES[code], REMEDIES[code]):
            assert re.sub(r"`(.+?)`", r"<code>\1</code>", escape(said)) in page
        assert escape(row.todo.replace("[", "").replace("]", "")) in page
    document = json.loads((await client.get("/openapi.json")).body)
    told = document["components"]["schemas"]["ErrorCode"]["oneOf"]
    assert [each["const"] for each in told] == list(REFUSALS)
    assert {each["const"]: each["x-what-to-do"] for each in told} == REMEDIES
