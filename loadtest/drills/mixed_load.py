"""Mixed work of a drill at a constant rate, whatever the server does.

Units of work arrive at random times and are begun when they arrive, also while nothing is answered:
pharmacy sales, outpatient visits, cancels, status queries, and sales that are sent twice at the
same moment. What is not answered is sent again, unchanged, until it is; a few of those are taken
back by 2601 instead, as a cashier does who will not wait. Persons come in turn, so nobody stands at
two counters at the same time. What a unit is depends on the seed and its number alone.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter, deque
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct, field

from loadtest import institution_inputs as inputs
from loadtest.drills.client_book import ClientBook, Entry, Outcome, amounts_of
from loadtest.institution_client import (
    ClientError,
    Clients,
    Input,
    InstitutionClient,
    Message,
    Reply,
)
from loadtest.institution_inputs import Bought, Patient
from loadtest.world import World, WorldInstitution

AGAIN_SECONDS = (0.2, 3.0)
"""Before a message is sent again: at first, and at last."""
MESSAGE_SECONDS_MAX = 120.0
"""A message without an answer for so long is given up; the drill has failed then."""
UNITS_MAX = 4_000
"""So many may be under way; what arrives beyond is turned away and counted."""
TAKEN_BACK = 0.1
"""Of sales that were not answered."""
STANDING_MAX = 500
"""Settled sales that are remembered to be asked for or cancelled."""
PRICE_YUAN_MAX = 60
SALE_LINES = (1, 4)
VISIT_LINES = (2, 8)
_AGAIN = ("later", "same_msgid")


class Unit(StrEnum):
    """What arrives."""

    SALE = "sale"
    VISIT = "visit"
    CANCEL = "cancel"
    QUERY = "query"
    TWICE = "twice"


MIX = {Unit.SALE: 60, Unit.VISIT: 10, Unit.CANCEL: 10, Unit.QUERY: 12, Unit.TWICE: 8}


class Pulse(Struct):
    """What the client sees of the server's health. Times are those of `time.monotonic`."""

    good: list[tuple[float, float]] = field(default_factory=list)
    """when a message that moves money was sent, and when its good answer came"""
    failures: list[tuple[float, str]] = field(default_factory=list)
    """when there was no answer, or none but to come again, and in which way"""
    units: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    messages: int = 0
    resends: int = 0
    turned_away: int = 0

    def forget(self) -> None:
        """Look at what comes from now on."""
        self.good, self.failures = [], []


