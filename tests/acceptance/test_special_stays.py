"""Stays that are not like others: day surgery, a birth, another hospital, a person who changes.

The demonstration policy; an active employee in a second-level hospital bears 800.00 and a tenth of
the rest, a retired one six hundredths.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import pytest_asyncio
from msgspec import structs

from loadtest.institution_inputs import Patient
from tests.kit.importing import Office, rows_of
from tests.kit.population import DEAR, Citizen, newcomer, some
from tests.kit.reply import Reply, assert_done, assert_money, assert_refused
from tests.kit.town import Town
from tests.kit.ward import StayInProgress, admission, admit

pytestmark = pytest.mark.asyncio(loop_scope="module")



@pytest_asyncio.fixture(loop_scope="module")
async def office(town: Town, tmp_path: Path) -> AsyncIterator[Office]:
    """Who says which persons there are."""
    yield Office(town=town, directory=tmp_path)


RESIDENT = {"insutype": "390", "psn_type": "15"}


async def leaves(town: Town, stay: StayInProgress, amount: str = "4000.00") -> Reply:
    """Discharged and settled, the account untouched."""
    assert_done(await stay.hospital.send(stay.discharge()))
    return await stay.settle(Decimal(amount), account=False)


def in_scheme(citizen: Citizen, scheme: str) -> Patient:
    """The same person as a claim of another scheme says them."""
    person = structs.replace(citizen.patient.person, insutype=scheme)
    return structs.replace(citizen.patient, person=person)


@pytest.mark.parametrize(("care_type", "clearing_type"), [("28", "28"), ("52", "21")])
async def test_day_surgery_and_a_birth_are_settled_as_stays_and_cleared_by_themselves(
    town: Town, care_type: str, clearing_type: str
) -> None:
    citizen = town.someone()
    stay = await admit(town.hospital, citizen, some(DEAR, 2), care_type=care_type)
    settled = await leaves(town, stay)
    assert_money(settled, total="4000.00", fund="2880.00", account="0.00", cash="1120.00")
    assert (settled.text("med_type"), settled.text("clr_type")) == (care_type, clearing_type)
    years = await town.accumulators(citizen)
    assert years["2026"]["inpatient.paid.310100"] == 288_000
    checked = await town.hospital.ask(
        "2001", {"data": {
            "psn_no": citizen.number, "insutype": "310", "med_type": care_type,
            "fixmedins_code": town.hospital.code,
            "begntime": f"{town.clock.local:%Y-%m-%d %H:%M:%S}",
        }},
    )  # fmt: skip
    assert any(row["trt_enjymnt_flag"] == "1" for row in checked.rows("trtinfo"))
    assert_done(await town.hospital.send(stay.cancel(settled)))


async def test_mother_and_newborn_have_a_stay_each(town: Town, office: Office) -> None:
    """The child is insured from the day of its birth, admitted beside its mother, settled alone."""
    mother, child = town.someone(), newcomer(61)
    born = town.clock.local.date()
    stay = await admit(town.hospital, mother, some(DEAR, 2), care_type="52")
    refused = await town.hospital.send(admission(town.hospital, child))
    assert_refused(refused, "PERSON_UNKNOWN", field="input.mdtrtinfo.psn_no")
    row = rows_of(child, **RESIDENT, brdy=born, psn_insu_date=born, benefit_from=born)
    await office.bring("persons", [row])
    of_child = await admit(town.hospital, in_scheme(child, "390"), some(DEAR, 1))
    assert_money(
        await leaves(town, stay), total="4000.00", fund="2880.00", account="0.00", cash="1120.00"
    )
    settled = await leaves(town, of_child, "2000.00")
    assert_money(settled, total="2000.00", fund="960.00", account="0.00", cash="1040.00")
    assert settled.text("psn_no") == child.number and settled.node("setlinfo")["age"] == 0


async def test_next_hospital_admits_on_the_day_the_last_one_discharged(town: Town) -> None:
    citizen = town.someone()
    first = await admit(town.hospital, citizen, some(DEAR, 2))
    early = await town.other_hospital.send(admission(town.other_hospital, citizen))
    assert_refused(early, "STAY_OVERLAPS", mentions=first.mdtrt_id)
    assert_done(await leaves(town, first))
    second = await admit(town.other_hospital, citizen, some(DEAR, 2))
    settled = await leaves(town, second)
    assert_money(settled, total="4000.00", fund="2880.00", account="0.00", cash="1120.00")


async def test_who_retires_during_a_stay_is_settled_as_on_the_day_of_discharge(
    town: Town, office: Office
) -> None:
    citizen = newcomer(62)
    tomorrow = town.clock.local.date() + timedelta(1)
    await office.bring(
        "persons", [rows_of(citizen), rows_of(citizen, psn_type="12", effective_from=tomorrow)]
    )
    stay = await admit(town.hospital, citizen, some(DEAR, 2))
    assert_money(
        await stay.settle(Decimal("4000.00"), mid_stay=True, account=False),
        total="4000.00", fund="2880.00", account="0.00", cash="1120.00",
    )  # fmt: skip
    town.clock.move_to(datetime.combine(tomorrow, datetime.min.time()) + timedelta(hours=9))
    assert_done(await stay.charge(some(DEAR, 2)))
    settled = await leaves(town, stay)
    # the deductible was borne; 90 % and 4 points more
    assert_money(settled, total="4000.00", fund="3760.00", account="0.00", cash="240.00")
    assert settled.text("psn_type") == "12"


async def test_who_is_in_their_scheme_still_settles_a_stay_by_it(
    town: Town, office: Office
) -> None:
    citizen = newcomer(64)
    both = [rows_of(citizen), rows_of(citizen, **RESIDENT)]
    await office.bring("persons", both)
    stay = await admit(town.hospital, citizen, some(DEAR, 2))
    stay.patient = in_scheme(citizen, "390")
    assert_refused(
        await town.hospital.send(stay.discharge()), "SCHEME_DIFFERS",
        field="input.dscginfo.insutype", mentions="310",
    )  # fmt: skip


async def test_who_changes_scheme_during_a_stay_is_paid_by_the_one_of_the_discharge(
    town: Town, office: Office
) -> None:
    citizen = newcomer(63)
    tomorrow = town.clock.local.date() + timedelta(1)
    ends = rows_of(citizen, psn_insu_stas=4, paus_insu_date=tomorrow)
    begins = rows_of(
        citizen, insutype="390", psn_type="15", psn_insu_date=tomorrow, benefit_from=tomorrow
    )
    await office.bring("persons", [ends, begins])
    stay = await admit(town.hospital, citizen, some(DEAR, 2))
    town.clock.move_to(datetime.combine(tomorrow, datetime.min.time()) + timedelta(hours=9))
    registered = stay.patient
    stay.patient = in_scheme(citizen, "390")
    assert_done(await town.hospital.send(stay.discharge()))
    stay.patient = registered
    refused = await town.hospital.send(stay.quote(Decimal("4000.00"), account=False))
    assert_refused(refused, "NOT_ENTITLED", field="input.data.insutype", mentions="310")
    stay.patient = in_scheme(citizen, "390")
    settled = await stay.settle(Decimal("4000.00"), account=False)
    assert_money(settled, total="4000.00", fund="2560.00", account="0.00", cash="1440.00")
    [row] = settled.rows("setldetail")
    assert row["fund_pay_type"] == "390100"
