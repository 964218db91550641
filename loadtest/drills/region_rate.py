"""How many settlements between two regions a second, and what each costs, without faults.

`python -m loadtest.drills.region_rate`: pharmacies of the other region sell to people of ours, whom
they know already (1101), in a closed loop: one message a sale, which the other region's gateway
puts to ours through the hub. Then one sale at a time. Both ledgers are verified; a run that does
not verify counts for nothing (exit status 1).
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
from collections.abc import Iterator
from decimal import Decimal
from itertools import cycle
from pathlib import Path

import msgspec
from msgspec import Struct

from loadtest import institution_inputs as inputs
from loadtest.desk import Desk, spoken_time
from loadtest.drills.line import Line, LineBrokenError
from loadtest.drills.two_regions import OURS, THEIRS, TwoRegions, two_regions
from loadtest.generator.framing import ACCEPTED
from loadtest.institution_client import Input
from loadtest.institution_inputs import Bought, Patient
from loadtest.population.persons import EMPLOYEE
from loadtest.report import Figure
from loadtest.world import World, fetch_world

WARM_UP_SECONDS = 2.0
ALONE = 200
"""Sales one at a time."""
SETTLING_DOWN = 20
LOOKUPS_AT_A_TIME = 64
PRICE_YUAN_MAX = 60
_ENCODE = msgspec.json.Encoder(decimal_format="number").encode


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


class Alone(Struct, frozen=True, kw_only=True):
    """Sales one after the other, seconds of each: what the counter waited, of that what passed from
    the question's arrival at the hub until its answer left, and of that until it was answered."""

    whole: list[float]
    at_hub: list[float]
    at_insured: list[float]
    at_home: list[float]
    """of sales to the same people in their own region, in turns with the others"""

    def figures(self) -> dict[str, Figure]:
        """Medians in milliseconds. A side's own time is from what it is asked to what it answers,
        less what it waits for the other one; the sockets of one machine are in it."""
        whole, at_hub = _median_ms(self.whole), _median_ms(self.at_hub)
        return {
            "alone_ms": whole,
            "own_treated_ms": round(whole - at_hub, 2),
            "own_insured_ms": _median_ms(self.at_insured),
            "alone_at_home_ms": _median_ms(self.at_home),
        }


class Shops:
    """The other region's pharmacies, and people of ours who come by one after the other."""

    def __init__(self, regions: TwoRegions, treated: World, insured: World) -> None:
        self._regions = regions
        self._address = regions.servers[THEIRS].address
        self._home_address = regions.servers[OURS].address
        self._desks = _desks(treated, THEIRS, self._address)
        self._home_desks = _desks(insured, OURS, self._home_address)
        self._patients = [
            Patient(person=one) for one in insured.persons if one.insutype == EMPLOYEE
        ]
        self._queue = cycle(self._patients)
        self._baskets = _baskets(treated)
        self._home_baskets = _baskets(insured)
        self.refused: dict[str, int] = {}

    async def get_to_know(self) -> None:
        """1101 of everybody."""
        waiting = iter(self._patients)

        async def ask() -> None:
            line = Line(self._address)
            for patient in waiting:
                await self._send(line, "1101", inputs.lookup(patient))
            line.hang_up()

        await asyncio.gather(*(ask() for _ in range(LOOKUPS_AT_A_TIME)))

    async def window(self, *, counters: int, seconds: float) -> Window:
        """A closed loop of so many counters."""
        counts = {True: 0, False: 0}
        lines = [Line(self._address) for _ in range(counters)]

        async def sell(line: Line) -> None:
            while True:
                counts[await self._sell(line)] += 1

        tasks = [asyncio.create_task(sell(line)) for line in lines]
        await asyncio.sleep(WARM_UP_SECONDS)
        before, cpu, began = dict(counts), self._regions.cpu_seconds(), time.monotonic()
        own = time.process_time()
        await asyncio.sleep(seconds)
        passed, after = time.monotonic() - began, dict(counts)
        spent = self._regions.cpu_seconds() | {"generator": time.process_time()}
        cpu["generator"] = own
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if not isinstance(ended, asyncio.CancelledError):
                raise LineBrokenError(f"a counter stopped: {ended!r}")
        for line in lines:
            line.hang_up()
        return Window(
            settled=after[True] - before[True], other=after[False] - before[False], seconds=passed,
            cpu_seconds={kind: spent[kind] - cpu.get(kind, 0.0) for kind in spent},
        )  # fmt: skip

    async def alone(self) -> Alone:
        """Sales one after the other."""
        line, home_line = Line(self._address), Line(self._home_address)
        times: list[float] = []
        at_home: list[float] = []
        for _ in range(SETTLING_DOWN):  # batches of the crowd are still what is usual
            await self._sell(line)
        hub = self._regions.hub
        await asyncio.to_thread(hub.times)
        for _ in range(ALONE):
            began = time.perf_counter()
            await self._sell(line)
            between = time.perf_counter()
            await self._sell_at_home(home_line)
            times.append(between - began)
            at_home.append(time.perf_counter() - between)
        line.hang_up()
        home_line.hang_up()
        seen = await asyncio.to_thread(hub.times)
        return Alone(
            whole=times, at_hub=seen.whole, at_insured=seen.at_regions, at_home=at_home
        )  # fmt: skip

    async def _sell(self, line: Line) -> bool:
        content = _purchase(next(self._queue), next(self._baskets))
        return await self._send(line, "2102", content)

    async def _sell_at_home(self, line: Line) -> None:
        content = _purchase(next(self._queue), next(self._home_baskets))
        if not await self._send(line, "2102", content, desks=self._home_desks):
            raise LineBrokenError(f"a sale at home was refused: {self.refused}")

    async def _send(
        self, line: Line, infno: str, content: Input, *, desks: Iterator[Desk] | None = None
    ) -> bool:
        request = next(desks or self._desks).request(infno, _ENCODE(content))
        _, body = await line.ask(request)
        if ACCEPTED in body:
            return True
        code = _code_in(body)
        self.refused[code] = self.refused.get(code, 0) + 1
        return False


