"""Orders of mobile payment: uploaded by the hospital's platform, paid on a phone, and taken back.

A wallet's word is what the centre makes of it once the envelope is open: its signature costs more
than all the rest of an order, and has tests of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from random import Random
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from settlement.decision import Answer
from settlement.serve.mobile_door import CONFIRM
from settlement.serve.service import Service
from tests.kit import mobile
from tests.kit.counter import Counter, Hospital, Message
from tests.kit.population import Citizen
from tests.kit.reply import Reply
from tests.simulation.whole.book import Book, Letter
from tests.simulation.whole.laws import demand
from tests.simulation.whole.opening import WALLET, tokens_of
from tests.simulation.whole.scans import a_basket

if TYPE_CHECKING:
    from tests.simulation.whole.city import City

TRIES = 2
ASKED_MAX = 3
INSURED, NOT_INSURED = frozenset({"4", "6", "9"}), frozenset({"0", "1", "7", "8", "12", "15"})
OPEN = frozenset({"0", "1"})
_ENCODE = msgspec.json.Encoder(decimal_format="number").encode


class Phone(Struct, eq=False):
    """An order, and what its people were told."""

    order: mobile.Order
    authorisation: str
    wallet: str = ""
    placed: Reply | None = None
    """6202 that was done"""
    confirmed: bool = False
    withdrawn: bool = False
    refunded: str = ""
    """which refund was told to be done"""
    refund: Message | None = None
    state: str = ""
    """ordStas, in the end"""


class _Platform(mobile.Platform):
    """The hospital's; its tokens were made before the story began."""

    def __init__(self, counter: Counter) -> None:
        self.counter = counter

    async def token(self, whom: Citizen, *, seconds: int = 300) -> str:
        """The person's e-credential."""
        return tokens_of(whom.number)[0]


class Phones:
    """The orders of one city's hospital."""

    def __init__(self, city: City, book: Book, rng: Random) -> None:
        self._city = city
        self._book = book
        self._rng = rng
        self._orders: list[Phone] = []
        self._used: dict[str, count[int]] = {}

    async def one(self) -> None:
        """An order more, or something happens to one."""
        recent = self._orders[-6:]
        if not recent or self._rng.random() < 0.4:
            await self._upload(self._rng.choice(self._city.people[:10]))
            return
        act = self._rng.choice(
            (self._pay, self._pay, self._confirm, self._confirm, self._take_back, self._withdraw,
             self._ask)
        )  # fmt: skip
        await act(self._rng.choice(recent))

    @property
    def opened(self) -> int:
        """How many orders there are: each is asked for in the end."""
        return len(self._orders)

    async def _upload(self, whom: Citizen) -> None:
        """6201, and mostly the payer agrees at once."""
        rng = self._rng
        city = self._city
        counter = Hospital(
            city.institutions[2], city.story.counter_clock, None,  # type: ignore[arg-type]
        )  # fmt: skip
        platform = _Platform(counter)
        message = await platform.order(whom, *a_basket(rng))  # type: ignore[arg-type]
        told = await self._tell(message)
        if told is None or told.infcode != 0:
            return
        tokens = tokens_of(whom.number)
        used = next(self._used.setdefault(whom.number, count(1)))
        phone = Phone(
            order=mobile.Order(platform, whom, message, told),
            authorisation=tokens[1 + used % (len(tokens) - 1)],
            wallet=WALLET if rng.random() < 0.5 else "",
        )
        self._orders.append(phone)
        if rng.random() < 0.8:
            await self._pay(phone)

    async def _pay(self, phone: Phone) -> None:
        """6202: the insurance pays, or holds until the wallet says so."""
        told = await self._tell(phone.order.payment(phone.authorisation, wallet=phone.wallet))
        if told is not None and told.infcode == 0:
            phone.placed = phone.placed or told

    async def _confirm(self, phone: Phone) -> None:
        """The wallet says that the payer paid there, mostly what was held."""
        if not phone.wallet or phone.placed is None:
            return
        money = {name: phone.placed.money(name, "data") for name in
                 ("feeSumamt", "fundPay", "psnAcctPay", "ownPayAmt")}  # fmt: skip
        if self._rng.random() < 0.1:
            money["ownPayAmt"] += 1
        body = _ENCODE({"payOrdId": phone.order.number, "thdTrnsNo": "TW1", **money})
        done: list[bool] = []

        async def say(service: Service) -> bytes:
            assert service.mobile_centre is not None
            reply = await service.mobile_centre._of_wallet(CONFIRM, WALLET, body)
            done.append(isinstance(reply, Answer))
            return b""

        gateway = self._city.some_gateway()
        if gateway is None:
            return
        self._book.messages_sent += 1
        heard = await gateway.ask(say)
        told = "no answer" if heard is None else "done" if done[-1] else "refused"
        self._city.tell(f"{gateway.name} confirm …{phone.order.number[-4:]}: {told}")
        phone.confirmed = phone.confirmed or (heard is not None and done[-1])

    async def _take_back(self, phone: Phone) -> None:
        """6203, of all of it or of the insurance's part."""
        if phone.placed is None:
            return
        if phone.refund is None:
            kind = self._rng.choice(("ALL", "HI"))
            phone.refund = phone.order.refund(phone.placed, kind)
        told = await self._tell(phone.refund)
        if told is not None and told.infcode == 0:
            phone.refunded = "done"

    async def _withdraw(self, phone: Phone) -> None:
        """6401."""
        told = await self._tell(phone.order.enquiry("6401"))
        phone.withdrawn = phone.withdrawn or (told is not None and told.infcode == 0)

    async def _ask(self, phone: Phone) -> None:
        """6301."""
        told = await self._tell(phone.order.enquiry())
        if told is not None and told.infcode == 0:
            phone.state = told.text("ordStas", "data")

    async def _tell(self, message: Message) -> Reply | None:
        return await self._book.send(Letter(self._city, message, self._city.code), tries=TRIES)

    def collected_fen(self, city: City, channel: str) -> int:
        """What wallets have of a city's orders at the agency's merchant, and did not give back: it
        lies at no channel that is simulated."""
        if city is not self._city:
            return 0
        hospital = city.institutions[2].code
        if city.box.tills(city.gateways[0]).for_agency(hospital, WALLET) != channel:
            return 0
        return sum(
            city.server.tables.mobile_own_fen(phone.order.order_no)
            for phone in self._orders
            if phone.wallet
        )

    async def know_all(self, check: Callable[[], None]) -> None:
        """Every order is asked for."""
        for phone in self._orders:
            phone.state = ""
            for _ in range(ASKED_MAX):
                await self._ask(phone)
                check()
                if phone.state:
                    break

    def check(self, standing: set[int]) -> None:
        """What is told to be paid stands, what was told was not undone by nobody, and no order is
        open any more. `standing` has the numbers of settlements that stand."""
        for phone in self._orders:
            state, number = phone.state, phone.order.order_no
            paid = self._city.server.tables.mobile_paid(number)
            told = number, state, paid
            demand("orders on phones end", holds=state in INSURED | NOT_INSURED - OPEN, told=told)
            stands = paid is not None and paid in standing
            demand("orders on phones stand as told", holds=stands is (state in INSURED), told=told)
            if phone.confirmed or (phone.placed is not None and not phone.wallet):
                demand("what was paid on a phone is booked", holds=paid is not None, told=told)
            if phone.refunded:
                demand("what was taken back on a phone is", holds=not stands, told=told)
            if phone.withdrawn:
                demand("what was withdrawn is not paid", holds=paid is None, told=told)
