"""A month between two real regions: real cases, stated by who treated, taken and paid by who
insures, each with its own books; at the end neither owes the other anything.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import msgspec
from msgspec.structs import replace

from loadtest import institution_inputs as inputs
from loadtest.simulators.hub_faults import Faults
from protocol.hub.clearing import DayList, HubRow
from settlement.chart import RegionAccount
from settlement.elsewhere.regional_clearing import Side, month_after
from settlement.embedded.services import Services
from settlement.said import Said
from settlement.serve import regional_paying as paying
from settlement.serve.regional_asking import Wanted, compare_over_line
from settlement.serve.regional_books import RegionalBooks, open_books
from settlement.serve.regional_desk import Named, acting_on
from settlement.serve.regional_periods import Found
from settlement.serve.regional_stating import state
from settlement.serve.regional_taking import Sent, take
from settlement.who import Who
from tests.kit.pair import OTHER, OURS, Pair, a_pair
from tests.kit.population import CLASS_B, PLAIN, Citizen, some
from tests.kit.reply import Reply, assert_done
from tests.kit.scanner import Scanner
from tests.kit.till import WALLET

CHEN, LIN = Who(actor="陈会计", reason="月度清算"), Who(actor="林科长", reason="复核")
MONTH = date(2026, 11, 1)
BASKET = (some(PLAIN[5], 10), some(CLASS_B, 10))
IN_ADVANCE = {"input.data.exp_content": '{"FULAMT_ADVPAY_FLAG":"1"}'}
OWED_TO_US = (RegionAccount.RECEIVABLE_FUNDS, RegionAccount.RECEIVABLE_ACCOUNTS)
WE_OWE = (RegionAccount.PAYABLE_FUNDS, RegionAccount.PAYABLE_ACCOUNTS)


async def treated(pair: Pair, who: Citizen, at: str, *, in_advance: bool = False) -> Reply:
    """Somebody from the other region has a visit."""
    hospital, said = pair.hospital(at), IN_ADVANCE if in_advance else {}
    assert_done(await hospital.ask("1101", inputs.lookup(who.patient)))
    visit = await hospital.open_visit(who, *BASKET)
    quoted = visit.quote(*BASKET).edited(said)
    quote = await hospital.send(quoted)
    settled = await hospital.send(visit.settlement(quoted, quote).edited(said))
    assert_done(settled)
    await pair.advance(60)
    return settled


async def scanned(pair: Pair, who: Citizen, at: str) -> None:
    """Somebody from the other region scans to pay in a pharmacy."""
    town = pair.towns[at]
    scanner = Scanner(town.place.institutions[0], town.service)
    order = scanner.order(
        None, CLASS_B, 3, pay_code=WALLET, person_code=who.patient.person.certno,
        insuplc_admdvs=pair.elsewhere(at), acct_used_flag="0",
    )  # fmt: skip
    sold = await scanner.scan(order)
    assert sold.status == "settled", sold


async def fen(pair: Pair, region: str, accounts: tuple[RegionAccount, ...]) -> int:
    """What is owed, whichever way, in one region's books."""
    return sum([abs(await pair.credit_fen(region, one)) for one in accounts])


async def move_to(pair: Pair, at: datetime) -> None:
    """It is that local time."""
    await pair.advance((at - pair.towns[OURS].clock.local).total_seconds())


async def books(pair: Pair, region: str) -> RegionalBooks:
    """As a command opens them."""
    return await open_books(pair.towns[region].owner, clock=pair.towns[region].clock)


def of_hub_list(pair: Pair, at: str, day: date) -> DayList:
    """What the hub's own book has of people who came to a region that day."""
    return DayList(
        told_by="hub", treated=at, insured=pair.elsewhere(at), day=day,
        rows=tuple(
            HubRow(
                case_no=one.case, reversal=one.reversal, total_fen=one.total_fen,
                fund_fen=one.fund_fen, account_fen=one.account_fen,
            )
            for one in pair.hub.book.rows_of(f"{day}")
            if one.treated == at
        ),
    )  # fmt: skip


async def compared(pair: Pair, at: str, day: date) -> None:
    """The day agrees with what the other region tells over the hub."""
    line = pair.regions[at].line
    other = pair.elsewhere(at)
    of_hub = of_hub_list(pair, at, day)
    wanted = Wanted(day=day, region=other, hub_file=("hub.json", msgspec.json.encode(of_hub)))
    said = await compare_over_line(await books(pair, at), line, wanted, CHEN)
    done(said)
    assert "平台 2 笔" in said.text, said.text
    assert "一致 2 笔" in said.text and "全部一致" in said.text, said.text
    assert "当日 2 笔，前后各一日共 0 笔" in said.text, said.text


