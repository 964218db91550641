"""Self-service of insured persons (`/my/v1`), in their words: what they see, and have done."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio

from settlement.keyring import LookupKind
from settlement.lanes import lane_of_key
from tests.kit.citizen_app import CitizenApp, a_city_app
from tests.kit.population import CLASS_A, DEAR, Kind, some
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(town: Town) -> AsyncIterator[CitizenApp]:
    """The city's app."""
    async with a_city_app(town) as app:
        yield app


async def test_person_sees_memberships_and_balance(town: Town, app: CitizenApp) -> None:
    who = town.someone()
    told = await app.get(who, "status")
    assert told.status == 200, told.said
    assert told.said["person_no"] == who.number
    assert told.said["name"] == "测" + "*" * 6
    assert told.said["balance"] == "1000.00"
    assert told.said["acting_as"] == "self"
    assert [one["scheme"] for one in told.said["memberships"]] == ["310"]


async def test_certificate_opens_the_data_of_whom_it_belongs_to(
    town: Town, app: CitizenApp
) -> None:
    """Even where a key still leads from it to somebody else."""
    who, other, number = town.someone(), town.someone(), "T44190019000101999X"
    own = who.insured.identity.certificate_no
    told = await app.get(other, "status", token=app.token(other, sub="", certno=own))
    assert told.said["person_no"] == who.number
    key = town.keyring.lookup_key(LookupKind.CERTIFICATE, number)
    await town.owner.execute(
        "insert into settlement.lookup (psn_lane, lane, kind, key, psn_no)"
        " select p.lane, $1, $2, $3, p.psn_no from settlement.person p where p.psn_no = $4",
        lane_of_key(key, town.lanes), int(LookupKind.CERTIFICATE), key, who.number,
    )  # fmt: skip
    told = await app.get(who, "status", token=app.token(who, sub="", certno=number))
    assert told.code == "PERSON_UNKNOWN", told.said


async def test_temporary_filing_is_in_force_at_once_and_can_be_cancelled(
    town: Town, app: CitizenApp
) -> None:
    who = town.someone()
    filed = await app.file(who, "other", reason="测试外出", request_no="F1")
    assert (filed.said["state"], filed.said["in_force"]) == ("accepted", True), filed.said
    assert filed.said["place_zh"] == "四川省"
    assert [step["what"] for step in filed.said["steps"]] == ["applied", "accepted"]
    assert (await app.get(who, "status")).said["filings_in_force"] == 1
    again = await app.file(who, "other", reason="测试外出", request_no="F1")
    assert again.said["matter_no"] == filed.said["matter_no"]
    other = await app.file(who, "other", reason="另有他事", request_no="F1")
    assert other.code == "REQUEST_CONFLICT"
    number = filed.said["matter_no"]
    cancelled = await app.post(who, f"matters/{number}/cancel", {"note": "不去了"})
    assert cancelled.said["state"] == "cancelled", cancelled.said
    assert (await app.get(who, "status")).said["filings_in_force"] == 0
    listed = await app.get(who, "filings")
    assert [one["state_zh"] for one in listed.said["matters"]] == ["已撤销"]


async def test_long_term_filing_cannot_be_cancelled_from_one_week_to_the_next(
    town: Town, app: CitizenApp
) -> None:
    who = town.someone()
    filed = await app.file(who, "resident")
    assert filed.said["ends_on"] == "" and not filed.said["can_cancel"]
    number = filed.said["matter_no"]
    refused = await app.post(who, f"matters/{number}/cancel", {})
    assert refused.code == "OFF_SITE_LOCKED"
    assert filed.said["locked_until"] in refused.said["message"]


async def test_second_place_to_live_in_is_refused_and_names_the_first(
    town: Town, app: CitizenApp
) -> None:
    who = town.someone()
    first = await app.file(who, "resident")
    second = await app.file(who, "posted", place="430000")
    assert second.code == "OFF_SITE_OVERLAPS"
    assert first.said["matter_no"] in second.said["message"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"place": "441900"}, "OFF_SITE_PLACE_LOCAL"),
        ({"place": "440000"}, "OFF_SITE_PLACE_LOCAL"),
        ({"begins_on": "2020-01-01"}, "OFF_SITE_BEGIN_WRONG"),
        ({"kind": "resident", "ends_on": "2099-01-01"}, "OFF_SITE_END_WRONG"),
        ({"place": "51"}, "MY_REQUEST_UNREADABLE"),
        ({"kind": "holiday"}, "MY_REQUEST_UNREADABLE"),
        ({"begins_on": "2026-13-01"}, "MY_REQUEST_UNREADABLE"),
        ({"surprise": 1}, "MY_REQUEST_UNREADABLE"),
    ],
)
async def test_what_cannot_be_filed_is_refused_and_leaves_nothing(
    town: Town, app: CitizenApp, change: dict[str, object], code: str
) -> None:
    who = town.borrowed()
    content = {"kind": "other", "place": "510000", **change}
    told = await app.post(who, "filings", content)
    assert told.code == code, told.said
    assert (await app.get(who, "filings")).said["matters"] == []


