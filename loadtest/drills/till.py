"""A till of a drill: it plays one order after the other and writes down what it was told.

It knows the contract of scan-to-pay and nothing else. After a lost connection it sends the same
order again; it asks again when it is told to; what it believes in the end is held against the books
of the channels (drills/audit.py).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal

import msgspec
from msgspec import UNSET, Struct

from loadtest.drills import phone_payer
from loadtest.drills.line import Line, LineBrokenError, Pen
from loadtest.drills.orders import CHANNELS, Afterwards, Customers, Planned, Wallets
from loadtest.payers_phone import PayersPhone
from loadtest.simulators.payer_codes import Behaviour
from loadtest.world import WorldInstitution
from protocol.scan import Leg, ScanReply

AGAIN_SECONDS = 0.5
"""Before a request is sent again that was not answered, or told to come later."""
ORDER_SECONDS_MAX = 300.0
"""An order that is open for longer is given up by its till; the drill has failed then."""
HTTP_ERROR = 500
REFUND_SECONDS_MAX = 20.0
"""So long a till waits for a refund; what is open then it looks up at the end of the day."""
_OPEN = ("unknown", "payer_action")
_BACK = ("returned", "refund_due")
_DECODE = msgspec.json.Decoder(ScanReply).decode


class Believed(Struct, kw_only=True):
    """What a till believes of an order."""

    order_no: str
    institution: str
    status: str = "open"
    """settled, refused; open where nobody told in time"""
    channel: str = ""
    """of the leg that a channel collected; empty where none had a part in it"""
    amount_fen: int = 0
    reference: str = ""
    returned_fen: int = 0
    """of what was collected, as far as it is back"""
    due_fen: int = 0
    """what the channel refused to give back: people do"""
    certain_seconds: float | None = None
    """from the request to the verdict"""
    confirmed: bool = False
    """the payer had to do something, so their time is in it"""
    on_phone: bool = False
    """the payer was given a link"""
    refusal: str = ""
    requests: int = 0
    resends: int = 0
    refunds: int = 0
    cancels: int = 0
    trouble: str = ""
    """an answer that the contract does not know"""


class Till:
    """One till of every pharmacy: a connection, and the orders that it is given."""

    def __init__(
        self, name: str, address: tuple[str, int], pharmacies: list[WorldInstitution],
        customers: Customers, wallets: Wallets, phone: PayersPhone | None = None,
    ) -> None:  # fmt: skip
        """`phone` is needed where customers pay on their own."""
        self._line = Line(address)
        self._pens = [Pen(one, address, name=f"{name}-{one.code}") for one in pharmacies]
        self._codes = [one.code for one in pharmacies]
        self._customers = customers
        self._wallets = wallets
        self._phone = phone
        self._unfinished: list[_Sale] = []
        self.believed: list[Believed] = []
        self.outages: list[float] = []
        """seconds from a line that broke, or an answer that said so, to the next good answer"""

    async def work(self, numbers: Iterator[int]) -> None:
        """Orders, until there are no more numbers."""
        try:
            for number in numbers:
                order = self._customers.order(number)
                believed = Believed(
                    order_no=order.order_no, institution=self._codes[order.institution]
                )
                self.believed.append(believed)
                sale = _Sale(self, order, believed)
                try:
                    async with asyncio.timeout(ORDER_SECONDS_MAX):
                        await sale.play()
                except TimeoutError:
                    believed.trouble = f"still {believed.status} after {ORDER_SECONDS_MAX:.0f} s"
                if not sale.is_over:
                    self._unfinished.append(sale)
        finally:
            self._line.hang_up()

    async def close_of_business(self) -> None:
        """Look up what went back since."""
        for sale in self._unfinished:
            await sale.look_up()
        self._line.hang_up()

    async def vanish(self, order: Planned, path: str, body: bytes) -> None:
        """Send, and lose the connection before the answer."""
        try:
            await self._line.send_and_vanish(
                self._pens[order.institution].request("POST", path, body)
            )
        except LineBrokenError:
            await asyncio.sleep(AGAIN_SECONDS)

    async def ask(
        self, order: Planned, believed: Believed, method: str, path: str, body: bytes = b""
    ) -> ScanReply:
        """The answer, however often it takes."""
        broke_at: float | None = None
        while True:
            believed.requests += 1
            content = await self._answer(order, method, path, body)
            if content is None:
                believed.resends += 1
                broke_at = broke_at or time.monotonic()
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            if broke_at is not None:
                self.outages.append(time.monotonic() - broke_at)
                broke_at = None
            reply = _DECODE(content)
            if reply.retry != "later":
                return reply
            await asyncio.sleep(AGAIN_SECONDS)

    async def _answer(
        self, order: Planned, method: str, path: str, body: bytes
    ) -> bytes | None:
        """None where the line broke or the server could not answer."""
        request = self._pens[order.institution].request(method, path, body)
        try:
            status, content = await self._line.ask(request)
        except LineBrokenError:
            return None
        return None if status >= HTTP_ERROR else content

    @asynccontextmanager
    async def payer_of(self, order: Planned, link: str) -> AsyncIterator[None]:
        """While the payer of an order is busy with it on the phone, where there is a link."""
        if self._phone is None or not (order.on_phone and link):
            yield
            return
        paying = asyncio.create_task(phone_payer.pay(self._phone, order, link))
        try:
            yield
        finally:
            paying.cancel()
            await asyncio.gather(paying, return_exceptions=True)

    def code(self, order: Planned, behaviour: Behaviour) -> str:
        """What the payer shows."""
        return self._wallets.show(order.channel, behaviour, seconds=order.confirm_seconds)


class _Sale:
    """One order at one till."""

    def __init__(self, till: Till, order: Planned, believed: Believed) -> None:
        self._till = till
        self._order = order
        self._believed = believed
        self._path = f"/pay/{order.order_no}"
        self._showed_second = False
        self.is_over = True
        """False while money is on its way back"""

    async def play(self) -> None:
        """From the scan until nothing is left to be done about it."""
        order, believed = self._order, self._believed
        body = order.request(self._till.code(order, order.behaviour))
        began = time.monotonic()
        if order.vanishes:
            believed.resends += 1
            await self._till.vanish(order, "/pay/scan", body)
        reply = await self._ask("POST", "/pay/scan", body)
        believed.on_phone = order.on_phone and bool(reply.cashier_url)
        async with self._till.payer_of(order, reply.cashier_url or ""):
            while reply.status in _OPEN:
                believed.confirmed |= reply.status == "payer_action"
                reply = await self._wait(reply, time.monotonic() - began)
        believed.certain_seconds = time.monotonic() - began
        if order.twice:
            reply = await self._ask("POST", "/pay/scan", body)
        self._learn(reply)
        if believed.status == "settled" and order.afterwards in (
            Afterwards.REFUND, Afterwards.REFUND_LINE,
        ):  # fmt: skip
            await self._take_back()

    async def _wait(self, reply: ScanReply, waited_seconds: float) -> ScanReply:
        """What a cashier does while an order is open."""
        order, believed = self._order, self._believed
        patience = order.patience_seconds
        if patience is not None and waited_seconds > patience and not believed.cancels:
            believed.cancels += 1
            cancelled = await self._ask("POST", f"{self._path}/cancel", b"{}")
            return cancelled if cancelled.err_code is UNSET else await self._ask("GET", self._path)
        if _wants_code(reply) and order.second_code and not self._showed_second:
            self._showed_second = True
            body = order.request(self._till.code(order, Behaviour.OK))
            return await self._ask("POST", "/pay/scan", body)
        await asyncio.sleep(_seconds(reply))
        return await self._ask("GET", self._path)

    async def _take_back(self) -> None:
        order, believed = self._order, self._believed
        body: dict[str, object] = {"refund_no": f"R{order.order_no[1:]}", "operator": "0001"}
        if order.afterwards is Afterwards.REFUND_LINE:
            body["lines"] = [order.first_line]
        believed.refunds += 1
        said = await self._ask("POST", f"{self._path}/refund", msgspec.json.encode(body))
        if said.err_code:
            believed.refusal = said.err_code
            return
        until = time.monotonic() + REFUND_SECONDS_MAX
        reply = await self.look_up()
        while not self.is_over and time.monotonic() < until:
            await asyncio.sleep(_seconds(reply))
            reply = await self.look_up()

    async def look_up(self) -> ScanReply:
        """What is back by now."""
        reply = await self._ask("GET", self._path)
        back, believed = _returns(reply), self._believed
        self.is_over = all(leg.status in _BACK for leg in back)
        believed.returned_fen = sum(-_fen(leg) for leg in back if leg.status == "returned")
        believed.due_fen = sum(-_fen(leg) for leg in back if leg.status == "refund_due")
        return reply

    def _learn(self, reply: ScanReply) -> None:
        """What it was told in the end."""
        believed = self._believed
        believed.status = reply.status
        believed.refusal = reply.err_code or ""
        if reply.status not in ("settled", "refused"):
            believed.trouble = f"{reply.status}: {reply.message}"
        for leg in reply.legs:
            if reply.status == "settled" and leg.kind in CHANNELS:
                believed.channel, believed.reference = leg.kind, leg.reference
                believed.amount_fen = _fen(leg)

    async def _ask(self, method: str, path: str, body: bytes = b"") -> ScanReply:
        return await self._till.ask(self._order, self._believed, method, path, body)


def _wants_code(reply: ScanReply) -> bool:
    """The code that was shown failed for good."""
    return any(leg.kind in CHANNELS and leg.status == "failed" for leg in reply.legs)


def _returns(reply: ScanReply) -> list[Leg]:
    return [leg for leg in reply.legs if leg.kind in CHANNELS and leg.amount.startswith("-")]


def _fen(leg: Leg) -> int:
    return int(Decimal(leg.amount).scaleb(2))


def _seconds(reply: ScanReply) -> float:
    return reply.poll_after_seconds or AGAIN_SECONDS
