"""What commands about bills need of the database, where they run beside a server as its owner."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Mapping
from datetime import timedelta
from pathlib import Path

from msgspec import Struct

from settlement.bill import BillKind
from settlement.channels.config import ChannelsError, load_tills
from settlement.channels.port import Channel, FundBills
from settlement.channels.registry import NO_TILLS, Tills
from settlement.channels.signer import Signer
from settlement.clock import Clock, Moment, moment, system_clock
from settlement.demo.channels import channels_folder
from settlement.embedded.errors import ServiceError
from settlement.embedded.services import open_database
from settlement.lanes import lane_of
from settlement.numbers import NumberBlock
from settlement.payment import ChannelName
from settlement.said import UNUSABLE, Said
from settlement.storage import reference
from settlement.storage.connect import connect_plain
from settlement.storage.errors import StorageError
from settlement.storage.lease import PlainConnection
from settlement.storage.queries import REFERENCE

CHANNELS_VARIABLE = "SETTLEMENT_CHANNELS"
CHANNELS_NAME = "channels.toml"
WITHOUT_BILLS = frozenset({ChannelName.ONECODE})
"""Channels of which no form of a bill is known."""

WITH_FUNDS = frozenset({ChannelName.WECHAT, ChannelName.ALIPAY})
"""Channels that have a bill of movements beside that of payments."""


class BillBooks(Struct, frozen=True, kw_only=True):
    """See the module."""

    connection: PlainConnection
    lanes: int
    moment: Moment
    numbers: NumberBlock
    tills: Tills = NO_TILLS

    def lane_of(self, merchant: str) -> int:
        """The lane of a merchant number."""
        return lane_of(merchant, self.lanes)

    def next_number(self, lane: int) -> int:
        """The next number in a lane."""
        return self.numbers.next(lane, self.moment.business_day)

    @property
    def merchants(self) -> Mapping[tuple[ChannelName, str], Channel]:
        """Merchants that have bills."""
        return {
            key: channel
            for key, channel in self.tills.merchants().items()
            if key[0] not in WITHOUT_BILLS
        }


def kinds_at(channel: ChannelName) -> tuple[BillKind, ...]:
    """The same by a channel's name, for whoever has no door to it; none where it has no bills."""
    if channel in WITHOUT_BILLS:
        return ()
    return tuple(BillKind) if channel in WITH_FUNDS else (BillKind.TRADE,)


def kinds_of(channel: Channel) -> tuple[BillKind, ...]:
    """Which bills a merchant has a day. UnionPay's adjustments come with its transactions."""
    if isinstance(channel, FundBills):
        return BillKind.TRADE, BillKind.FUNDS
    return (BillKind.TRADE,)


async def open_books(
    connection: PlainConnection, tills: Tills, *, clock: Clock = system_clock
) -> BillBooks:
    """Read what all acts need. StorageError where the database is not prepared."""
    installed = await reference.installation(connection)
    if installed is None:
        raise StorageError("the database is not prepared: start `settlement serve` first")
    closed = await reference.closed_through(connection)
    return BillBooks(
        connection=connection,
        lanes=installed.lanes,
        moment=moment(clock, not_before=None if closed is None else closed + timedelta(days=1)),
        numbers=NumberBlock(await connection.fetchval(REFERENCE["number_block"])),
        tills=tills,
    )


def channels_file(data_dir: Path, environment: Mapping[str, str]) -> Path | None:
    """Which merchants there are: of the environment, of the data directory, of the demonstration;
    None where nobody said."""
    named = environment.get(CHANNELS_VARIABLE)
    candidates = (
        [Path(named)] if named
        else [data_dir / CHANNELS_NAME, channels_folder(data_dir) / CHANNELS_NAME]
    )  # fmt: skip
    return next((one for one in candidates if named or one.exists()), None)


def run(data_dir: Path, act: Callable[[BillBooks], Coroutine[None, None, Said]]) -> Said:
    """Open the books of a data directory for one act."""
    try:
        return asyncio.run(_with_books(data_dir, act))
    except (ServiceError, StorageError, ChannelsError) as exc:
        return Said(UNUSABLE, f"settlement: {exc}")


async def _with_books(
    data_dir: Path, act: Callable[[BillBooks], Coroutine[None, None, Said]]
) -> Said:
    file, signer = channels_file(data_dir, os.environ), Signer()
    try:
        tills = NO_TILLS if file is None else load_tills(file, signer=signer, clock=system_clock)
        async with open_database(data_dir, os.environ) as database:
            connection = await connect_plain(database.owner_dsn, name="settlement-bills")
            try:
                return await act(await open_books(connection, tills))
            finally:
                await connection.close()
                for channel in tills.merchants().values():
                    await channel.close()
    finally:
        signer.close()
