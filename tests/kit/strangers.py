"""People insured in another region, at the counters of a town; their region is a stand-in."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from itertools import count

import asyncpg

from loadtest import institution_inputs as inputs
from loadtest.institution_inputs import Patient
from loadtest.simulators.insured_region import InsuredRegion, Someone
from loadtest.world import WorldPerson
from settlement.chart import RegionAccount
from settlement.elsewhere.counterpart import Counterpart
from settlement.gateway import Caller
from settlement.serve.service import Service
from settlement.storage.reference_import import keep_counterparts
from settlement.storage.remote_due import due_cases
from tests.kit.counter import Answering, Counter, Hospital, Message, Pharmacy
from tests.kit.population import HOSPITAL, PHARMACY, REGION
from tests.kit.reply import assert_done
from tests.kit.town import Town

CHANGSHA, GUANGZHOU, DORMANT = "430100", "440100", "450100"
COUNTERPARTS = (
    Counterpart(region=CHANGSHA, name="测试长沙", account_base=5_000_010),
    Counterpart(region=GUANGZHOU, name="测试广州", account_base=5_000_020),
    Counterpart(region=DORMANT, name="测试停用地区", account_base=5_000_100, active=False),
)
_COUNT = count(1)


def somebody(region: str, *, filed: bool = True, balance_fen: int = 50_000) -> Someone:
    """A new person of another region; everything about them is visibly made up."""
    number = next(_COUNT)
    return Someone(
        person_no=f"{region}88{number:012d}", name=f"测试异地{number:04d}",
        certificate_no=f"99999819800101{number:04d}", balance_fen=balance_fen, filed=filed,
        token=f"99{number:026d}", card=f"T88{number:09d}",
    )  # fmt: skip


def patient(someone: Someone) -> Patient:
    """The person at the counter, with the identity card in hand."""
    return Patient(
        person=WorldPerson(
            psn_no=someone.person_no, psn_name=someone.name, psn_cert_type="01",
            certno=someone.certificate_no, mdtrt_cert_type="02",
            mdtrt_cert_no=someone.certificate_no, psn_type="15", insutype="390",
            balance=Decimal(0),
        )
    )  # fmt: skip


class Naming:
    """A service, to whom every message names the region of insurance."""

    def __init__(self, service: Answering, region: str, *, at: str = REGION) -> None:
        self.service = service
        self._said = f'"insuplc_admdvs":"{at}"'.encode()
        self._says = f'"insuplc_admdvs":"{region}"'.encode()

    async def answer(self, infno: str | None, body: bytes, caller: Caller) -> bytes:
        """As of somebody insured there."""
        return await self.service.answer(infno, body.replace(self._said, self._says), caller)


def look_up(counter: Counter, someone: Someone, **changes: object) -> Message:
    """1101 by the identity number."""
    data = {
        "mdtrt_cert_type": "02", "mdtrt_cert_no": someone.certificate_no, "card_sn": "",
        "begntime": "", "psn_cert_type": "01", "certno": someone.certificate_no,
        "psn_name": someone.name, **changes,
    }  # fmt: skip
    return counter.message("1101", {"data": data})


def reversal_of(counter: Counter, original: Message, someone: Someone) -> Message:
    """2601 of a message."""
    content = inputs.reversal(
        psn_no=someone.person_no, omsgid=original.msgid, oinfno=original.infno
    )
    return counter.message("2601", content)


class Elsewhere:
    """Another region beside a town: a service that asks it, and counters which name it."""

    service: Service
    hospital: Hospital
    pharmacy: Pharmacy

    def __init__(self, town: Town, region: str) -> None:
        self.town = town
        self.region = InsuredRegion(region, town.clock)
        self.code = region

    async def open(self) -> None:
        """The region is known in the town, and a service has a line to it."""
        async with self.town.owner.transaction():
            await keep_counterparts(self.town.owner, COUNTERPARTS)
        self.stand_at(await self.town.start_service(hub=self.region))

    def stand_at(self, service: Service) -> None:
        """The counters speak to this service."""
        self.service = service
        naming = Naming(service, self.code)
        self.hospital = Hospital(HOSPITAL, self.town.clock, naming)
        self.pharmacy = Pharmacy(PHARMACY, self.town.clock, naming)

    async def arrives(self, **what: object) -> tuple[Someone, Patient]:
        """Somebody is insured there and was read at the hospital's counter."""
        one = self.region.move_in(somebody(self.code, **what))  # type: ignore[arg-type]
        assert_done(await self.hospital.send(look_up(self.hospital, one)))
        return one, patient(one)

    async def restart(self) -> None:
        """The process is gone, with all that it had under way; another takes its place."""
        await self.town.stop_service(self.service, drain_seconds=0)
        self.stand_at(await self.town.start_service(hub=self.region))

    async def resolve(self, *, seconds: float, by: Service | None = None) -> None:
        """Time passes, and the resolver does what is due, as often as something is."""
        self.town.clock.pass_by(timedelta(seconds=seconds))
        connection = await asyncpg.connect(self.town.app_dsn)
        resolver = (by or self.service).remote_resolver
        while await due_cases(connection, by=self.town.clock(), limit=1):
            await resolver.look(connection)
            await resolver.settled()
        await connection.close()

    async def case_of(self, someone: Someone) -> list[asyncpg.Record]:
        """The person's cases with the kinds of their events."""
        rows: list[asyncpg.Record] = await self.town.owner.fetch(
            "select c.case_no, array_agg(e.kind order by e.event_no) as kinds"
            " from settlement.remote_case c join settlement.remote_event e"
            " on e.lane = c.lane and e.case_no = c.case_no where c.psn_no = $1"
            " group by c.case_no order by c.case_no",
            someone.person_no,
        )
        return rows

    async def rows_of(self, someone: Someone) -> list[asyncpg.Record]:
        """The person's settlement rows with what lies beside them."""
        rows: list[asyncpg.Record] = await self.town.owner.fetch(
            "select t.*, b.insured_region, b.visit_no, b.settlement_no"
            " from settlement.settlement t left join settlement.insured_elsewhere b"
            " on b.lane = t.lane and b.setl_id = t.setl_id where t.psn_no = $1"
            " order by t.setl_time, t.kind, t.setl_id",
            someone.person_no,
        )
        return rows

    async def undertaking(self, someone: Someone) -> int | None:
        """What is under way for the person."""
        found: int | None = await self.town.owner.fetchval(
            "select p.undertaking from settlement.person p where p.psn_no = $1",
            someone.person_no,
        )
        return found

    async def pending(self) -> int:
        """How many holds are open."""
        found: int = await self.town.owner.fetchval(
            "select count(*) from ledger.entry e where e.code = 51 and e.kind = 2 and not exists ("
            " select 1 from ledger.entry r where r.lane = e.lane and r.pending_id = e.entry_id)"
        )
        return found

    async def owed_fen(self) -> int:
        """What the region owes us, by our ledger: funds and accounts."""
        base = next(one.account_base for one in COUNTERPARTS if one.region == self.code)
        accounts = [base + RegionAccount.RECEIVABLE_FUNDS, base + RegionAccount.RECEIVABLE_ACCOUNTS]
        found: int = await self.town.owner.fetchval(
            "select coalesce(sum(case when d.debit = any ($1::bigint[]) then d.amount else"
            " -d.amount end), 0)::bigint from ledger.entry e cross join lateral unnest(e.debits,"
            " e.credits, e.amounts) as d (debit, credit, amount) where e.kind in (1, 3)"
            " and (d.debit = any ($1::bigint[]) or d.credit = any ($1::bigint[]))",
            accounts,
        )
        return found

