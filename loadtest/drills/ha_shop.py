"""Customers of a drill of failovers: sales and cancels over HTTP, in the client's own book.

Arrivals are drawn beforehand (an open loop): whoever comes while nothing answers is not held back.
A sale is sent once; what came of it is believed only where the server said so. What nobody answered
is sent again later as the very same message, as the contract tells institutions to do. Some sales
are cancelled by a message of their own, which is under the same rules.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterable

import msgspec
from msgspec import Struct

from loadtest.desk import Desk
from loadtest.drills.line import Line, LineBrokenError, Pen
from loadtest.generator.framing import STATUS_OK, body_of
from loadtest.messages import pharmacy_sale
from loadtest.workload import SALE_LINES, Claims, make_baskets, parts_with_account
from loadtest.world import World

ANSWER_SECONDS_MAX = 12.0
"""The server gives up after ten and says so."""
CANCELLED_SHARE = 0.125
AGAIN_SECONDS = 0.5
RESOLVE_SECONDS_MAX = 60.0
RESOLVE_TOGETHER = 16


class _Info(Struct, frozen=True):
    setl_id: str
    mdtrt_id: str = ""


class _Output(Struct, frozen=True):
    setlinfo: _Info


class _Reply(Struct, frozen=True):
    infcode: int
    err_code: str = ""
    retry: str = ""
    output: _Output | None = None


_DECODE = msgspec.json.Decoder(_Reply).decode


class Order(Struct, kw_only=True):
    """One message that moves money, and what the client knows of it."""

    infno: str
    msgid: str
    index: int
    """of the institution"""
    institution: str
    psn_no: bytes
    fee_fen: int
    body: bytes
    undoes: str = ""
    sent_at: float = 0.0
    """first sent, by the monotonic clock"""
    answered_at: float | None = None
    """told that it is done"""
    first_seconds: float | None = None
    """the first sending's answer, where that was good"""
    setl_id: str = ""
    mdtrt_id: str = ""
    sendings: int = 0
    refusal: str = ""
    """an answer that says no for good; nothing may be booked then"""

    @property
    def is_open(self) -> bool:
        """Nobody knows yet."""
        return self.answered_at is None and not self.refusal


class Shop:
    """All customers of all pharmacies of a world."""

    def __init__(self, world: World, address: tuple[str, int], *, seed: int) -> None:
        pharmacies = world.of_kind("pharmacy")
        now, host = int(time.time()), f"{address[0]}:{address[1]}"
        self._address = address
        self._random = random.Random(seed)
        self._desks = [
            Desk(one, index=index, region=world.region, host=host, from_second=now)
            for index, one in enumerate(pharmacies)
        ]
        self._pens = [Pen(one, address, name=f"ha-{one.code}") for one in pharmacies]
        self._claims = Claims(
            desks=self._desks,
            persons=[parts_with_account(world, index) for index in range(len(world.persons))],
            baskets=make_baskets(world.catalogue, lines=SALE_LINES, picker=self._random),
            picker=self._random,
            from_second=now,
        )
        self._free: list[Line] = []
        self._to_cancel: list[Order] = []
        self.orders: list[Order] = []
        self.broken = 0
        """connections to the server that broke: the server itself is not to be touched"""

    async def serve(self, rate_per_second: float, stop: asyncio.Event) -> None:
        """Customers arrive until `stop`; afterwards everybody is waited for."""
        async with asyncio.TaskGroup() as customers:
            due = time.monotonic()
            while not stop.is_set():
                due += self._random.expovariate(rate_per_second)
                await asyncio.sleep(max(due - time.monotonic(), 0))
                customers.create_task(self._send_first(self._next()))

    async def resolve(self) -> int:
        """Send what is open again, as often as it takes; how many were. What is still open after
        a minute stays so, for the audit to say."""
        waiting = [one for one in self.orders if one.is_open]
        todo = iter(waiting)
        async with asyncio.TaskGroup() as group:
            for _ in range(RESOLVE_TOGETHER):
                group.create_task(self._resolve(todo))
        return len(waiting)

    async def ask_again(self, orders: Iterable[Order]) -> list[str]:
        """Send what was answered once more; one sentence for each that is told otherwise."""
        told = []
        for order in orders:
            before = order.setl_id
            await self._send(order)
            if order.setl_id != before or order.refusal:
                told.append(f"{order.msgid}: first {before}, then {order.setl_id or order.refusal}")
        return told

    def hang_up(self) -> None:
        """Close every connection."""
        for line in self._free:
            line.hang_up()

    def _next(self) -> Order:
        if self._to_cancel and self._random.random() < CANCELLED_SHARE:
            order = self._cancel(self._to_cancel.pop())
        else:
            order = self._sale()
        self.orders.append(order)
        return order

    def _sale(self) -> Order:
        desk, person, basket, at = self._claims.next()
        content = pharmacy_sale(person, basket, serial=desk.serial(), at=at)
        psn_no = person.number.split(b'"', 4)[3]
        return _order(desk, "2102", content, fee_fen=basket.total_fen, psn_no=psn_no)

    def _cancel(self, sale: Order) -> Order:
        content = b'{"data":{"setl_id":"%b","mdtrt_id":"%b","psn_no":"%b"}}' % (
            sale.setl_id.encode(), sale.mdtrt_id.encode(), sale.psn_no,
        )  # fmt: skip
        desk = self._desks[sale.index]
        return _order(
            desk, "2103", content, fee_fen=-sale.fee_fen, psn_no=sale.psn_no, undoes=sale.setl_id
        )

    async def _send_first(self, order: Order) -> None:
        await self._send(order)
        if order.answered_at is not None:
            order.first_seconds = order.answered_at - order.sent_at
            if order.infno == "2102":
                self._to_cancel.append(order)

    async def _send(self, order: Order) -> None:
        line = self._free.pop() if self._free else Line(
            self._address, answer_seconds=ANSWER_SECONDS_MAX
        )  # fmt: skip
        order.sendings += 1
        order.sent_at = order.sent_at or time.monotonic()
        request = self._pens[order.index].request("POST", f"/hsa/hgs/{order.infno}", order.body)
        try:
            status, body = await line.ask(request)
        except LineBrokenError:
            self.broken += 1
            return
        finally:
            self._free.append(line)
        self._hear(order, status, body)

    def _hear(self, order: Order, status: int, body: bytes) -> None:
        if status != STATUS_OK:
            return
        reply = _DECODE(body)
        if reply.infcode == 0 and reply.output is not None:
            order.setl_id = reply.output.setlinfo.setl_id
            order.mdtrt_id = reply.output.setlinfo.mdtrt_id
            order.answered_at = order.answered_at or time.monotonic()
        elif reply.retry not in ("later", "same_msgid"):
            order.refusal = reply.err_code or "no output"

    async def _resolve(self, orders: Iterable[Order]) -> None:
        for order in orders:
            deadline = time.monotonic() + RESOLVE_SECONDS_MAX
            while order.is_open and time.monotonic() < deadline:
                await self._send(order)
                if order.is_open:
                    await asyncio.sleep(AGAIN_SECONDS)


def _order(
    desk: Desk, infno: str, content: bytes, *, fee_fen: int, psn_no: bytes, undoes: str = ""
) -> Order:
    body = body_of(desk.request(infno, content))
    msgid = body.split(b'"msgid":"', 1)[1].split(b'"', 1)[0].decode()
    return Order(
        infno=infno, msgid=msgid, index=desk.index, institution=desk.code, psn_no=psn_no,
        fee_fen=fee_fen, body=body, undoes=undoes,
    )  # fmt: skip
