"""What a HIS and a POS have in common: write down, send, resolve, and go on after a crash."""

from __future__ import annotations

import random
from collections.abc import Sequence
from decimal import Decimal

from loadtest.simulators.book import Book
from settlement.client import (
    Done,
    Institution,
    Line,
    Message,
    Patient,
    Refused,
    Resolution,
    Settlement,
    Unknown,
)
from settlement.client.inputs import Item

RESOLVE_TIMES_MAX = 50


class UnresolvedError(Exception):
    """An outcome stayed unknown although the server was asked again and again."""


class SimulatedCounter:
    """One counter of an institution. After a crash make a new one, on the same book and numbers."""

    def __init__(
        self, institution: Institution, book: Book, rng: random.Random, *,
        patients: Sequence[Patient], items: Sequence[Item],
    ) -> None:  # fmt: skip
        self.institution = institution
        self.book = book
        self.rng = rng
        self.patients = patients
        self.items = items

    async def recover(self) -> None:
        """The first thing after a start: what was open must be known before anything is sold."""
        for message in self.book.open_messages():
            await self._clear_up(message)

    async def carry_out(self, message: Message, *, cancels: str = "") -> Done | None:
        """Write it down, send it, resolve it, write that down. None where it was not done."""
        self.book.begin(message, cancels=cancels)
        outcome: Resolution = await self.institution.send(message)
        if isinstance(outcome, Unknown) or (isinstance(outcome, Refused) and outcome.earlier_lost):
            return await self._clear_up(outcome)
        self.book.end(outcome)
        return outcome if isinstance(outcome, Done) else None

    async def _clear_up(self, lost: Message | Unknown | Refused) -> Done | None:
        for _ in range(RESOLVE_TIMES_MAX):
            outcome = await self.institution.resolve(lost)
            if not isinstance(outcome, Unknown):
                self.book.end(outcome)
                return outcome if isinstance(outcome, Done) else None
        raise UnresolvedError(str(lost if isinstance(lost, Message) else lost.message))

    def basket(self) -> list[Line]:
        """A few items."""
        picked = self.rng.sample(list(self.items), self.rng.randint(1, 4))
        return [Line(item=item, quantity=self._quantity()) for item in picked]

    def _quantity(self) -> Decimal:
        return Decimal(self.rng.randint(1, 3))

    def newest_standing(self, patient: Patient) -> Settlement | None:
        """The newest settlement of a person, which may be cancelled: latest first."""
        found = [
            entry.settled
            for entry in self.book.standing().values()
            if entry.message.psn_no == patient.psn_no
        ]
        return found[-1] if found else None
