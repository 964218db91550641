"""Emergencies (急诊, med_type 13): demonstration policies pay them as ordinary outpatient care."""

from __future__ import annotations

import pytest

from tests.kit.population import CLASS_A, DEAR, Kind, some
from tests.kit.registrar import settle
from tests.kit.reply import assert_done
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("kind", [Kind.EMPLOYEE, Kind.RESIDENT])
async def test_emergency_is_paid_as_an_ordinary_visit_and_counts_with_it(
    town: Town, kind: Kind
) -> None:
    emergency = await settle(
        town.hospital, town.someone(kind), some(CLASS_A, 2), care_type="13", disease=None
    )
    assert_done(emergency)
    ordinary = await settle(
        town.hospital, town.someone(kind), some(CLASS_A, 2), care_type="11", disease=None
    )
    assert emergency.money("fund_pay_sumamt") == ordinary.money("fund_pay_sumamt") > 0


async def test_emergencies_count_towards_the_cap_of_outpatient_care(town: Town) -> None:
    citizen = town.someone(Kind.RESIDENT)
    paid = [
        await settle(town.hospital, citizen, some(DEAR, 2), care_type=care_type, disease=None)
        for care_type in ("13", "13", "11")
    ]
    funds = [one.money("fund_pay_sumamt") for one in paid]
    assert funds[0] > 0 and funds[2] == 0, funds
