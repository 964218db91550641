"""A HIS and two tills on lines that fail by seed: in the end their books are the server's.

The seed is in pytest's header; what happened on the lines is printed with a failure.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from loadtest.population import make_credential
from loadtest.simulators.audit import differences
from loadtest.simulators.book import Book
from loadtest.simulators.counter import SimulatedCounter
from loadtest.simulators.faults import CrashError, Fault, FaultyWire, VirtualTime
from loadtest.simulators.his import His
from loadtest.simulators.pos import Pos
from settlement.client import (
    FileStore,
    HttpWire,
    Institution,
    Item,
    Operator,
    Patience,
    Patient,
)
from settlement.embedded.services import Services
from tests.kit.population import CAPPED, CLASS_A, CLASS_B, CLASS_C, DEAR, PLAIN, Citizen, some
from tests.kit.served import SEED, ServedTown, a_served_town
from tests.services import FreshDatabase, chosen_environment

pytestmark = pytest.mark.asyncio(loop_scope="module")

CUSTOMERS, SALES, PATIENTS_IN_HOSPITAL = 6, 60, 24
SHARE_OF_FAULTS = 0.3
PATIENCE = Patience(deadline_seconds=3.0, answer_seconds=30.0)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(services: Services, database: FreshDatabase) -> AsyncIterator[ServedTown]:
    """One server; its ledger is verified at the end."""
    async with a_served_town(chosen_environment(services, database)) as town:
        yield town


class Machine:
    """A computer at a counter: what it has on disk, and the program that is started on it."""

    def __init__(
        self, town: ServedTown, kind: type[Pos | His], code: str, directory: Path, *,
        name: str, rng: random.Random, people: list[Citizen],
    ) -> None:  # fmt: skip
        self.kind, self.code, self.rng = kind, code, rng
        self.url = town.gateway.url
        self.people = people
        self.book_path = directory / f"{name}.book"
        self.counter = FileStore(directory / f"{code}.counter")
        self.wire = FaultyWire(
            HttpWire(self.url, connect_seconds=5, answer_seconds=30), rng, share=SHARE_OF_FAULTS
        )
        self.crashes = 0

    def start(self) -> SimulatedCounter:
        """The program, with nothing but what is on disk."""
        credential = make_credential(self.code, seed=SEED)
        time = VirtualTime()
        institution = Institution(
            self.url, self.code, f"test-{self.code}", credential.secret,
            operator=Operator(code="0001", name="测试收费员"), numbers=self.counter,
            patience=PATIENCE, wire=self.wire, read_monotonic=time.monotonic, pause=time.pause,
        )  # fmt: skip
        return self.kind(
            institution, Book(self.book_path), self.rng,
            patients=[patient_of(one) for one in self.people], items=ITEMS,
        )  # fmt: skip

    async def work(self, steps: int) -> None:
        """So many customers, whatever happens."""
        program = self.start()
        done = 0
        while done < steps:
            try:
                await program.recover()
                await program.step()
                done += 1
            except CrashError:
                self.crashes += 1
                program = self.start()

    async def close_of_business(self) -> SimulatedCounter:
        """The line is good again, what was late arrives, what was open is resolved."""
        await self.wire.mend()
        program = self.start()
        await program.recover()
        return program


def patient_of(citizen: Citizen) -> Patient:
    person = citizen.patient.person
    return Patient(
        psn_no=person.psn_no, psn_name=person.psn_name, certno=person.certno,
        mdtrt_cert_no=person.mdtrt_cert_no, psn_type=person.psn_type, insutype=person.insutype,
    )  # fmt: skip


ITEMS = [
    Item(
        med_list_codg=bought.item.med_list_codg, medins_list_codg=bought.item.medins_list_codg,
        price=bought.item.price,
    )
    for bought in map(some, (*PLAIN[:12], CLASS_A, CLASS_B, CLASS_C, CAPPED, DEAR))
]  # fmt: skip


async def test_books_of_two_tills_and_a_hospital_are_the_servers_to_the_fen(
    town: ServedTown, rng: random.Random, tmp_path: Path
) -> None:
    machines = [
        Machine(
            town, Pos, town.pharmacy.code, tmp_path, name="till-1",
            rng=random.Random(rng.random()), people=town.people(CUSTOMERS),
        ),
        Machine(
            town, Pos, town.pharmacy.code, tmp_path, name="till-2",
            rng=random.Random(rng.random()), people=town.people(CUSTOMERS),
        ),
        Machine(
            town, His, town.hospital.code, tmp_path, name="his",
            rng=random.Random(rng.random()), people=town.people(2 * PATIENTS_IN_HOSPITAL),
        ),
    ]  # fmt: skip
    steps = (SALES, SALES, PATIENTS_IN_HOSPITAL)
    try:
        await asyncio.gather(*(one.work(n) for one, n in zip(machines, steps, strict=True)))
        tills, his = [await one.close_of_business() for one in machines[:2]], machines[2]
        ward = await his.close_of_business()
        happened = sum((one.wire.happened for one in machines), Counter[Fault]())
        books = [one.book for one in (*tills, ward)]
        entries = [entry for book in books for entry in book.entries.values()]
        print(happened, Counter((e.message.infno, e.state, e.refusal) for e in entries))
        assert await differences(tills[0].institution, [one.book for one in tills]) == []
        assert await differences(ward.institution, [ward.book]) == []
    finally:
        for machine in machines:
            await machine.wire.close()
    assert len(entries) >= 150
    assert len({entry.message.msgid for entry in entries}) == len(entries)
    assert set(happened) >= {Fault.LOST_AFTER, Fault.LATE, Fault.TWICE}
    assert sum(len(book.standing()) for book in books) >= 30
