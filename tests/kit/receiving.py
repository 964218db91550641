"""Institutions that are told: a receiver on a real wire, and the outbox's loop, test-driven."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import asyncpg

from loadtest.simulators.receiver import NoticeBook, ReceiverSimulator
from protocol.nhsa.mobile_envelope import Party
from settlement.outbox import Kind
from settlement.storage.outbox import Undelivered, set_receiver, undelivered
from settlement.workers.outbox import Lines, OutboxSender
from tests.kit.mobile import SECRET, keep_credential
from tests.kit.sealing import PRIVATE
from tests.kit.town import PLATFORM, Town
from tests.kit.waiting import until
from tests.services import temporary_directory


class Told:
    """A receiver of an institution, and the loop that tells it."""

    def __init__(self, town: Town, institution: str, receiver: ReceiverSimulator) -> None:
        self.town = town
        self.institution = institution
        self.receiver = receiver
        self.book = receiver.book
        self.lines = Lines()
        self.sender = OutboxSender(
            town.keyring, PLATFORM, clock=town.clock, post=self.lines.post
        )

    async def deliver(self, *, seconds: float = 0.0) -> None:
        """Time passes, and the loop does what is due until nothing is."""
        self.town.clock.pass_by(timedelta(seconds=seconds))
        connection = await asyncpg.connect(self.town.app_dsn)
        await self.sender.step(connection)
        while True:
            await self.sender.settled()
            if not await self.sender.step(connection):
                break
        await connection.close()

    async def step_and_die(self) -> None:
        """A worker sends what is due and dies before it writes down that it was taken."""
        connection = await asyncpg.connect(self.town.app_dsn)
        other = OutboxSender(
            self.town.keyring, PLATFORM, clock=self.town.clock, post=self.lines.post
        )
        await other.step(connection)
        await other.settled()
        await connection.close()

    async def owed(self) -> list[Undelivered]:
        """The worklist of this institution."""
        connection = await asyncpg.connect(self.town.app_dsn)
        found = await undelivered(connection, limit=1_000)
        await connection.close()
        return [one for one in found if one.institution == self.institution]


@asynccontextmanager
async def a_receiver(
    town: Town, institution: str, *, path: Path | None = None
) -> AsyncIterator[Told]:
    """The institution registers its key and its addresses, and listens. When it is left, it has
    been told everything, and hears no more."""
    access_key = f"mobile-{institution}-0001"
    await keep_credential(town, institution, access_key)
    with temporary_directory() as directory:
        receiver = ReceiverSimulator(
            Party(app_id=access_key, secret=SECRET), key=PRIVATE, platform=PLATFORM.public,
            book=NoticeBook((path or directory) / "notices"),
        )  # fmt: skip
        url = await receiver.start()
        for kind, tail in ((Kind.MOBILE, "/notify"), (Kind.WEBHOOK, "/webhook")):
            assert await set_receiver(
                town.owner, institution, kind, (url + tail, access_key), reason="测试",
                actor="测试操作员", at=town.clock(),
            )  # fmt: skip
        await _known(town, institution, known=True)
        told = Told(town, institution, receiver)
        try:
            yield told
            receiver.plan = []
            await told.deliver(seconds=100_000)
            assert await told.owed() == []
        finally:
            for kind in Kind:
                await set_receiver(
                    town.owner, institution, kind, None, reason="测试", actor="测试操作员",
                    at=town.clock(),
                )  # fmt: skip
            await _known(town, institution, known=False)
            await told.lines.close()
            await receiver.stop()


async def _known(town: Town, institution: str, *, known: bool) -> None:
    """The services have heard of it."""

    async def heard() -> bool:
        receivers = town.service._desk.world.receivers  # what a service knows is its own business
        return ((institution, Kind.MOBILE) in receivers) is known

    await until(heard)
