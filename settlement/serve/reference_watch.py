"""The reference data of a process: what changed is loaded and put into force, while it works.

Stop switches come first, and come also where something else cannot be loaded. What cannot be loaded
leaves in force what is known.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from msgspec import structs

from settlement.catalogue import Catalogue
from settlement.clock import monotonic
from settlement.desk import DecisionDesk
from settlement.gateway import CredentialFact
from settlement.keyring import Keyring
from settlement.serve.catalogue_watch import CATALOGUE, CatalogueWatch
from settlement.serve.list_files import Source
from settlement.storage import reference
from settlement.storage.connect import Reconnecting
from settlement.storage.errors import StorageError
from settlement.storage.lease import PlainConnection
from settlement.storage.policies import load_policy_set
from settlement.telemetry.metrics import METRICS

logger = logging.getLogger("settlement.service")
POLL_SECONDS = 0.4
"""How often reference data is asked for changes: a stop switch is in force within a second."""
LOOK_SECONDS_MAX = 5.0
"""How long a look may take, stop switches included. A connection that something between two
machines forgot says nothing and never breaks: what hangs is given up, the next look has a new one.
"""
LOAD_SECONDS_MAX = 120.0
"""How long it may take to load what changed."""


class ReferenceWatch:
    """Credentials, and the world of a desk, as new as the database has them."""

    def __init__(
        self, *, dsn: str, side: Reconnecting, desk: DecisionDesk, keyring: Keyring,
        versions: dict[str, int], credentials: dict[str, CredentialFact],
        also: Callable[[PlainConnection], Awaitable[None]], looked: Callable[[], None],
    ) -> None:  # fmt: skip
        """`versions` are those of what the desk's world was made of; `also` is done with the
        connection at each look, `looked` after it."""
        self.credentials = credentials
        self.fresh = True
        """Whether what is in force is the newest there is."""
        self._side = side
        self._desk = desk
        self._keyring = keyring
        self._also = also
        self._looked = looked
        self._catalogue = CatalogueWatch(dsn, lambda: desk.world.catalogue, self._swap_catalogue)
        self._catalogue.version = versions.pop(CATALOGUE, 0)
        self._versions = versions
        self._refused: dict[str, int] = {}
        self._switched = versions
        METRICS.switches_at = METRICS.reference_at = monotonic()

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        """What is to be ended with the process, beside `run` itself."""
        return self._catalogue.tasks

    @property
    def catalogue(self) -> Source:
        """The catalogue in force with its version."""
        return Source(self._desk.world.catalogue, self._catalogue.version)

    @property
    def loads_catalogue(self) -> bool:
        """Whether another catalogue is on its way."""
        return self._catalogue.loading

    async def run(self) -> None:
        """Load what changed, twice a second; while that fails, what is known stays in force.

        Data that cannot be loaded (two versions of an item in force together) does not end the
        watch: switches must go on working.
        """
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                self.fresh = await self._look()
                if self.fresh:
                    METRICS.reference_at = monotonic()
                self._looked()
            except Exception as exc:
                if isinstance(exc, StorageError):
                    self._refused = {}
                if self.fresh:
                    extra = {"event": "reference.reload.failed", "reason": str(exc)}
                    logger.warning("reference data could not be read", extra=extra)
                self.fresh = False

    async def _look(self) -> bool:
        """Whether everything is the newest now. Raises StorageError where the database hangs."""
        try:
            async with asyncio.timeout(LOOK_SECONDS_MAX) as limit:
                return await self._reload(limit)
        except TimeoutError as exc:
            self._side.close()
            raise StorageError("the database did not answer in time") from exc

    async def _reload(self, limit: asyncio.Timeout) -> bool:
        """Stop switches first, then the rest; False while the rest is as it was when it failed."""
        async with self._side.use() as connection:
            await self._also(connection)
            versions = await reference.versions(connection)
            self._catalogue.want(versions.pop(CATALOGUE, 0))
            if versions == self._switched:
                METRICS.switches_at = monotonic()
            if versions == self._versions:
                return self._catalogue.fresh
            if versions == self._refused:
                return False
            self._refused = versions
            stopped = await reference.suspensions(connection)
            world = self._desk.world = structs.replace(self._desk.world, suspensions=stopped)
            self.credentials = {
                key: structs.replace(fact, suspended=key in stopped.credentials)
                for key, fact in self.credentials.items()
            }
            self._switched = versions
            METRICS.switches_at = monotonic()
            limit.reschedule(asyncio.get_running_loop().time() + LOAD_SECONDS_MAX)
            policies, profile = world.policies, world.profile
            if versions.get("policies") != self._versions.get("policies"):
                policies = await load_policy_set(connection)
                profile = policies.region(world.region) or profile
            staff = world.staff
            if versions.get("staff") != self._versions.get("staff") or profile is not world.profile:
                staff = await reference.staff(connection, profile)
            institutions = await reference.institutions(connection)
            approved = await reference.cancel_approvals(connection, profile)
            receivers = await reference.receivers(connection)
            counterparts = await reference.counterparts(connection)
            credentials = await reference.credentials(connection, self._keyring, stopped)
        self.credentials = credentials
        self._desk.world = structs.replace(
            self._desk.world, policies=policies, profile=profile, institutions=institutions,
            staff=staff, cancel_approvals=approved, receivers=receivers,
            counterparts=counterparts,
        )  # fmt: skip
        self._versions = versions
        return self._catalogue.fresh

    def _swap_catalogue(self, catalogue: Catalogue) -> None:
        self._desk.world = structs.replace(self._desk.world, catalogue=catalogue)
