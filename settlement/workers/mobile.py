"""Ends orders of mobile payment that nobody paid in time: what was held is free again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from msgspec import Struct

from ledger.postgres.schema import installed_shape
from ledger.postgres.shape import Shape
from settlement.clock import Clock, Moment, moment, system_clock
from settlement.commands import Asked, Command
from settlement.decision import Decision
from settlement.institution import Institution
from settlement.keyring import Keyring
from settlement.numbers import NumberBlock, NumberSource
from settlement.payments.mobile_commands import CloseOrder
from settlement.payments.mobile_states import Happening
from settlement.storage import reference
from settlement.storage.lease import PlainConnection
from settlement.storage.mobile_due import DueOrder, due_orders
from settlement.storage.queries import REFERENCE
from settlement.storage.under_head import book_under_head
from settlement.usecases import mobile_ending
from settlement.view import View

STEP_MAX = 100
NUMBERS_LOW = 10_000
_NO_KEY = bytes(16)


class Books(Struct, frozen=True, kw_only=True):
    """What is the same for a whole step (`settlement.usecases.mobile_notices.Telling`)."""

    region: str
    receivers: frozenset[tuple[str, str]]
    institutions: Mapping[str, Institution]
    keyring: Keyring
    next_number: NumberSource


class OrderExpiry:
    """The loop's work; it keeps nothing but the numbers it may give out."""

    def __init__(self, keyring: Keyring, *, clock: Clock = system_clock) -> None:
        self._keyring = keyring
        self._clock = clock
        self._numbers: NumberBlock | None = None

    async def step(self, connection: PlainConnection) -> int:
        """End what is due; how many orders."""
        now = self._clock()
        due = await due_orders(connection, by=now, limit=STEP_MAX)
        if not due:
            return 0
        if self._numbers is None or self._numbers.remaining < NUMBERS_LOW:
            self._numbers = NumberBlock(await connection.fetchval(REFERENCE["number_block"]))
        closed = await reference.closed_through(connection)
        not_before = None if closed is None else closed + timedelta(days=1)
        at = moment(self._clock, not_before=not_before)
        installed = await reference.installation(connection)
        if installed is None:
            raise RuntimeError("a database with orders says of which region it is")
        books = Books(
            region=installed.region, receivers=await reference.receivers(connection),
            institutions=await reference.institutions(connection), keyring=self._keyring,
            next_number=self._numbers.next,
        )  # fmt: skip
        shape = await installed_shape(connection)
        journal_of = await reference.lanes(connection)
        by_journal: dict[int, list[Command]] = {}
        for order in due:
            by_journal.setdefault(journal_of[order.lane], []).append(_ending(order, books, at))
        return sum(
            [
                await self._book(connection, own, journal, shape, books, at)
                for journal, own in sorted(by_journal.items())
            ]
        )

    async def _book(
        self, connection: PlainConnection, commands: list[Command], journal: int, shape: Shape,
        books: Books, at: Moment,
    ) -> int:  # fmt: skip
        def decide(command: Command, view: View, now: Moment) -> Decision:
            if not isinstance(command, CloseOrder):
                raise TypeError(f"{type(command).__name__} is not for this loop")
            return mobile_ending.close(command, view, books, now)

        return await book_under_head(
            connection, commands, journal=journal, shape=shape, keyring=self._keyring, moment=at,
            decide=decide,
        )  # fmt: skip


def _ending(order: DueOrder, books: Books, at: Moment) -> CloseOrder:
    asked = Asked(
        infno="6401", institution=books.institutions[order.institution], msgid="", operator="",
        lane=order.lane, person_no=order.psn_no, message_key=_NO_KEY, fingerprint=b"",
    )  # fmt: skip
    return CloseOrder(
        asked=asked, mobile_nos=(order.order_no,), visit_ids=(order.mdtrt_id,),
        order_no=order.order_no, happening=Happening.EXPIRED, identity=None,
        pay_token="",  # nosec B106 - nobody asked with one
        due_by=at.at,
    )  # fmt: skip
