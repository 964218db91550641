"""A message of another region on a plain connection always ends with a reply."""

from __future__ import annotations

import asyncio

import pytest

from settlement.gateway import HubDoor
from settlement.limits import DEFAULT_LIMITS
from settlement.refusal import Refusal
from settlement.web.hub import HubPage
from settlement.web.reply import HttpReply

pytestmark = pytest.mark.asyncio


class Door:
    """Answers as it is told."""

    def __init__(self, said: bytes | Exception | None) -> None:
        self.said = said
        self.asked = asyncio.Event()

    async def take(self, _message: bytes) -> bytes | Refusal | None:
        self.asked.set()
        if isinstance(self.said, Exception):
            raise self.said
        if self.said is None:
            await asyncio.Event().wait()
        return self.said


async def _body(_request: object) -> bytes | None:
    return None


def _page(door: HubDoor) -> HubPage:
    return HubPage(door, _body, DEFAULT_LIMITS)


async def test_the_answer_of_the_door_is_the_reply() -> None:
    replied: asyncio.Future[HttpReply] = asyncio.get_running_loop().create_future()
    _page(Door(b"{}")).start(b"message", replied.set_result)
    assert await replied == HttpReply(200, b"{}")


async def test_a_door_that_breaks_leaves_the_outcome_unknown() -> None:
    replied: asyncio.Future[HttpReply] = asyncio.get_running_loop().create_future()
    _page(Door(RuntimeError("broken"))).start(b"message", replied.set_result)
    assert b"OUTCOME_UNKNOWN" in (await replied).body


async def test_a_door_that_takes_too_long_leaves_the_outcome_unknown() -> None:
    replied: asyncio.Future[HttpReply] = asyncio.get_running_loop().create_future()
    door = Door(None)
    turn = _page(door).start(b"message", replied.set_result)
    await door.asked.wait()
    turn.expire()
    assert b"OUTCOME_UNKNOWN" in (await replied).body
