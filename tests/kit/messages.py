"""The simulated gateway of messages to persons beside a town, and the loop that asks it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import asyncpg

from loadtest.simulators.sms_gateway import SmsBook, SmsGatewaySimulator
from settlement.outbox import SMS_GATEWAY, Kind
from settlement.storage.outbox import set_receiver, undelivered
from settlement.workers.outbox import Lines, OutboxSender
from tests.kit.citizen_app import keep_credential
from tests.kit.town import PLATFORM, Town
from tests.kit.waiting import until
from tests.services import temporary_directory

KEY, SECRET = "sms-gateway-0001", "test-secret-of-the-sms-gateway-0001"


class Messages:
    """The gateway, and the loop that asks it."""

    def __init__(self, town: Town, gateway: SmsGatewaySimulator) -> None:
        self.gateway = gateway
        self._town = town
        self._lines = Lines()
        self._sender = OutboxSender(
            town.keyring, PLATFORM, clock=town.clock, post=self._lines.post
        )

    async def deliver(self, *, seconds: float = 0.0) -> None:
        """Time passes, and the loop does what is due until nothing is."""
        self._town.clock.pass_by(timedelta(seconds=seconds))
        connection = await asyncpg.connect(self._town.app_dsn)
        await self._sender.step(connection)
        while True:
            await self._sender.settled()
            if not await self._sender.step(connection):
                break
        await connection.close()

    async def close(self) -> None:
        """No more."""
        await self._lines.close()
        await self.gateway.stop()


@asynccontextmanager
async def a_gateway(town: Town) -> AsyncIterator[Messages]:
    """One that the town knows; in the end everything is delivered."""
    await keep_credential(town, SMS_GATEWAY, KEY, SECRET)
    with temporary_directory() as directory:
        gateway = SmsGatewaySimulator(KEY, SECRET, SmsBook(Path(directory) / "sms"))
        url = await gateway.start()
        assert await set_receiver(
            town.owner, SMS_GATEWAY, Kind.SMS, (f"{url}/sms", KEY), reason="测试",
            actor="测试操作员", at=town.clock(),
        )  # fmt: skip

        async def heard() -> bool:
            return (SMS_GATEWAY, Kind.SMS) in town.service._desk.world.receivers

        await until(heard)
        told = Messages(town, gateway)
        yield told
        await told.deliver(seconds=100_000)
        assert gateway.refused == []
        assert await undelivered(town.owner, limit=10) == []
        await told.close()
