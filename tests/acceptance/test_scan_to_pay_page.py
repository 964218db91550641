"""The page of scan-to-pay cannot rot: whoever sends what it shows gets what it shows.

A block `http` is a request: method and path on its first line, then the body. Words behind `http`
say what happens before it is sent (`Scene`). A block `json answer` is what comes back; … stands for
anything, layout does not count.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
import pytest_asyncio

from loadtest.simulators.channel_faults import Fault, Rule
from loadtest.simulators.payer_codes import Behaviour
from settlement.gateway import Caller, PayReply
from settlement.serve.service import Service
from tests.kit import population
from tests.kit.taught_page import Block, blocks_of, is_shown
from tests.kit.till import Play
from tests.kit.town import Town
from tests.kit.vouchers import Centre, a_centre

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGE = Path(__file__).resolve().parents[2] / "docs/reference/scan-to-pay.md"
REQUESTS_MIN = 14
"""on the page; fewer would mean that some are not found any more"""
SHOWN_PERSON = "999999199001010017"
"""Everybody on the page; each order is another person's here."""
SHOWN_CODE = re.compile(r"\b424[0-9]{25}\b", re.ASCII)
"""Their 医保码; the same one is shown for an order each time."""
PLAYS = {"confirms": Play.CONFIRM, "lost": Play.LOST_AFTER, "poor": Play.POOR}
"""What the channel does with the payment that follows."""
CALLER = Caller(institution_code=population.PHARMACY.code, access_key="test")


class Scene:
    """The counter of the page, and what happens around it."""

    def __init__(self, town: Town, centre: Centre, process: Service) -> None:
        self._town = town
        self._centre = centre
        self._process = process
        self._person = ""
        self._codes: dict[str, str] = {}
        self._paying: Behaviour | None = None

    async def set(self, words: tuple[str, ...]) -> None:
        """`confirms`, `lost`, `poor`: what comes of the next payment. `confirmed`: the payer did.
        `signed`: the holder of the code did. `silent`: the centre loses its answer. `seconds=N`: so
        long after."""
        wechat = self._town.channels.wechat
        for word in words:
            if word in PLAYS:
                wechat.plays.append(PLAYS[word])
            elif word == "confirmed":
                wechat.confirm(next(reversed(wechat.book.asked)))
            elif word == "signed":
                self._paying = Behaviour.OK
            elif word == "silent":
                self._centre.decoder.faults.add(Rule(fault=Fault.LOST_AFTER))
            else:
                seconds = float(word.removeprefix("seconds="))
                await self._town.resolve(seconds=seconds, by=self._process)

    async def send(self, text: str) -> PayReply:
        """A request as the page shows it."""
        line, _, body = text.partition("\n")
        method, path = line.split()
        pay = self._process.payments
        if path == "/pay/scan":
            return await pay.scan(self._of_somebody(body).encode(), CALLER)
        _, _, order_no, *action = path.split("/")
        if method == "GET":
            return await pay.find(order_no, CALLER)
        act = {"cancel": pay.cancel, "refund": pay.refund}[action[0]]
        return await act(order_no, body.encode(), CALLER)

    def _of_somebody(self, body: str) -> str:
        """With the number, or the code, of somebody who lives in this town."""
        if SHOWN_PERSON in body:
            self._person = self._town.someone().patient.person.certno
        shown = SHOWN_CODE.search(body)
        if shown is None:
            return body.replace(SHOWN_PERSON, self._person)
        order_no = body.split('"order_no": "')[1][:5]
        if order_no not in self._codes:
            buyer = self._town.someone()
            self._codes[order_no] = self._centre.code(buyer, paying=self._paying)
            self._paying = None
        return body.replace(shown[0], self._codes[order_no])


@pytest_asyncio.fixture(loop_scope="module")
async def scene(town: Town, tmp_path: Path) -> AsyncIterator[Scene]:
    """A till at a process that has codes decoded."""
    async with a_centre(town, tmp_path) as centre:
        yield Scene(town, centre, await centre.process())


def exchanges(page: str) -> Iterator[tuple[Block, Block]]:
    """The requests of a page, each with the answer that follows it."""
    for request, answer in pairwise(blocks_of(page)):
        if request.words[:1] == ("http",):
            assert answer.words == ("json", "answer"), f"line {request.line} has no answer"
            yield request, answer


async def test_page_shows_what_a_counter_is_answered(scene: Scene) -> None:
    sent = 0
    for request, answer in exchanges(PAGE.read_text("utf-8")):
        await scene.set(request.words[1:])
        reply = await scene.send(request.text)
        came = reply.body.decode()
        assert is_shown(answer.text, came), f"{PAGE.name}:{request.line} answered\n{came}"
        sent += 1
    assert sent >= REQUESTS_MIN
