"""The page of scan-to-pay cannot rot: whoever sends what it shows gets what it shows.

A block `http` is a request: method and path on its first line, then the body. Words behind `http`
say what happens before it is sent (`Scene`). A block `json answer` is what comes back; … stands for
anything, layout does not count.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from settlement.gateway import Caller, PayReply
from tests.kit import population
from tests.kit.taught_page import Block, blocks_of, is_shown
from tests.kit.till import Play
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGE = Path(__file__).resolve().parents[2] / "docs/reference/scan-to-pay.md"
REQUESTS_MIN = 10
"""on the page; fewer would mean that some are not found any more"""
SHOWN_PERSON = "999999199001010017"
"""Everybody on the page; each order is another person's here."""
PLAYS = {"confirms": Play.CONFIRM, "lost": Play.LOST_AFTER, "poor": Play.POOR}
"""What the channel does with the payment that follows."""
CALLER = Caller(institution_code=population.PHARMACY.code, access_key="test")


class Scene:
    """The counter of the page, and what happens around it."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self._person = ""

    async def set(self, words: tuple[str, ...]) -> None:
        """`confirms`, `lost`, `poor`: what comes of the next payment. `confirmed`: the payer did.
        `seconds=N`: so long after."""
        wechat = self._town.channels.wechat
        for word in words:
            if word in PLAYS:
                wechat.plays.append(PLAYS[word])
            elif word == "confirmed":
                wechat.confirm(next(reversed(wechat.book.asked)))
            else:
                await self._town.resolve(seconds=float(word.removeprefix("seconds=")))

    async def send(self, text: str) -> PayReply:
        """A request as the page shows it."""
        line, _, body = text.partition("\n")
        method, path = line.split()
        pay = self._town.service.payments
        if path == "/pay/scan":
            if SHOWN_PERSON in body:
                self._person = self._town.someone().patient.person.certno
            return await pay.scan(body.replace(SHOWN_PERSON, self._person).encode(), CALLER)
        _, _, order_no, *action = path.split("/")
        if method == "GET":
            return await pay.find(order_no, CALLER)
        act = {"cancel": pay.cancel, "refund": pay.refund}[action[0]]
        return await act(order_no, body.encode(), CALLER)


def exchanges(page: str) -> Iterator[tuple[Block, Block]]:
    """The requests of a page, each with the answer that follows it."""
    for request, answer in pairwise(blocks_of(page)):
        if request.words[:1] == ("http",):
            assert answer.words == ("json", "answer"), f"line {request.line} has no answer"
            yield request, answer


async def test_page_shows_what_a_counter_is_answered(town: Town) -> None:
    scene = Scene(town)
    sent = 0
    for request, answer in exchanges(PAGE.read_text("utf-8")):
        await scene.set(request.words[1:])
        reply = await scene.send(request.text)
        came = reply.body.decode()
        assert is_shown(answer.text, came), f"{PAGE.name}:{request.line} answered\n{came}"
        sent += 1
    assert sent >= REQUESTS_MIN
