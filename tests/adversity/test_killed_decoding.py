"""A process dies between two steps of reading a 医保码; the next one goes on.

Nothing is held before the code is known, so nothing is left behind. The till sends its order again:
either the code is remembered for it, or it is used up, and a fresh one under the same number does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from settlement.serve.service import Service
from tests.kit import population
from tests.kit.population import DEAR
from tests.kit.proxy import DatabaseLine, Fault
from tests.kit.scanner import Scanner, pending_fen
from tests.kit.till import WALLET
from tests.kit.town import Town
from tests.kit.vouchers import Centre, a_centre

pytestmark = pytest.mark.asyncio(loop_scope="module")

Work = Callable[..., Coroutine[Any, Any, Any]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def centre(
    town: Town, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Centre]:
    """Decodes for the town."""
    folder: Path = tmp_path_factory.mktemp("centre")
    async with a_centre(town, folder) as centre:
        yield centre


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def other(centre: Centre) -> Scanner:
    """The counter at the process that takes over."""
    return Scanner(population.PHARMACY, await centre.process())


class Step:
    """A step at which a process stops for good: before it, or when it is done."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()

    def before(self, work: Work) -> Work:
        """It is never done."""

        async def stopped(*given: Any, **named: Any) -> Any:
            self.reached.set()
            await asyncio.Event().wait()

        return stopped

    def after(self, work: Work) -> Work:
        """It is done, and nobody hears of it."""

        async def done(*given: Any, **named: Any) -> Any:
            await work(*given, **named)
            self.reached.set()
            await asyncio.Event().wait()

        return done


async def dies(town: Town, service: Service, *tasks: asyncio.Task[Any]) -> None:
    """Nothing of it goes on."""
    payments = service.payments
    for task in (*tasks, *payments._under_way, *payments._codes._under_way.values()):
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    await town.stop_service(service, drain_seconds=0)


def asked(centre: Centre) -> int:
    """How many codes the centre has decoded."""
    return len(centre.decoder.handed)


@pytest.mark.parametrize(
    ("step", "done", "decoded", "is_remembered"),
    [
        ("decode",         False, 0, False),
        ("decode",         True,  1, False),
        ("remember",       True,  1, False),
        ("claim",          True,  1, True),
    ],
)  # fmt: skip
async def test_order_goes_on_wherever_its_process_died(
    town: Town, centre: Centre, other: Scanner, monkeypatch: pytest.MonkeyPatch, step: str,
    done: bool, decoded: int, is_remembered: bool,
) -> None:  # fmt: skip
    buyer = town.someone()
    service = await centre.process()
    stop = Step()
    place = centre.last_decoder if step == "decode" else service.payments.finder
    wrapped = stop.after if done else stop.before
    before = asked(centre)
    order = other.order(buyer, DEAR, 3, pay_code=WALLET)
    order["person_code"] = centre.code(buyer)
    with monkeypatch.context() as patched:
        patched.setattr(place, step, wrapped(getattr(place, step)))
        scan = asyncio.create_task(Scanner(population.PHARMACY, service).scan(order))
        await stop.reached.wait()
        await dies(town, service, scan)
    assert asked(centre) == before + decoded
    assert (await other.find(order["order_no"])).err_code == "ORDER_UNKNOWN"
    again = await other.scan(order)
    if decoded and not is_remembered:
        assert (again.status, again.err_code) == ("payer_action", "PERSON_CODE_USED")
        again = await other.scan({**order, "person_code": centre.code(buyer)})
    assert again.status == "settled", again
    assert [row["kind"] for row in await town.rows_of(buyer)] == [1]
    assert await pending_fen(town) == 0


@pytest.mark.parametrize("fault", list(Fault))
async def test_hold_that_is_lost_needs_no_second_decoding(
    town: Town, centre: Centre, other: Scanner, line: DatabaseLine, fault: Fault
) -> None:
    buyer = town.someone()
    service = await centre.process(dsn=line.dsn)
    order = other.order(buyer, DEAR, 3, pay_code=WALLET)
    order["person_code"] = centre.code(buyer)
    before = asked(centre)
    line.break_at_next_batch(fault, away=True)
    scan = asyncio.create_task(Scanner(population.PHARMACY, service).scan(order))
    await line.broken.wait()
    await dies(town, service, scan)
    await line.open()
    again = await other.scan(order)
    # What is held has had no answer of the channel yet: the resolver finds that nobody asked it.
    assert again.status == ("settled" if fault is Fault.BEFORE_SEND else "unknown")
    for _ in range(8):
        await town.resolve(seconds=5, by=other.service)
    told = await other.scan(order)
    assert told.status == ("settled" if fault is Fault.BEFORE_SEND else "refused")
    assert asked(centre) == before + 1
    assert await pending_fen(town) == 0
