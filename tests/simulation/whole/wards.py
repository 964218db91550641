"""Stays in hospital (住院): admitted, charged, paid in advance, discharged, settled.

One step an act, so that days and deaths of processes fall between them.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from msgspec import Struct

from loadtest.institution_inputs import Bought, total
from tests.kit.counter import Hospital, Message
from tests.kit.population import Citizen
from tests.kit.reply import Reply
from tests.kit.ward import StayInProgress, admission
from tests.simulation.whole.book import Book, Letter
from tests.simulation.whole.scans import Scans, a_basket

if TYPE_CHECKING:
    from tests.simulation.whole.city import City

STAYS_MAX = 2
TRIES = 2


class Stay(Struct, eq=False):
    """A stay, and what was charged."""

    city: City
    progress: StayInProgress
    basket: list[Bought] = []
    discharged: bool = False


class Wards:
    """The hospital of the first city; nobody is insured elsewhere."""

    def __init__(self, city: City, book: Book, scans: Scans, rng: Random) -> None:
        self._city = city
        self._book = book
        self._scans = scans
        self._rng = rng
        self._stays: list[Stay] = []

    async def one(self) -> None:
        """Somebody comes, or something happens to somebody who is there."""
        rng = self._rng
        if len(self._stays) < STAYS_MAX:
            await self._admit(rng.choice(self._city.people[:10]))
            return
        stay = rng.choice(self._stays)
        if not stay.basket:
            await self._charge(stay)
            return
        act = rng.choice(
            (self._charge, self._pay_in, self._pay_in, self._withdraw, self._settle, self._settle)
        )
        await act(stay)

    async def _admit(self, whom: Citizen) -> None:
        city = self._city
        hospital = Hospital(
            city.institutions[2], city.story.counter_clock, None,  # type: ignore[arg-type]
        )  # fmt: skip
        told = await self._tell(admission(hospital, whom))
        if told is not None and told.infcode == 0:
            progress = StayInProgress(
                hospital=hospital, patient=whom.patient, stay_no="Z",
                mdtrt_id=told.text("mdtrt_id", "result"),
            )  # fmt: skip
            self._stays.append(Stay(self._city, progress))

    async def _charge(self, stay: Stay) -> None:
        basket = a_basket(self._rng)
        told = await self._tell(stay.progress.upload(*basket))
        if told is not None and told.infcode == 0:
            stay.basket = [*stay.basket, *basket]

    async def _withdraw(self, stay: Stay) -> None:
        """All lines that are not settled; or, once discharged, the discharge."""
        if stay.discharged:
            told = await self._tell(stay.progress.withdrawal_of_discharge())
            stay.discharged = not (told is not None and told.infcode == 0)
        elif self._rng.random() < 0.3:
            told = await self._tell(stay.progress.withdrawal_of_lines())
            if told is not None and told.infcode == 0:
                stay.basket = []

    async def _pay_in(self, stay: Stay) -> None:
        """A deposit, by a wallet or in cash."""
        await self._scans.pay_in(self._city, stay.progress.mdtrt_id)

    async def _settle(self, stay: Stay) -> None:
        """Discharged, quoted, settled."""
        if not stay.discharged:
            told = await self._tell(stay.progress.discharge())
            if told is None or (told.infcode != 0 and told.err_code != "ALREADY_DISCHARGED"):
                return
            stay.discharged = True
        quoted = stay.progress.quote(total(stay.basket))
        quote = await self._tell(quoted)
        if quote is None or quote.infcode != 0:
            return
        letter = Letter(
            self._city, stay.progress.settlement(quoted, quote), self._city.code
        )
        self._book.write(letter)
        told = await self._book.send(letter, tries=self._rng.randint(1, TRIES))
        ends = told is not None and told.infcode == 0 and self._rng.random() < 0.7
        if ends and stay in self._stays:  # it may have been settled twice at a time
            self._stays.remove(stay)

    async def _tell(self, message: Message) -> Reply | None:
        """A message that settles nothing."""
        return await self._book.send(Letter(self._city, message, self._city.code), tries=TRIES)
