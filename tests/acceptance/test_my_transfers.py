"""The personal account moves with the person, out and in, and clerks decide (DOMAIN 7)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ledger.postgres.fold import trial_balance
from settlement.chart import CONTRIBUTIONS_BANK, TRANSFERS_OUT
from settlement.people.matter_states import Happening
from tests.kit.citizen_app import CitizenApp, a_city_app
from tests.kit.clerks import FIRST, SECOND, Office
from tests.kit.population import Citizen, Kind
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(town: Town) -> AsyncIterator[CitizenApp]:
    """The city's app."""
    async with a_city_app(town) as app:
        yield app


@pytest.fixture
def office(town: Town) -> Office:
    """The agency's clerks."""
    return Office(town)


async def asked_out(app: CitizenApp, who: Citizen) -> str:
    """The person asks for the account to go to Changsha."""
    told = await app.post(who, "transfers", {"direction": "out", "region": "430100"})
    assert told.said["state"] == "applied", told.said
    return str(told.said["matter_no"])


async def entries_of(town: Town, matter_no: str) -> list[tuple[int, int, int]]:
    """Code, debit and credit of what was booked for a matter."""
    rows = await town.owner.fetch(
        "select e.code, e.debits[1] as debit, e.credits[1] as credit from settlement.matter_event m"
        " join ledger.entry e on e.lane = m.lane and e.entry_id = m.entry_id"
        " where m.matter_no = $1 order by m.event_no",
        int(matter_no),
    )
    return [(row["code"], row["debit"], row["credit"]) for row in rows]


async def test_account_goes_out_in_two_steps_and_the_books_end_at_zero(
    town: Town, app: CitizenApp, office: Office
) -> None:
    who = town.someone()
    number = await asked_out(app, who)
    said = await office.book(number, Happening.TAKEN_OUT, 100_000, "LX-1", months=120)
    assert said.status == 0, said
    assert await town.balance_fen(who) == 0
    shown = await app.get(who, f"matters/{number}")
    assert shown.said["state"] == "under_way" and not shown.said["can_cancel"]
    assert shown.said["steps"][-1]["coverage_months"] == 120
    refused = await app.post(who, f"matters/{number}/cancel", {})
    assert refused.code == "MATTER_MONEY_MOVED"
    assert (await office.book(number, Happening.PAID, 100_000, "BANK-1")).status == 0
    codes = await entries_of(town, number)
    account = codes[0][1]
    assert codes == [(40, account, TRANSFERS_OUT), (41, TRANSFERS_OUT, CONTRIBUTIONS_BANK)]
    trial = await trial_balance(town.owner, "agency")
    assert trial.is_balanced
    told = await app.get(who, "account")
    assert [(one["what"], one["amount"]) for one in told.said["movements"]] == [
        ("taken_out", "-1000.00"), ("before", "1000.00"),
    ]  # fmt: skip


async def test_bank_sends_it_back_and_it_is_in_the_account_again(
    town: Town, app: CitizenApp, office: Office
) -> None:
    who = town.someone()
    number = await asked_out(app, who)
    await office.book(number, Happening.TAKEN_OUT, 60_000, "LX-2")
    wrong = await office.book(number, Happening.RETURNED, 50_000, "BANK-2")
    assert wrong.status == 1 and "TRANSFER_AMOUNT_DIFFERS" in wrong.text
    assert (await office.book(number, Happening.RETURNED, 60_000, "BANK-2")).status == 0
    assert await town.balance_fen(who) == 100_000
    assert (await app.get(who, f"matters/{number}")).said["state"] == "returned"


async def test_account_comes_in_once_with_months_of_coverage(
    town: Town, app: CitizenApp, office: Office
) -> None:
    who = town.someone()
    number = await office.bring_in(who)
    assert (await office.book(number, Happening.PAID, 123_45, "LX-3", months=86)).status == 0
    again = await office.book(number, Happening.PAID, 123_45, "LX-3", months=86)
    assert again.status == 0 and "此前已办" in again.text
    other = await office.book(number, Happening.PAID, 999, "LX-3")
    assert "TRANSFER_BOOKED_OTHERWISE" in other.text
    assert await town.balance_fen(who) == 112_345
    status = await app.get(who, "status")
    assert status.said["transferred_coverage_months"] == 86
    movements = (await app.get(who, "account")).said["movements"]
    assert (movements[0]["what"], movements[0]["amount"]) == ("taken_in", "123.45")
    assert movements[0]["matter_no"] == number


