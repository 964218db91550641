"""A process is gone in the middle of an order of somebody insured elsewhere (ADR 0075): what their
region, the channel and the next process make of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from loadtest.simulators.insured_region import Fault
from protocol.hub.messages import Kind as ToRegion
from tests.kit.foreign_till import an_order, another_region, bring_to_an_end, comes
from tests.kit.population import PHARMACY
from tests.kit.scanner import Scanner
from tests.kit.strangers import Elsewhere
from tests.kit.till import Play
from tests.kit.town import Town
from tests.kit.vouchers import Centre, a_centre

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def centre(town: Town, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Centre]:
    """Decodes for the town, also what people of other regions show."""
    folder: Path = tmp_path_factory.mktemp("centre")
    async with a_centre(town, folder) as centre:
        yield centre


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def there(town: Town, centre: Centre) -> AsyncIterator[Elsewhere]:
    """The other region."""
    async with another_region(town, centre) as there:
        yield there


@pytest_asyncio.fixture(loop_scope="module")
async def scanner(town: Town, there: Elsewhere) -> AsyncIterator[Scanner]:
    """The pharmacy's; nothing stays broken, or on its way."""
    yield Scanner(PHARMACY, there.service)
    there.region.mend()
    await bring_to_an_end(town, there)


async def abandoned(
    town: Town, there: Elsewhere, centre: Centre, scanner: Scanner, order: dict[str, object],
    until: asyncio.Event,
) -> None:  # fmt: skip
    """The process is gone that an order was sent to, once this has happened; another stands."""
    scanning = asyncio.create_task(scanner.scan(order))
    await until.wait()
    until.clear()
    under_way = (scanning, *there.service.payments._under_way)
    await town.stop_service(there.service, drain_seconds=0)
    for task in under_way:
        task.cancel()
    await asyncio.gather(*under_way, return_exceptions=True)
    there.stand_at(await centre.process(hub=there.region))
    scanner.service = there.service


async def test_process_that_is_gone_while_the_region_is_asked_leaves_an_order_that_waits(
    town: Town, scanner: Scanner, there: Elsewhere, centre: Centre
) -> None:
    there.region.fail(ToRegion.SETTLE, Fault.HANGS_AFTER)
    one = comes(there, balance_fen=0)
    order = an_order(scanner, there, centre, one)
    await abandoned(town, there, centre, scanner, order, there.region.hanging)
    assert (await scanner.find(order["order_no"])).status == "unknown"
    await there.resolve(seconds=13)
    assert (await scanner.find(order["order_no"])).status == "payer_action"
    assert (await scanner.scan(order)).status == "settled"


async def test_process_that_is_gone_with_the_channels_answer_leaves_an_order_that_settles(
    town: Town, scanner: Scanner, there: Elsewhere, centre: Centre
) -> None:
    wechat = town.channels.wechat
    wechat.stopped.clear()
    wechat.stop_at = "pay", "after"
    one = comes(there, balance_fen=0)
    order = an_order(scanner, there, centre, one)
    await abandoned(town, there, centre, scanner, order, wechat.stopped)
    wechat.stop_at = None
    assert (await scanner.find(order["order_no"])).status == "unknown"
    await town.resolve(seconds=6, by=there.service)
    assert (await scanner.find(order["order_no"])).status == "settled"
    assert len(await there.rows_of(one)) == 1


async def test_process_that_is_gone_while_it_has_it_taken_back_leaves_it_to_the_next(
    town: Town, scanner: Scanner, there: Elsewhere, centre: Centre
) -> None:
    town.channels.wechat.plays.append(Play.POOR)
    there.region.fail(ToRegion.REVERSE, Fault.HANGS)
    one = comes(there, balance_fen=0)
    order = an_order(scanner, there, centre, one)
    await abandoned(town, there, centre, scanner, order, there.region.hanging)
    assert (await scanner.find(order["order_no"])).status == "unknown"
    await there.resolve(seconds=13)
    assert (await scanner.find(order["order_no"])).status == "refused"
    assert await there.undertaking(one) is None
