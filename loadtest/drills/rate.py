"""How many scan-to-pay settlements a second, and what each costs, without faults.

`python -m loadtest.drills.rate`: insured sales by the three channels in a closed loop, in turns
with the same sales paid in cash, so that what a channel leg adds can be told from what a
scan costs anyway. Then one sale at a time, for the time that it adds. The simulators sign and check
like the channels, on the same processors. Its ledger is verified; a run that does not verify counts
for nothing (exit status 1).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections import deque
from collections.abc import Sequence
from itertools import count, islice
from pathlib import Path

import msgspec
import uvloop
from msgspec import Struct

from loadtest import attach
from loadtest.drills.line import Line, LineBrokenError, Pen
from loadtest.drills.orders import CHANNELS, Customers, Planned, Wallets
from loadtest.drills.simulators import answering_ms
from loadtest.processes import cpu_seconds_by_kind, read_processes
from loadtest.report import Figure
from loadtest.server import Server
from loadtest.simulators.mobile_world import RECEIVER
from loadtest.simulators.payer_codes import Behaviour
from loadtest.world import World, fetch_world

WARM_UP_SECONDS = 2.0
AHEAD_PER_SECOND = 700
"""So many orders are thought of before a window; whatever is sold beyond them, in it."""
ALONE = 15
"""Sales one at a time, of each sort."""
SETTLED = b'"status":"settled"'


class Window(Struct, frozen=True, kw_only=True):
    """What happened in one window."""

    settled: int
    other: int
    seconds: float
    cpu_seconds: dict[str, float]

    @property
    def per_second(self) -> float:
        """Settlements."""
        return self.settled / self.seconds


class Sales:
    """An endless supply of orders, whose payers have their phone ready."""

    def __init__(self, server: Server, world: World, *, seed: int) -> None:
        self._server = server
        self._pharmacies = world.of_kind("pharmacy")
        self._customers = Customers(world, seed=seed, stamp=int(time.time()))
        self._wallets = Wallets()
        self._orders = filter(_is_insured, map(self._customers.order, count()))
        self._prepared: deque[Planned] = deque()
        self._pens = [
            Pen(one, server.address, name=f"rate-{one.code}") for one in self._pharmacies
        ]

    def prepare(self, orders: int) -> None:
        """Think of so many orders ahead, so that it is no part of what is measured."""
        self._prepared.extend(islice(self._orders, max(orders - len(self._prepared), 0)))

    def request(self, channel: str) -> bytes:
        """One sale paid over a channel, or in cash."""
        order = self._prepared.popleft() if self._prepared else next(self._orders)
        body = dict(order.body)
        if channel == "cash":
            body["tender"] = {"kind": "cash"}
        else:
            body["pay_code"] = self._wallets.show(channel, Behaviour.OK)
        pen = self._pens[order.institution]
        return pen.request("POST", "/pay/scan", msgspec.json.encode(body))

    async def window(self, channels: Sequence[str], *, tills: int, seconds: float) -> Window:
        """A closed loop of so many tills."""
        self.prepare(round(AHEAD_PER_SECOND * (WARM_UP_SECONDS + seconds)) + tills)
        counts = {True: 0, False: 0}
        lines = [Line(self._server.address) for _ in range(tills)]

        async def sell(line: Line, nth: int) -> None:
            for turn in count(nth):
                reply = await line.ask(self.request(channels[turn % len(channels)]))
                counts[SETTLED in reply[1]] += 1

        tasks = [asyncio.create_task(sell(line, n)) for n, line in enumerate(lines)]
        await asyncio.sleep(WARM_UP_SECONDS)
        before, cpu, began = dict(counts), self._cpu(), time.monotonic()
        await asyncio.sleep(seconds)
        passed, after, spent = time.monotonic() - began, dict(counts), self._cpu()
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if not isinstance(ended, asyncio.CancelledError):
                raise LineBrokenError(f"a till stopped: {ended!r}")
        for line in lines:
            line.hang_up()
        return Window(
            settled=after[True] - before[True], other=after[False] - before[False], seconds=passed,
            cpu_seconds={kind: spent[kind] - cpu.get(kind, 0.0) for kind in spent},
        )  # fmt: skip

    async def alone_ms(self, channel: str) -> float:
        """Median of sales one after the other, in milliseconds."""
        line, times = Line(self._server.address), []
        for _ in range(ALONE):
            request = self.request(channel)
            began = time.perf_counter()
            await line.ask(request)
            times.append((time.perf_counter() - began) * 1e3)
        line.hang_up()
        return statistics.median(times)

    def _cpu(self) -> dict[str, float]:
        places = attach.places_of(self._server.data_dir)
        spent = cpu_seconds_by_kind(read_processes(), server_pid=self._server.pid, places=places)
        return spent | {"tills": time.process_time()}


def main() -> int:
    """Run and print; 1 where the ledger does not verify."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="rate-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)  # the embedded servers' user passes through
        with Server(
            Path(folder) / "data", workers=arguments.workers, environment=os.environ
        ) as server:
            figures = uvloop.run(_measured(server, arguments))
            figures["verify_ok"] = server.verify().ok
    print(json.dumps(figures, indent=2))
    return 0 if figures["verify_ok"] else 1


def _is_insured(order: Planned) -> bool:
    """Only they may pay in cash: a sale without insurance and without a channel is no scan."""
    return "person_code" in order.body


async def _measured(server: Server, arguments: argparse.Namespace) -> dict[str, Figure]:
    world = await asyncio.to_thread(fetch_world, server.url, persons=arguments.persons)
    sales = Sales(server, world, seed=arguments.seed)
    windows: dict[str, list[Window]] = {"channels": [], "cash": []}
    for _ in range(arguments.rounds):
        for name, channels in (("channels", CHANNELS), ("cash", ("cash",))):
            windows[name].append(
                await sales.window(channels, tills=arguments.tills, seconds=arguments.seconds)
            )
    figures: dict[str, Figure] = {"load": " ".join(f"{one:.1f}" for one in os.getloadavg())}
    for name, taken in windows.items():
        figures[name] = _summary(taken)
    figures["alone_ms"] = {one: round(await sales.alone_ms(one), 2) for one in ("cash", *CHANNELS)}
    asked = {one: url for one, url in server.simulators.items() if one != RECEIVER}
    answering = await asyncio.to_thread(answering_ms, asked)
    figures["simulator_ms"] = dict[str, Figure](answering)
    return figures


def _summary(windows: Sequence[Window]) -> dict[str, Figure]:
    """Medians over windows, processor time over all of them."""
    settled = max(sum(one.settled for one in windows), 1)
    kinds = sorted({kind for one in windows for kind in one.cpu_seconds})
    return {
        "settled_per_s": round(statistics.median(one.per_second for one in windows), 1),
        "windows_per_s": [f"{one.per_second:.0f}" for one in windows],
        "not_settled": sum(one.other for one in windows),
        "cpu_us": {
            kind: round(sum(one.cpu_seconds.get(kind, 0.0) for one in windows) * 1e6 / settled)
            for kind in kinds
        },
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8.0, help="of a window")
    parser.add_argument("--tills", type=int, default=512, help="connections")
    parser.add_argument("--persons", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
