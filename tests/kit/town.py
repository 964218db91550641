"""A town in one process: a fresh database with a small world in it, and services that answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg
from msgspec import structs

from ledger.postgres.shape import Shape
from protocol.nhsa.gm import Sm2PrivateKey
from settlement.channels.registry import Tills
from settlement.keyring import Keyring, new_material
from settlement.limits import DEFAULT_LIMITS, Limits
from settlement.payments.payment import Custody
from settlement.policy.loader import PolicySet
from settlement.region.decoder import NO_DECODERS, Decoders
from settlement.region.hub import HubLine
from settlement.serve.service import Service, ServiceSettings
from settlement.storage.files import drop_expired
from settlement.storage.install import Region, ensure_schema
from settlement.storage.payments import due_payments
from settlement.storage.policies import keep_files
from settlement.storage.statements import list_behind
from settlement.storage.tokens import drop_dead
from settlement.workers.family import FamilyResolver
from settlement.workers.mobile import OrderExpiry
from settlement.workers.tokens import KEPT
from tests.kit.clock import TownClock
from tests.kit.counter import Message
from tests.kit.population import HOME, Place
from tests.kit.reply import Reply, read_reply
from tests.kit.till import TillWorld
from tests.kit.townhall import Townhall
from tests.services import FreshDatabase

LANES = {Shape.ONE_MACHINE: 16, Shape.CLUSTER: 16}
JOURNALS = 2
"""On one machine; a cluster has one for each lane."""
DRAIN_SECONDS = 15.0
PLATFORM = Sm2PrivateKey.of_number(441_902)
"""The key of the town's mobile-payment centre."""


class Town(Townhall):
    """See the module. `service` is the one that the counters speak to unless told otherwise."""

    service: Service

    def __init__(
        self, database: FreshDatabase, *, employees: int, limits: Limits, shape: Shape, lanes: int,
        custody: Custody, place: Place = HOME, clock: TownClock | None = None,
    ) -> None:  # fmt: skip
        self.key_material = new_material(1)
        keyring = Keyring((self.key_material,))
        super().__init__(
            database.owner_dsn, keyring, clock or TownClock(), lanes=lanes, employees=employees,
            place=place,
        )  # fmt: skip
        self.shape = shape
        self.app_dsn = database.app_dsn
        self.limits = limits
        self.channels = TillWorld(self.clock, custody)
        self._services: list[Service] = []

    async def build(self) -> None:
        """Schema, world, service, counters."""
        self.owner = await asyncpg.connect(self.owner_dsn)
        region = Region(
            code=self.place.region, lanes=self.lanes, shape=self.shape,
            journals=self.lanes if self.shape is Shape.CLUSTER else JOURNALS,
        )  # fmt: skip
        await ensure_schema(self.owner, region, app_role="settlement_app", at=self.clock())
        year = self.clock.local.year
        for first in (year, year + 5):  # a town's clock is moved by years, and has no worker
            await self.owner.execute("select settlement.keep_partitions($1, $2)", first, first + 5)
        if self.place.profile:
            await keep_files(
                self.owner, {f"{self.place.region}.toml": self.place.profile}, actor="测试操作员",
                reason="测试统筹区", at=self.clock(),
            )  # fmt: skip
        await self.populate()
        self.service = await self.start_service()
        self.open_counters(self.service)

    async def start_service(
        self, limits: Limits | None = None, *, dsn: str | None = None,
        policies: PolicySet | None = None, decoders: Decoders = NO_DECODERS,
        tills: Tills | None = None, hub: HubLine | None = None,
    ) -> Service:  # fmt: skip
        """One more service on the town's database, as another worker process would be."""
        service = await Service.start(
            ServiceSettings(
                app_dsn=dsn or self.app_dsn, keyring=self.keyring,
                limits=limits or self.limits, clock=self.clock,
                tills=tills or self.channels.tills, decoders=decoders,
                platform_key=PLATFORM, hub=hub,
            ),
            policies,
        )  # fmt: skip
        self._services.append(service)
        return service

    async def stop_service(self, service: Service, *, drain_seconds: float = DRAIN_SECONDS) -> None:
        """Stop one of them."""
        self._services.remove(service)
        await service.stop(drain_seconds)

    async def restart(self, policies: PolicySet | None = None) -> None:
        """The town's service ends and another takes its place, under other policies if given."""
        await self.stop_service(self.service)
        self.service = await self.start_service(policies=policies)
        self.open_counters(self.service)

    async def send_as(self, infno: str, message: Message) -> Reply:
        """Send a message to the address of a transaction, whatever it says itself."""
        return read_reply(await self.service.answer(infno, message.body, message.caller))

    async def list_statements(self) -> None:
        """What the background loop does, until nothing is left to list."""
        connection = await asyncpg.connect(self.app_dsn)
        while await list_behind(connection, blocks_min=1):
            pass
        await connection.close()

    async def end_what_was_left(self, *, after_seconds: float = 16.0) -> int:
        """What the background loop does, so much later, with what processes left between relatives'
        accounts."""
        self.clock.pass_by(timedelta(seconds=after_seconds))
        connection = await asyncpg.connect(self.app_dsn)
        done = await FamilyResolver(self.keyring, clock=self.clock).step(connection)
        await connection.close()
        return done

    async def end_orders(self, *, after_seconds: float) -> int:
        """What the background loop does, so much later, with orders of mobile payment that nobody
        paid."""
        self.clock.pass_by(timedelta(seconds=after_seconds))
        connection = await asyncpg.connect(self.app_dsn)
        done = await OrderExpiry(self.keyring, clock=self.clock).step(connection)
        await connection.close()
        return done

    async def resolve(self, *, seconds: float, by: Service | None = None) -> None:
        """Time passes, and the resolver does what is due, as often as something is."""
        self.clock.pass_by(timedelta(seconds=seconds))
        connection = await asyncpg.connect(self.app_dsn)
        resolver = (by or self.service).resolver
        while await due_payments(connection, by=self.clock(), limit=1):
            await resolver.look(connection)
            await resolver.settled()
        await connection.close()

    async def drop_files(self) -> int:
        """What the background loop does with files whose time is over."""
        connection = await asyncpg.connect(self.app_dsn)
        dropped = await drop_expired(connection, self.clock())
        await connection.close()
        return dropped

    async def drop_tokens(self) -> int:
        """What the background loop does with tokens that died a week ago."""
        connection = await asyncpg.connect(self.app_dsn)
        before = self.clock() - KEPT
        dropped = await drop_dead(connection, before=before, lanes=self.lanes)
        await connection.close()
        return dropped

    async def leave(self) -> None:
        """Stop what runs."""
        for service in list(self._services):
            await self.stop_service(service)
        await self.owner.close()


@asynccontextmanager
async def a_town(
    database: FreshDatabase, *, employees: int = 0, limits: Limits = DEFAULT_LIMITS,
    shape: Shape = Shape.ONE_MACHINE, lanes: int | None = None, custody: Custody = Custody.OWN,
    place: Place = HOME, clock: TownClock | None = None,
) -> AsyncIterator[Town]:  # fmt: skip
    """A town to test in; its books are checked when it is left without a failure."""
    town = Town(
        database, employees=employees, limits=limits, shape=shape, lanes=lanes or LANES[shape],
        custody=custody, place=place, clock=clock,
    )  # fmt: skip
    await town.build()
    try:
        yield town
        await town.assert_books_are_right()
    finally:
        await town.leave()


def small_limits(**changes: float) -> Limits:
    """The limits, but for these: a test of a failure need not wait as long as a caller may."""
    return structs.replace(DEFAULT_LIMITS, **changes)
