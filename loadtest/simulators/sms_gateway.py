"""A gateway of messages to persons (短信网关) that sends nothing: it checks who asks, writes down
it was given in a book of its own, and fails as told.

`POST /sms` as people/sms.py; `GET /_sim/book`; `POST /_sim/faults {"plan": ["error"]}`. A
message whose id is known is taken and not sent again, as a real gateway does.
"""

from __future__ import annotations

import hmac
from enum import StrEnum
from pathlib import Path

import msgspec
from aiohttp import web
from msgspec import Struct


class SmsFault(StrEnum):
    """What happens to the next message."""

    ERROR = "error"
    """answered 500 before it is read"""
    TWICE = "twice"
    """sent, and the answer is lost: it will come again"""
    FULL = "full"
    """refused: the provider's queue is full"""
    GARBAGE = "garbage"
    """answered with a page instead of JSON"""


class Sent(Struct, frozen=True, kw_only=True):
    """A message that a telephone would have got."""

    notice_id: str
    phone: str
    text: str


class _Plan(Struct):
    plan: list[SmsFault] = []


class SmsBook:
    """What was sent, in order: an append-only file of JSON lines."""

    def __init__(self, path: Path) -> None:
        """Goes on where the file ends."""
        self.sent: list[Sent] = []
        if path.exists():
            lines = path.read_bytes().splitlines()
            self.sent = [msgspec.json.decode(line, type=Sent) for line in lines]
        self._file = path.open("ab", buffering=0)

    def send(self, message: Sent) -> None:
        """Once for each notice, however often it comes."""
        if any(one.notice_id == message.notice_id for one in self.sent):
            return
        self._file.write(msgspec.json.encode(message) + b"\n")
        self.sent.append(message)

    def to(self, phone: str) -> list[str]:
        """What a telephone got."""
        return [one.text for one in self.sent if one.phone == phone]

    def close(self) -> None:
        """No more messages."""
        self._file.close()


class SmsGatewaySimulator:
    """Listens on the loopback."""

    def __init__(self, access_key: str, secret: str, book: SmsBook) -> None:
        self._access_key = access_key
        self._secret = secret
        self.book = book
        self.plan: list[SmsFault] = []
        self.refused: list[str] = []
        """what was not believed, and why"""
        self._runner: web.AppRunner | None = None

    async def start(self) -> str:
        """Where it listens."""
        app = web.Application()
        app.router.add_post("/sms", self._sms)
        app.router.add_get("/_sim/book", self._show)
        app.router.add_post("/_sim/faults", self._faults)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}"

    async def stop(self) -> None:
        """Listen no more."""
        if self._runner is not None:
            await self._runner.cleanup()
        self.book.close()

    async def _sms(self, request: web.Request) -> web.Response:
        fault = self.plan.pop(0) if self.plan else None
        if fault is SmsFault.ERROR:
            return web.Response(status=500)
        if fault is SmsFault.GARBAGE:
            return web.Response(text="<html>maintenance</html>", content_type="text/html")
        body = await request.read()
        if not self._is_signed(request, body):
            self.refused.append("signature")
            return web.json_response({"success": False, "message": "签名不正确"}, status=401)
        try:
            message = msgspec.json.decode(body, type=Sent)
        except msgspec.MsgspecError as exc:
            self.refused.append(str(exc))
            return web.json_response({"success": False, "message": "格式不正确"})
        if fault is SmsFault.FULL:
            return web.json_response({"success": False, "message": "队列已满"})
        self.book.send(message)
        if fault is SmsFault.TWICE:
            return web.Response(status=504)
        return web.json_response({"success": True, "message": "已提交"})

    def _is_signed(self, request: web.Request, body: bytes) -> bool:
        """By hand: the simulator shares no code with who it checks."""
        told = request.headers
        text = f"{told.get('x-settlement-timestamp', '')}\n{told.get('x-notice-id', '')}\n"
        wanted = hmac.digest(self._secret.encode(), text.encode() + body, "sha256").hex()
        known = told.get("x-settlement-key") == self._access_key
        return known and hmac.compare_digest(wanted, told.get("x-settlement-signature", ""))

    async def _show(self, _request: web.Request) -> web.Response:
        shown = {"sent": self.book.sent, "refused": self.refused}
        return web.Response(body=msgspec.json.encode(shown), content_type="application/json")

    async def _faults(self, request: web.Request) -> web.Response:
        self.plan += msgspec.json.decode(await request.read(), type=_Plan).plan
        return web.Response(status=204)
