"""Filings (备案) in the messages of a HIS: diseases, chosen institutions, transfers; taken back,
asked for, and what they make of a claim.

The demonstration policy for an active employee in a second-level hospital: for a filed disease the
pool pays 80 %, ordinary outpatient care 60 % (40 % where none was chosen); the deductible of a stay
is 800.00, after a transfer 400.00.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.kit import registrar
from tests.kit.counter import Hospital, Message
from tests.kit.population import DEAR, Citizen, Kind, some
from tests.kit.profiles import policies_where
from tests.kit.registrar import DISEASE, chosen, disease, entitlement, number_of, transfer
from tests.kit.reply import (
    Reply,
    assert_done,
    assert_money,
    assert_refused,
    assert_same_answer,
    share,
)
from tests.kit.town import Town
from tests.kit.ward import admit

pytestmark = pytest.mark.asyncio(loop_scope="module")
Filing = Callable[[Town, Citizen], Message]

FILINGS: dict[str, Filing] = {
    "2501": lambda town, whom: transfer(town.hospital, whom, to=town.other_hospital),
    "2503": lambda town, whom: disease(town.hospital, whom),
    "2505": lambda town, whom: chosen(town.hospital, whom),
}
NODE = {"2501": "refmedin", "2503": "data", "2505": "data"}
every_kind = pytest.mark.parametrize("infno", FILINGS)


async def found(town: Town, citizen: Citizen, infno: str) -> list[dict[str, object]]:
    """5304, 5301 or 5302: what the other hospital sees of the filings that `infno` makes."""
    number = {"psn_no": citizen.number}
    if infno == "2501":
        data = number | {"begntime": "2026-01-01", "endtime": "2027-12-31"}
        return (await town.other_hospital.ask("5304", {"data": data})).rows("refmedin")
    if infno == "2503":
        return (await town.other_hospital.ask("5301", {"data": number})).rows("feedetail")
    asked = {"data": number | {"biz_appy_type": "03"}}
    return (await town.other_hospital.ask("5302", asked)).rows("psnfixmedin")


async def file(town: Town, message: Message) -> Reply:
    """Sent once, and done."""
    reply = await town.hospital.send(message)
    assert_done(reply)
    return reply


@every_kind
async def test_filing_is_kept_found_and_taken_back(town: Town, infno: str) -> None:
    citizen = town.someone()
    message = FILINGS[infno](town, citizen)
    filed = await town.hospital.send(message)
    assert_same_answer(filed, await town.hospital.send(message))
    [row] = await found(town, citizen, infno)
    ends = registrar.day_of(town.hospital, 364) if infno == "2501" else ""
    assert (row["begndate"], row.get("enddate", "")) == (registrar.day_of(town.hospital), ends)
    back = registrar.withdrawal(town.hospital, citizen, message, filed)
    taken = await town.hospital.send(back)
    assert_same_answer(taken, await town.hospital.send(back))
    assert await found(town, citizen, infno) == []
    assert_refused(
        await town.hospital.send(registrar.withdrawal(town.hospital, citizen, message, filed)),
        "FILING_WITHDRAWN", field="input.data.trt_dcla_detl_sn", mentions="已撤销",
    )  # fmt: skip
    assert_same_answer(filed, await town.hospital.send(message))
    again = await file(town, FILINGS[infno](town, citizen))
    assert number_of(again) != number_of(filed)


async def test_enquiries_say_what_was_filed(town: Town) -> None:
    citizen = town.someone()
    for make in FILINGS.values():
        await file(town, make(town, citizen))
    [told] = await found(town, citizen, "2503")
    assert (told["opsp_dise_code"], told["opsp_dise_name"]) == (DISEASE, registrar.DISEASE_NAME)
    [told] = await found(town, citizen, "2505")
    assert (told["fixmedins_code"], told["fix_srt_no"]) == (town.hospital.code, "1")
    [told] = await found(town, citizen, "2501")
    assert (told["reflin_medins_no"], told["out_flag"]) == (town.other_hospital.code, "0")
    assert (told["psn_name"], told["diag_code"]) == (citizen.patient.person.psn_name, "I21.900")


@every_kind
async def test_same_msgid_with_other_content_is_a_conflict(town: Town, infno: str) -> None:
    citizen = town.someone()
    message = FILINGS[infno](town, citizen)
    await file(town, message)
    later = message.edited({f"input.{NODE[infno]}.enddate": "2027-11-30"})
    assert_refused(
        await town.hospital.send(later), "MESSAGE_CONFLICT", field="msgid", mentions="单据信息"
    )


@every_kind
async def test_filing_that_overlaps_names_the_one_in_the_way(town: Town, infno: str) -> None:
    citizen = town.someone()
    node, today = NODE[infno], town.clock.local.date()
    dated = {f"input.{node}.begndate": str(today), f"input.{node}.enddate": str(today)}
    first = await file(town, FILINGS[infno](town, citizen).edited(dated))
    second = FILINGS[infno](town, citizen)
    assert_refused(
        await town.hospital.send(second), "FILING_OVERLAPS", field="",
        mentions=number_of(first),
    )  # fmt: skip
    tomorrow = str(today + timedelta(days=1))
    await file(town, second.edited({f"input.{node}.begndate": tomorrow}))
    before = {
        f"input.{node}.begndate": str(today - timedelta(days=9)),
        f"input.{node}.enddate": str(today - timedelta(days=1)),
    }
    await file(town, FILINGS[infno](town, citizen).edited(before))
    assert len(await found(town, citizen, infno)) == 3


@every_kind
async def test_filing_of_somebody_else_cannot_be_taken_back(town: Town, infno: str) -> None:
    citizen, stranger = town.strangers()
    message = FILINGS[infno](town, citizen)
    filed = await file(town, message)
    field = "input.data.trt_dcla_detl_sn"
    theirs = registrar.withdrawal(town.hospital, stranger, message, filed)
    assert_refused(
        await town.hospital.send(theirs), "FILING_OF_OTHER_PERSON", field=field, mentions="人员"
    )
    elsewhere = registrar.withdrawal(town.other_hospital, citizen, message, filed)
    assert_refused(
        await town.other_hospital.send(elsewhere), "FILING_OF_OTHER_INSTITUTION", field=field,
        mentions="原办理机构",
    )  # fmt: skip
    own = registrar.withdrawal(town.hospital, citizen, message, filed)
    unknown = own.edited({field: "2611000000001000001"})
    assert_refused(await town.hospital.send(unknown), "FILING_UNKNOWN", field=field)
    assert len(await found(town, citizen, infno)) == 1


async def test_filing_is_taken_back_by_its_own_transaction(town: Town) -> None:
    citizen = town.someone()
    message = disease(town.hospital, citizen)
    filed = await file(town, message)
    wrong = registrar.withdrawal(town.hospital, citizen, chosen(town.hospital, citizen), filed)
    assert_refused(
        await town.hospital.send(wrong), "FILING_UNKNOWN", field="input.data.trt_dcla_detl_sn",
        mentions=number_of(filed),
    )  # fmt: skip


async def test_filing_that_cannot_be_is_refused(town: Town) -> None:
    citizen = town.someone()
    backwards = disease(town.hospital, citizen, begins=0, ends=-1)
    assert_refused(
        await town.hospital.send(backwards), "FILING_DATES_WRONG", field="input.data.enddate",
        mentions=registrar.day_of(town.hospital, -1),
    )  # fmt: skip
    for make, field in ((disease, "ide_fixmedins_no"), (chosen, "fixmedins_code")):
        path = f"input.data.{field}"
        nowhere = make(town.hospital, citizen).edited({path: "H00000000000"})
        assert_refused(
            await town.hospital.send(nowhere), "FILING_INSTITUTION_UNKNOWN", field=path,
            mentions="H00000000000",
        )  # fmt: skip
    other_scheme = disease(town.hospital, citizen).edited({"input.data.insutype": "390"})
    assert_refused(
        await town.hospital.send(other_scheme), "SCHEME_NOT_ENROLLED", field="input.data.insutype",
        mentions="310",
    )  # fmt: skip
    # A transfer may lead to a hospital that the region does not know.
    away = transfer(town.hospital, citizen, to=town.other_hospital)
    await file(town, away.edited({"input.refmedin.reflin_medins_no": "H44010000001"}))


async def test_filings_of_a_person_are_not_without_number(town: Town) -> None:
    citizen = town.someone()
    for number in range(64):
        await file(town, disease(town.hospital, citizen, code=f"M{number:05d}"))
    assert_refused(
        await town.hospital.send(disease(town.hospital, citizen)), "FILINGS_TOO_MANY", field="",
        mentions="64",
    )  # fmt: skip
    assert len(await found(town, citizen, "2503")) == 64


async def test_filed_disease_is_settled_at_its_own_ratio(town: Town) -> None:
    citizen = town.someone()
    filed = await file(town, disease(town.hospital, citizen))
    settled = await registrar.settle(town.hospital, citizen, some(DEAR))
    assert_money(settled, total="2000.00", fund="1600.00", account="400.00", cash="0.00")
    assert share(settled, "310100")["fund_payamt"] == Decimal("1600.00")
    years = await town.accumulators(citizen)
    assert years["2026"]["outpatient_special.paid.310100"] == 160_000
    # What let it be settled so is kept with it.
    assert number_of(filed) in await town.detail_of(settled)


async def test_disease_without_a_filing_is_refused_with_what_to_do(town: Town) -> None:
    citizen, hospital = town.someone(), town.hospital
    _, quoted = await registrar.treat(hospital, citizen, some(DEAR))
    field = "input.data.med_type"
    assert_refused(
        await hospital.send(quoted), "DISEASE_NOT_FILED", field=field, mentions="2503"
    )
    await file(town, disease(hospital, citizen, code="M00900"))
    assert_refused(
        await hospital.send(quoted), "DISEASE_NOT_FILED", field=field, mentions=DISEASE
    )
    await file(town, disease(hospital, citizen))
    assert_done(await hospital.send(quoted))


async def test_filed_disease_counts_on_both_edge_days_and_not_outside(town: Town) -> None:
    yesterday, tomorrow, today_only = town.people(3)
    hospital = town.hospital
    await file(town, disease(hospital, yesterday, begins=-30, ends=-1))
    await file(town, disease(hospital, tomorrow, begins=1))
    await file(town, disease(hospital, today_only, begins=0, ends=0))
    for citizen in (yesterday, tomorrow):
        refused = await registrar.settle(hospital, citizen, some(DEAR))
        assert_refused(
            refused, "DISEASE_NOT_FILED", field="input.data.med_type",
            mentions=registrar.day_of(hospital),
        )  # fmt: skip
    assert_done(await registrar.settle(hospital, today_only, some(DEAR)))


async def test_disease_is_treated_where_it_was_filed_or_chosen(town: Town) -> None:
    citizen, other = town.someone(), town.other_hospital
    await file(town, disease(town.hospital, citizen))
    _, quoted = await registrar.treat(other, citizen, some(DEAR))
    assert_refused(
        await other.send(quoted), "DISEASE_FILED_ELSEWHERE", field="input.data.med_type",
        mentions=town.hospital.code,
    )  # fmt: skip
    await file(town, chosen(town.hospital, citizen, at=other, business="01"))
    assert_done(await other.send(quoted))
    assert_done(await registrar.settle(town.hospital, citizen, some(DEAR)))


async def test_filing_of_one_person_does_nothing_for_another(town: Town) -> None:
    citizen, neighbour = town.neighbours()
    await file(town, disease(town.hospital, citizen))
    refused = await registrar.settle(town.hospital, neighbour, some(DEAR))
    assert_refused(
        refused, "DISEASE_NOT_FILED", field="input.data.med_type", mentions="2503"
    )
    assert await found(town, neighbour, "2503") == []


async def test_entitlement_to_special_care_is_that_of_the_filing(town: Town) -> None:
    citizen, hospital = town.someone(), town.hospital

    async def told(
        code: str = DISEASE, *, days: int = 0, desk: Hospital = hospital
    ) -> dict[str, object]:
        reply = await entitlement(desk, citizen, "14", disease=code, days=days)
        [row] = [r for r in reply.rows("trtinfo") if r["fund_pay_type"] == "310100"]
        return row

    row = await told()
    assert row["trt_enjymnt_flag"] == "0"
    assert row["trt_chk_rslt"] == "在本机构没有有效的门诊慢特病备案"
    await file(town, disease(hospital, citizen, begins=-10, ends=10))
    row = await told()
    assert (row["trt_enjymnt_flag"], row["trt_chk_rslt"]) == ("1", "")
    assert row["begndate"] == registrar.day_of(hospital, -10)
    assert row["enddate"] == registrar.day_of(hospital, 10)
    flags = [(await told(days=days))["trt_enjymnt_flag"] for days in (-11, -10, 10, 11)]
    assert flags == ["0", "1", "1", "0"]
    assert (await told("M00900"))["trt_enjymnt_flag"] == "0"
    assert (await told(""))["trt_enjymnt_flag"] == "1"
    assert (await told(desk=town.other_hospital))["trt_enjymnt_flag"] == "0"
    # Ordinary care does not ask for it.
    reply = await entitlement(town.other_hospital, citizen, "11")
    assert {row["trt_enjymnt_flag"] for row in reply.rows("trtinfo")} == {"1"}


async def test_transfer_halves_the_deductible_at_the_hospital_named(town: Town) -> None:
    citizen = town.someone()
    await file(town, transfer(town.hospital, citizen, to=town.other_hospital, ends=0))
    stay = await admit(town.other_hospital, citizen, some(DEAR, 2))
    assert_done(await town.other_hospital.send(stay.discharge()))
    settled = await stay.settle(Decimal("4000.00"), account=False)
    assert settled.money("act_pay_dedc") == Decimal("400.00")
    assert_money(settled, total="4000.00", fund="3240.00", account="0.00", cash="760.00")
    [case] = [part for part in json.loads(await town.detail_of(settled)) if _is_case(part)]
    assert "referral" in case
    assert True in case


async def test_transfer_without_an_end_holds_as_long_as_the_region_says(town: Town) -> None:
    ends = {}
    for months in (12, 6, 0):
        if months != 12:
            await town.restart(policies_where("transfer_months", months))
        citizen = town.someone()
        message = transfer(town.hospital, citizen, to=town.other_hospital)
        message = message.edited({"input.refmedin.begndate": "2026-08-31"})
        filed = await file(town, message)
        [told] = await found(town, citizen, "2501")
        ends[months] = told.get("enddate", "")
        assert_same_answer(filed, await town.hospital.send(message))
    await town.restart()
    assert ends == {12: "2027-08-30", 6: "2027-02-28", 0: ""}
    # What was filed keeps its end, whatever the region says later.
    assert [row.get("enddate", "") for row in await found(town, citizen, "2501")] == [""]


async def test_transfer_is_of_no_account_once_its_year_is_over(town: Town) -> None:
    citizen = town.someone()
    begins = -366
    filed = transfer(town.hospital, citizen, to=town.other_hospital, begins=begins)
    await file(town, filed)
    stay = await admit(town.other_hospital, citizen, some(DEAR, 2))
    assert_done(await town.other_hospital.send(stay.discharge()))
    settled = await stay.settle(Decimal("4000.00"), account=False)
    assert settled.money("act_pay_dedc") == Decimal("800.00")


def _is_case(part: object) -> bool:
    return isinstance(part, list) and "local" in part


@pytest.mark.parametrize(("begins", "ends"), [(-9, -1), (1, 9)])
async def test_transfer_of_another_day_or_to_another_hospital_changes_nothing(
    town: Town, begins: int, ends: int
) -> None:
    citizen = town.someone()
    elsewhere = transfer(town.other_hospital, citizen, to=town.hospital)
    assert_done(await town.other_hospital.send(elsewhere))
    await file(
        town, transfer(town.hospital, citizen, to=town.other_hospital, begins=begins, ends=ends)
    )
    stay = await admit(town.other_hospital, citizen, some(DEAR, 2))
    assert_done(await town.other_hospital.send(stay.discharge()))
    settled = await stay.settle(Decimal("4000.00"), account=False)
    assert settled.money("act_pay_dedc") == Decimal("800.00")


async def test_chosen_institution_is_of_no_account_unless_the_region_asks(town: Town) -> None:
    citizen = town.someone()
    await file(town, chosen(town.hospital, citizen))
    visit = await town.other_hospital.open_visit(citizen, some(DEAR))
    settled = await visit.settle(some(DEAR))
    assert_money(settled, total="2000.00", fund="1200.00", account="800.00", cash="0.00")


async def test_withdrawal_leaves_what_was_settled_before_its_day(town: Town) -> None:
    citizen, hospital = town.someone(), town.hospital
    message = disease(hospital, citizen, begins=-5)
    filed = await file(town, message)
    settled = await registrar.settle(hospital, citizen, some(DEAR))
    back = registrar.withdrawal(hospital, citizen, message, filed)
    assert_refused(
        await hospital.send(back), "FILING_USED", field="input.data.trt_dcla_detl_sn",
        mentions=settled.setl_id,
    )  # fmt: skip
    town.clock.pass_by(timedelta(days=1))
    assert_done(await hospital.send(back))
    [row] = await found(town, citizen, "2503")
    assert row["enddate"] == registrar.day_of(hospital, -1)
    refused = await registrar.settle(hospital, citizen, some(DEAR))
    assert_refused(refused, "DISEASE_NOT_FILED", field="input.data.med_type", mentions="2503")
    assert_done(await hospital.send(hospital.cancel(settled)))


async def test_withdrawal_after_a_cancel_leaves_nothing(town: Town) -> None:
    citizen, hospital = town.someone(), town.hospital
    message = disease(hospital, citizen)
    filed = await file(town, message)
    settled = await registrar.settle(hospital, citizen, some(DEAR))
    assert_done(await hospital.send(hospital.cancel(settled)))
    assert_done(await hospital.send(registrar.withdrawal(hospital, citizen, message, filed)))
    assert await found(town, citizen, "2503") == []


async def test_filing_cannot_be_reversed(town: Town) -> None:
    citizen = town.someone()
    message = disease(town.hospital, citizen)
    await file(town, message)
    assert_refused(
        await town.hospital.send(town.hospital.reversal(message, citizen)),
        "REVERSAL_NOT_SUPPORTED", field="input.data.oinfno", mentions="2503",
    )  # fmt: skip


async def test_verification_finds_a_list_of_filings_that_was_changed(town: Town) -> None:
    citizen = town.someone()
    await file(town, disease(town.hospital, citizen))
    update = "update settlement.person set filings = $2 where psn_no = $1"
    select = "select filings from settlement.person where psn_no = $1"
    kept = await town.owner.fetchval(select, citizen.number)
    assert DISEASE not in kept
    for changed in ("", f"{kept[:-4]}AAAA", "no base64"):
        await town.owner.execute(update, citizen.number, changed)
        report = await town.verified()
        assert report.first_bad is not None
        assert report.first_bad.what.endswith("are not those that stand")
    await town.owner.execute(update, citizen.number, kept)
    assert (await town.verified()).ok


async def test_unchosen_institution_is_paid_less_or_refused(town: Town) -> None:
    await town.restart(policies_where("chosen_institution", "required"))
    employee, resident = town.someone(), town.someone(Kind.RESIDENT)
    hospital, other = town.hospital, town.other_hospital
    visit = await hospital.open_visit(employee, some(DEAR))
    less = await hospital.send(visit.quote(some(DEAR)))
    assert_money(less, total="2000.00", fund="800.00", account="1000.00", cash="200.00")
    visit_of_resident = await hospital.open_visit(resident, some(DEAR))
    refused = await hospital.send(visit_of_resident.quote(some(DEAR)))
    field = "input.data.med_type"
    assert_refused(refused, "INSTITUTION_NOT_CHOSEN", field=field, mentions="2505")
    for citizen in (employee, resident):
        await file(town, chosen(hospital, citizen, ends=0))
    settled = await visit.settle(some(DEAR))
    assert_money(settled, total="2000.00", fund="1200.00", account="800.00", cash="0.00")
    assert_done(await visit_of_resident.settle(some(DEAR)))

    elsewhere = await other.open_visit(resident, some(DEAR))
    refused = await other.send(elsewhere.quote(some(DEAR)))
    assert_refused(refused, "INSTITUTION_NOT_CHOSEN", field=field, mentions=hospital.code)
    reply = await entitlement(other, resident, "11")
    assert {row["trt_enjymnt_flag"] for row in reply.rows("trtinfo")} == {"0"}
    reply = await entitlement(hospital, resident, "11")
    assert {row["trt_enjymnt_flag"] for row in reply.rows("trtinfo")} == {"1"}
    # A second place in the order may be another hospital.
    await file(town, chosen(hospital, resident, at=other, order="2"))
    assert_done(await other.send(elsewhere.quote(some(DEAR))))
    await town.restart()
