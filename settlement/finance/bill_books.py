"""What commands about bills need of the database, where they run beside a server as its owner."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from settlement.books.bill import BillKind
from settlement.channels.config import ChannelsError, NamedMerchant, load_tills
from settlement.channels.port import Channel, FundBills
from settlement.channels.registry import NO_TILLS, Tills
from settlement.channels.signer import Signer
from settlement.clock import Clock, system_clock
from settlement.demo.channels import channels_folder
from settlement.payments.payment import ChannelName
from settlement.said import Said
from settlement.serve.acts import connected, run_act
from settlement.storage.bookkeeping import Bookkeeping, open_bookkeeping
from settlement.storage.lease import PlainConnection

CHANNELS_VARIABLE = "SETTLEMENT_CHANNELS"
CHANNELS_NAME = "channels.toml"
WITH_FUNDS = frozenset({ChannelName.WECHAT, ChannelName.ALIPAY})
"""Channels that have a bill of movements beside that of payments."""


class BillBooks(Bookkeeping, frozen=True, kw_only=True):
    """See the module."""

    tills: Tills = NO_TILLS
    named: frozenset[tuple[ChannelName, str]] = frozenset()
    """merchants that are known by their numbers alone, where nobody speaks to channels"""

    @property
    def known(self) -> Collection[tuple[ChannelName, str]]:
        """Whose bills are ours; nobody where no merchants are configured."""
        return self.named or self.merchants.keys()

    @property
    def merchants(self) -> Mapping[tuple[ChannelName, str], Channel]:
        """Merchants that somebody speaks to."""
        return self.tills.merchants()


def kinds_at(channel: ChannelName) -> tuple[BillKind, ...]:
    """The same by a channel's name, for whoever has no door to it."""
    return tuple(BillKind) if channel in WITH_FUNDS else (BillKind.TRADE,)


def kinds_of(channel: Channel) -> tuple[BillKind, ...]:
    """Which bills a merchant has a day. UnionPay's adjustments come with its transactions."""
    if isinstance(channel, FundBills):
        return BillKind.TRADE, BillKind.FUNDS
    return (BillKind.TRADE,)


async def open_books(
    connection: PlainConnection, tills: Tills, *, clock: Clock = system_clock,
    named: Iterable[NamedMerchant] = (),
) -> BillBooks:  # fmt: skip
    """Read what all acts need. StorageError where the database is not prepared."""
    known = frozenset((one.channel, one.merchant_no) for one in named)
    opened = await open_bookkeeping(connection, clock=clock)
    return opened.of(BillBooks, tills=tills, named=known)


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
    return run_act(_books(data_dir), act, ChannelsError)


@asynccontextmanager
async def _books(data_dir: Path) -> AsyncIterator[BillBooks]:
    file, signer = channels_file(data_dir, os.environ), Signer()
    try:
        tills = NO_TILLS if file is None else load_tills(file, signer=signer, clock=system_clock)
        async with connected(data_dir, "settlement-bills") as (_, connection):
            try:
                yield await open_books(connection, tills)
            finally:
                for channel in tills.merchants().values():
                    await channel.close()
    finally:
        signer.close()