class Mix:
    """The units of one run by their numbers."""

    def __init__(
        self, world: World, clients: Clients, book: ClientBook, pulse: Pulse, *, seed: int
    ) -> None:
        self._book = book
        self._pulse = pulse
        self._seed = seed
        self._clients = clients
        self._pharmacies, self._hospitals = world.of_kind("pharmacy"), world.of_kind("hospital")
        self._patients = [Patient(person=one) for one in world.persons]
        self._items = [one for one in world.catalogue if 1 <= one.price <= PRICE_YUAN_MAX]
        self._standing: deque[Entry] = deque(maxlen=STANDING_MAX)
        self._client_of: dict[str, InstitutionClient] = {}

    async def play(self, number: int) -> None:
        """One unit of work, until nothing is left to be done about it."""
        chance = random.Random(f"{self._seed}:{number}")
        (unit,) = chance.choices(list(MIX), list(MIX.values()))
        if unit in (Unit.CANCEL, Unit.QUERY) and not self._standing:
            unit = Unit.SALE
        self._pulse.units[unit] += 1
        patient = self._patients[number % len(self._patients)]
        match unit:
            case Unit.VISIT:
                await self._visit(chance, patient, number)
            case Unit.CANCEL:
                await self._cancel(self._standing.pop())
            case Unit.QUERY:
                await self._query(chance.choice(self._standing))
            case Unit.SALE | Unit.TWICE:
                await self._sale(chance, patient, twice=unit is Unit.TWICE)

    async def _sale(self, chance: random.Random, patient: Patient, *, twice: bool) -> None:
        client = self._of(chance.choice(self._pharmacies))
        content = inputs.purchase(patient, self._basket(chance, SALE_LINES), at=client.now())
        message = client.message("2102", content)
        entry = self._begin(client, message, patient.person.psn_no)
        if twice:
            await asyncio.gather(*[self._settle(client, message, entry) for _ in range(2)])
        else:
            hasty = chance.random() < TAKEN_BACK
            await self._settle(client, message, entry, hasty=hasty)
        if entry.outcome is Outcome.DONE:
            self._standing.append(entry)

    async def _visit(self, chance: random.Random, patient: Patient, number: int) -> None:
        """Six messages; given up where one is refused."""
        client = self._of(chance.choice(self._hospitals))
        basket, at, batch_no = self._basket(chance, VISIT_LINES), client.now(), f"B{number:010d}"
        with suppress(ClientError):
            await self._step(client, "1101", inputs.lookup(patient))
            opened = await self._step(
                client, "2201", inputs.registration(patient, visit_no=batch_no, at=at)
            )
            mdtrt_id = str(opened.node("data")["mdtrt_id"])
            await self._step(client, "2203", inputs.diagnosis(patient, mdtrt_id=mdtrt_id, at=at))
            lines = inputs.fee_lines(patient, basket, mdtrt_id=mdtrt_id, batch_no=batch_no, at=at)
            await self._step(client, "2204", lines)
            asked = inputs.visit_quote(patient, basket, mdtrt_id=mdtrt_id, batch_no=batch_no)
            quote = (await self._step(client, "2206", asked)).node("setlinfo")
            message = client.message("2207", inputs.visit_settlement(asked, quote))
            entry = self._begin(client, message, patient.person.psn_no)
            await self._settle(client, message, entry)

    async def _cancel(self, sale: Entry) -> None:
        client = self._client_of[sale.institution]
        content = inputs.cancel(setl_id=sale.setl_id, mdtrt_id=sale.mdtrt_id, psn_no=sale.psn_no)
        message = client.message("2103", content)
        entry = self._begin(client, message, sale.psn_no, undoes=sale.setl_id)
        await self._settle(client, message, entry)

    async def _query(self, sale: Entry) -> None:
        """5203 says of a settlement what its own answer said."""
        client = self._client_of[sale.institution]
        named = {"psn_no": sale.psn_no, "setl_id": sale.setl_id, "mdtrt_id": sale.mdtrt_id}
        reply = await self._answer(client, client.message("5203", {"data": named}))
        if reply is None:
            return
        if not reply.is_done:
            self._book.contradicted(sale, f"5203 does not know it: {reply.err_code}")
            return
        shown = amounts_of(reply.node("setlinfo"), cash="cash_payamt")
        if shown != sale.amounts:
            self._book.contradicted(sale, f"5203 shows {shown}, answered was {sale.amounts}")

    async def _settle(
        self, client: InstitutionClient, message: Message, entry: Entry, *, hasty: bool = False
    ) -> None:
        """A message that moves money, until its verdict is known."""
        reply = await self._answer(client, message, entry, hasty=hasty)
        if reply is not None:
            self._book.heard(entry, reply)
        elif hasty and entry.silences:
            await self._take_back(client, message, entry)

    async def _take_back(
        self, client: InstitutionClient, message: Message, entry: Entry
    ) -> None:
        """2601 of a sale that was not answered; afterwards its message is refused for ever."""
        content = inputs.reversal(
            psn_no=entry.psn_no, omsgid=message.msgid, oinfno=message.infno
        )
        reply = await self._answer(client, client.message("2601", content))
        if reply is None:
            return
        if not reply.is_done:
            self._book.contradicted(entry, f"2601 was refused: {reply.err_code} {reply.err_msg}")
            return
        self._book.taken_back(entry)
        again = await self._answer(client, message)
        if again is not None and again.err_code != "MESSAGE_REVERSED":
            self._book.contradicted(entry, f"taken back, then answered: {again}")

    async def _step(self, client: InstitutionClient, infno: str, content: Input) -> Reply:
        """Raises ClientError where it is refused, or was never answered."""
        reply = await self._answer(client, client.message(infno, content))
        if reply is None or not reply.is_done:
            self._pulse.refusals["" if reply is None else f"{infno} {reply.err_code}"] += 1
            raise ClientError(f"{infno}: {reply}")
        return reply

    async def _answer(
        self, client: InstitutionClient, message: Message, entry: Entry | None = None, *,
        hasty: bool = False,
    ) -> Reply | None:  # fmt: skip
        """The verdict, however often it takes; None where it did not come in time, or where the
        first silence is enough."""
        pulse, pause = self._pulse, AGAIN_SECONDS[0]
        until = time.monotonic() + MESSAGE_SECONDS_MAX
        while (sent_at := time.monotonic()) < until:
            pulse.messages += 1
            try:
                reply = await client.send(message)
                said = reply.err_code if reply.retry in _AGAIN else ""
            except ClientError as exc:
                reply, said = None, _kind_of(exc)
            if reply is not None and not said:
                self._note(entry, reply, sent_at)
                return reply
            pulse.failures.append((time.monotonic(), said))
            pulse.resends += 1
            if entry is not None:
                entry.silences += 1
                if hasty:
                    return None
            await asyncio.sleep(pause)
            pause = min(2 * pause, AGAIN_SECONDS[1])
        return None

    def _note(self, entry: Entry | None, reply: Reply, sent_at: float) -> None:
        if entry is None:
            return
        if reply.is_done:
            self._pulse.good.append((sent_at, time.monotonic()))
        else:
            self._pulse.refusals[f"{entry.infno} {reply.err_code}"] += 1

    def _begin(
        self, client: InstitutionClient, message: Message, psn_no: str, *, undoes: str = ""
    ) -> Entry:
        entry = Entry(
            institution=client.institution.code, msgid=message.msgid, infno=message.infno,
            psn_no=psn_no, undoes=undoes,
        )  # fmt: skip
        return self._book.begin(entry)

    def _basket(self, chance: random.Random, lines: tuple[int, int]) -> Sequence[Bought]:
        return [
            Bought(item=chance.choice(self._items), quantity=Decimal(chance.randint(1, 3)))
            for _ in range(chance.randint(*lines))
        ]

    def _of(self, institution: WorldInstitution) -> InstitutionClient:
        client = self._clients.of(institution)
        self._client_of[institution.code] = client
        return client


async def arrive(
    mix: Mix, pulse: Pulse, *, rate_per_second: float, seed: int, until: asyncio.Event,
    first: int = 0,
) -> int:  # fmt: skip
    """Begin units at a constant rate until told to stop, and then wait for those under way. Answers
    the number of the next unit."""
    chance = random.Random(seed)
    due, number = time.monotonic(), first
    under_way: set[asyncio.Task[None]] = set()
    async with asyncio.TaskGroup() as group:
        while not until.is_set():
            due += chance.expovariate(rate_per_second)
            if (early := due - time.monotonic()) > 0:
                await asyncio.sleep(early)
            if len(under_way) >= UNITS_MAX:
                pulse.turned_away += 1
                continue
            task = group.create_task(mix.play(number))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            number += 1
    return number


def _kind_of(error: ClientError) -> str:
    """What was no answer, without what differs from case to case."""
    text = str(error).partition(": ")[2]
    return text.partition("(")[0].partition("{")[0][:60].strip()