def main() -> int:
    """Run and print; 1 where a ledger does not verify."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="rate-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o711)  # the embedded servers' user passes through
        with two_regions(
            folder, os.environ, workers=arguments.workers, persons=arguments.persons,
            keep_book=False,
        ) as regions:  # fmt: skip
            worlds = [
                fetch_world(regions.servers[one].url, persons=arguments.persons)
                for one in (THEIRS, OURS)
            ]
            figures = asyncio.run(_measured(Shops(regions, *worlds), arguments))
            verified = [server.verify().ok for server in regions.servers.values()]
    figures["verify_ok"] = all(verified)
    print(json.dumps(figures, ensure_ascii=False, indent=2))
    return 0 if figures["verify_ok"] else 1


async def _measured(shops: Shops, arguments: argparse.Namespace) -> dict[str, Figure]:
    await shops.get_to_know()
    windows = [
        await shops.window(counters=arguments.counters, seconds=arguments.seconds)
        for _ in range(arguments.rounds)
    ]
    settled = max(sum(one.settled for one in windows), 1)
    kinds = sorted({kind for one in windows for kind in one.cpu_seconds})
    figures: dict[str, Figure] = {
        "load": " ".join(f"{one:.1f}" for one in os.getloadavg()),
        "settled_per_s": round(statistics.median(one.per_second for one in windows), 1),
        "windows_per_s": [f"{one.per_second:.0f}" for one in windows],
        "not_settled": sum(one.other for one in windows),
        "refused": dict[str, Figure](shops.refused),
        "cpu_us": {
            kind: round(sum(one.cpu_seconds.get(kind, 0.0) for one in windows) * 1e6 / settled)
            for kind in kinds
        },
    }  # fmt: skip
    return figures | (await shops.alone()).figures()


def _desks(world: World, region: str, address: tuple[str, int]) -> Iterator[Desk]:
    """The pharmacies of a region, at which only people of ours buy."""
    host, now = ":".join(map(str, address)), int(time.time())
    return cycle(
        [
            Desk(one, index=number, region=region, host=host, from_second=now, insured_in=OURS)
            for number, one in enumerate(world.of_kind("pharmacy"))
        ]
    )


def _baskets(world: World) -> Iterator[list[Bought]]:
    items = [one for one in world.catalogue if 1 <= one.price <= PRICE_YUAN_MAX]
    return cycle([[Bought(item=one, quantity=Decimal(1))] for one in items[:200]])


def _purchase(patient: Patient, basket: list[Bought]) -> Input:
    at = spoken_time(int(time.time())).decode()
    return inputs.purchase(patient, basket, at=at)


def _median_ms(seconds: list[float]) -> float:
    return round(statistics.median(seconds) * 1e3, 2)


def _code_in(body: bytes) -> str:
    return str(msgspec.json.decode(body, type=dict[str, object]).get("err_code", ""))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8.0, help="of a window")
    parser.add_argument("--counters", type=int, default=256, help="connections")
    parser.add_argument("--persons", type=int, default=10_000, help="of each region")
    parser.add_argument("--workers", type=int, default=1, help="gateways of each region")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