async def a_silent_region_is_named(pair: Pair, day: date) -> None:
    """And nothing is compared with it."""

    async def asked(region: str | None, hub: DayList | None = None) -> Said:
        file = None if hub is None else ("hub.json", msgspec.json.encode(hub))
        wanted = Wanted(day=day, region=region, hub_file=file)
        line = pair.regions[OURS].line
        return await compare_over_line(await books(pair, OURS), line, wanted, CHEN)

    pair.hub.take_down(OTHER, 3600)
    silent = await asked(OTHER)
    assert silent.status == 1 and "not compared" in silent.text, silent.text
    assert "测试商洛" in silent.text
    nobody = await asked("999900")
    assert nobody.status == 1 and "未登记" in nobody.text
    pair.hub.take_down(OTHER, 0)
    done(await asked(None))
    another = replace(of_hub_list(pair, OURS, day), day=day + timedelta(days=1))
    said = await asked(OTHER, another)
    assert said.status == 1 and "not the hub's list of that day" in said.text, said.text


def done(said: Said) -> None:
    """It was done."""
    assert said.status == 0, said.text


async def cleared(pair: Pair, treating: str, month: date, owed_fen: int, out: Path) -> None:
    """One direction of a month, from the statement to both ends."""
    insuring = pair.elsewhere(treating)
    party = {region: f"{region[:2]}0000" for region in (treating, insuring)}
    done(await state(await books(pair, treating), month, party[insuring], CHEN, out))
    file = out / f"{treating}-{party[insuring]}-{month:%Y%m}.json"
    sent = Sent(name=file.name, content=file.read_bytes())
    taken = await take(await books(pair, insuring), month, sent, CHEN)
    assert "争议" not in taken.text, taken.text
    assert "异议" not in taken.text, taken.text
    for region, other, side in (
        (treating, insuring, Side.TREATMENT), (insuring, treating, Side.INSURANCE),
    ):  # fmt: skip
        named = Named(month=month, party=party[other], side=side)

        async def confirm(b: RegionalBooks, f: Found) -> Said:
            return await paying.confirm(b, f, CHEN)

        async def notify(b: RegionalBooks, f: Found) -> Said:
            return await paying.notify(b, f, "GJ-1", owed_fen, CHEN)

        async def propose(b: RegionalBooks, f: Found) -> Said:
            return await paying.propose(b, f, "V1", CHEN)

        async def settle(b: RegionalBooks, f: Found) -> Said:
            return await paying.settle(b, f, "V1", LIN)

        async def close(b: RegionalBooks, f: Found) -> Said:
            return await paying.close(b, f, CHEN)

        for act in (confirm, notify, propose, settle, close):
            done(await acting_on(await books(pair, region), named, act))


async def test_real_cases_are_cleared_to_nothing_on_both_sides(
    services: Services, tmp_path: Path
) -> None:
    async with a_pair(
        services, begins=datetime(2026, 11, 23, 9), faults=Faults(), ahead_seconds=(20.0, -20.0)
    ) as pair:
        guests = {at: pair.towns[pair.elsewhere(at)].people(3) for at in (OURS, OTHER)}
        settled = {
            at: [await treated(pair, one, at) for one in people[:2]]
            for at, people in guests.items()
        }
        for at, people in guests.items():
            before = await fen(pair, at, OWED_TO_US)
            await treated(pair, people[2], at, in_advance=True)
            assert await fen(pair, at, OWED_TO_US) == before > 0, "nobody's debt"
        for at in (OURS, OTHER):
            await compared(pair, at, date(2026, 11, 23))
        await a_silent_region_is_named(pair, date(2026, 11, 23))
        await move_to(pair, datetime(2026, 12, 8, 9))
        for at in (OURS, OTHER):
            owed_fen = await fen(pair, at, OWED_TO_US)
            assert owed_fen == await fen(pair, pair.elsewhere(at), WE_OWE)
            await cleared(pair, at, MONTH, owed_fen, tmp_path)
        for region in (OURS, OTHER):
            assert await fen(pair, region, OWED_TO_US + WE_OWE) == 0

        # One of them is taken back after it was cleared: a negative of the month after.
        for at in (OURS, OTHER):
            hospital = pair.hospital(at)
            assert_done(await hospital.send(hospital.cancel(settled[at][0])))
            await treated(pair, guests[at][1], at)
            await treated(pair, guests[at][1], at)
        before_fen = await fen(pair, OTHER, OWED_TO_US)
        await scanned(pair, guests[OTHER][0], OTHER)
        assert await fen(pair, OTHER, OWED_TO_US) > before_fen
        await move_to(pair, datetime(2027, 1, 8, 9))
        for at in (OURS, OTHER):
            owed_fen = await fen(pair, at, OWED_TO_US)
            await cleared(pair, at, month_after(MONTH), owed_fen, tmp_path)
        for region in (OURS, OTHER):
            assert await fen(pair, region, OWED_TO_US + WE_OWE) == 0
