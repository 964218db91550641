"""A region that settles a stay separately up to the day on which its patient changes (分段结算).

The demonstration policy in a second-level hospital: an active employee bears 800.00 and a tenth of
the rest, a retired one six hundredths, a resident a fifth. A stay bears its 800.00 once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import pytest_asyncio
from msgspec import structs

from settlement.policy import loader
from settlement.policy.loader import PolicySet, parse_policies
from tests.kit.counter import Message
from tests.kit.importing import Office, rows_of
from tests.kit.population import DEAR, REGION, Citizen, newcomer, some
from tests.kit.reply import Reply, assert_done, assert_money, assert_refused, assert_same_answer
from tests.kit.town import Town
from tests.kit.ward import StayInProgress, admit
from tests.services import temporary_directory

pytestmark = pytest.mark.asyncio(loop_scope="module")

NUMBERS = iter(range(70, 99))


def splitting(*turns: str) -> PolicySet:
    """The shipped policies in a region that splits stays."""
    shelf = Path(loader.__file__).parent
    files = {path.name: path.read_text("utf-8") for path in shelf.glob("*.toml")}
    listed = ", ".join(f'"{turn}"' for turn in turns)
    profile = files[f"{REGION}.toml"].replace('inpatient = "discharge"', 'inpatient = "fee"')
    files[f"{REGION}.toml"] = profile.replace(
        "\ntransfer_months", f"\nsplit_stay_at = [{listed}]\ntransfer_months"
    )
    return parse_policies({name: text.encode() for name, text in files.items()})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(town: Town) -> AsyncIterator[Office]:
    """Who says which persons there are; the region splits stays at every turn."""
    await town.restart(splitting("scheme", "person_type", "year"))
    with temporary_directory() as directory:
        yield Office(town=town, directory=directory)


async def who_becomes_a_resident(office: Office) -> tuple[Citizen, date]:
    """An employee today, a resident from tomorrow on."""
    citizen, on = newcomer(next(NUMBERS)), office.town.clock.local.date() + timedelta(1)
    ends = rows_of(citizen, psn_insu_stas=4, paus_insu_date=on)
    begins = rows_of(
        citizen, insutype="390", psn_type="15", psn_insu_date=on, benefit_from=on
    )
    await office.bring("persons", [ends, begins])
    return citizen, on


def at_nine(town: Town, on: date) -> None:
    """It is nine o'clock of that day."""
    town.clock.move_to(datetime.combine(on, time(9)))


def claims(stay: StayInProgress, scheme: str) -> None:
    """From now on messages of the stay say this scheme."""
    person = structs.replace(stay.patient.person, insutype=scheme)
    stay.patient = structs.replace(stay.patient, person=person)


def dated(message: Message, *days: date) -> Message:
    """An upload whose lines are of these days."""
    return message.edited({
        f"input.feedetail[{n}].fee_ocur_time": f"{day:%Y-%m-%d} 08:00:00"
        for n, day in enumerate(days)
    })  # fmt: skip


async def leaves_tomorrow(office: Office) -> tuple[StayInProgress, date]:
    """2000.00 uploaded on the day, 2000.00 and 4000.00 on the next, of both days; discharged."""
    town = office.town
    citizen, on = await who_becomes_a_resident(office)
    stay = await admit(town.hospital, citizen, some(DEAR))
    at_nine(town, on)
    message = dated(stay.upload(some(DEAR, 2), some(DEAR)), on, on - timedelta(1))
    first = await town.hospital.send(message)
    assert [row["feedetl_sn"] for row in first.rows("result")] == ["2", "3"]
    assert_same_answer(first, await town.hospital.send(message))
    claims(stay, "390")
    assert_done(await town.hospital.send(stay.discharge()))
    return stay, on


async def lines_of(town: Town, settled: Reply) -> list[str]:
    """Which lines 5204 shows."""
    fees = await town.hospital.fees(settled)
    assert isinstance(fees.output, list)
    return sorted(str(row["feedetl_sn"]) for row in fees.output)


async def test_fees_before_a_change_of_scheme_are_paid_by_the_first_and_the_rest_by_the_second(
    town: Town, office: Office
) -> None:
    stay, _ = await leaves_tomorrow(office)
    claims(stay, "310")
    before = await stay.settle(Decimal("4000.00"), mid_stay=True, account=False)
    assert_money(before, total="4000.00", fund="2880.00", account="0.00", cash="1120.00")
    assert await lines_of(town, before) == ["1", "3"]
    claims(stay, "390")
    rest = await stay.settle(Decimal("4000.00"), account=False)
    assert_money(rest, total="4000.00", fund="3200.00", account="0.00", cash="800.00")
    assert [row["fund_pay_type"] for row in rest.rows("setldetail")] == ["390100"]
    assert await lines_of(town, rest) == ["2"]
    early = await town.hospital.send(stay.cancel(before))
    assert_refused(early, "LATER_SETTLEMENT_STANDS", field="input.data.setl_id",
                   mentions=rest.setl_id)  # fmt: skip
    assert_done(await town.hospital.send(stay.cancel(rest)))
    assert_done(await town.hospital.send(stay.cancel(before)))


