"""A shift of all tills: the orders of a drill are sold, and meanwhile a gateway may be killed."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator, Sequence
from itertools import islice

from msgspec import Struct

from loadtest import attach
from loadtest.drills.orders import CHANNELS, Afterwards, Customers, Wallets
from loadtest.drills.simulators import advance_clocks
from loadtest.drills.till import Believed, Till
from loadtest.payers_phone import a_phone
from loadtest.processes import read_processes
from loadtest.server import Server
from loadtest.simulators.payer_codes import Behaviour
from loadtest.world import World

RESOLVED_SECONDS_MAX = 600.0
LOOK_SECONDS = 0.5
LATE_SECONDS = 240.0
"""So far the channels' clocks are moved ahead at the end: what is late has come by then. Less than
the five minutes by which a notification's time may be off."""
GATEWAY_WORD = "settlement.serve.worker"
ALONE = 60
"""So many sales are made one after the other, before any fault and before the crowd comes."""


class Shift(Struct, frozen=True, kw_only=True):
    """What came of it."""

    tills: Sequence[Till]
    seconds: float
    killed_pid: int | None

    @property
    def believed(self) -> list[Believed]:
        """What all tills believe."""
        return [one for till in self.tills for one in till.believed]

    @property
    def outages(self) -> list[float]:
        """Seconds from a broken line, or an answer that said so, to the next good answer."""
        return [seconds for till in self.tills for seconds in till.outages]


def in_no_hurry(customers: Customers, *, payments: int) -> list[int]:
    """Numbers of orders with which nothing happens but that they are paid."""
    orders = (customers.order(number) for number in range(payments))
    calm = (
        int(one.order_no[-8:])
        for one in orders
        if one.behaviour is Behaviour.OK
        and one.afterwards is Afterwards.NOTHING
        and not (one.vanishes or one.twice or one.on_phone)
    )
    return list(islice(calm, min(ALONE, payments // 10)))


async def sell(
    server: Server, world: World, customers: Customers, *, orders: Sequence[int], tills: int,
    kill: bool, name: str = "T",
) -> Shift:  # fmt: skip
    """The orders with these numbers, by so many tills, none of which has the name of another that
    ever asked the server; half way one gateway process is killed, if it shall be."""
    wallets, pharmacies = Wallets(), world.of_kind("pharmacy")
    half = asyncio.Event()
    numbers = _numbers(orders, half)
    began = time.monotonic()
    killed: int | None = None
    async with a_phone(channels_of(server)) as phone, asyncio.TaskGroup() as group:
        crowd = [
            Till(f"{name}{n}", server.address, pharmacies, customers, wallets, phone)
            for n in range(tills)
        ]
        for till in crowd:
            group.create_task(till.work(numbers))
        if kill:
            await half.wait()
            killed = kill_gateway(server.pid)
    return Shift(tills=crowd, seconds=time.monotonic() - began, killed_pid=killed)


async def close_of_business(shift: Shift) -> None:
    """Every till looks up what it left open."""
    await asyncio.gather(*(till.close_of_business() for till in shift.tills))


def channels_of(server: Server) -> dict[str, str]:
    """Those where the customers of a drill pay; codes of people are decoded without faults."""
    return {name: server.simulators[name] for name in CHANNELS}


async def until_resolved(server: Server) -> tuple[int, int, float]:
    """Payments that are still open, those that are the turn of people, and how long it took: until
    nothing is open, also after everything came that was late."""
    began = time.monotonic()
    seconds: float | None = None
    late = False
    while True:
        still_open, peoples_turn = await attach.read_open_payments(server.data_dir)
        passed = time.monotonic() - began
        if passed > RESOLVED_SECONDS_MAX or (not still_open and late):
            return still_open, peoples_turn, passed if seconds is None else seconds
        if not still_open:
            seconds = passed
            advance_clocks(channels_of(server), LATE_SECONDS)
            late = True
        await asyncio.sleep(LOOK_SECONDS)


def kill_gateway(supervisor_pid: int) -> int:
    """kill -9, by number; the supervisor starts another one. Raises LookupError."""
    for process in read_processes():
        if process.parent == supervisor_pid and GATEWAY_WORD in process.command:
            os.kill(process.pid, signal.SIGKILL)
            return process.pid
    raise LookupError("there is no gateway process to kill")


def _numbers(orders: Sequence[int], half: asyncio.Event) -> Iterator[int]:
    """All numbers, for whichever till is free; tells when half are taken."""
    for place, number in enumerate(orders):
        if place == len(orders) // 2:
            half.set()
        yield number