async def test_letter_of_another_region_brings_money_to_one_person(
    town: Town, office: Office
) -> None:
    who, other = town.strangers()
    first, second = await office.bring_in(who), await office.bring_in(other)
    assert (await office.book(first, Happening.PAID, 500, "LX-4")).status == 0
    said = await office.book(second, Happening.PAID, 500, "LX-4")
    assert said.status == 1 and "LX-4" in said.text
    assert await town.balance_fen(other) == 100_000


async def test_one_clerk_alone_moves_nothing(town: Town, app: CitizenApp, office: Office) -> None:
    who = town.someone()
    number = await asked_out(app, who)
    step = office.step(number, Happening.TAKEN_OUT, 100, "LX-5")
    assert (await office.confirm(step)).status == 1
    assert (await office.propose(step)).status == 0
    assert SECOND not in (await office.confirm(step)).text
    more = office.step(number, Happening.TAKEN_OUT, 200, "LX-5", actor=SECOND)
    assert (await office.confirm(more)).status == 1
    assert await town.balance_fen(who) == 100_000
    assert FIRST != SECOND


async def test_more_than_there_is_stays(town: Town, app: CitizenApp, office: Office) -> None:
    who = town.someone(Kind.PENNILESS)
    number = await asked_out(app, who)
    said = await office.book(number, Happening.TAKEN_OUT, 1, "LX-6")
    assert said.status == 1 and "TRANSFER_EXCEEDS_BALANCE" in said.text
    nothing = await office.book(number, Happening.TAKEN_OUT, 0, "LX-6", months=36)
    assert nothing.status == 0, nothing
    assert await entries_of(town, number) == []


async def test_transfer_twice_at_a_time_is_refused(town: Town, app: CitizenApp) -> None:
    who = town.someone()
    number = await asked_out(app, who)
    told = await app.post(who, "transfers", {"direction": "out", "region": "510100"})
    assert told.code == "MATTER_OPEN_ALREADY" and number in told.said["message"]
    own = await app.post(who, "transfers", {"direction": "in", "region": "441900"})
    assert own.code == "TRANSFER_REGION_OWN"


async def test_clerk_accepts_a_retired_person_and_refuses_with_a_reason(
    town: Town, app: CitizenApp, office: Office
) -> None:
    who, other = town.someone(Kind.RETIRED), town.someone(Kind.RETIRED)
    filed = await app.file(who, "retired")
    assert (filed.said["state"], filed.said["in_force"]) == ("applied", False)
    again = await app.file(who, "retired")
    assert again.code == "MATTER_OPEN_ALREADY"
    assert (await office.rule(filed.said["matter_no"], Happening.ACCEPTED)).status == 0
    assert (await app.get(who, "status")).said["filings_in_force"] == 1
    late = await office.rule(filed.said["matter_no"], Happening.REFUSED)
    assert "MATTER_ACCEPTED" in late.text
    no = (await app.file(other, "retired")).said["matter_no"]
    await office.rule(no, Happening.REFUSED, reason="材料不全")
    shown = await app.get(other, f"matters/{no}")
    assert (shown.said["state_zh"], shown.said["steps"][-1]["note"]) == ("未通过", "材料不全")


async def test_guardian_acts_once_the_agency_has_seen_the_papers(
    town: Town, app: CitizenApp, office: Office
) -> None:
    ward, guardian = town.someone(Kind.RESIDENT), town.someone()
    content = {"relation": "ward", "agent_no": guardian.number, "ends_on": "2027-01-31"}
    asked = await app.post(guardian, "authorisations", content, about=ward)
    await office.rule(asked.said["matter_no"], Happening.ACCEPTED)
    seen = await app.get(guardian, "status", about=ward)
    assert seen.said["acting_as"] == "ward", seen.said
    assert (await app.file(guardian, about=ward)).said["in_force"]
    assert (await office.rule(asked.said["matter_no"], Happening.ENDED)).status == 0
    assert (await app.get(guardian, "status", about=ward)).code == "NOT_AUTHORISED"


async def test_agency_ends_a_long_term_filing_that_the_person_may_not(
    town: Town, app: CitizenApp, office: Office
) -> None:
    who = town.someone()
    number = (await app.file(who, "resident")).said["matter_no"]
    assert (await office.rule(number, Happening.ENDED)).status == 0
    assert (await app.get(who, "status")).said["filings_in_force"] == 0
    assert (await app.file(who, "posted", place="430000")).said["in_force"]
