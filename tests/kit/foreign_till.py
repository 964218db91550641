"""A till that people of another region scan to pay at: who comes, what they buy, and how everything
that they left comes to its end.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from loadtest.simulators.insured_region import Someone
from protocol.scan import ScanReply
from tests.kit.population import CLASS_B
from tests.kit.scanner import Scanner, clearing_fen, pending_fen
from tests.kit.strangers import CHANGSHA, Elsewhere, somebody
from tests.kit.till import WALLET
from tests.kit.town import Town
from tests.kit.vouchers import Centre


@asynccontextmanager
async def another_region(town: Town, centre: Centre) -> AsyncIterator[Elsewhere]:
    """One with a line to it, whose people's codes are decoded; in the end nothing is held, and all
    books agree."""
    there = Elsewhere(town, CHANGSHA)
    await there.open()
    there.stand_at(await centre.process(hub=there.region))
    yield there
    there.region.mend()
    await bring_to_an_end(town, there)
    assert await there.pending() == 0
    assert await pending_fen(town) == 0
    assert await there.owed_fen() == there.region.owes_fen
    for channel in (town.channels.wechat, town.channels.alipay):
        assert await clearing_fen(town, channel.name) == channel.book.balance_fen


async def bring_to_an_end(town: Town, there: Elsewhere) -> None:
    """Time passes until neither the channel nor the region is asked for anything any more."""
    town.channels.wechat.plays.clear()
    town.channels.wechat.silent = False
    for _ in range(3):
        await town.resolve(seconds=70, by=there.service)
        await there.resolve(seconds=70)


def comes(there: Elsewhere, **what: object) -> Someone:
    """Somebody of the other region, who was never here before."""
    return there.region.move_in(somebody(CHANGSHA, **what))  # type: ignore[arg-type]


def an_order(
    scanner: Scanner, there: Elsewhere, centre: Centre, one: Someone, *, pay_code: str = WALLET,
    **more: object,
) -> dict[str, object]:  # fmt: skip
    """10 boxes of 乙 for 100.00, of which 10.00 are pre-self-pay: the fund pays 54.00, the account
    what it has."""
    order = scanner.order(None, CLASS_B, 10, pay_code=pay_code, **more)
    return {**order, "person_code": centre.code_of_guest(one, there.code)}


async def sell(
    scanner: Scanner, there: Elsewhere, centre: Centre, **more: object
) -> tuple[Someone, dict[str, object], ScanReply]:  # fmt: skip
    """An order as it comes, of somebody with nothing in the account."""
    one = comes(there, balance_fen=0)
    order = an_order(scanner, there, centre, one, **more)  # type: ignore[arg-type]
    return one, order, await scanner.scan(order)
