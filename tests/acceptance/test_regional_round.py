"""The server compares each day with other regions by itself, over real books and the hub; the two
clocks lie on either side of a midnight that ends a month.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime
from pathlib import Path

from loadtest.simulators.hub_faults import Faults
from settlement.elsewhere.regional_clearing import Side
from settlement.embedded.services import Services
from settlement.region.hub import HubLine
from settlement.serve import regional_prepaid as prepaid
from settlement.serve.regional_prepaid import PrepaidAct
from settlement.serve.regional_reconciling import Told, reconcile, worklist
from settlement.serve.regional_round import RegionRound
from settlement.storage import regional_differences as store
from settlement.telemetry.metrics import METRICS
from tests.acceptance.test_clearing_between_two import (
    CHEN,
    LIN,
    OWED_TO_US,
    WE_OWE,
    books,
    cleared,
    done,
    fen,
    move_to,
    treated,
)
from tests.kit.pair import OTHER, OURS, Pair, a_pair

NOVEMBER = date(2026, 11, 1)
LAST, FIRST = date(2026, 11, 30), date(2026, 12, 1)
BEGINS = datetime(2026, 11, 30, 23, 59, 40)
"""Of the hub: here it is the first of December already, there not yet."""


def round_of(pair: Pair, region: str) -> RegionRound:
    """The loop of a region's server."""

    @asynccontextmanager
    async def line() -> AsyncIterator[HubLine]:
        yield pair.regions[region].line

    return RegionRound(line, clock=pair.towns[region].clock)


async def last(pair: Pair, region: str) -> dict[date, bool]:
    """Days that a region compared with the other one, and whether something of them differs."""
    found = await store.comparisons(pair.towns[region].owner, Side.TREATMENT, NOVEMBER)
    return {day: one.differs for (_, day), one in found.items()}


async def left_in_advance(pair: Pair, fen_left: int) -> None:
    """We leave money with the other region, by two people."""
    for act, who in ((prepaid.propose, CHEN), (prepaid.move, LIN)):
        opened = await books(pair, OURS)
        async with opened.connection.transaction():
            done(await act(
                opened, OTHER, Side.INSURANCE, PrepaidAct.IN, fen_left, "B-1", who
            ))  # fmt: skip


async def test_days_are_compared_every_morning_and_a_month_ends_alike_at_midnight(
    services: Services, tmp_path: Path
) -> None:
    async with a_pair(
        services, begins=BEGINS, faults=Faults(), ahead_seconds=(30.0, -130.0)
    ) as pair:
        for at in (OTHER, OURS):
            days = [pair.towns[region].clock.local.date() for region in (OTHER, OURS)]
            assert days == [LAST, FIRST], "whoever comes today comes tomorrow to the other"
            await treated(pair, pair.towns[pair.elsewhere(at)].people(1)[0], at)
        ours, theirs = round_of(pair, OURS), round_of(pair, OTHER)

        await move_to(pair, datetime(2026, 12, 1, 5, 58))
        assert await theirs.step(pair.towns[OTHER].owner) == 0
        await move_to(pair, datetime(2026, 12, 1, 6, 10))
        assert await theirs.step(pair.towns[OTHER].owner) == 1
        assert await last(pair, OTHER) == {LAST: False}, "a row behind midnight agrees"
        assert await ours.step(pair.towns[OURS].owner) == 0, "nothing of ours is over"

        pair.hub.take_down(OTHER, 3 * 86_400)
        for hour, minute, late in ((6, 10, 0), (6, 16, 0), (10, 10, 1)):
            await move_to(pair, datetime(2026, 12, 2, hour, minute))
            assert await ours.step(pair.towns[OURS].owner) == 0
            assert METRICS.region_days_late == late
        assert await last(pair, OURS) == {}
        pair.hub.take_down(OTHER, 0)
        await move_to(pair, datetime(2026, 12, 2, 16, 20))
        assert await ours.step(pair.towns[OURS].owner) == 1
        assert (await last(pair, OURS), METRICS.region_days_late) == ({FIRST: False}, 0)

        nothing = Told(region=OTHER, side=Side.TREATMENT, day=FIRST, theirs=())
        done(await reconcile(await books(pair, OURS), nothing, CHEN))
        assert await last(pair, OURS) == {FIRST: True}
        await move_to(pair, datetime(2026, 12, 3, 6, 5))
        assert await ours.step(pair.towns[OURS].owner) == 2, "the day before, and what differed"
        assert set((await last(pair, OURS)).values()) == {False}
        assert "nothing differs" in (await worklist(await books(pair, OURS))).text

        owed_fen = await fen(pair, OURS, WE_OWE)
        await left_in_advance(pair, owed_fen * 100 // 80)
        await move_to(pair, datetime(2026, 12, 3, 6, 15))
        await ours.step(pair.towns[OURS].owner)
        assert METRICS.prepaid == {(OTHER, "ours"): (8_000, 1)}, "the yellow alarm"

        # Treated there in November, booked here in December: one month for both.
        await move_to(pair, datetime(2026, 12, 8, 9))
        await cleared(pair, OTHER, NOVEMBER, owed_fen, tmp_path)
        assert await fen(pair, OURS, WE_OWE) == await fen(pair, OTHER, OWED_TO_US) == 0
        await ours.step(pair.towns[OURS].owner)
        assert METRICS.prepaid == {(OTHER, "ours"): (0, 0)}
        METRICS.prepaid = {}
