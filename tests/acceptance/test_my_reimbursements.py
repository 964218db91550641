"""Papers for reimbursement told in advance through the city's app, and followed from there (DOMAIN
29, 31)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from settlement.people.matter_states import Happening
from tests.kit.citizen_app import CitizenApp, a_city_app
from tests.kit.clerks import Office
from tests.kit.payouts import assert_good
from tests.kit.population import DEAR
from tests.kit.reimbursing import Counter
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(town: Town) -> AsyncIterator[CitizenApp]:
    """The city's app."""
    async with a_city_app(town) as app:
        yield app


def facts(town: Town, **changes: object) -> dict[str, Any]:
    """What a person says of an invoice."""
    on = town.clock.local.date() - timedelta(days=3)
    return {
        "institution": town.hospital.code, "invoice_no": "99112233", "total": "8000.00",
        "begins_on": str(on - timedelta(days=2)), "ends_on": str(on), **changes,
    }  # fmt: skip


async def test_what_was_told_is_accepted_at_the_counter_and_followed_until_it_is_paid(
    town: Town, app: CitizenApp, tmp_path: Path
) -> None:
    who, other, counter = town.someone(), town.someone(), Counter(town)
    told = await app.post(who, "reimbursements", facts(town))
    assert told.said["state"] == "applied", told.said
    receipt = int(told.said["matter_no"])
    again = await app.post(who, "reimbursements", facts(town))
    assert again.code == "MATTER_OPEN_ALREADY"
    brought = counter.papers(who, DEAR, nights=2, invoice_no="99112233")
    theirs = counter.papers(other)
    assert "MATTER_UNKNOWN" in (await counter.accept(theirs, matter_no=receipt)).text
    accepted = assert_good(await counter.accept(brought, matter_no=receipt))
    number = accepted.text[:19]
    shown = await app.get(who, f"matters/{receipt}")
    assert (shown.said["state"], number in shown.said["steps"][-1]["note"]) == ("accepted", True)
    twice = counter.papers(who, DEAR, nights=2, days_ago=40)
    assert "MATTER_CLOSED" in (await counter.accept(twice, matter_no=receipt)).text
    cancelled = await app.post(who, f"matters/{receipt}/cancel", {})
    assert cancelled.code == "MATTER_CLOSED"

    assert_good(await counter.calculate(int(number)))
    assert_good(await counter.confirm(int(number)))
    (one,) = (await app.get(who, "reimbursements")).said["reimbursements"]
    assert (one["state"], one["matter_no"]) == ("settled", str(receipt))
    why = await app.get(who, f"settlements/{one['settlement_id']}")
    assert why.said["recomputed"] == "same", why.said
    assert why.said["settlement"]["institution"] == "REIMBURSE"
    await counter.ordered(tmp_path, int(number))
    (one,) = (await app.get(who, "reimbursements")).said["reimbursements"]
    assert (one["state_zh"], one["paid"]) == ("已下达", "6480.00")
    assert (await app.get(other, "reimbursements")).said == {"told": [], "reimbursements": []}


async def test_a_clerk_refuses_and_a_person_takes_back(town: Town, app: CitizenApp) -> None:
    who, office = town.someone(), Office(town)
    first = (await app.post(who, "reimbursements", facts(town))).said["matter_no"]
    said = await office.rule(first, Happening.REFUSED)
    assert said.status == 0, said
    second = await app.post(who, "reimbursements", facts(town))
    taken = await app.post(who, f"matters/{second.said['matter_no']}/cancel", {})
    assert taken.said["state"] == "cancelled"
    (new, old) = (await app.get(who, "reimbursements")).said["told"]
    assert (new["state"], old["state"]) == ("cancelled", "refused")


async def test_what_cannot_be_taken_is_refused_at_once(town: Town, app: CitizenApp) -> None:
    who = town.someone()
    today = town.clock.local.date()
    for changes, code in (
        ({"institution": "H44190099999"}, "REIMBURSEMENT_INSTITUTION_UNKNOWN"),
        ({"ends_on": str(today + timedelta(days=1))}, "REIMBURSEMENT_DATES_WRONG"),
        ({"begins_on": "2025-01-01", "ends_on": "2025-01-02"}, "REIMBURSEMENT_TOO_LATE"),
        ({"total": "1"}, "MY_REQUEST_UNREADABLE"),
    ):
        assert (await app.post(who, "reimbursements", facts(town, **changes))).code == code
