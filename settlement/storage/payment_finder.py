"""What a counter or a channel asks of payments beside the batches: whose an order number is, what a
decoded code was, and which payment a number belongs to. Whoever asks at the same time shares a
round trip.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from msgspec import Struct

from ledger.postgres.laned import fetch_keys
from ledger.postgres.shape import Shape
from settlement.numbers import lane_in
from settlement.payments.payment_rows import PaymentFact
from settlement.payments.payment_states import Attempt
from settlement.storage.connect import Several
from settlement.storage.payment_reader import gather, read_payments
from settlement.storage.payments import Owner
from settlement.storage.queries import SHAPED
from settlement.storage.together import Together
from settlement.view import View

NUMBER_DIGITS_MAX = 19
"""Of a number that we may have issued."""


class OrderName(Struct, frozen=True, gc=False):
    """The digest of an institution's order number, in the lane of its own hash."""

    lane: int
    key: bytes


class Claim(Struct, frozen=True, gc=False):
    """An order number, and who would have it."""

    order: OrderName
    owner: Owner


class Token(Struct, frozen=True, gc=False):
    """Whom a decoded code named, at one institution, for a while (ADR 0031)."""

    owner: Owner
    key: bytes
    institution: str
    expires_at: datetime


class PaymentFinder:
    """Look-ups of one process, and the two small writes that go before a sale. Every one of them
    raises StorageError."""

    def __init__(
        self, side: Several, shape: Shape, *, gap: Callable[[], float] = float
    ) -> None:
        """`gap`: seconds between two round trips of a kind."""
        self._side = side
        self._queries = SHAPED[shape]
        self._shape = shape
        self.claim: Callable[[Claim], Awaitable[Owner]] = Together(self._claim_all, gap=gap).ask
        """Whose the order number is from now on, or was before."""
        self.owner: Callable[[OrderName], Awaitable[Owner | None]] = Together(
            self._owners, gap=gap
        ).ask
        """Whose the order number is; None where it was never used."""
        self.payment: Callable[[int], Awaitable[PaymentFact | None]] = Together(
            self._payments, gap=gap
        ).ask
        """A payment with its events."""
        self.remember: Callable[[Token], Awaitable[None]] = Together(
            self._remember_all, gap=gap
        ).ask
        """Keep a token; the first time counts."""
        self._attempt = Together(self._attempts, gap=gap).ask

    async def attempt(self, number: str) -> tuple[PaymentFact, Attempt] | None:
        """The payment and its attempt that have this order number at a channel."""
        if not (number.isascii() and number.isdigit() and len(number) <= NUMBER_DIGITS_MAX):
            return None
        return await self._attempt(int(number))

    async def _claim_all(self, claims: Sequence[Claim]) -> list[Owner]:
        async with self._side.use() as connection:
            made = await fetch_keys(
                connection, self._queries, "claim_orders",
                [claim.order.lane for claim in claims], [claim.order.key for claim in claims],
                [claim.owner.lane for claim in claims], [claim.owner.person_no for claim in claims],
            )  # fmt: skip
        owners = {key: Owner(lane, person_no) for key, lane, person_no in made}
        before = [claim.order for claim in claims if claim.order.key not in owners]
        owners |= await self._standing(before)
        return [owners[claim.order.key] for claim in claims]

    async def _remember_all(self, tokens: Sequence[Token]) -> list[None]:
        async with self._side.use() as connection:
            await fetch_keys(
                connection, self._queries, "remember_tokens",
                [token.owner.lane for token in tokens], [token.owner.person_no for token in tokens],
                [token.key for token in tokens], [token.institution for token in tokens],
                [token.expires_at for token in tokens],
            )  # fmt: skip
        return [None] * len(tokens)

    async def _owners(self, orders: Sequence[OrderName]) -> list[Owner | None]:
        found = await self._standing(orders)
        return [found.get(order.key) for order in orders]

    async def _standing(self, orders: Sequence[OrderName]) -> dict[bytes, Owner]:
        if not orders:
            return {}
        async with self._side.use() as connection:
            rows = await fetch_keys(
                connection, self._queries, "find_orders",
                [order.lane for order in orders], [order.key for order in orders],
            )  # fmt: skip
        return {key: Owner(lane, person_no) for key, lane, person_no in rows}

    async def _payments(self, numbers: Sequence[int]) -> list[PaymentFact | None]:
        view = View()
        async with self._side.use() as connection:
            await read_payments(connection, dict.fromkeys(numbers), view, self._shape)
        return [view.payments.get(number) for number in numbers]

    async def _attempts(
        self, numbers: Sequence[int]
    ) -> list[tuple[PaymentFact, Attempt] | None]:
        async with self._side.use() as connection:
            rows = await fetch_keys(
                connection, self._queries, "find_attempts",
                [lane_in(number) for number in numbers], [str(number) for number in numbers],
            )  # fmt: skip
        facts: dict[int, PaymentFact] = {}
        gather(facts, rows, "number")
        return [_attempt_of(facts.get(number), str(number)) for number in numbers]


def _attempt_of(fact: PaymentFact | None, order_no: str) -> tuple[PaymentFact, Attempt] | None:
    if fact is None:
        return None
    return fact, next(one for one in fact.standing.attempts if one.order_no == order_no)
