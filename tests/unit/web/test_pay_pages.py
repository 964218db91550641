"""What a counter and a channel hear over /pay and /notify where nothing can be done now."""

from __future__ import annotations

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
    assert entrance.gate.room.taken == 0
    assert reply.status == 503 and code in reply.body
    assert reply.retry_after_seconds == 3
