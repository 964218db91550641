"""Payers who take their time: a payment that waits for one costs its process next to nothing."""

from __future__ import annotations

import asyncio
import gc
import os
from pathlib import Path

import pytest

from tests.kit.population import CLASS_C
from tests.kit.scanner import a_scanner
from tests.kit.till import WALLET, Play
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")

WAITING = int(os.environ.get("SETTLEMENT_TEST_WAITING", "1000"))
KIB_EACH_MAX = 20
"""Ten thousand of them: 200 MiB."""
COUNTERS = 500


def resident_kib() -> int:
    """What this process has in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024


async def test_waiting_payers_fit_in_little_memory(town: Town) -> None:
    async with a_scanner(town) as scanner:
        orders = [scanner.order(None, CLASS_C, 2, pay_code=WALLET) for _ in range(WAITING)]
        town.channels.wechat.plays.extend([Play.CONFIRM] * WAITING)
        gc.collect()
        before_kib = resident_kib()
        for first in range(0, WAITING, COUNTERS):
            some = orders[first : first + COUNTERS]
            replies = await asyncio.gather(*map(scanner.scan, some))
            assert {reply.status for reply in replies} == {"payer_action"}
        await town.resolve(seconds=6)  # everybody is asked about once
        more_kib = resident_kib() - before_kib
        for number in list(town.channels.wechat.book.asked):
            town.channels.wechat.confirm(number)
        await town.resolve(seconds=12)
        statuses = {(await scanner.find(order["order_no"])).status for order in orders[::50]}
    print(f"{WAITING} waiting: {more_kib / 1024:.1f} MiB more")
    assert statuses == {"settled"}
    assert more_kib < KIB_EACH_MAX * WAITING
