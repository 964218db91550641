"""The catalogue of a process: loaded anew beside everything else, and swapped in whole.

200,000 items take seconds to read. They come in pieces over a connection of their own, and between
two pieces the process does whatever waits: no settlement, sign-in or stop switch waits for them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from settlement.catalogue import Catalogue
from settlement.storage.errors import StorageError
from settlement.storage.lease import connection_for
from settlement.storage.reference import catalogue

CATALOGUE = "catalogue"
"""The topic of reference data whose versions are watched here."""
LOAD_SECONDS_MAX = 120.0
"""A database that has not told the whole catalogue by then is not going to."""
logger = logging.getLogger("settlement.catalogue")


class CatalogueWatch:
    """Loads the catalogue when its version changes. What cannot be loaded is not tried again until
    it changes once more; meanwhile the catalogue that is known stays in force."""

    def __init__(
        self, dsn: str, present: Callable[[], Catalogue], swap: Callable[[Catalogue], None]
    ) -> None:
        self._dsn = dsn
        self._present = present
        self._swap = swap
        self._refused: int | None = None
        self._loading: asyncio.Task[None] | None = None
        self.version = 0
        """of the catalogue in force"""

    @property
    def fresh(self) -> bool:
        """Whether the catalogue in force is the newest, or that one is on its way."""
        return self._refused is None

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        """What is to be ended with the process."""
        return [] if self._loading is None else [self._loading]

    def want(self, version: int) -> None:
        """Load this version, unless it is in force, refused, or another one is being loaded."""
        if version in (self.version, self._refused) or self.loading:
            return
        self._loading = asyncio.create_task(self._load(version))

    @property
    def loading(self) -> bool:
        """Whether a version is on its way."""
        return self._loading is not None and not self._loading.done()

    async def _load(self, version: int) -> None:
        try:
            async with connection_for(self._dsn, "settlement-catalogue") as connection:
                # Cut, not cancelled: the end of a transaction would wait for the same database.
                give_up = asyncio.get_running_loop().call_later(
                    LOAD_SECONDS_MAX, connection.terminate
                )
                try:
                    loaded = await catalogue(connection, self._present())
                finally:
                    give_up.cancel()
        except Exception as exc:
            # A database that is away is asked again; data that does not fit is not.
            self._refused = None if isinstance(exc, StorageError) else version
            extra = {"event": "reference.reload.failed", "reason": str(exc)}
            logger.warning("the catalogue could not be read", extra=extra)
            return
        self._swap(loaded)
        self.version, self._refused = version, None
