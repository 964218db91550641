"""What a counter and a channel hear over /pay and /notify where nothing can be done now."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import pytest
from aiohttp.test_utils import make_mocked_request

from settlement.gate import Gate
from settlement.gateway import Caller, Overloaded, PayDesk, PayReply, Unavailable
from settlement.limits import DEFAULT_LIMITS
from settlement.web.authentication import Authenticator, Granted, Known
from settlement.web.entrance import Entrance
from settlement.web.pay import PayPages
from settlement.web.reply import HttpReply

pytestmark = pytest.mark.asyncio

SIGNED = ("POST", "/pay/scan")
TOLD = ("POST", "/notify/wechat/1900000109")


class Busy:
    """A desk at which nothing can be done."""

    def __init__(self, why: Exception) -> None:
        self._why = why

    async def scan(self, _body: bytes, _caller: Caller) -> PayReply:
        raise self._why

    async def notified(self, *_: object) -> tuple[int, bytes, str] | None:
        raise self._why

    def __getattr__(self, _: str) -> object:
        return self.scan


class Trusting:
    """Everybody is who they say."""

    def identify(self, _headers: Mapping[str, str]) -> Known:
        return Known(Caller(institution_code="P1", access_key="1"), None)

    def grant(self, known: Known, _body: bytes) -> Granted:
        return Granted(known.caller)


async def _body(_request: object) -> bytes | None:
    return b"{}"


@pytest.mark.parametrize("asked", [SIGNED, TOLD])
@pytest.mark.parametrize(
    ("why", "code"),
    [
        (Overloaded(3), b"OVERLOADED"),
        (Unavailable("later", 3), b"UNAVAILABLE"),
    ],
)  # fmt: skip
async def test_who_cannot_be_served_now_is_told_when_to_come_again(
    asked: tuple[str, str], why: Exception, code: bytes
) -> None:
    desk = cast("PayDesk", Busy(why))
    entrance = Entrance(Gate(1), DEFAULT_LIMITS)
    trusting = cast("Authenticator", Trusting())
    pages = PayPages(desk, trusting, cast("Any", _body), DEFAULT_LIMITS, entrance)
    reply = await pages.answer(make_mocked_request(*asked))
    replied: asyncio.Future[HttpReply] = asyncio.get_running_loop().create_future()
    pages.start(*asked, {}, b"{}", replied.set_result)
    assert await replied == reply  # on a plain connection as on any other
    assert entrance.gate.room.taken == 0
    assert reply.status == 503 and code in reply.body
    assert reply.retry_after_seconds == 3


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/pay/scan", 405), ("POST", "/pay/T1", 405), ("POST", "/pay/a/b/c", 404)],
)
async def test_what_nobody_answers_is_said_before_its_body_is_read(
    method: str, path: str, status: int
) -> None:
    desk = cast("PayDesk", Busy(RuntimeError("asked")))
    entrance = Entrance(Gate(1), DEFAULT_LIMITS)
    pages = PayPages(
        desk, cast("Authenticator", Trusting()), cast("Any", None), DEFAULT_LIMITS, entrance
    )
    heard: list[HttpReply] = []
    assert pages.start(method, path, {}, b"", heard.append) is None
    assert [reply.status for reply in heard] == [status]
    assert (await pages.answer(make_mocked_request(method, path))).status == status


def _pages(desk: object, body: object = _body) -> PayPages:
    entrance = Entrance(Gate(1), DEFAULT_LIMITS)
    trusting = cast("Authenticator", Trusting())
    return PayPages(
        cast("PayDesk", desk), trusting, cast("Any", body), DEFAULT_LIMITS, entrance
    )


@pytest.mark.parametrize("asked", [SIGNED, TOLD])
@pytest.mark.parametrize("why", [RuntimeError("broken"), TimeoutError(), KeyError("x")])
async def test_what_breaks_leaves_the_outcome_unknown_on_any_connection(
    asked: tuple[str, str], why: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    pages = _pages(Busy(why))
    reply = await pages.answer(make_mocked_request(*asked))
    replied: asyncio.Future[HttpReply] = asyncio.get_running_loop().create_future()
    pages.start(*asked, {}, b"{}", replied.set_result)
    assert await replied == reply
    assert (reply.status, b"OUTCOME_UNKNOWN" in reply.body) == (503, True)
    assert reply.retry_after_seconds == DEFAULT_LIMITS.retry_after_seconds
    said = [(one.message, one.exc_info and one.exc_info[1]) for one in caplog.records]
    assert said == [("a request failed", why)] * 2


class Silent(Busy):
    """Never answers."""

    def __init__(self) -> None:
        super().__init__(RuntimeError())

    async def scan(self, _body: bytes, _caller: Caller) -> PayReply:
        await asyncio.Event().wait()
        raise AssertionError


async def test_what_takes_too_long_leaves_the_outcome_unknown(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("settlement.web.pay.PAY_SECONDS_MAX", 0.01)
    async with asyncio.timeout(5):
        reply = await _pages(Silent()).answer(make_mocked_request(*SIGNED))
    assert (reply.status, b"OUTCOME_UNKNOWN" in reply.body) == (503, True)
    assert not caplog.records
