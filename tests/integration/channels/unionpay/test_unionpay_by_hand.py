"""Both ends of the wire against a second implementation, written from the interface's rules.

No SDK for Python is kept. What is here shares no code with ours: RSA on integers, its own text to
sign, its own forms. A client of it pays at our simulator; our adapter pays at a server of it.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote_plus, unquote_plus

import aiohttp
import pytest_asyncio
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from settlement.payments.payment import Verdict
from tests.kit.unionpay import MER_ID, Desk, KeyRing, a_desk, key_of

DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")


def hashed(fields: dict[str, str]) -> bytes:
    """The hash that RSA signs: of the hex text of the hash of the sorted fields."""
    names = sorted(set(fields) - {"signature"})
    text = "&".join([f"{name}={fields[name]}" for name in names])
    inner = hashlib.new("sha256", text.encode("utf-8")).hexdigest()
    return hashlib.new("sha256", inner.encode("ascii")).digest()


def padded(digest: bytes, size: int) -> int:
    tail = DIGEST_INFO + digest
    return int.from_bytes(b"\x00\x01" + b"\xff" * (size - len(tail) - 3) + b"\x00" + tail, "big")


def sign_by_hand(fields: dict[str, str], key: RSAPrivateKey) -> str:
    numbers = key.private_numbers()
    modulus = numbers.public_numbers.n
    size = (modulus.bit_length() + 7) // 8
    number = pow(padded(hashed(fields), size), numbers.d, modulus)
    return b64encode(number.to_bytes(size, "big")).decode()


def holds_by_hand(fields: dict[str, str], modulus: int, exponent: int) -> bool:
    size = (modulus.bit_length() + 7) // 8
    number = int.from_bytes(b64decode(fields["signature"]), "big")
    return pow(number, exponent, modulus) == padded(hashed(fields), size)


def form_by_hand(fields: dict[str, str]) -> bytes:
    return "&".join(f"{k}={quote_plus(v)}" for k, v in fields.items()).encode()


def bare(body: bytes) -> dict[str, str]:
    """An answer: split at every & and the first = of a part."""
    parts = [part.split("=", 1) for part in body.decode().split("&")]
    return dict(parts)


class HandMade:
    """A merchant that knows nothing but its credentials from world.json."""

    def __init__(self, credentials: dict[str, object]) -> None:
        self.url, self.mer_id = str(credentials["base_url"]), str(credentials["mer_id"])
        self.cert_id = str(credentials["cert_id"])
        key = load_pem_private_key(str(credentials["key_pem"]).encode(), None)
        assert isinstance(key, RSAPrivateKey)
        self.key = key
        self.codes = credentials["test_codes"]

    async def post(self, path: str, **fields: str) -> dict[str, str]:
        asked = {
            "version": "5.1.0", "encoding": "UTF-8", "certId": self.cert_id, "signMethod": "01",
            "bizType": "000000", "accessType": "0", "merId": self.mer_id, **fields,
        }  # fmt: skip
        asked["signature"] = sign_by_hand(asked, self.key)
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                self.url + path, data=form_by_hand(asked),
                headers={"Content-Type": "application/x-www-form-urlencoded"},
            ) as came,
        ):  # fmt: skip
            assert came.status == 200
            return bare(await came.read())


@pytest_asyncio.fixture
async def by_hand(desk: Desk, unionpay_ring: KeyRing) -> HandMade:
    return HandMade(desk.sim.credentials(MER_ID, unionpay_ring.merchant))


async def test_hand_made_client_pays_asks_and_reverses(
    desk: Desk, by_hand: HandMade, unionpay_ring: KeyRing
) -> None:
    public = unionpay_ring.sim.unionpay.key.public_key().public_numbers()
    order = {"orderId": "HAND20261123001", "txnTime": "20261123120000"}
    assert isinstance(by_hand.codes, dict)
    paid = await by_hand.post(
        "/gateway/api/backTransReq.do", txnType="01", txnSubType="06", channelType="08",
        txnAmt="4212", currencyCode="156", qrNo=by_hand.codes["ok"], termId="00000001",
        backUrl="http://www.specialUrl.com", **order,
    )  # fmt: skip
    asked = await by_hand.post("/gateway/api/queryTrans.do", txnType="00", txnSubType="00", **order)
    undone = await by_hand.post(
        "/gateway/api/backTransReq.do", txnType="99", txnSubType="01", channelType="08", **order
    )
    assert [paid["respCode"], asked["respCode"], undone["respCode"]] == ["00", "00", "00"]
    assert (asked["origRespCode"], asked["txnAmt"], len(asked["queryId"])) == ("00", "4212", 21)
    assert asked["settleDate"] == "1123" and asked["orderId"] == order["orderId"]
    for answer in (paid, asked, undone):
        assert holds_by_hand(answer, public.n, public.e)
        assert answer["signPubKeyCert"].startswith("-----BEGIN CERTIFICATE-----\r\n")
    assert desk.totals() == {
        "paid_count": 1, "paid_fen": 4212, "undone_count": 1, "undone_fen": 4212, "net_fen": 0,
    }  # fmt: skip


async def test_hand_made_mistakes_get_their_codes(desk: Desk, by_hand: HandMade) -> None:
    query = {"txnType": "00", "txnSubType": "00", "orderId": "HAND20261123001"}
    path = "/gateway/api/queryTrans.do"

    async def code(path: str, **fields: str) -> str:
        return (await by_hand.post(path, **fields))["respCode"]

    assert await code(path, **query, txnTime="20261123120000") == "00"
    assert await code(path, **query, txnTime="20261323120000") == "10"
    assert await code(path, **query) == "13"
    assert await code(path, **query, txnTime="20261123120000", version="5.0.0") == "10"
    assert await code(path, **query, txnTime="20261123120000", certId="1") == "11"
    assert await code(path, **query, txnTime="20261123120000", merId="999290058110098") == "10"
    assert await code("/gateway/api/backTransReq.do", **query, txnTime="20261123120000") == "10"
    assert await code(path, txnType="77", txnTime="20261123120000") == "10"
    by_hand.key = desk.sim.signer.key
    assert await code(path, **query, txnTime="20261123120000") == "11"


class HandMadeUnionPay:
    """Accepts whatever is signed by the merchant; a query says that it was paid."""

    def __init__(self, ring: KeyRing) -> None:
        self.ring = ring
        self.heard: list[dict[str, str]] = []

    async def serve(self, request: web.Request) -> web.Response:
        parts = [part.split("=", 1) for part in (await request.read()).decode().split("&")]
        fields = {name: unquote_plus(value) for name, value in parts}
        public = self.ring.merchant.key.public_key().public_numbers()
        assert holds_by_hand(fields, public.n, public.e)
        self.heard.append(fields)
        answer = {
            "respCode": "00", "respMsg": "成功[0000000]", "orderId": fields["orderId"],
            "merId": fields["merId"], "txnType": fields["txnType"],
            "reserved": "{a=1&b=2}", "unheard": "+/=%41",
        }  # fmt: skip
        if fields["txnType"] == "00":
            answer |= {"origRespCode": "00", "txnAmt": "4212", "settleAmt": "4200"}
        signer = self.ring.sim.unionpay
        pem = signer.certificate.public_bytes(Encoding.PEM).decode()
        answer["signPubKeyCert"] = pem
        answer["signature"] = sign_by_hand(answer, signer.key)
        return web.Response(body="&".join(f"{k}={v}" for k, v in answer.items()).encode())


@pytest_asyncio.fixture
async def hand_made(unionpay_ring: KeyRing) -> AsyncIterator[tuple[HandMadeUnionPay, str]]:
    server = HandMadeUnionPay(unionpay_ring)
    application = web.Application()
    application.router.add_post("/gateway/api/{what}", server.serve)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield server, f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_our_adapter_pays_and_asks_at_a_hand_made_server(
    hand_made: tuple[HandMadeUnionPay, str], unionpay_ring: KeyRing, tmp_path: Path
) -> None:
    server, url = hand_made
    async with a_desk(unionpay_ring, tmp_path, settings={"base_url": url}) as desk:
        order = desk.order("ok", notified=False)
        assert (await desk.channel.pay(order)).verdict is Verdict.UNKNOWN
        found = await desk.channel.query(key_of(order))
        assert (found.verdict, found.amount_fen, found.settled_fen) == (
            Verdict.SUCCESS, 4212, 4200,
        )  # fmt: skip
    pay, query = server.heard
    assert {name: value for name, value in pay.items() if name not in ("certId", "signature")} == {
        "version": "5.1.0", "encoding": "UTF-8", "signMethod": "01", "txnType": "01",
        "txnSubType": "06", "bizType": "000000", "accessType": "0", "merId": MER_ID,
        "txnTime": "20261123120000", "channelType": "08", "orderId": order.order_no,
        "txnAmt": "4212", "currencyCode": "156", "qrNo": order.code, "termId": "00000001",
        "backUrl": "http://www.specialUrl.com",
    }  # fmt: skip
    assert re.fullmatch(r"\d{10}", pay["certId"])
    assert (query["txnType"], query["txnSubType"]) == ("00", "00")
    assert (query["orderId"], query["txnTime"]) == (pay["orderId"], pay["txnTime"])
