"""What stands behind the console's pages: connections of its own, keys, templates, the audit.

Reads go over a few connections with a short statement limit, so that no page can be slow for long;
what people do to payments goes over one as the schema's owner, opened for it and closed after it.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import date, datetime, timedelta
from pathlib import Path

import msgspec
from msgspec import Struct

from ledger.postgres.schema import installed_shape
from ledger.postgres.shape import Shape
from settlement.books.monthly_statement import StatementAsked
from settlement.channels.config import ChannelsError, NamedMerchant, merchants_named
from settlement.clock import Clock, system_clock
from settlement.console.downloads import (
    PAPERS,
    STATEMENTS,
    Download,
    kept_bill,
    region_legs,
)
from settlement.console.passwords import Hashes
from settlement.console.templates import Templates
from settlement.console.today import Today
from settlement.console.visits import Visit
from settlement.console.words import Words
from settlement.console.works import Works
from settlement.finance.case_sheet import Keys
from settlement.finance.errands import Place, files_directory
from settlement.finance.month_check import Point
from settlement.finance.month_reminders import reminders
from settlement.finance.office import Office, open_office
from settlement.finance.paper_job import Paper, PaperJob
from settlement.finance.statement_files import Kind
from settlement.finance.statement_job import Job
from settlement.keyring import Keyring
from settlement.policy.loader import PolicySet
from settlement.storage import console_reading, reference
from settlement.storage import console_users as users
from settlement.storage.connect import Several, connect_plain
from settlement.storage.console_files import Shelf
from settlement.storage.console_users import Noted
from settlement.storage.errors import translate
from settlement.storage.lease import PlainConnection
from settlement.storage.policies import load_policy_set
from settlement.storage.regional_clearing import Place as RegionPlace
from settlement.storage.seal_key import seal_key_file

logger = logging.getLogger("settlement.console")

READERS = 4
WRITERS = 2
STATEMENT_SECONDS = 3.0
ACTION_SECONDS = 10.0
SUMS_SECONDS = 15.0
"""The sums of a large hospital's month take longer than a page's statement may."""
REMINDERS_KEPT = timedelta(minutes=1)
DOWNLOADS = 2
"""At the same time; each is a process of its own."""
NAME = "settlement-console"


class DeskSettings(Struct, frozen=True, kw_only=True):
    """What a console is told."""

    app_dsn: str
    owner_dsn: str
    """for what people do to payments, and for nothing else"""
    keyring: Keyring
    run_dir: Path
    """where the gateway processes show their numbers"""
    channels_file: str = ""
    """which merchants there are; their keys are not read here"""
    data_dir: Path
    """whose `secrets` have the keys that finance acts need"""
    clock: Clock = system_clock


class Desk:
    """See the module; `open` once, `close` once."""

    def __init__(self, settings: DeskSettings) -> None:
        self.keyring = settings.keyring
        self.clock = settings.clock
        self.hashes = Hashes()
        self.shape = Shape.ONE_MACHINE
        self.lanes = 0
        self.region = ""
        self.is_demo = False
        self._owner_dsn = settings.owner_dsn
        self._app_dsn = settings.app_dsn
        self._downloads = asyncio.Semaphore(DOWNLOADS)
        self._templates = Templates()
        self.works = Works()
        self.shelf = Shelf(files_directory(settings.data_dir), settings.keyring)
        self.place = Place(
            owner_dsn=settings.owner_dsn, app_dsn=settings.app_dsn,
            data_dir=str(settings.data_dir), channels_file=settings.channels_file,
        )  # fmt: skip
        self._readers = Several(
            settings.app_dsn, NAME, count=READERS, statement_seconds=STATEMENT_SECONDS
        )
        self._writers = Several(
            settings.app_dsn, NAME, count=WRITERS, statement_seconds=STATEMENT_SECONDS
        )
        self.today = Today(self.reading, settings.run_dir)
        self._reminders: dict[date, tuple[datetime, list[Point]]] = {}
        self._policies: tuple[int, PolicySet] | None = None
        self._names: tuple[int, Mapping[str, str]] | None = None
        self._channels_file = settings.channels_file

    async def open(self) -> None:
        """Learn what the database is; again, where it was not there yet."""
        if self.lanes:
            return
        async with self.reading() as connection:
            self.shape = await installed_shape(connection)
            installed = await reference.installation(connection)
        if installed is not None:
            self.lanes = installed.lanes
            self.region = installed.region
            self.is_demo = installed.demo_seed is not None

    def close(self) -> None:
        """Drop all connections."""
        self._readers.close()
        self._writers.close()

    def reading(self) -> AbstractAsyncContextManager[PlainConnection]:
        """A connection to read with; driver exceptions leave as storage errors."""
        return self._readers.use()

    def writing(self) -> AbstractAsyncContextManager[PlainConnection]:
        """A connection for sessions, users, switches and the audit."""
        return self._writers.use()

    @asynccontextmanager
    async def owning(self) -> AsyncIterator[PlainConnection]:
        """A connection as the schema's owner, for one action."""
        connection = await connect_plain(
            self._owner_dsn, name=NAME, seconds=ACTION_SECONDS, statement_seconds=ACTION_SECONDS
        )
        try:
            yield connection
        finally:
            await connection.close()

    @asynccontextmanager
    async def summing(self) -> AsyncIterator[PlainConnection]:
        """A connection of the application's for the sums of a month."""
        connection = await connect_plain(
            self._app_dsn, name=NAME, seconds=SUMS_SECONDS, statement_seconds=SUMS_SECONDS
        )
        try:
            yield connection
        except Exception as exc:
            raise translate(exc) or exc from exc
        finally:
            await connection.close()

    def download(self, asked: StatementAsked, kind: Kind, *, by: str, at: datetime) -> Download:
        """A statement as a file, written by a process of its own once somebody reads it."""
        job = Job(dsn=self._app_dsn, asked=asked, kind=kind, by=by, at=at)
        return Download(STATEMENTS, msgspec.json.encode(job), self._downloads)

    def paper(self, paper: Paper, *, at: datetime) -> Download:
        """What finance hands out, in the same way."""
        job = PaperJob(
            dsn=self._app_dsn, data_dir=self.place.data_dir, paper=paper, at=at
        )
        return Download(PAPERS, msgspec.json.encode(job), self._downloads)

    async def finance(self, connection: PlainConnection) -> Office:
        """The finance department, to read in: as the application, which changes nothing there."""
        return await open_office(
            connection, self._app_dsn, Path(self.place.data_dir), clock=self.clock
        )

    @property
    def has_seal_key(self) -> bool:
        """Whether there is a key to seal a month with."""
        return seal_key_file(Path(self.place.data_dir) / "secrets", os.environ).exists()

    def kept_bill(self, lane: int, sha256: bytes) -> AsyncGenerator[bytes, None]:
        """A bill as it came, once somebody reads it."""
        return kept_bill(self._app_dsn, self._downloads, lane, sha256)

    def region_legs(
        self, place: RegionPlace, institution: str | None
    ) -> AsyncGenerator[bytes, None]:
        """The rows of a month with another region, once somebody reads them."""
        return region_legs(self._app_dsn, self._downloads, place, institution)

    @property
    def may_download(self) -> bool:
        """Whether another one may begin now."""
        return not self._downloads.locked()

    async def sheet_keys(self) -> Keys:
        """What settlement sheets are opened with."""
        return Keys(
            keyring=self.keyring, policies=await self.policies(), shape=self.shape,
            lanes=self.lanes,
        )  # fmt: skip

    async def reminders(self, month: date, at: datetime) -> list[Point]:
        """What is open of a month and does not stand in its way. It is read from all channels'
        rows, so for a minute everybody sees the same."""
        known = self._reminders.get(month)
        if known is None or at - known[0] >= REMINDERS_KEPT:
            async with self.summing() as connection:
                known = self._reminders[month] = at, await reminders(connection, month)
        return known[1]

    async def note(self, noted: Noted, at: datetime) -> None:
        """Tell the audit; it is on disk when this returns."""
        async with self.writing() as connection:
            await users.note(connection, noted, at=at)

    async def policies(self) -> PolicySet:
        """What is in force now; read again when something was loaded."""
        async with self.reading() as connection:
            version = (await reference.versions(connection)).get("policies", 0)
            if self._policies is None or self._policies[0] != version:
                self._policies = version, await load_policy_set(connection)
        return self._policies[1]

    async def institution_names(self) -> Mapping[str, str]:
        """What institutions are called; read again when one was loaded."""
        async with self.reading() as connection:
            version = (await reference.versions(connection)).get("institutions", 0)
            if self._names is None or self._names[0] != version:
                self._names = version, await console_reading.institution_names(connection)
        return self._names[1]

    def merchants(self) -> tuple[NamedMerchant, ...] | None:
        """Which merchants are configured; None where nobody said, or not so that it can be read."""
        if not self._channels_file:
            return None
        try:
            return merchants_named(Path(self._channels_file))
        except ChannelsError as exc:
            logger.warning("no merchants", exc_info=exc, extra={"event": "console.no-merchants"})
            return None

    def render(
        self, template: str, visit: Visit, title: Words, content: Mapping[str, object]
    ) -> bytes:
        """A page as bytes."""
        return self._templates.render(template, visit, title, content)

    def asset(self, name: str) -> tuple[bytes, str] | None:
        """A style or script of ours with its type."""
        return self._templates.asset(name)
