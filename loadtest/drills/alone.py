"""How long each transaction takes when nobody else asks: medians, and the two large ones.

`python -m loadtest.drills.alone`: a hospital and a pharmacy send sales, visits and stays one
message after the other, over HTTP with signatures, on a fresh demo server. Then fee lines of a stay
come 200 a message, and the stay of 20,000 lines is quoted. Last, a pharmacy and a hospital are
certified (settlement/certify) some times, which carries out every other transaction of the
interface; what can only be refused there is named, and not timed. Prints a table; times include
the client's own signing, and of sales, visits and stays its encoding.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from loadtest import institution_inputs as inputs
from loadtest import stay_inputs as stays
from loadtest.institution_client import Input, InstitutionClient, Reply, open_clients
from loadtest.institution_inputs import Bought, Patient
from loadtest.population.persons import EMPLOYEE
from loadtest.server import Server
from loadtest.world import World, fetch_world
from protocol.nhsa.registry import TRANSACTIONS
from settlement.certify.candidate import from_demo
from settlement.certify.command import certification
from settlement.client import Institution, Message
from settlement.client.patience import Answered, judge
from settlement.client.wire import Passage

LINES_A_MESSAGE = 200
LINES_OF_THE_LONG_STAY = 20_000
PRICE_MAX = Decimal(60)
PERSONS = 1_000
_COPIES = itertools.count(1)
Took = dict[str, list[float]]
"""Milliseconds of each message, by transaction."""


class Counter:
    """A counter that looks at the clock."""

    def __init__(self, client: InstitutionClient) -> None:
        self.client = client
        self.took: dict[str, list[float]] = {}

    async def ask(self, infno: str, content: Input, *, named: str = "") -> Reply:
        """One message, timed under its number or another name; RuntimeError where refused."""
        began = time.perf_counter()
        reply = await self.client.ask(infno, content)
        self.took.setdefault(named or infno, []).append((time.perf_counter() - began) * 1e3)
        if not reply.is_done:
            raise RuntimeError(f"{infno}: {reply.err_code} {reply.err_msg}")
        return reply


async def sale(counter: Counter, patient: Patient, basket: Sequence[Bought]) -> None:
    """Quoted, settled, taken back."""
    content = inputs.purchase(patient, basket, at=counter.client.now())
    await counter.ask("2101", content)
    paid = (await counter.ask("2102", content)).node("setlinfo")
    await counter.ask("2103", _undo(paid))


async def visit(counter: Counter, patient: Patient, basket: Sequence[Bought]) -> None:
    """Six messages, then found and taken back."""
    at, batch_no = counter.client.now(), f"B{next(_COPIES):08d}"
    await counter.ask("1101", inputs.lookup(patient))
    registered = inputs.registration(patient, visit_no=f"T{batch_no}", at=at)
    mdtrt_id = str((await counter.ask("2201", registered)).node("data")["mdtrt_id"])
    await counter.ask("2203", inputs.diagnosis(patient, mdtrt_id=mdtrt_id, at=at))
    lines = inputs.fee_lines(patient, basket, mdtrt_id=mdtrt_id, batch_no=batch_no, at=at)
    await counter.ask("2204", lines)
    asked = inputs.visit_quote(patient, basket, mdtrt_id=mdtrt_id, batch_no=batch_no)
    quote = (await counter.ask("2206", asked)).node("setlinfo")
    settled = await counter.ask("2207", inputs.visit_settlement(asked, quote))
    paid = settled.node("setlinfo")
    found = {name: paid[name] for name in ("psn_no", "setl_id", "mdtrt_id")}
    await counter.ask("5203", {"data": found})
    await counter.ask("2208", _undo(paid))


async def stay(
    counter: Counter, patient: Patient, basket: Sequence[Bought], *, lines: int, named: str = ""
) -> None:
    """Admitted, lines uploaded, discharged, quoted; a short one is settled and taken back."""
    at = counter.client.now()
    admitted = stays.admission(patient, stay_no=f"Z{next(_COPIES):08d}", at=at)
    mdtrt_id = str((await counter.ask("2401", admitted)).node("result")["mdtrt_id"])
    bought = list(itertools.islice(itertools.cycle(basket), lines))
    for first in range(0, lines, LINES_A_MESSAGE):
        part = bought[first : first + LINES_A_MESSAGE]
        content = stays.fee_lines(patient, part, mdtrt_id=mdtrt_id, at=at, first=first + 1)
        long = len(part) == LINES_A_MESSAGE
        await counter.ask("2301", content, named=f"2301, {LINES_A_MESSAGE} lines" if long else "")
    asked = stays.quote(patient, inputs.total(bought), mdtrt_id=mdtrt_id)
    leaving = stays.discharge(patient, mdtrt_id=mdtrt_id, at=counter.client.now())
    await counter.ask("2402", leaving)
    quote = (await counter.ask("2303", asked, named=named)).node("setlinfo")
    if named:
        return
    settled = await counter.ask("2304", stays.settlement(asked, quote))
    await counter.ask("2305", _undo(settled.node("setlinfo")))


async def others(server: Server, world: World, rounds: int) -> Took:
    """Times of what the checklist of a certification carries out. RuntimeError where one does not
    pass."""
    took: Took = {}

    class Watched(Institution):
        """An institution that looks at the clock."""

        async def attempt(self, message: Message) -> Passage:
            began = time.perf_counter()
            passage = await super().attempt(message)
            if isinstance(judge(passage), Answered):
                took.setdefault(message.infno, []).append((time.perf_counter() - began) * 1e3)
            return passage

    for _, kind in itertools.product(range(rounds), ("pharmacy", "hospital")):
        candidate = await from_demo(server.url, world.of_kind(kind)[0].code)
        report = await certification(candidate, tell=lambda line: None, client=Watched)
        if not report.passed:
            raise RuntimeError(f"{candidate.code} is not certified: {report.counts}")
    return took


def main() -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=40, help="of sales, visits and stays")
    parser.add_argument("--certifications", type=int, default=5, help="of each institution")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="alone-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)  # the embedded servers' user passes through
        with Server(Path(folder) / "data", workers=2, environment=os.environ) as server:
            took = asyncio.run(_measured(server, arguments.times, arguments.certifications))
    print(f"{'transaction':24}{'median ms':>12}{'longest':>12}{'times':>8}")
    for name, times in sorted(took.items()):
        print(f"{name:24}{statistics.median(times):12.1f}{max(times):12.1f}{len(times):8}")
    never = sorted(set(TRANSACTIONS) - {name.split(",")[0] for name in took})
    print(f"{len(TRANSACTIONS) - len(never)} of {len(TRANSACTIONS)}; not carried out: {never}")
    return 0


async def _measured(server: Server, times: int, certifications: int) -> Took:
    world = await asyncio.to_thread(fetch_world, server.url, persons=PERSONS)
    patients = [Patient(person=p) for p in world.persons if p.insutype == EMPLOYEE]
    basket = _basket(world)
    async with open_clients(server.url, world.region) as clients:
        pharmacy, hospital = (
            Counter(clients.of(world.of_kind(kind)[0])) for kind in ("pharmacy", "hospital")
        )
        for patient in patients[:times]:
            await sale(pharmacy, patient, basket[:3])
            await visit(hospital, patient, basket)
            await stay(hospital, patient, basket, lines=8)
        long = f"2303, {LINES_OF_THE_LONG_STAY} lines"
        await stay(
            hospital, patients[times], basket, lines=LINES_OF_THE_LONG_STAY, named=long
        )
    # Where both carry it out, the plain message counts and not the checklist's variants of it.
    rest = await others(server, world, certifications)
    return {**rest, **pharmacy.took, **hospital.took}


def _basket(world: World) -> tuple[Bought, ...]:
    items = [item for item in world.catalogue if 0 < item.price <= PRICE_MAX]
    return tuple(Bought(item=item, quantity=Decimal(1)) for item in items[:8])


def _undo(paid: dict[str, object]) -> Input:
    return inputs.cancel(
        setl_id=str(paid["setl_id"]), mdtrt_id=str(paid["mdtrt_id"]),
        psn_no=str(paid["psn_no"]),
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
