"""Scan-to-pay beside the mixed load of a drill of faults: a few tills that sell all the time.

They are those of the drill of channels (`till.py`), at pharmacies and to persons of their own. In
the end their books, the ledger and the channels' own books are held against each other.
"""

from __future__ import annotations

import asyncio
import time
from itertools import count

from msgspec import structs

from loadtest import attach
from loadtest.drills.audit import Findings, compare
from loadtest.drills.orders import ON_PHONE, Customers, Wallets
from loadtest.drills.shift import channels_of, until_resolved
from loadtest.drills.simulators import read_books
from loadtest.drills.till import Believed, Till
from loadtest.payers_phone import a_phone
from loadtest.server import Server
from loadtest.world import World

PHARMACIES = 10
PERSONS_SHARE = 10
"""One person in so many buys at these tills, and nowhere else."""
PAUSE_SECONDS = 0.4
"""Between two customers of a till."""


def shared_out(world: World) -> tuple[World, World]:
    """The institutions and persons of the tills, and those of the mixed load."""
    pharmacies = world.of_kind("pharmacy")[:PHARMACIES]
    rest = [one for one in world.institutions if one not in pharmacies]
    few = len(world.persons) // PERSONS_SHARE
    return (
        structs.replace(world, institutions=pharmacies, persons=world.persons[:few]),
        structs.replace(world, institutions=rest, persons=world.persons[few:]),
    )


class FaultTills:
    """Tills that sell until told to stop."""

    def __init__(self, server: Server, world: World, *, tills: int, seed: int) -> None:
        self._server = server
        self._customers = Customers(
            world, seed=seed, stamp=int(time.time()), impatient=1.0, on_phone=ON_PHONE
        )
        self._world = world
        self._names = [f"F{n}" for n in range(tills)]
        self._tills: list[Till] = []
        self._numbers = count()
        self._enough = asyncio.Event()

    @property
    def believed(self) -> list[Believed]:
        """What all tills believe."""
        return [one for till in self._tills for one in till.believed]

    async def sell(self) -> None:
        """Until told to stop."""
        address, wallets = self._server.address, Wallets()
        places = channels_of(self._server) if self._names else {}
        async with a_phone(places) as phone:
            self._tills = [
                Till(name, address, self._world.institutions, self._customers, wallets, phone)
                for name in self._names
            ]
            await asyncio.gather(*(self._busy(till) for till in self._tills))

    def stop(self) -> None:
        """No more customers."""
        self._enough.set()

    async def close(self) -> Findings:
        """After `sell`: wait until nothing is open, and compare all books. Raises AttachError."""
        still_open, _, seconds = await until_resolved(self._server)
        await asyncio.gather(*(till.close_of_business() for till in self._tills))
        books = await asyncio.to_thread(read_books, channels_of(self._server))
        attempts = await attach.read_attempts(self._server.data_dir)
        ledger = await attach.read_clearing(self._server.data_dir)
        findings = compare(self.believed, books, attempts, ledger)
        if still_open:
            findings.unresolved.append(f"{still_open} payments are open after {seconds:.0f} s")
        return findings

    async def _busy(self, till: Till) -> None:
        while not self._enough.is_set():
            await till.work(iter([next(self._numbers)]))
            await asyncio.sleep(PAUSE_SECONDS)
