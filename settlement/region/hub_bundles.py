"""Questions to a region that are asked in one turn of the event loop travel in one message.

What a journal has written in one batch is asked about in one turn, so under load that is most of
them: one signature, one request through the hub and one response for all. Who asks alone asks alone
and waits for nobody. A question that its message leaves unanswered is as any that is not answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from msgspec import Struct

from protocol.hub.bundle import ITEMS_MAX
from protocol.hub.bundle_post import Said, WrittenBundle, ask_all, read_answers, reads_bundles
from protocol.hub.messages import Kind, Question
from protocol.hub.post import Worthless
from settlement.clock import Clock
from settlement.region.hub import NoAnswer, Why
from settlement.region.hub_wire import Carrier, Registry, report
from settlement.telemetry.metrics import METRICS

Came = Said | NoAnswer | None
"""None: ask alone."""


class Batch(Struct, frozen=True):
    """What questions must have in common."""

    to: str
    route: str
    kind: Kind
    seconds: float
    """how long each of them waits"""


class _Asked(Struct, frozen=True):
    question: Question
    reply: asyncio.Future[Came]


class Bundles:
    """Gathers the questions of a process."""

    def __init__(self, registry: Callable[[], Registry], carrier: Carrier, clock: Clock) -> None:
        self._registry = registry
        self._carrier = carrier
        self._clock = clock
        self._waiting: dict[Batch, dict[str, _Asked]] = {}
        self._under_way: set[asyncio.Task[None]] = set()

    async def ask(self, batch: Batch, correlation: str, question: Question) -> Came:
        """What came of a question; None where it has to be asked alone. One that is asked twice at
        the same time is asked in two messages."""
        waiting = self._waiting.setdefault(batch, {})
        if correlation in waiting:
            return None
        loop = asyncio.get_running_loop()
        if not waiting:
            loop.call_soon(self._leave, batch)
        reply: asyncio.Future[Came] = loop.create_future()
        waiting[correlation] = _Asked(question, reply)
        return await reply

    def _leave(self, batch: Batch) -> None:
        """All that came in this turn; whoever gave up meanwhile is not asked for."""
        asked = {
            number: one for number, one in self._waiting.pop(batch).items() if not one.reply.done()
        }
        if len(asked) < 2 or not reads_bundles(self._registry().post, batch.to, self._clock()):
            _tell(asked, {})
            return
        numbers = list(asked)
        for begin in range(0, len(numbers), ITEMS_MAX):
            part = {number: asked[number] for number in numbers[begin : begin + ITEMS_MAX]}
            task = asyncio.ensure_future(self._carry(batch, part))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def _carry(self, batch: Batch, asked: Mapping[str, _Asked]) -> None:
        try:
            _tell(asked, await self._come(batch, asked))
        except Exception as exc:  # of whoever asked, as if they had asked alone
            for one in asked.values():
                if not one.reply.done():
                    one.reply.set_exception(exc)

    async def _come(self, batch: Batch, asked: Mapping[str, _Asked]) -> dict[str, Came]:
        """What came of each; nothing where they have to be asked alone."""
        post, at = self._registry().post, self._clock()
        questions = {number: one.question for number, one in asked.items()}
        written = ask_all(post, questions, to=batch.to, kind=batch.kind, at=at)
        if not isinstance(written, WrittenBundle):
            return {}  # too large together
        METRICS.hub_asked += len(asked)
        came = await self._carrier.carry(batch.route, written.message, seconds=batch.seconds)
        answers, rest = self._heard(came, written)
        METRICS.hub_unanswered += len(asked) - len(answers)
        return {number: answers.get(number, rest) for number in asked}

    def _heard(
        self, came: bytes | NoAnswer, written: WrittenBundle
    ) -> tuple[dict[str, Said], NoAnswer]:
        """What is said of some of the questions, and what became of the others."""
        if isinstance(came, NoAnswer):
            return {}, came
        said = read_answers(self._registry().post, came, written, at=self._clock())
        if isinstance(said, Worthless):
            report(said, "an answer of another region is worth nothing")
            return {}, NoAnswer(why=Why.WORTHLESS, text=said.fault)
        return said, NoAnswer(why=Why.NO_ANSWER, text="not among the answers")


def _tell(asked: Mapping[str, _Asked], came: Mapping[str, Came]) -> None:
    for number, one in asked.items():
        if not one.reply.done():
            one.reply.set_result(came.get(number))
