"""What comes together is opened together, and a message that cannot be opened fails alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from protocol.nhsa.envelope import Envelope
from settlement.gateway import Caller
from settlement.serve.inbox import Inbox, Mail, Opened
from tests.unit.usecases.builders import PHARMACY

CALLER = Caller(institution_code=PHARMACY.code, access_key="test")
ENVELOPE = Envelope(
    infno="2102", msgid="M", mdtrtarea_admvs="441900", recer_sys_code="T", infver="V1",
    opter_type="1", opter="O", opter_name="测试员", inf_time="2026-11-25 10:00:00",
    fixmedins_code=PHARMACY.code, fixmedins_name=PHARMACY.name,
)  # fmt: skip


class Desk:
    """Opens what it gets, but for what says "poison" or "refused"."""

    def __init__(self) -> None:
        self.together: list[int] = []
        self.taken: list[bytes] = []

    def open_all(self, mail: Sequence[Mail]) -> list[Opened]:
        self.together.append(len(mail))
        if any(one.body == b"poison" for one in mail):
            raise KeyError("a bug of ours")
        for one in mail:
            if one.body == b"refused":
                one.answer(b"no")
        left = [one for one in mail if one.body != b"refused"]
        return [Opened(one, ENVELOPE, PHARMACY, None) for one in left]

    def take(self, opened: Opened) -> None:
        if opened.mail.body == b"not taken":
            raise RuntimeError("a bug of ours")
        self.taken.append(opened.mail.body)


def put_all(inbox: Inbox, *bodies: bytes) -> list[Mail]:
    """Messages that come in one turn of the loop."""
    loop = asyncio.get_running_loop()
    at = datetime(2026, 11, 25, tzinfo=UTC)
    mail = [Mail("2102", body, CALLER, at, loop.create_future()) for body in bodies]
    for one in mail:
        inbox.put(one)
    return mail


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_messages_of_one_turn_are_opened_together(desk: Desk) -> None:
    inbox = Inbox(desk.open_all, desk.take)
    mail = put_all(inbox, b"a", b"refused", b"b")
    assert len(inbox) == 3
    assert await mail[1].reply == b"no"
    assert (desk.together, desk.taken, len(inbox)) == ([3], [b"a", b"b"], 0)


async def test_a_message_that_cannot_be_opened_fails_alone(desk: Desk) -> None:
    mail = put_all(Inbox(desk.open_all, desk.take), b"a", b"poison", b"b")
    with pytest.raises(KeyError):
        await mail[1].reply
    assert desk.taken == [b"a", b"b"]
    assert not mail[0].reply.done()


async def test_a_message_that_cannot_be_taken_fails_alone(desk: Desk) -> None:
    mail = put_all(Inbox(desk.open_all, desk.take), b"a", b"not taken", b"b")
    with pytest.raises(RuntimeError):
        await mail[1].reply
    assert desk.taken == [b"a", b"b"]


async def test_a_message_that_nobody_waits_for_is_not_opened(desk: Desk) -> None:
    mail = put_all(Inbox(desk.open_all, desk.take), b"a", b"gone", b"b")
    mail[1].reply.cancel()
    await asyncio.sleep(0)
    assert (desk.together, desk.taken) == ([2], [b"a", b"b"])
