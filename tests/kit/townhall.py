"""What a town knows and keeps, whoever answers in it: its people, its database, its books.

When a town is left, its ledger is verified and every owner's trial balance must come to zero: no
test of behaviour passes on books that do not balance.
"""

from __future__ import annotations

from datetime import date, timedelta

import asyncpg
import msgspec
from asyncpg import Connection, Record

from ledger.audit import VerifyReport
from ledger.postgres.fold import trial_balance
from settlement.demo.loader import (
    add_institutions,
    add_items,
    add_persons,
    open_agency_accounts,
)
from settlement.keyring import Keyring, LookupKind
from settlement.lanes import lane_of, lane_of_key
from settlement.person import FamilyLink
from settlement.storage.connect import verify_pool
from settlement.storage.queries import REFERENCE
from settlement.storage.reference_import import keep_counterparts
from settlement.storage.switches import record_token, switch
from settlement.storage.verify import verify
from settlement.usecases.booking import detail_record
from settlement.view import decode_years
from tests.kit import population
from tests.kit.clock import TownClock
from tests.kit.counter import Answering, Hospital, Pharmacy
from tests.kit.population import HOME, Citizen, Kind, Place
from tests.kit.reply import Reply
from tests.kit.rewriting import rewrite_person


class Townhall:
    """See the module. `owner` is a connection as the schema's owner."""

    owner: Connection[Record]
    pharmacy: Pharmacy
    other_pharmacy: Pharmacy
    hospital: Hospital
    other_hospital: Hospital

    def __init__(
        self, owner_dsn: str, keyring: Keyring, clock: TownClock, *, lanes: int, employees: int,
        place: Place = HOME,
    ) -> None:  # fmt: skip
        self.owner_dsn = owner_dsn
        self.keyring = keyring
        self.clock = clock
        self.lanes = lanes
        self.employees = employees
        self.place = place
        self._people: dict[Kind, list[Citizen]] = {kind: [] for kind in Kind}
        for kind, citizen in population.citizens(
            employees, region=place.region, after=place.persons_after
        ):
            self._people[kind].append(citizen)

    async def populate(self) -> None:
        """Everybody moves in, shops open, the catalogue is there."""
        everybody = [one.insured for kind in self._people.values() for one in kind]
        async with self.owner.transaction():
            await open_agency_accounts(self.owner, self.place.region)
            await add_institutions(self.owner, self.keyring, self.place.institutions)
            await keep_counterparts(self.owner, self.place.counterparts)
            await add_items(self.owner, population.ITEMS)
            await add_persons(
                self.owner, self.keyring, everybody, lanes=self.lanes, at=self.clock()
            )

    def open_counters(self, service: Answering) -> None:
        """Counters that speak to a service."""
        pharmacy, other_pharmacy, hospital, other_hospital = self.place.institutions
        self.pharmacy = Pharmacy(pharmacy, self.clock, service)
        self.other_pharmacy = Pharmacy(other_pharmacy, self.clock, service)
        self.hospital = Hospital(hospital, self.clock, service)
        self.other_hospital = Hospital(other_hospital, self.clock, service)

    def someone(self, kind: Kind = Kind.EMPLOYEE) -> Citizen:
        """A person of a kind whom no test has met."""
        return self._people[kind].pop()

    def borrowed(self) -> Citizen:
        """An employee for messages that must leave no trace; the next such test meets them too."""
        return self._people[Kind.EMPLOYEE][0]

    def people(self, number: int) -> list[Citizen]:
        """So many employees whom no test has met."""
        return [self.someone() for _ in range(number)]

    def neighbours(self) -> tuple[Citizen, Citizen]:
        """Two new employees who live in the same lane."""
        met: dict[int, Citizen] = {}
        while True:
            citizen = self.someone()
            lane = lane_of(citizen.number, self.lanes)
            if lane in met:
                return met[lane], citizen
            met[lane] = citizen

    def strangers(self) -> tuple[Citizen, Citizen]:
        """Two new employees who live in different lanes."""
        first = second = self.someone()
        while lane_of(second.number, self.lanes) == lane_of(first.number, self.lanes):
            second = self.someone()
        return first, second

    async def bind(
        self, citizen: Citizen, *donors: Citizen, relation: str = "01",
        since: date = date(2020, 1, 1), until: date = date.max,
    ) -> None:  # fmt: skip
        """These relatives consent that their accounts pay for the citizen, in this order, as an
        import would have it."""
        links = [
            FamilyLink(
                donor_no=donor.number, relation=relation, order=order, consented_on=since,
                ends_on=until,
            )
            for order, donor in enumerate(donors, 1)
        ]  # fmt: skip
        told = msgspec.json.encode(links).decode()
        await rewrite_person(self.owner, self.keyring, citizen.number, family=told)

    async def moves_of(self, citizen: Citizen) -> list[tuple[int, int]]:
        """What became of money of the citizen's account that was for relatives: kinds, amounts."""
        rows = await self.owner.fetch(
            "select m.kind, m.amount_fen from settlement.family_move m where m.psn_no = $1"
            " order by m.moved_at, m.kind",
            citizen.number,
        )
        return [(row["kind"], row["amount_fen"]) for row in rows]

    async def under_way(self, citizen: Citizen) -> int | None:
        """The undertaking that is open for the citizen."""
        found: int | None = await self.owner.fetchval(
            "select p.undertaking from settlement.person p where p.psn_no = $1", citizen.number
        )
        return found

    async def rows_of(self, citizen: Citizen) -> list[Record]:
        """The person's settlement rows, in the order in which they were written."""
        rows: list[Record] = await self.owner.fetch(
            "select t.* from settlement.settlement t where t.psn_no = $1 order by t.setl_time,"
            " t.kind, t.setl_id",
            citizen.number,
        )
        return rows

    async def balance_fen(self, citizen: Citizen) -> int:
        """What is in the personal account."""
        found = await self.owner.fetchval(
            "select b.credits - b.debits - b.debits_pending from ledger.balance b"
            " join settlement.person p on p.lane = b.lane and p.account = b.account"
            " where p.psn_no = $1",
            citizen.number,
        )
        assert isinstance(found, int)
        return found

    async def detail_of(self, settled: Reply) -> str:
        """The personal part of a settlement, opened: JSON."""
        return await self.detail_of_number(int(settled.setl_id))

    async def detail_of_number(self, number: int) -> str:
        """The same, by the settlement's number."""
        row = await self.owner.fetchrow(
            "select d.lane, d.key_version, d.payload from settlement.settlement_detail d"
            " where d.setl_id = $1",
            number,
        )
        assert row is not None
        record = detail_record(row["lane"], number)
        return self.keyring.open(row["payload"], record, row["key_version"]).decode()

    async def accumulators(self, citizen: Citizen) -> dict[str, dict[str, int]]:
        """The person's accumulators, by year and name."""
        text = await self.owner.fetchval(
            "select s.accumulators from settlement.person s where s.psn_no = $1",
            citizen.number,
        )
        return {year: document.values for year, document in decode_years(text).items()}

    async def issue_token(
        self, citizen: Citizen, token: str, *, institution: str, seconds: int = 300
    ) -> None:
        """The person opens the payment code; the institution scans it."""
        key = self.keyring.lookup_key(LookupKind.TOKEN, token)
        assert await record_token(
            self.owner, lane=lane_of(citizen.number, self.lanes), person_no=citizen.number, key=key,
            key_lane=lane_of_key(key, self.lanes), institution=institution,
            expires_at=self.clock() + timedelta(seconds=seconds),
        )  # fmt: skip

    async def switch(self, kind: str, subject: str, *, on: bool) -> None:
        """An operator stops somebody or something, or lets it go on."""
        await switch(
            self.owner, kind=kind, subject=subject, reason="测试停用", actor="测试操作员",
            suspended=on, at=self.clock(),
        )  # fmt: skip

    async def reconnected(self) -> bool:
        """Whether the database answers us; a lost connection is opened anew."""
        try:
            if self.owner.is_closed():
                self.owner = await asyncpg.connect(self.owner_dsn)
            return bool(await self.owner.fetchval("select true"))
        except (
            OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError
        ):  # fmt: skip
            # The last where the connection was lost in the middle of an exchange.
            self.owner.terminate()
            return False

    async def bump(self, topic: str) -> None:
        """Tell every process that reference data of a topic changed."""
        await self.owner.execute(REFERENCE["bump"], topic)

    async def verified(self) -> VerifyReport:
        """Everything recomputed."""
        async with verify_pool(self.owner_dsn) as pool:
            return await verify(pool, year=self.clock.local.year, keyring=self.keyring)

    async def assert_books_are_right(self) -> None:
        """The ledger verifies, and the trial balance of every owner comes to zero."""
        report = await self.verified()
        assert report.ok, report.first_bad
        for owner in ("agency", *(one.code for one in self.place.institutions)):
            trial = await trial_balance(self.owner, owner)
            assert trial.is_balanced, trial
