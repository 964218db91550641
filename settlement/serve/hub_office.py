"""What one process knows of other regions: keys and certificates, as new as the database has them.

What cannot be proved any more (another root, a damaged row) is left out and told; the rest works.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress

from protocol.hub.certificates import Certificate, CertificateError, SecretKeys, read_certificate
from protocol.hub.post import Post
from protocol.hub.sealing import Sealer
from settlement.clock import Clock
from settlement.elsewhere.counterpart import Counterpart
from settlement.keyring import Keyring, UndecipherableError
from settlement.region.hub import HubDesk
from settlement.region.hub_config import HubSettings
from settlement.region.hub_door import PostDoor
from settlement.region.hub_line import HttpCarrier, PostLine
from settlement.region.hub_wire import Registry
from settlement.storage import hub as store
from settlement.storage import reference
from settlement.storage.connect import Reconnecting
from settlement.storage.errors import StorageError
from settlement.storage.hub import StoredHub

logger = logging.getLogger("settlement.hub")
POLL_SECONDS = 0.4
"""A withdrawn certificate is worth nothing within a second."""


class HubOffice:
    """The line and the door of a process, and the watch that keeps both new. `open` one."""

    def __init__(
        self, settings: HubSettings, region: str, side: Reconnecting, keyring: Keyring, clock: Clock
    ) -> None:
        self._settings = settings
        self._region = region
        self._side = side
        self._keyring = keyring
        self._clock = clock
        self._sealer = Sealer()
        self._version = -1
        self._broken = ""
        self._carrier = HttpCarrier(settings.address, connect_seconds=settings.connect_seconds)
        self.registry = self._made(StoredHub(identities=(), certificates=(), withdrawals={}), {})
        self.line = PostLine(lambda: self.registry, self._carrier, clock)
        self._watch: asyncio.Task[None] | None = None

    @classmethod
    async def open(
        cls, settings: HubSettings, *, dsn: str, keyring: Keyring, clock: Clock
    ) -> HubOffice:
        """With all that the database knows, and watching it. Raises StorageError."""
        side = Reconnecting(dsn, "settlement-hub")
        async with side.use() as connection:
            installed = await reference.installation(connection)
        if installed is None:
            raise StorageError("the database is not prepared: start `settlement serve` first")
        self = cls(settings, installed.region, side, keyring, clock)
        await self.look()
        self._watch = asyncio.create_task(self._run())
        return self

    def door(self, desk: Callable[[], HubDesk | None]) -> PostDoor:
        """The door to a desk."""
        return PostDoor(lambda: self.registry, desk, self._clock)

    async def look(self) -> None:
        """Load what changed. Raises StorageError, UndecipherableError; then what is known stays."""
        async with self._side.use() as connection:
            version = (await reference.versions(connection)).get(store.TOPIC, 0)
            if version == self._version:
                return
            stored = await store.read_hub(connection, self._keyring)
            counterparts = await reference.counterparts(connection)
        self.registry = self._made(stored, counterparts)
        self._version = version

    async def stop(self) -> None:
        """Stop watching and give back connections."""
        if self._watch is not None:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch
        self._carrier.close()
        self._side.close()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                await self.look()
                self._broken = ""
            except (StorageError, UndecipherableError) as exc:
                if str(exc) != self._broken:
                    extra = {"event": "hub.registry.failed", "reason": str(exc)}
                    logger.warning("keys and certificates could not be read", extra=extra)
                self._broken = str(exc)

    def _made(self, stored: StoredHub, counterparts: Mapping[str, Counterpart]) -> Registry:
        identities: list[tuple[SecretKeys, Certificate]] = []
        for one in stored.identities:
            own = self._proved(one.certificate, self._region) if one.certificate else None
            if own is not None:
                identities.append((one.keys, own))
        others = (self._proved(one.content, one.region) for one in stored.certificates)
        post = Post(
            self._region, identities=identities, withdrawn=stored.withdrawals,
            certificates=[one for one in others if one is not None],
            window_seconds=self._settings.window_seconds, sealer=self._sealer,
        )  # fmt: skip
        return Registry(post=post, counterparts=counterparts)

    def _proved(self, content: str, region: str) -> Certificate | None:
        try:
            certificate = read_certificate(content, self._settings.root_key)
        except CertificateError as exc:
            extra = {"event": "hub.certificate.unproved", "region": region, "reason": str(exc)}
            logger.error("a certificate is not proved and is left out", extra=extra)
            return None
        return certificate if certificate.region == region else None
