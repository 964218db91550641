"""Somebody files care outside on their phone, is treated there, and reads what became of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.kit.abroad import Abroad
from tests.kit.citizen_app import CitizenApp, a_city_app
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(town: Town) -> AsyncIterator[CitizenApp]:
    """The city's app."""
    async with a_city_app(town) as app:
        yield app


async def test_filing_on_the_phone_decides_the_case_and_the_phone_shows_who_treated(
    town: Town, app: CitizenApp
) -> None:
    abroad, who = Abroad(town.service, town.clock), town.someone()
    stay = abroad.stay(who, 1_000_000)
    before = await abroad.quote(stay)
    assert (before.filing, before.fund_fen) == ("", 579_600)
    filed = await app.file(who, "referral", place="430100")
    assert filed.said["in_force"], filed.said
    told = await abroad.who(abroad.person(who))
    assert [(one.kind, one.region) for one in told.filings] == [("referral", "4301")]
    settled = await abroad.settle(stay)  # filed before the discharge is filed in time
    assert (settled.filing, settled.fund_fen) == ("referral", 745_200)
    listed = await app.get(who, "settlements")
    (shown,) = listed.said["settlements"]
    assert shown["settlement_id"] == settled.settlement_no
    assert shown["institution_zh"] == stay.institution.name
    one = await app.get(who, f"settlements/{settled.settlement_no}")
    assert one.status == 200, one.said
    assert one.said["recomputed"] == "same"
