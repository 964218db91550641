"""The line to other regions: a question is written, carried over the hub, and its answer proved.

What was not carried says NOT_SENT only where no byte can have left. Whatever came back and is not
the proved answer to this very question is WORTHLESS: counted, told, and as good as no answer.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from protocol.hub.certificates import HUB
from protocol.hub.messages import Kind, Question, Refused, Told
from protocol.hub.post import Unwritable, Worthless
from settlement.clock import Clock
from settlement.elsewhere.counterpart import Counterpart
from settlement.region.hub import NoAnswer, Why
from settlement.region.hub_bundles import Batch, Bundles
from settlement.region.hub_wire import Carrier, Registry, not_sent, report
from settlement.region.kept_http import KeptHttp, NotAnswered
from settlement.telemetry.metrics import METRICS

MESSAGES_PATH = "/hub/v1/messages"
FOR_ACTIVE = frozenset({Kind.PERSON, Kind.QUOTE, Kind.SETTLE})
"""Not asked of a region that is not active; the rest brings to its end what is under way."""
TOGETHER = frozenset({Kind.QUOTE, Kind.SETTLE, Kind.CANCEL, Kind.REVERSE, Kind.STATUS})
"""Each of these is one batch of a journal there, so none waits long for another."""

_THE_HUB = Counterpart(region=HUB, name="", account_base=0)
"""The hub of `hub.toml` is asked for its own book; it is nobody to clear with."""


class PostLine:
    """`settlement.region.hub.HubLine`."""

    def __init__(self, registry: Callable[[], Registry], carrier: Carrier, clock: Clock) -> None:
        self._registry = registry
        self._carrier = carrier
        self._clock = clock
        self._bundles = Bundles(registry, carrier, clock)

    async def ask(
        self, to: str, kind: Kind, question: Question, *, correlation: str, seconds: float
    ) -> Told | Refused | NoAnswer:
        """See the port. Questions that may travel together, and are asked in one turn of the event
        loop, do so (bundles.py)."""
        registry = self._registry()
        counterpart = _THE_HUB if to == HUB else registry.counterparts.get(to)
        if counterpart is None or (kind in FOR_ACTIVE and not counterpart.active):
            return not_sent(f"{to} is {'unknown' if counterpart is None else 'not active'}")
        if kind in TOGETHER:
            said = await self._bundles.ask(
                Batch(to=to, route=counterpart.route, kind=kind, seconds=seconds),
                correlation, question,
            )  # fmt: skip
            if said is not None:
                return said
        post = registry.post
        written = post.ask(question, to=to, kind=kind, correlation=correlation, at=self._clock())
        if isinstance(written, Unwritable):
            return not_sent(written.text)
        METRICS.hub_asked += 1
        came = await self._carrier.carry(counterpart.route, written.message, seconds=seconds)
        if isinstance(came, NoAnswer):
            METRICS.hub_unanswered += 1
            return came
        answer = post.read_answer(came, written, at=self._clock())
        if isinstance(answer, Worthless):
            METRICS.hub_unanswered += 1
            report(answer, "an answer of another region is worth nothing")
            return NoAnswer(why=Why.WORTHLESS, text=answer.fault)
        return answer


class HttpCarrier:
    """Over HTTP, with kept connections to each hub."""

    def __init__(self, address: str, *, connect_seconds: float) -> None:
        self._address = address
        self._connect_seconds = connect_seconds
        self._hubs: dict[str, KeptHttp] = {}

    async def carry(self, address: str, message: bytes, *, seconds: float) -> bytes | NoAnswer:
        """See `Carrier`."""
        hub = self._hub(address or self._address)
        reply = await hub.post(MESSAGES_PATH, message, seconds=seconds)
        if isinstance(reply, NotAnswered):
            why = Why.NO_ANSWER if reply.sent else Why.NOT_SENT
            return NoAnswer(why=why, text=reply.reason)
        if reply.status != HTTPStatus.OK:
            return NoAnswer(
                why=Why.NO_ANSWER, text=f"HTTP {reply.status}", status=reply.status
            )
        return reply.body

    def close(self) -> None:
        """Give back the connections."""
        for one in self._hubs.values():
            one.close()
        self._hubs.clear()

    def _hub(self, address: str) -> KeptHttp:
        found = self._hubs.get(address)
        if found is None:
            found = KeptHttp(address, connect_seconds=self._connect_seconds)
            self._hubs[address] = found
        return found
