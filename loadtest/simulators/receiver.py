"""An institution's platform as we tell it things: 6204, 6302 and webhooks, with a book of its own.

It checks every signature by itself, writes down what it took before it answers, and fails as told:
`GET /_sim/book`, `POST /_sim/faults {"plan": ["error", "twice"]}`, one `Fault` for each notice that
comes next. What it knows of a notice is its id, as any receiver does.
"""

from __future__ import annotations

import asyncio
import hmac
import urllib.request
from enum import StrEnum
from http import HTTPStatus
from pathlib import Path

import msgspec
from aiohttp import web
from msgspec import Raw, Struct

from protocol.nhsa import mobile_envelope
from protocol.nhsa.gm import Sm2PrivateKey, Sm2PublicKey
from protocol.nhsa.mobile_envelope import EnvelopeError, Party

SETTLE_NOTICE = "6302"
FETCH_SECONDS_MAX = 10


class Fault(StrEnum):
    """What happens to the next notice."""

    ERROR = "error"
    """answered 500 before it is read"""
    SILENT = "silent"
    """never answered; the connection stays open"""
    TWICE = "twice"
    """taken, and the answer is lost: it will come again"""
    WRONG = "wrong"
    """taken for no: success false"""
    GARBAGE = "garbage"
    """answered with a page instead of JSON"""
    FORGED = "forged"
    """answered in an envelope that another key has signed"""


class Entry(Struct, frozen=True, kw_only=True):
    """A notice that was taken. `seen_before`: its id was in the book already."""

    seq: int
    notice_id: str
    topic: str
    seen_before: bool
    data: Raw


class NoticeBook:
    """What the receiver took, in order: an append-only file of JSON lines."""

    def __init__(self, path: Path) -> None:
        """Goes on where the file ends."""
        self.entries: list[Entry] = []
        if path.exists():
            lines = path.read_bytes().splitlines()
            self.entries = [msgspec.json.decode(line, type=Entry) for line in lines]
        self._file = path.open("ab", buffering=0)

    def take(self, notice_id: str, topic: str, data: bytes) -> Entry:
        """Write it down."""
        entry = Entry(
            seq=len(self.entries) + 1, notice_id=notice_id, topic=topic,
            seen_before=any(one.notice_id == notice_id for one in self.entries), data=Raw(data),
        )  # fmt: skip
        self._file.write(msgspec.json.encode(entry) + b"\n")
        self.entries.append(entry)
        return entry

    @property
    def topics(self) -> list[str]:
        """What it was told, in order, each notice once."""
        return [one.topic for one in self.entries if not one.seen_before]

    def close(self) -> None:
        """No more entries."""
        self._file.close()


class ShownBook(Struct, frozen=True):
    """`GET /_sim/book`."""

    entries: list[Entry]
    refused: list[str]
    """what was not taken, and why"""


def fetch_book(url: str) -> ShownBook:
    """What a running receiver has taken so far."""
    if not url.startswith("http://127.0.0.1:"):
        raise ValueError(f"not a simulated receiver: {url}")
    book = f"{url}/_sim/book"
    with urllib.request.urlopen(book, timeout=FETCH_SECONDS_MAX) as reply:  # noqa: S310 - ours
        return msgspec.json.decode(reply.read(), type=ShownBook)


class _Plan(Struct):
    plan: list[Fault] = []


class _Webhook(Struct):
    notice_id: str
    topic: str
    data: Raw


class ReceiverSimulator:
    """One institution's receiver. `key` signs its answers, `platform` is the centre's key."""

    def __init__(
        self, party: Party, *, key: Sm2PrivateKey, platform: Sm2PublicKey, book: NoticeBook
    ) -> None:
        self.book = book
        self.plan: list[Fault] = []
        self.refused: list[str] = []
        """what came with a wrong signature, or was not to be read"""
        self.silence = asyncio.Event()
        """set where whoever waits may go"""
        self.url = ""
        self._party = party
        self._key = key
        self._platform = platform
        self._runner: web.AppRunner | None = None

    async def start(self) -> str:
        """Accept notices; gives the URL to register."""
        application = web.Application()
        application.router.add_post("/notify/{topic}", self._mobile)
        application.router.add_post("/webhook", self._webhook)
        application.router.add_get("/_sim/book", self._show_book)
        application.router.add_post("/_sim/faults", self._take_faults)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self.url

    async def stop(self) -> None:
        """Stop listening."""
        self.silence.set()
        if self._runner is not None:
            await self._runner.cleanup()
        self.book.close()

    async def _mobile(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        fault = self.plan.pop(0) if self.plan else None
        early = await self._before(fault)
        if early is not None:
            return early
        try:
            opened = mobile_envelope.opened(body, self._party)
        except EnvelopeError as exc:
            return self._no(str(exc))
        if not mobile_envelope.is_signed(opened, self._party, self._platform):
            return self._no("signature")
        topic = request.match_info["topic"]
        if opened.text("infno") != topic:
            return self._no("infno")
        self.book.take(opened.text("noticeId"), topic, opened.data)
        if fault is Fault.TWICE:
            return _broken(request)
        said = msgspec.json.encode(_answer(fault))
        if topic != SETTLE_NOTICE and fault is None:
            return web.json_response({"success": True, "message": ""})
        key = Sm2PrivateKey.of_number(7) if fault is Fault.FORGED else self._key
        sealed = mobile_envelope.sealed(
            said, self._party, key, stamp="20261123100000", more={"code": 0}
        )
        return web.Response(body=sealed, content_type="application/json")

    async def _webhook(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        fault = self.plan.pop(0) if self.plan else None
        early = await self._before(fault)
        if early is not None:
            return early
        headers = request.headers
        text = f"{headers['x-settlement-timestamp']}\n{headers['x-notice-id']}\n".encode() + body
        expected = hmac.digest(self._party.secret.encode(), text, "sha256").hex()
        if headers["x-settlement-signature"] != expected:
            return self._no("signature")
        told = msgspec.json.decode(body, type=_Webhook)
        self.book.take(told.notice_id, told.topic, bytes(told.data))
        if fault is Fault.TWICE:
            return _broken(request)
        return web.json_response(_answer(fault))

    async def _before(self, fault: Fault | None) -> web.Response | None:
        """The faults that come before anything is read."""
        if fault is Fault.ERROR:
            return web.Response(status=HTTPStatus.INTERNAL_SERVER_ERROR)
        if fault is Fault.GARBAGE:
            return web.Response(text="<html>nginx</html>", content_type="text/html")
        if fault is Fault.SILENT:
            await self.silence.wait()
            return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE)
        return None

    def _no(self, why: str) -> web.Response:
        self.refused.append(why)
        return web.json_response({"success": False, "message": why})

    async def _show_book(self, _request: web.Request) -> web.Response:
        shown = msgspec.json.encode(ShownBook(self.book.entries, self.refused))
        return web.Response(body=shown, content_type="application/json")

    async def _take_faults(self, request: web.Request) -> web.Response:
        try:
            self.plan = msgspec.json.decode(await request.read(), type=_Plan).plan
        except msgspec.MsgspecError as exc:
            return web.json_response({"message": str(exc)}, status=HTTPStatus.BAD_REQUEST)
        return web.json_response({"plan": self.plan})


def _answer(fault: Fault | None) -> dict[str, object]:
    if fault is Fault.WRONG:
        return {"success": False, "message": "院内记账失败"}
    return {"success": True, "message": "成功"}


def _broken(request: web.Request) -> web.Response:
    """The connection breaks; what is returned goes nowhere."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
