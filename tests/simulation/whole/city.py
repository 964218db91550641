"""One region as it runs: a database, gateways and a worker process on it, channels, and a place at
the hub."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import TYPE_CHECKING

from loadtest.simulators.hub_world import HubRegion
from protocol.hub.messages import Kind, Question, Refused, Told
from settlement.region.hub import NoAnswer, OutcomeUnknownError
from settlement.serve.service import Service, ServiceSettings
from settlement.storage.errors import StorageError
from settlement.storage.lease import PlainConnection
from settlement.storage.statements import list_behind
from settlement.workers.closing import DayCloser
from settlement.workers.family import FamilyResolver
from settlement.workers.mobile import OrderExpiry
from settlement.workers.registry import Loop
from settlement.workers.runner import run_loops
from tests.kit.closing import SIGNING
from tests.kit.town import PLATFORM
from tests.simulation.database.driver import Server
from tests.simulation.passing import passes
from tests.simulation.whole import opening
from tests.simulation.whole.hosts import Gateway, Trouble
from tests.simulation.whole.moving import MachineClock
from tests.simulation.whole.tills import TillBox

if TYPE_CHECKING:
    from tests.simulation.whole.story import Story

GATEWAYS = 2
STARTED_AGAIN_SECONDS = 0.5
FAMILY_SECONDS, CLOSE_SECONDS, EXPIRY_SECONDS, LIST_SECONDS = 5.0, 3.0, 5.0, 2.0


class City:
    """See the module."""

    def __init__(self, story: Story, code: str, rng: Random, place: HubRegion) -> None:
        self.story = story
        self.code = code
        self.region = opening.region(code)
        self.people = self.region.people
        self.institutions = self.region.place.institutions
        self.server = Server(self.region.tables())
        self.trouble: Trouble = story.trouble
        self.box = TillBox(self, rng)
        self.place = place
        self.gateways: list[Gateway] = []
        self.worker: Gateway | None = None
        self._rng = rng
        self._names = 0
        place.desk = _Desk(self)

    async def open(self) -> None:
        """Everything runs."""
        for _ in range(GATEWAYS):
            await self.start_gateway()
        await self.start_worker()

    async def start_gateway(self) -> None:
        """One more process; where it cannot start, the supervisor tries again."""
        gateway = self._host("g")
        settings = ServiceSettings(
            app_dsn=self.story.line_of(gateway), keyring=self.region.keyring, clock=gateway.clock,
            tills=self.box.tills(gateway), hub=_Line(gateway, self.place), platform_key=PLATFORM,
        )  # fmt: skip
        while True:
            try:
                gateway.service = await Service.start(settings, self.region.policies)
                break
            except StorageError:
                await passes(STARTED_AGAIN_SECONDS)
        gateway.service.resolve_payments()
        self.gateways.append(gateway)
        self.tell(f"{gateway.name} starts")

    async def start_worker(self) -> None:
        """The process of the background loops."""
        worker = self.worker = self._host("w")
        step = FamilyResolver(self.region.keyring, clock=worker.clock).step
        expiry = OrderExpiry(self.region.keyring, clock=worker.clock)
        closer = DayCloser(SIGNING, clock=worker.clock)
        loops = [
            Loop(name="family", lease=23, every_seconds=FAMILY_SECONDS, step=step),
            Loop(
                name="mobile-expiry", lease=24, every_seconds=EXPIRY_SECONDS, step=expiry.step
            ),
            Loop(
                name="statement-rows", lease=21, every_seconds=LIST_SECONDS, step=_list_all
            ),
            Loop(name="day-close", lease=27, every_seconds=CLOSE_SECONDS, step=closer.step),
        ]
        running = run_loops(self.story.line_of(worker), loops, asyncio.Event())
        self.story.begin(running)

    def kill(self, host: Gateway) -> None:
        """A process is gone; another takes its place a while later."""
        self.tell(f"{host.name} is killed")
        host.kill()
        again = self.start_worker if host is self.worker else self.start_gateway
        if host in self.gateways:
            self.gateways.remove(host)
        self.later(self._rng.choice((0.2, 1.0, 4.0)), again)

    async def kill_one(self) -> None:
        """One of the gateways is gone."""
        gateway = self.some_gateway()
        if gateway is not None:
            self.fault("a gateway is killed")
            self.kill(gateway)

    def crash(self, seconds: float) -> None:
        """The database is gone for so long, with every connection; what is committed stays."""
        self.tell(f"the database is down for {seconds}")
        self.server.down = True
        self.server.drop()
        self.later(seconds, self._up)

    def operator(self) -> Gateway:
        """Somebody at a machine of their own, for one command."""
        host = self._host("o")
        host.is_operator = True
        return host

    def some_gateway(self) -> Gateway | None:
        """A process that a load balancer finds."""
        return self._rng.choice(self.gateways) if self.gateways else None

    async def deliver(self, answer: Callable[[Service], Awaitable[bytes]]) -> None:
        """A copy of a message arrives somewhere; nobody hears what it is answered."""
        gateway = self.some_gateway()
        if gateway is not None:
            await gateway.ask(answer)

    def later(self, seconds: float, work: Callable[[], Awaitable[object]]) -> None:
        """Do it when so much time has passed."""
        self.story.later(seconds, work)

    def fault(self, what: str) -> None:
        """One more of those that count."""
        self.story.faults[what] += 1

    def tell(self, what: str) -> None:
        """Into the story."""
        self.story.tell(f"{self.code[:3]} {what}")

    async def _up(self) -> None:
        self.server.down = False

    def _host(self, letter: str) -> Gateway:
        self._names += 1
        clock = MachineClock(self.story.clock)
        clock.ahead_seconds = self._rng.choice((0.0, 0.0, 0.4, -0.4))
        return Gateway(self, f"{letter}{self._names}", self._rng, clock)


async def _list_all(connection: PlainConnection) -> int:
    """As the loop does it, but that it does not wait until there are many blocks."""
    return await list_behind(connection, blocks_min=1)


class _Line:
    """The line to other regions, of a process that may be dead."""

    def __init__(self, gateway: Gateway, place: HubRegion) -> None:
        self._gateway = gateway
        self._place = place

    async def ask(
        self, to: str, kind: Kind, question: Question, *, correlation: str, seconds: float
    ) -> Told | Refused | NoAnswer:
        """See `settlement.region.hub.HubLine`."""
        await self._gateway.breathe()
        said = await self._place.line.ask(
            to, kind, question, correlation=correlation, seconds=seconds
        )
        self._gateway.city.tell(
            f"{self._gateway.name}: {kind.value} {correlation}: {type(said).__name__}"
        )
        await self._gateway.breathe()
        return said


class _Desk:
    """Who answers other regions: some process that lives."""

    def __init__(self, city: City) -> None:
        self._city = city

    async def answer(self, origin: str, kind: Kind, question: Question) -> Told | Refused:
        """See `settlement.region.hub.HubDesk`."""
        gateway = self._city.some_gateway()
        said: list[Told | Refused] = []
        unknown: list[OutcomeUnknownError] = []

        async def ask(service: Service) -> bytes:
            try:
                said.append(await service.hub_desk.answer(origin, kind, question))
            except OutcomeUnknownError as exc:
                unknown.append(exc)
            return b""

        heard = None if gateway is None else await gateway.ask(ask)
        if heard is None or unknown or not said:
            raise OutcomeUnknownError(f"{kind.value} of {origin}")
        return said[0]


