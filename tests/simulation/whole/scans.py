"""Orders that are paid by scanning, as the counters that made them know them."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from protocol.scan import ScanReply
from settlement.gateway import PayReply
from settlement.serve.service import Service
from tests.kit import scanner
from tests.kit.population import ITEMS, Citizen, some
from tests.simulation.whole.laws import demand
from tests.simulation.whole.tills import CODES

if TYPE_CHECKING:
    from settlement.institution import Institution
    from tests.simulation.whole.city import City

ASKED_MAX = 3
_DECODE = msgspec.json.Decoder(ScanReply).decode
_ENCODE = msgspec.json.Encoder().encode
_SOLD = tuple(item for item in ITEMS if item.item.code.startswith(("XA00", "XB9", "XA902")))


class Order(Struct, eq=False):
    """One order: its body, and what it was last told to be."""

    city: City
    till: scanner.Scanner
    body: dict[str, object]
    status: str = ""

    @property
    def number(self) -> str:
        """order_no."""
        return str(self.body["order_no"])


class Scans:
    """The orders of both cities. `asked` counts what was sent."""

    def __init__(self, rng: Random) -> None:
        self.orders: list[Order] = []
        self.asked = 0
        self._rng = rng

    async def sell(self, city: City, whom: Citizen | None) -> None:
        """An order; where the payer still confirms, it is asked about later."""
        rng = self._rng
        shop: Institution = city.institutions[rng.choice((0, 1))]
        till = scanner.Scanner(shop, None)  # type: ignore[arg-type]
        item = rng.choice(_SOLD)
        on_phone = rng.random() < 0.3
        code = CODES[rng.choice(list(CODES))] if whom is None or rng.random() < 0.9 else ""
        body = till.order(
            whom, item, rng.randint(1, 3), pay_code="" if on_phone else code,
            allow_second_code=rng.random() < 0.5, acct_used_flag=rng.choice("01"),
        )  # fmt: skip
        if on_phone:
            body["pay_on_phone"] = True
        order = Order(city, till, body)
        self.orders.append(order)
        await self.scan(order)
        if on_phone and rng.random() < 0.8:
            await self.tap(order)

    async def pay_in(self, city: City, stay_no: str) -> None:
        """A deposit of a stay, by a wallet or in cash."""
        rng = self._rng
        till = scanner.Scanner(city.institutions[2], None)  # type: ignore[arg-type]
        body: dict[str, object] = {
            "order_no": f"D{len(self.orders):06d}", "operator": "0001", "mdtrt_id": stay_no,
            "amount": f"{rng.choice((50, 300, 2000))}.00",
        }  # fmt: skip
        if rng.random() < 0.7:
            body["pay_code"] = CODES[rng.choice(list(CODES))]
        else:
            body["tender"] = {"kind": "cash"}
        order = Order(city, till, body)
        self.orders.append(order)
        await self.scan(order)

    async def scan(self, order: Order) -> None:
        """The order is sent, or sent again."""
        body, caller = _ENCODE(order.body), order.till.caller
        if "mdtrt_id" in order.body:
            await self._ask(order, "deposit", lambda s: s.payments.deposit(body, caller))
        else:
            await self._ask(order, "scan", lambda s: s.payments.scan(body, caller))

    async def tap(self, order: Order) -> None:
        """The payer opens it on their phone, at this channel or at the other one."""
        channel = self._rng.choice(list(CODES))
        body = _ENCODE({"channel": channel.value, "openid": "payer"})
        number, caller = order.number, order.till.caller
        await self._ask(order, "tap", lambda s: s.payments.phone(number, body, caller))

    async def find(self, order: Order) -> None:
        """What stands of it."""
        number = order.number
        await self._ask(order, "find", lambda s: s.payments.find(number, order.till.caller))

    async def cancel(self, order: Order) -> None:
        """It is given up."""
        number, caller = order.number, order.till.caller
        await self._ask(order, "cancel", lambda s: s.payments.cancel(number, b"", caller))

    async def refund(self, order: Order) -> None:
        """All of it goes back."""
        refund_no = f"R{order.number}"
        body = _ENCODE({"refund_no": refund_no, "operator": "0001"})
        number, caller = order.number, order.till.caller
        await self._ask(order, "refund", lambda s: s.payments.refund(number, body, caller))

    async def _ask(self, order: Order, what: str, asks: object) -> None:
        gateway = order.city.some_gateway()
        if gateway is None:
            return
        self.asked += 1

        async def ask(service: Service) -> bytes:
            reply: PayReply = await asks(service)  # type: ignore[operator]
            return reply.body

        came = await gateway.ask(ask)
        if came is None:
            order.city.tell(f"{what} {order.number}: no answer")
            return
        reply = _DECODE(came)
        order.city.tell(f"{gateway.name} {what} {order.number}: {reply.status} {reply.err_code}")
        if what in ("scan", "deposit", "find"):
            order.status = reply.status

    async def know_all(self, check: Callable[[], None]) -> None:
        """Every order is asked for; those that nobody answered yet are sent again."""
        for order in self.orders:
            if not order.status:
                await self.scan(order)
            order.status = ""
            for _ in range(ASKED_MAX):
                await self.find(order)
                check()
                if order.status:
                    break

    def check(self, city: City, standing: set[str]) -> None:
        """What is told to be settled stands, and nothing else."""
        for order in self.orders:
            if order.city is not city or "person_code" not in order.body:
                continue
            told = order.status == "settled"
            demand(
                "orders stand as told", holds=told == (order.number in standing),
                told=(order.number, order.status),
            )  # fmt: skip


def a_basket(rng: Random) -> list[object]:
    """One to three things, some of them dear."""
    return [some(rng.choice(_SOLD), rng.randint(1, 3)) for _ in range(rng.randint(1, 3))]
