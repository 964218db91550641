"""What people do at counters: sell, treat, quote, cancel, reverse, send again, race, enquire."""

from __future__ import annotations

import asyncio
from random import Random
from typing import TYPE_CHECKING

from loadtest import institution_inputs as inputs
from tests.kit.counter import Counter, Hospital, Message, Pharmacy, Visit
from tests.kit.population import Citizen
from tests.kit.reply import Reply
from tests.simulation.whole.bills import Bills
from tests.simulation.whole.book import SETTLING, Book, Letter
from tests.simulation.whole.months import Months
from tests.simulation.whole.payouts import Payouts
from tests.simulation.whole.phones import Phones
from tests.simulation.whole.scans import Scans, a_basket
from tests.simulation.whole.stops import Stops
from tests.simulation.whole.wards import Wards

if TYPE_CHECKING:
    from tests.simulation.whole.city import City

TRIES = 2


class Acts:
    """The people of both cities, at the counters of both."""

    def __init__(self, cities: list[City], book: Book, scans: Scans, rng: Random) -> None:
        self._cities = cities
        self._book = book
        self._scans = scans
        self._rng = rng
        self.wards = Wards(cities[0], book, scans, rng)
        self.stops = Stops(cities, rng)
        self.phones = Phones(cities[0], book, rng)
        self.months = Months(cities, rng)
        self.payouts = Payouts(cities, rng)
        self.bills = Bills(cities, rng)
        self.guests: list[tuple[City, Citizen, str]] = []
        """where somebody is treated who is insured elsewhere, who, and where"""

    async def arrive(self) -> None:
        """People of each city go to the other one, and say who they are."""
        for city, other in (self._cities, self._cities[::-1]):
            for citizen in self._rng.sample(other.people[:8], 2):
                counter = self._hospital(city)
                asked = counter.message("1101", inputs.lookup(citizen.patient))
                await self._tell(city, other.code, asked)
                self.guests.append((city, citizen, other.code))

    async def one(self) -> None:
        """Somebody does something."""
        draw = self._rng.random()
        at = 0.0
        for share, act in (
            (0.07, self.sell), (0.05, self.lean), (0.09, self.visit), (0.10, self.scan),
            (0.11, self.guest), (0.08, self.cancel), (0.06, self.reverse), (0.08, self.again),
            (0.04, self.race), (0.05, self.order_again), (0.03, self.enquire),
            (0.08, self.wards.one), (0.03, self.stops.one), (0.08, self.phones.one),
            (0.03, self.months.one), (0.02, self.payouts.one), (0.02, self.bills.one),
        ):  # fmt: skip
            at += share
            if draw < at:
                await act()
                return

    # Sales and visits.

    async def sell(self) -> None:
        """2102, or 2101 which changes nothing."""
        city, whom, home = self._anybody()
        await self._sell(city, whom, home)

    async def _sell(self, city: City, whom: Citizen, home: str) -> None:
        rng = self._rng
        infno = "2101" if rng.random() < 0.1 else "2102"
        sale = self._pharmacy(city).sale(whom, *a_basket(rng), infno=infno)
        sale = leaning(sale, whom, city, home)
        letter = Letter(city, self._insured(sale, city, home), home)
        if infno == "2102":
            self._book.write(letter)
        await self._book.send(letter, tries=rng.randint(1, TRIES))

    async def lean(self) -> None:
        """Somebody buys whose relatives pay what their own account does not. It takes a while, and
        now and then the process that walks through it dies on the way."""
        city = self._cities[0]
        if self._rng.random() < 0.3:
            city.later(self._rng.uniform(0.012, 0.03), city.kill_one)
        await self._sell(city, self._rng.choice(city.region.helped), city.code)

    async def visit(self) -> None:
        """2201 to 2207, unless somebody leaves on the way."""
        city, whom, home = self._anybody()
        await self._visit(city, whom, home)

    async def _visit(self, city: City, whom: Citizen, home: str) -> None:
        rng, basket = self._rng, a_basket(self._rng)
        hospital = self._hospital(city)
        registered = await self._tell(city, home, hospital.registration(whom))
        if registered is None or registered.infcode != 0:
            return
        visit = Visit(
            hospital=hospital, patient=whom.patient, mdtrt_id=registered.text("mdtrt_id", "data"),
            outpatient_no=registered.text("ipt_otp_no", "data"),
        )  # fmt: skip
        await self._tell(city, home, visit.diagnosis())
        await self._tell(city, home, visit.lines(*basket))
        if rng.random() < 0.05:
            await self._tell(city, home, visit.withdrawal_of_lines("B1"))
            await self._tell(city, home, visit.withdrawal())
            return
        quoted = leaning(visit.quote(*basket), whom, city, home)
        quote = await self._tell(city, home, quoted)
        if quote is None or quote.infcode != 0:
            return
        message = self._insured(visit.settlement(quoted, quote), city, home)
        letter = Letter(city, message, home)
        self._book.write(letter)
        await self._book.send(letter, tries=rng.randint(1, TRIES))

    async def guest(self) -> None:
        """Somebody is treated where they are not insured."""
        if not self.guests:
            return
        place = self._rng.choice(self.guests)
        await (self._sell(*place) if self._rng.random() < 0.5 else self._visit(*place))

    async def scan(self) -> None:
        """Scan-to-pay; now and then nobody insured is part of it."""
        rng = self._rng
        city = rng.choice(self._cities)
        plain = rng.random() < 0.15 or city is not self._cities[0]  # whose funds pay no pharmacy
        await self._scans.sell(city, None if plain else rng.choice(city.people[:10]))

    # What is done about what was done.

    async def cancel(self) -> None:
        """2103 or 2208."""
        letter = self._some_settled()
        if letter is None or letter.told is None:
            return
        city = letter.city
        message = self._cancel_of(letter, letter.told)
        cancel = Letter(city, self._insured(message, city, letter.home), letter.home, letter)
        self._book.write(cancel)
        await self._book.send(cancel, tries=self._rng.randint(1, TRIES))

    def _cancel_of(self, letter: Letter, told: Reply) -> Message:
        counter = self._counter(letter)
        if letter.message.infno != "2304":
            return counter.cancel(told)
        data = {
            "mdtrt_id": told.mdtrt_id, "setl_id": told.setl_id, "psn_no": told.text("psn_no"),
        }  # fmt: skip
        return counter.message("2305", {"data": data})

    async def reverse(self) -> None:
        """2601, of what was told or of what nobody knows."""
        letters = [one for one in self._book.letters if one.message.infno in SETTLING]
        if not letters:
            return
        letter = self._rng.choice(letters[-12:])
        city = letter.city
        content = inputs.reversal(
            psn_no=_person_of(letter.message), omsgid=letter.message.msgid,
            oinfno=letter.message.infno,
        )  # fmt: skip
        message = self._counter(letter).message("2601", content)
        reversal = Letter(city, self._insured(message, city, letter.home), letter.home, letter)
        self._book.write(reversal)
        await self._book.send(reversal, tries=self._rng.randint(1, TRIES))

    async def again(self) -> None:
        """A message comes again, unchanged."""
        if self._book.letters:
            await self._book.send(self._rng.choice(self._book.letters[-20:]))

    async def race(self) -> None:
        """The same message through two gateways at once, or a sale and its reversal."""
        city, whom, home = self._anybody()
        sale = self._pharmacy(city).sale(whom, *a_basket(self._rng))
        sale = leaning(sale, whom, city, home)
        letter = Letter(city, self._insured(sale, city, home), home)
        self._book.write(letter)
        async with asyncio.TaskGroup() as group:
            for _ in range(2):
                group.create_task(self._book.send(letter))

    async def order_again(self) -> None:
        """An order is sent again, asked for, given up or given back."""
        if not self._scans.orders:
            return
        order = self._rng.choice(self._scans.orders[-10:])
        scans = self._scans
        act = self._rng.choice(
            (scans.scan, scans.find, scans.cancel, scans.refund)
            if "pay_on_phone" not in order.body
            else (scans.scan, scans.find, scans.cancel, scans.refund, *3 * (scans.tap,))
        )
        await act(order)

    async def enquire(self) -> None:
        """5203 or 5201."""
        letter = self._some_settled()
        if letter is None or letter.told is None:
            return
        told = letter.told
        data = {
            "psn_no": told.text("psn_no"), "setl_id": told.setl_id, "mdtrt_id": told.mdtrt_id,
        }  # fmt: skip
        message = self._counter(letter).message("5203", {"data": data})
        await self._tell(letter.city, letter.home, message)

    # Means.

    async def _tell(self, city: City, home: str, message: Message) -> Reply | None:
        """A message that settles nothing; an answer that is lost is asked for again."""
        letter = Letter(city, self._insured(message, city, home), home)
        return await self._book.send(letter, tries=TRIES)

    def _anybody(self) -> tuple[City, Citizen, str]:
        city = self._rng.choice(self._cities)
        whom = self._rng.choice(city.people)
        stopped = self.stops.somebody(city) if self._rng.random() < 0.3 else None
        return city, stopped or whom, city.code

    def _some_settled(self) -> Letter | None:
        settled = [one for city in self._cities for one in self._book.settled(city)]
        return self._rng.choice(settled[-15:]) if settled else None

    def _counter(self, letter: Letter) -> Counter:
        code = letter.message.caller.institution_code
        city = letter.city
        one = next(one for one in city.institutions if one.code == code)
        kind = Pharmacy if code[0] == "P" else Hospital
        return kind(one, city.story.counter_clock, None)  # type: ignore[arg-type]

    def _pharmacy(self, city: City) -> Pharmacy:
        one = city.institutions[self._rng.choice((0, 0, 1))]
        return Pharmacy(one, city.story.counter_clock, None)  # type: ignore[arg-type]

    def _hospital(self, city: City) -> Hospital:
        one = city.institutions[2]
        return Hospital(one, city.story.counter_clock, None)  # type: ignore[arg-type]


    def _insured(self, message: Message, city: City, home: str) -> Message:
        """As of somebody insured there."""
        if home == city.code:
            return message
        envelope = {**message.envelope, "insuplc_admdvs": home}
        return Message(envelope=envelope, caller=message.caller)


def leaning(message: Message, whom: Citizen, city: City, home: str) -> Message:
    """As of somebody whose relatives may pay, where it is."""
    if home != city.code or whom not in city.region.helped:
        return message
    content = message.envelope["input"]
    assert isinstance(content, dict)
    node = "druginfo" if "druginfo" in content else "data"
    return message.edited({f"input.{node}.acct_used_flag": "2"})


def _person_of(message: Message) -> str:
    content = message.envelope["input"]
    assert isinstance(content, dict)
    node = content.get("druginfo") or content.get("data")
    return str(node["psn_no"])