async def test_person_sees_settlements_and_how_every_fen_came_about(
    town: Town, app: CitizenApp
) -> None:
    who = town.someone()
    settled = await town.pharmacy.sell(who, some(CLASS_A, 4))
    gone = await town.pharmacy.sell(who, some(DEAR))
    await town.pharmacy.send(town.pharmacy.cancel(gone))
    told = await app.get(who, "settlements")
    kinds = {one["settlement_id"]: one["cancelled"] for one in told.said["settlements"]}
    assert kinds == {settled.setl_id: False, gone.setl_id: True}
    shown = await app.get(who, f"settlements/{settled.setl_id}")
    assert shown.said["recomputed"] == "same", shown.said
    assert shown.said["settlement"]["account"] == str(settled.money("acct_pay"))
    assert shown.said["reasons"] and shown.said["items"]
    stranger = await app.get(town.someone(), f"settlements/{settled.setl_id}")
    assert stranger.code == "SETTLEMENT_UNKNOWN"


async def test_movements_of_the_account_lead_to_its_balance(town: Town, app: CitizenApp) -> None:
    who, donor = town.people(2)
    await town.bind(who, donor)
    await town.pharmacy.sell(who, some(CLASS_A, 4))
    gone = await town.pharmacy.sell(who, some(DEAR))
    await town.pharmacy.send(town.pharmacy.cancel(gone))
    for citizen in (who, donor):
        told = await app.get(citizen, "account")
        assert told.said["balance"] == f"{await town.balance_fen(citizen) / 100:.2f}"
        assert told.said["movements"][0]["balance"] == told.said["balance"]
        assert told.said["movements"][-1]["what_zh"] == "期初余额及划入"
    kinds = [one["what"] for one in (await app.get(who, "account")).said["movements"]]
    assert kinds == ["cancelled", "settlement", "settlement", "before"]


async def test_relative_acts_once_authorised_and_not_after(town: Town, app: CitizenApp) -> None:
    who, agent = town.people(2)
    assert (await app.get(agent, "status", about=who)).code == "NOT_AUTHORISED"
    given = await app.authorise(who, agent)
    assert given.said["in_force"], given.said
    seen = await app.get(agent, "status", about=who)
    assert (seen.said["person_no"], seen.said["acting_as"]) == (who.number, "relative")
    listed = await app.get(agent, "authorisations")
    assert [one["person_no"] for one in listed.said["may_act_for"]] == [who.number]
    filed = await app.file(agent, "other", about=who)
    assert {step["by"] for step in filed.said["steps"]} == {"agent"}
    assert filed.said["steps"][0]["by_no"] == agent.number
    mine = await app.get(who, "filings")
    assert mine.said["matters"][0]["matter_no"] == filed.said["matter_no"]
    number = given.said["matter_no"]
    withdrawn = await app.post(who, f"matters/{number}/cancel", {})
    assert withdrawn.said["state"] == "cancelled"
    assert (await app.file(agent, "referral", about=who)).code == "NOT_AUTHORISED"
    assert (await app.get(agent, "account", about=who)).code == "NOT_AUTHORISED"
    read = await town.owner.fetch(
        "select a.actor from settlement.audit a where a.subject = $1", f"person {who.number}"
    )
    assert {row["actor"] for row in read} == {f"city/{agent.number}"}


async def test_agent_lets_nobody_else_act(town: Town, app: CitizenApp) -> None:
    who, agent, third = town.people(3)
    await app.authorise(who, agent)
    content = {"relation": "relative", "agent_no": third.number, "ends_on": "2026-12-31"}
    told = await app.post(agent, "authorisations", content, about=who)
    assert told.code == "AUTHORISATION_NOT_YOURS"


async def test_authorisation_ends_by_itself(town: Town, app: CitizenApp) -> None:
    who, agent = town.people(2)
    today = town.clock.local.date()
    given = await app.authorise(who, agent, ends_on=str(today))
    assert given.said["in_force"]
    town.clock.pass_by(timedelta(days=1))
    assert (await app.get(agent, "status", about=who)).code == "NOT_AUTHORISED"


async def test_guardian_waits_for_the_agency(town: Town, app: CitizenApp) -> None:
    ward, guardian = town.someone(Kind.RESIDENT), town.someone()
    content = {"relation": "ward", "agent_no": guardian.number, "ends_on": "2027-01-31"}
    asked = await app.post(guardian, "authorisations", content, about=ward)
    assert asked.said["state"] == "applied", asked.said
    assert (await app.get(guardian, "status", about=ward)).code == "NOT_AUTHORISED"


async def test_somebody_elses_matter_cannot_be_touched(town: Town, app: CitizenApp) -> None:
    who, other = town.people(2)
    number = (await app.file(who)).said["matter_no"]
    told = await app.post(other, f"matters/{number}/cancel", {})
    assert told.code == "MATTER_UNKNOWN"
    assert (await app.get(other, f"matters/{number}")).code == "MATTER_UNKNOWN"
    assert (await app.get(who, f"matters/{number}")).said["state"] == "accepted"
