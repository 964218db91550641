"""A server that breaks one promise: a proxy before a real one, for whoever examines servers.

A break changes a request on its way in or an answer on its way out. The proxy signs anew what it
changes, so it knows the institution's secret.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import aiohttp
import msgspec
from aiohttp import web

from protocol.nhsa.signing import tif_in_window, tif_signature, tif_verified
from settlement.clock import system_clock

_DECODE = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal).decode
_ENCODE = msgspec.json.Encoder(decimal_format="number").encode
FEN = Decimal("0.01")
Answer = tuple[int, bytes]


class HonestServer:
    """Passes everything on as it is. Breaks are subclasses."""

    url: str

    def __init__(self, upstream: str, *, paasid: str, secret: str) -> None:
        self._upstream = upstream
        self.paasid = paasid
        self._secret = secret
        self._session: aiohttp.ClientSession | None = None
        self.first: dict[tuple[str, str], bytes] = {}
        """the first good answer to each message"""

    async def answer(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """What the caller gets."""
        return await self.forward(path, body, headers)

    async def forward(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """The real server's answer."""
        assert self._session is not None
        sent = {name: value for name, value in headers.items() if name.lower().startswith(_OURS)}
        async with self._session.post(self._upstream + path, data=body, headers=sent) as came:
            return came.status, await came.read()

    async def forward_anew(self, path: str, body: bytes) -> Answer:
        """The same, under a signature of our own."""
        at, nonce = str(int(system_clock().timestamp())), secrets.token_hex(8)
        signature = tif_signature(at, self._secret, nonce)
        headers = {
            "x-tif-paasid": self.paasid, "x-tif-timestamp": at, "x-tif-nonce": nonce,
            "x-tif-signature": signature, "Content-Type": "application/json",
        }  # fmt: skip
        return await self.forward(path, body, headers)

    def is_signed_well(self, headers: Mapping[str, str]) -> bool:
        """Whether the caller may come in."""
        at, nonce = headers.get("x-tif-timestamp", ""), headers.get("x-tif-nonce", "")
        return (
            headers.get("x-tif-paasid") == self.paasid
            and tif_in_window(at, now_seconds=int(system_clock().timestamp()))
            and tif_verified(
                timestamp=at, secret=self._secret, nonce=nonce,
                signature=headers.get("x-tif-signature", ""),
            )
        )  # fmt: skip

    async def _handle(self, request: web.Request) -> web.Response:
        assert self._session is not None
        if request.method == "GET":
            async with self._session.get(self._upstream + request.path_qs) as came:
                return web.Response(status=came.status, body=await came.read())
        status, body = await self.answer(request.path, await request.read(), request.headers)
        return web.Response(status=status, body=body, content_type="application/json")

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Its address, while it serves."""
        app = web.Application(client_max_size=2**21)
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        assert site._server is not None
        port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
        async with aiohttp.ClientSession() as self._session:
            try:
                yield f"http://127.0.0.1:{port}"
            finally:
                await runner.cleanup()


_OURS = ("x-tif", "_api", "content-type")


def message_in(body: bytes) -> dict[str, Any]:
    """The message; empty where it is none."""
    try:
        return _DECODE(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}


def under_new_id(message: dict[str, Any], *, claim: bool = True) -> bytes:
    """The message as if it were another one, of another second."""
    content = message["input"]
    if claim and "druginfo" in content:
        head = content["druginfo"]
        minute = int(secrets.randbelow(40))
        head["begntime"] = f"{head['begntime'][:14]}{minute:02d}{head['begntime'][16:]}"
    return _ENCODE({**message, "msgid": f"{message['msgid'][:12]}{secrets.token_hex(9)}"})


class Reordered(HonestServer):
    """No promise broken: fields come in another order."""

    async def answer(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        status, came = await self.forward(path, body, headers)
        if came.startswith(b"PK"):
            return status, came
        return status, _ENCODE(_backwards(message_in(came)))


class BusyNowAndThen(HonestServer):
    """No promise broken: every third request meets a full house."""

    count = 0

    async def answer(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        self.count += 1
        if self.count % 3 == 0 and message_in(body).get("infno") == "2102":
            busy = {"code": 503, "message": "忙", "err_code": "OVERLOADED", "retry": "later"}
            return 503, _ENCODE(busy)
        return await self.forward(path, body, headers)


class SettlesDuplicatesTwice(HonestServer):
    """A message that comes again is settled again."""

    async def answer(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        message = message_in(body)
        key = (str(message.get("infno")), str(message.get("msgid")))
        if key[0] == "2102" and key in self.first:
            return await self.forward_anew(path, under_new_id(message))
        status, came = await self.forward(path, body, headers)
        if message_in(came).get("infcode") == 0:
            self.first[key] = came
        return status, came


class SettlesRacersTwice(HonestServer):
    """A message that comes while it is being worked on is another one."""

    def __init__(self, upstream: str, *, paasid: str, secret: str) -> None:
        super().__init__(upstream, paasid=paasid, secret=secret)
        self._inside: set[str] = set()

    async def answer(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        message = message_in(body)
        msgid = str(message.get("msgid"))
        if message.get("infno") == "2102" and msgid in self._inside:
            return await self.forward_anew(path, under_new_id(message))
        self._inside.add(msgid)
        try:
            return await self.forward(path, body, headers)
        finally:
            self._inside.discard(msgid)


class DoesNotMarkReplays(HonestServer):
    """A replay looks like a first answer."""

    async def answer(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        status, came = await self.forward(path, body, headers)
        told = message_in(came)
        if "warn_msg" in told:
            del told["warn_msg"]
            return status, _ENCODE(told)
        return status, came


class _Miscounts(HonestServer):
    infno = ""

    async def answer(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        status, came = await self.forward(path, body, headers)
        told = message_in(came)
        if message_in(body).get("infno") == self.infno and told.get("infcode") == 0:
            self.miscount(told["output"])
            return status, _ENCODE(told)
        return status, came

    def miscount(self, output: dict[str, Any]) -> None:
        """Lose a fen."""


class LosesAFenOfAnAnswer(_Miscounts):
    """The person is to pay a fen less than the rest leaves."""

    infno = "2102"

    def miscount(self, output: dict[str, Any]) -> None:
        output["setlinfo"]["psn_cash_pay"] -= FEN


class LosesAFenOfTheBooks(_Miscounts):
    """5203 shows a fen less than was answered, and adds up."""

    infno = "5203"

    def miscount(self, output: dict[str, Any]) -> None:
        for name in ("medfee_sumamt", "acct_pay", "inscp_scp_amt"):
            output["setlinfo"][name] -= FEN
        for row in output["setldetail"]:
            if row["fund_pay_type"] == "310200":
                row["fund_payamt"] -= FEN


class FindsNoVisits(_Miscounts):
    """5201 is always empty."""

    infno = "5201"

    def miscount(self, output: dict[str, Any]) -> None:
        output["mdtrtinfo"] = []


class _Accepts(HonestServer):
    """Answers a refusal of one code as if it had not refused."""

    code = ""

    async def answer(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        message = message_in(body)
        status, came = await self.forward(path, body, headers)
        told = message_in(came)
        if told.get("infcode") == 0:
            self.first.setdefault((str(message["infno"]), str(message["msgid"])), came)
        if told.get("err_code") == self.code:
            return await self.instead(path, message)
        return status, came

    async def instead(self, path: str, message: dict[str, Any]) -> Answer:
        """What is answered instead of the refusal."""
        raise NotImplementedError


class AcceptsConflicts(_Accepts):
    """Other content under a known msgid gets the first answer."""

    code = "MESSAGE_CONFLICT"

    async def instead(self, path: str, message: dict[str, Any]) -> Answer:
        return 200, self.first[message["infno"], message["msgid"]]


class AcceptsLateArrivals(_Accepts):
    """What was reversed and arrives later is carried out."""

    code = "MESSAGE_REVERSED"

    async def instead(self, path: str, message: dict[str, Any]) -> Answer:
        return await self.forward_anew(path, under_new_id(message))


class CancelsTwice(_Accepts):
    """A second cancel is answered as if it were one."""

    code = "ALREADY_CANCELLED"

    async def instead(self, path: str, message: dict[str, Any]) -> Answer:
        cancels = [came for (infno, _), came in self.first.items() if infno == "2103"]
        return 200, cancels[-1]


class CorrectsTotals(_Accepts):
    """A wrong total is put right in silence."""

    code = "TOTAL_MISMATCH"

    async def instead(self, path: str, message: dict[str, Any]) -> Answer:
        lines = message["input"]["drugdetail"]
        amount = sum(Decimal(str(line["det_item_fee_sumamt"])) for line in lines)
        message["input"]["druginfo"]["medfee_sumamt"] = amount
        return await self.forward_anew(path, _ENCODE(message))


class ForgetsTheField(HonestServer):
    """A refusal does not say which field is wrong."""

    async def answer(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        status, came = await self.forward(path, body, headers)
        told = message_in(came)
        if "err_field" in told:
            del told["err_field"]
            return status, _ENCODE(told)
        return status, came


class ReversesNothing(HonestServer):
    """2601 is answered 0 and thrown away."""

    async def answer(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        if message_in(body).get("infno") == "2601":
            return 200, _ENCODE({"infcode": 0, "inf_refmsgid": "0", "err_msg": "", "output": {}})
        return await self.forward(path, body, headers)


class LooksAtNoSignature(HonestServer):
    """Everybody is let in."""

    async def answer(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        if "x-tif-signature" in headers:
            return await self.forward_anew(path, body)
        return await self.forward(path, body, headers)


class ForgetsNonces(HonestServer):
    """A nonce may be used for anything."""

    async def answer(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        if self.is_signed_well(headers):
            return await self.forward_anew(path, body)
        return await self.forward(path, body, headers)


def _backwards(node: Any) -> Any:
    if isinstance(node, dict):
        return {name: _backwards(value) for name, value in reversed(node.items())}
    if isinstance(node, list):
        return [_backwards(one) for one in node]
    return node
