"""The book that counters keep for themselves: what they sent, and what they were told.

A message without an answer is sent again, unchanged, until one comes. What was told once must be
told again, and in the end what counters believe to stand is what the ledger has.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct

from settlement.serve.service import Service
from tests.kit.counter import Message
from tests.kit.reply import Reply, read_reply
from tests.simulation.whole.laws import demand

if TYPE_CHECKING:
    from tests.simulation.whole.city import City

SETTLING = ("2102", "2207", "2304")
MONEY = ("medfee_sumamt", "fund_pay_sumamt", "acct_pay", "psn_cash_pay")


class Letter(Struct, eq=False):
    """A message that was sent, and what came of it."""

    city: City
    message: Message
    home: str
    """the region that its person is insured in"""
    undoes: Letter | None = None
    """of a cancel: what it cancels; of a 2601: what it reverses"""
    told: Reply | None = None
    """the first success, or the last refusal"""
    written_at: float = 0.0
    told_at: float = 0.0
    """when that came"""

    @property
    def done(self) -> bool:
        """It was told to be done."""
        return self.told is not None and self.told.infcode == 0

    @property
    def is_open(self) -> bool:
        """Nobody knows what became of it."""
        return self.told is None


class Book:
    """All counters of both cities."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []
        self.messages_sent = 0

    def write(self, letter: Letter) -> None:
        """It is about to be sent."""
        letter.written_at = asyncio.get_running_loop().time()
        self.letters.append(letter)

    async def send(self, letter: Letter, tries: int = 1) -> Reply | None:
        """Send it, to any gateway, at most so often; None where no answer came."""
        for _ in range(tries):
            gateway = letter.city.some_gateway()
            if gateway is None:
                continue
            self.messages_sent += 1
            came = await gateway.ask(partial(_answer, letter.message))
            if came is not None:
                reply = read_reply(came)
                letter.city.tell(
                    f"{gateway.name} {letter.message.infno} {letter.message.msgid[-9:]}:"
                    f" {reply.err_code or 'done'}"
                )
                if reply.retry not in ("same_msgid", "later"):
                    self._hear(letter, reply)
                    return reply
        letter.city.tell(f"{letter.message.infno} {letter.message.msgid[-9:]}: no answer")
        return None

    def _hear(self, letter: Letter, reply: Reply) -> None:
        before = letter.told
        if before is None or before.infcode != 0:
            letter.told = reply
            letter.told_at = asyncio.get_running_loop().time()
            return
        if reply.infcode == 0:
            same = reply.output == before.output
            demand("answered alike", holds=same, told=letter.message.msgid)
            return
        taken_back = any(one.undoes is letter for one in self.letters)
        told = letter.message.msgid, reply.err_code
        demand("what was done is not refused", holds=taken_back, told=told)

    @property
    def refused_letters(self) -> list[Letter]:
        """Those that were refused, the last time that they were answered."""
        return [one for one in self.letters if one.told is not None and not one.done]

    def doubt_refusals(self) -> None:
        """A copy that came later may have been done: what was refused is asked for again."""
        for letter in self.refused_letters:
            letter.told = None

    @property
    def open_letters(self) -> list[Letter]:
        """Those that nobody knows of."""
        return [letter for letter in self.letters if letter.is_open]

    def standing(self, city: City) -> dict[int, tuple[Decimal, ...]]:
        """What counters of a city believe to be settled, with its money."""
        undone = {id(letter.undoes) for letter in self.letters if letter.undoes and letter.done}
        return {
            int(letter.told.setl_id): tuple(letter.told.money(name) for name in MONEY)
            for letter in self._settled(city)
            if letter.told is not None and id(letter) not in undone
        }

    def settled(self, city: City) -> list[Letter]:
        """What was told to be settled there, whatever became of it since."""
        return list(self._settled(city))

    def _settled(self, city: City) -> Iterator[Letter]:
        for letter in self.letters:
            if letter.city is city and letter.message.infno in SETTLING and letter.done:
                yield letter


async def _answer(message: Message, service: Service) -> bytes:
    return await service.answer(message.infno, message.body, message.caller)