async def test_who_settles_all_at_once_is_told_what_comes_first(
    town: Town, office: Office
) -> None:
    stay, on = await leaves_tomorrow(office)
    whole = await town.hospital.send(stay.quote(Decimal("8000.00"), account=False))
    assert_refused(whole, "STAY_PART_OF_OTHER_SCHEME", field="input.data.insutype",
                   mentions="属于险种310")  # fmt: skip
    claims(stay, "310")
    whole = await town.hospital.send(stay.quote(Decimal("8000.00"), account=False))
    assert_refused(whole, "STAY_TURNS", field="input.data.mid_setl_flag", mentions=str(on))
    assert "medfee_sumamt=4000.00" in whole.err_msg and "险种变更" in whole.err_msg
    part = await town.hospital.send(stay.quote(Decimal("8000.00"), mid_stay=True))
    assert_refused(part, "STAY_TURNS", field="input.data.medfee_sumamt", mentions="4000.00")
    assert_done(await stay.settle(Decimal("4000.00"), mid_stay=True, account=False))
    rest = await town.hospital.send(stay.quote(Decimal("4000.00"), account=False))
    assert_refused(rest, "STAY_PART_OF_OTHER_SCHEME", field="input.data.insutype",
                   mentions="属于险种390")  # fmt: skip


async def test_line_that_takes_one_back_is_settled_with_it_and_what_is_withdrawn_with_none(
    town: Town, office: Office
) -> None:
    stay, on = await leaves_tomorrow(office)
    back = stay.upload(some(DEAR, -1), some(DEAR, 1), originals={4: "1"})
    assert_done(await town.hospital.send(dated(back, on, on - timedelta(1))))
    assert_done(await town.hospital.send(stay.withdrawal_of_lines("5", "2")))
    claims(stay, "310")
    quote = await town.hospital.send(stay.quote(Decimal("2000.00"), account=False))
    assert_money(quote, total="2000.00", fund="1080.00", account="0.00", cash="920.00")
    assert_done(await town.hospital.send(stay.withdrawal_of_lines()))
    quote = await town.hospital.send(stay.quote(Decimal("2000.00"), account=False))
    assert_refused(quote, "STAY_HAS_NO_LINES", field="input.data.mdtrt_id")
    assert_done(await town.hospital.send(dated(stay.upload(some(DEAR), some(DEAR)), on, on)))
    claims(stay, "390")
    rest = await stay.settle(Decimal("4000.00"), account=False)
    assert_money(rest, total="4000.00", fund="2560.00", account="0.00", cash="1440.00")


async def test_who_retires_is_settled_in_parts_too(
    town: Town, office: Office
) -> None:
    citizen, today = newcomer(next(NUMBERS)), town.clock.local.date()
    retires = today + timedelta(1)
    await office.bring(
        "persons", [rows_of(citizen), rows_of(citizen, psn_type="12", effective_from=retires)]
    )
    stay = await admit(town.hospital, citizen, some(DEAR, 2))
    at_nine(town, retires)
    assert_done(await stay.charge(some(DEAR, 2)))
    assert_done(await town.hospital.send(stay.discharge()))
    whole = await town.hospital.send(stay.quote(Decimal("8000.00"), account=False))
    assert_refused(whole, "STAY_TURNS", field="input.data.mid_setl_flag", mentions="人员类别变更")
    active = await stay.settle(Decimal("4000.00"), mid_stay=True, account=False)
    assert_money(active, total="4000.00", fund="2880.00", account="0.00", cash="1120.00")
    retired = await stay.settle(Decimal("4000.00"), account=False)
    assert_money(retired, total="4000.00", fund="3760.00", account="0.00", cash="240.00")
    assert (active.text("psn_type"), retired.text("psn_type")) == ("11", "12")


async def test_upload_of_both_sides_made_before_the_region_split_stays_is_sent_again(
    town: Town, office: Office
) -> None:
    await town.restart()
    stay, on = await leaves_tomorrow(office)
    await town.restart(splitting("scheme"))
    stay.hospital = town.hospital
    claims(stay, "310")
    refused = await town.hospital.send(stay.quote(Decimal("4000.00"), mid_stay=True))
    assert_refused(refused, "STAY_UPLOAD_SPANS_TURN", field="input.data.mdtrt_id", mentions="2")
    assert_done(await town.hospital.send(stay.withdrawal_of_lines("2", "3")))
    again = dated(stay.upload(some(DEAR, 2), some(DEAR)), on, on - timedelta(1))
    assert_done(await town.hospital.send(again))
    before = await stay.settle(Decimal("4000.00"), mid_stay=True, account=False)
    assert_money(before, total="4000.00", fund="2880.00", account="0.00", cash="1120.00")


async def test_stay_over_the_new_year_counts_in_both(town: Town, office: Office) -> None:
    await town.restart(splitting("year"))
    town.clock.move_to(datetime(2026, 12, 31, 9))
    citizen = town.someone()
    stay = await admit(town.hospital, citizen, some(DEAR, 2))
    town.clock.move_to(datetime(2027, 1, 1, 9))
    assert_done(await stay.charge(some(DEAR, 3)))
    assert_done(await town.hospital.send(stay.discharge()))
    whole = await town.hospital.send(stay.quote(Decimal("10000.00"), account=False))
    assert_refused(whole, "STAY_TURNS", field="input.data.mid_setl_flag", mentions="跨年度")
    old = await stay.settle(Decimal("4000.00"), mid_stay=True, account=False)
    assert_money(old, total="4000.00", fund="2880.00", account="0.00", cash="1120.00")
    new = await stay.settle(Decimal("6000.00"), account=False)
    assert_money(new, total="6000.00", fund="5400.00", account="0.00", cash="600.00")
    paid = {
        year: sums["inpatient.paid.310100"]
        for year, sums in (await town.accumulators(citizen)).items()
    }
    assert paid == {"2026": 288_000, "2027": 540_000}
