"""A stay in hospital, in the messages of a HIS: admitted, charged day by day, discharged, settled.

The demonstration policy for an active employee in a second-level hospital: deductible 800.00, the
pool pays 90 % of the rest. An employee's account has 1000.00.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from loadtest.institution_inputs import Bought
from tests.kit.counter import Visit
from tests.kit.population import CAPPED, CLASS_A, CLASS_B, DEAR, EXPIRED, some
from tests.kit.reply import (
    Reply,
    assert_done,
    assert_money,
    assert_refused,
    assert_same_answer,
)
from tests.kit.town import Town
from tests.kit.ward import StayInProgress, admission, admit

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def discharged(town: Town, stay: StayInProgress) -> None:
    assert_done(await town.hospital.send(stay.discharge()))


async def test_stay_is_settled_after_its_discharge(town: Town) -> None:
    citizen = town.someone()
    stay = await admit(town.hospital, citizen, some(DEAR, 2), some(CLASS_B, 10))
    assert_done(await stay.charge(some(CAPPED, 4)))
    await discharged(town, stay)
    # in scope 4000 + 90 + 60, pre-self-pay 10, over the ceiling 20
    settled = await stay.settle(Decimal("4180.00"), account=False)
    assert settled.money("inscp_scp_amt") == Decimal("4150.00")
    assert settled.money("act_pay_dedc") == Decimal("800.00")
    assert_money(settled, total="4180.00", fund="3015.00", account="0.00", cash="1165.00")
    [row] = await town.rows_of(citizen)
    assert (row["infno"], row["care_type"], row["mdtrt_id"]) == ("2304", "21", int(stay.mdtrt_id))
    years = await town.accumulators(citizen)
    assert years["2026"]["inpatient.paid.310100"] == 301_500
    found = await town.hospital.settlement(settled)
    assert found.money("fund_pay_sumamt") == Decimal("3015.00")
    fees = await town.hospital.fees(settled)
    assert isinstance(fees.output, list)
    assert [row["feedetl_sn"] for row in fees.output] == ["1", "2", "3"]


async def test_account_pays_what_is_left_up_to_its_balance(town: Town) -> None:
    stay = await admit(town.hospital, town.someone(), some(DEAR, 2))
    await discharged(town, stay)
    settled = await stay.settle(Decimal("4000.00"))
    assert_money(settled, total="4000.00", fund="2880.00", account="1000.00", cash="120.00")


async def test_every_step_is_answered_again_when_it_is_sent_again(town: Town) -> None:
    citizen = town.someone()
    message = admission(town.hospital, citizen)
    first = await town.hospital.send(message)
    assert_same_answer(first, await town.hospital.send(message))
    stay = StayInProgress(
        hospital=town.hospital, patient=citizen.patient, stay_no="Z",
        mdtrt_id=first.text("mdtrt_id", "result"),
    )  # fmt: skip
    charge = stay.upload(some(DEAR), some(CAPPED, 2))
    charged = await town.hospital.send(charge)
    assert [row["feedetl_sn"] for row in charged.rows("result")] == ["1", "2"]
    assert_same_answer(charged, await town.hospital.send(charge))
    leaving = stay.discharge()
    left = await town.hospital.send(leaving)
    assert_same_answer(left, await town.hospital.send(leaving))
    quoted = stay.quote(Decimal("2040.00"))
    settlement = stay.settlement(quoted, await town.hospital.send(quoted))
    settled = await town.hospital.send(settlement)
    assert_same_answer(settled, await town.hospital.send(settlement))
    assert len(await town.rows_of(citizen)) == 1


async def test_negative_line_takes_back_a_part_and_no_more_than_is_left(town: Town) -> None:
    stay = await admit(town.hospital, town.someone(), some(DEAR, 2))
    back = some(DEAR, -1)
    assert_done(await town.hospital.send(stay.upload(back, originals={2: "1"})))
    again = stay.upload(some(DEAR, -2), originals={3: "1"})
    assert_refused(
        await town.hospital.send(again), "REFUND_EXCEEDS_LINE", field="input.feedetail[0].cnt",
        mentions="1",
    )  # fmt: skip
    await discharged(town, stay)
    settled = await stay.settle(Decimal("2000.00"), account=False)
    assert_money(settled, total="2000.00", fund="1080.00", account="0.00", cash="920.00")


async def test_what_comes_back_is_split_as_it_was_charged(town: Town) -> None:
    stay = await admit(town.hospital, town.someone(), some(CLASS_A))
    dear = {"input.feedetail[0].hosp_appr_flag": "2"}
    assert_done(await town.hospital.send(stay.upload(some(DEAR, 3)).edited(dear)))
    old = {"input.feedetail[0].fee_ocur_time": "2025-12-30 08:00:00"}
    assert_done(await town.hospital.send(stay.upload(some(EXPIRED)).edited(old)))
    back = stay.upload(some(DEAR, -1), some(EXPIRED, -1), originals={4: "2", 5: "3"})
    first = (await town.hospital.send(back)).rows("result")[0]
    assert (first["fulamt_ownpay_amt"], first["inscp_scp_amt"]) == (-2000, 0)
    assert first["memo"] == "限制使用项目未审批通过，按全自费处理"
    last = stay.upload(some(DEAR, -2), originals={6: "2"})
    assert_done(await town.hospital.send(last))
    await discharged(town, stay)
    settled = await stay.settle(Decimal("12.50"), account=False)
    assert settled.money("fulamt_ownpay_amt") == 0
    assert settled.money("inscp_scp_amt") == Decimal("12.50")


async def test_line_is_charged_and_taken_back_in_one_message(town: Town) -> None:
    stay = await admit(town.hospital, town.someone(), some(CLASS_A))
    message = stay.upload(
        some(DEAR, -1), some(DEAR, 2), some(DEAR, -1), originals={2: "3", 4: "3"}
    ).edited({"input.feedetail[1].hosp_appr_flag": "2"})
    rows = (await town.hospital.send(message)).rows("result")
    assert [row["feedetl_sn"] for row in rows] == ["2", "3", "4"]
    assert [row["fulamt_ownpay_amt"] for row in rows] == [-2000, 4000, -2000]


@pytest.mark.parametrize(
    ("basket", "originals", "code", "field"),
    [
        ((some(DEAR, -1),),            {},       "REFUND_LINE_UNNAMED",     "init_feedetl_sn"),
        ((some(DEAR, 1),),             {2: "1"}, "REFUND_LINE_UNNAMED",     "init_feedetl_sn"),
        ((some(DEAR, -1),),            {2: "9"}, "REFUND_ORIGINAL_UNKNOWN", "init_feedetl_sn"),
        ((some(CLASS_A, -1),),         {2: "1"}, "REFUND_ITEM_DIFFERS",     "med_list_codg"),
        ((some(DEAR, -1, price="1"),), {2: "1"}, "REFUND_ITEM_DIFFERS",     "med_list_codg"),
        ((some(DEAR, -2),),            {2: "1"}, "REFUND_EXCEEDS_LINE",     "cnt"),
    ],
)  # fmt: skip
async def test_refund_line_that_does_not_fit_is_refused(
    town: Town, basket: tuple[Bought, ...], originals: dict[int, str], code: str, field: str
) -> None:
    stay = await admit(town.hospital, town.someone(), some(DEAR, 1))
    reply = await town.hospital.send(stay.upload(*basket, originals=originals))
    assert_refused(reply, code, field=f"input.feedetail[0].{field}", mentions="2")


async def test_stay_is_no_visit_of_the_outpatient_department(town: Town) -> None:
    stay = await admit(town.hospital, town.someone(), some(DEAR, 2))
    visit = Visit(
        hospital=town.hospital, patient=stay.patient, mdtrt_id=stay.mdtrt_id, outpatient_no="O1"
    )
    for message in (
        visit.diagnosis(), visit.lines(some(DEAR, 1), first=7), visit.withdrawal_of_lines(),
        visit.withdrawal(),
    ):  # fmt: skip
        refused = await town.hospital.send(message)
        assert refused.err_code == "VISIT_IS_STAY", message.infno
    await discharged(town, stay)
    settled = await stay.settle(Decimal("4000.00"), account=False)
    assert_money(settled, total="4000.00", fund="2880.00", account="0.00", cash="1120.00")


async def test_lines_are_withdrawn_until_a_settlement_has_them(town: Town) -> None:
    stay = await admit(town.hospital, town.someone(), some(DEAR, 1), some(CAPPED, 4))
    assert_done(await town.hospital.send(stay.withdrawal_of_lines("2")))
    assert_refused(
        await town.hospital.send(stay.withdrawal_of_lines("2")), "STAY_LINE_UNKNOWN",
        field="input.data[0].feedetl_sn", mentions="2",
    )  # fmt: skip
    await discharged(town, stay)
    settled = await stay.settle(Decimal("2000.00"))
    assert_refused(
        await town.hospital.send(stay.withdrawal_of_lines("1")), "STAY_LINE_SETTLED",
        field="input.data[0].feedetl_sn", mentions="2305",
    )  # fmt: skip
    fees = await town.hospital.fees(settled)
    assert isinstance(fees.output, list)
    assert [row["feedetl_sn"] for row in fees.output] == ["1"]
    assert_done(await town.hospital.send(stay.cancel(settled)))
    assert_done(await town.hospital.send(stay.withdrawal_of_lines()))
    assert_refused(
        await town.hospital.send(stay.quote(Decimal("0.00"))), "STAY_HAS_NO_LINES",
        field="input.data.mdtrt_id", mentions="2301",
    )  # fmt: skip


@pytest.mark.parametrize("names", [(), ("1",)])
async def test_line_uploaded_again_under_its_number_is_found(
    town: Town, names: tuple[str, ...]
) -> None:
    stay = await admit(town.hospital, town.someone(), some(CLASS_B))
    assert_done(await town.hospital.send(stay.withdrawal_of_lines(*names)))
    stay.lines = 0
    assert_done(await stay.charge(some(DEAR), some(CAPPED)))
    await discharged(town, stay)
    settled = await stay.settle(Decimal("2020.00"), account=False)
    fees = await town.hospital.fees(settled)
    assert isinstance(fees.output, list)
    assert [(row["feedetl_sn"], row["hilist_code"]) for row in fees.output] == [
        ("1", DEAR.item.code), ("2", CAPPED.item.code)
    ]  # fmt: skip


async def test_line_taken_back_by_another_goes_only_with_it(town: Town) -> None:
    stay = await admit(town.hospital, town.someone(), some(DEAR, 2))
    assert_done(await town.hospital.send(stay.upload(some(DEAR, -1), originals={2: "1"})))
    assert_refused(
        await town.hospital.send(stay.withdrawal_of_lines("1")), "STAY_LINE_TAKEN_BACK",
        field="input.data[0].feedetl_sn", mentions="2",
    )  # fmt: skip
    assert_done(await town.hospital.send(stay.withdrawal_of_lines("2")))
    assert_done(await town.hospital.send(stay.withdrawal_of_lines("1")))


async def test_stay_in_segments_bears_its_deductible_once(town: Town) -> None:
    citizen = town.someone()
    stay = await admit(town.hospital, citizen, some(CAPPED, 40))
    first = await stay.settle(Decimal("800.00"), mid_stay=True, account=False)
    # 600.00 in scope: all of it deductible, 200.00 of it still to bear
    assert_money(first, total="800.00", fund="0.00", account="0.00", cash="800.00")
    assert_done(await stay.charge(some(DEAR, 1)))
    await discharged(town, stay)
    last = await stay.settle(Decimal("2000.00"), account=False)
    assert last.money("act_pay_dedc") == Decimal("200.00")
    assert_money(last, total="2000.00", fund="1620.00", account="0.00", cash="380.00")
    assert (await town.accumulators(citizen))["2026"].get("inpatient.admissions", 1) == 1
    assert_refused(
        await town.hospital.send(stay.cancel(first)), "LATER_SETTLEMENT_STANDS",
        field="input.data.setl_id", mentions=last.setl_id,
    )  # fmt: skip
    assert_done(await town.hospital.send(stay.cancel(last)))
    assert_done(await town.hospital.send(stay.cancel(first)))
    again = await stay.settle(Decimal("2800.00"), account=False)
    assert again.money("act_pay_dedc") == Decimal("800.00")
    assert_money(again, total="2800.00", fund="1620.00", account="0.00", cash="1180.00")


async def test_order_of_a_stay_is_kept(town: Town) -> None:
    citizen = town.someone()
    stay = await admit(town.hospital, citizen, some(DEAR, 1))
    asked = stay.quote(Decimal("2000.00"))
    quote = await town.hospital.send(asked)
    assert_refused(
        await town.hospital.send(stay.settlement(asked, quote)), "NOT_DISCHARGED",
        field="input.data.mdtrt_id", mentions="2402",
    )  # fmt: skip
    assert_refused(
        await town.hospital.send(stay.withdrawal()), "VISIT_HAS_LINES",
        field="input.data.mdtrt_id", mentions="2302",
    )  # fmt: skip
    assert_refused(
        await town.hospital.send(stay.withdrawal_of_discharge()), "NOT_DISCHARGED",
        field="input.data.mdtrt_id", mentions="出院",
    )  # fmt: skip
    await discharged(town, stay)
    assert_refused(
        await town.hospital.send(stay.discharge()), "ALREADY_DISCHARGED",
        field="input.dscginfo.mdtrt_id", mentions="2405",
    )  # fmt: skip
    settled = await stay.settle(Decimal("2000.00"))
    assert_refused(
        await town.hospital.send(stay.withdrawal_of_discharge()), "VISIT_SETTLED",
        field="input.data.mdtrt_id", mentions=settled.setl_id,
    )  # fmt: skip
    assert_refused(
        await stay.charge(some(DEAR)), "STAY_SETTLED", field="input.feedetail[0].mdtrt_id",
        mentions=settled.setl_id,
    )  # fmt: skip
    assert_refused(
        await town.hospital.send(stay.quote(Decimal("2000.00"))), "CLAIM_ALREADY_SETTLED",
        field="", mentions=settled.setl_id,
    )  # fmt: skip
    assert_done(await town.hospital.send(stay.cancel(settled)))
    assert_done(await town.hospital.send(stay.withdrawal_of_discharge()))
    assert_done(await town.hospital.send(stay.change()))
    assert_done(await town.hospital.send(stay.withdrawal_of_lines()))
    assert_done(await town.hospital.send(stay.withdrawal()))


async def test_who_lies_in_hospital_is_quoted_as_a_whole_and_settled_after_the_discharge(
    town: Town,
) -> None:
    """2303 comes before 2402, as often as somebody asks what it would cost by now."""
    stay = await admit(town.hospital, town.someone(), some(DEAR, 1))
    early = await town.hospital.send(stay.quote(Decimal("2000.00"), account=False))
    assert_money(early, total="2000.00", fund="1080.00", account="0.00", cash="920.00")
    assert early.warn_msg == "尚未办理出院，按已上传的费用预结算，以出院后的结算为准"
    assert_done(await stay.charge(some(DEAR, 1)))
    asked = stay.quote(Decimal("4000.00"), account=False)
    quote = await town.hospital.send(asked)
    await discharged(town, stay)
    settled = await town.hospital.send(stay.settlement(asked, quote))
    assert_money(settled, total="4000.00", fund="2880.00", account="0.00", cash="1120.00")
    assert settled.warn_msg == ""


async def test_person_is_in_one_hospital_at_a_time(town: Town) -> None:
    citizen = town.someone()
    stay = await admit(town.hospital, citizen, some(DEAR))
    assert_refused(
        await town.hospital.send(admission(town.hospital, citizen)), "STAY_OVERLAPS",
        field="", mentions=stay.mdtrt_id,
    )  # fmt: skip
    assert_refused(
        await town.pharmacy.sell(citizen, some(CLASS_A)), "STAY_OPEN",
        field="input.druginfo.med_type", mentions=stay.mdtrt_id,
    )  # fmt: skip
    await discharged(town, stay)
    assert_done(await town.pharmacy.sell(citizen, some(CLASS_A)))
    earlier = town.clock.local - timedelta(hours=1)
    assert_refused(
        await town.hospital.send(admission(town.hospital, citizen, at=earlier)), "STAY_OVERLAPS",
        field="", mentions=stay.mdtrt_id,
    )  # fmt: skip
    assert_done(await town.hospital.send(admission(town.hospital, citizen)))


async def test_times_that_cannot_be_are_refused(town: Town) -> None:
    later = town.clock.local + timedelta(days=1)
    assert_refused(
        await town.hospital.send(admission(town.hospital, town.someone(), at=later)),
        "ADMISSION_IN_FUTURE", field="input.mdtrtinfo.begntime", mentions="begntime",
    )  # fmt: skip
    stay = await admit(town.hospital, town.someone(), some(DEAR))
    before = town.clock.local - timedelta(days=1)
    assert_refused(
        await town.hospital.send(stay.discharge(before)), "DISCHARGE_TIME_WRONG",
        field="input.dscginfo.endtime", mentions="endtime",
    )  # fmt: skip


async def test_line_number_counts_once_in_a_stay(town: Town) -> None:
    stay = await admit(town.hospital, town.someone(), some(DEAR))
    stay.lines = 0
    assert_refused(
        await stay.charge(some(CAPPED)), "STAY_LINE_REPEATED",
        field="input.feedetail[0].feedetl_sn", mentions="1",
    )  # fmt: skip


async def test_wrong_total_and_stale_quote_are_refused_with_both_numbers(town: Town) -> None:
    stay = await admit(town.hospital, town.someone(), some(DEAR))
    await discharged(town, stay)
    assert_refused(
        await town.hospital.send(stay.quote(Decimal("1999.99"))), "TOTAL_MISMATCH",
        field="input.data.medfee_sumamt", mentions="2000.00",
    )  # fmt: skip
    quoted = stay.quote(Decimal("2000.00"))
    settlement = stay.settlement(quoted, await town.hospital.send(quoted))
    stale = settlement.edited({"input.data.inscp_scp_amt": 1999})
    assert_refused(
        await town.hospital.send(stale), "QUOTE_STALE", field="input.data.inscp_scp_amt",
        mentions="2000.00",
    )  # fmt: skip


async def test_settlement_whose_answer_was_lost_is_reversed(town: Town) -> None:
    citizen = town.someone()
    stay = await admit(town.hospital, citizen, some(DEAR))
    await discharged(town, stay)
    quoted = stay.quote(Decimal("2000.00"))
    settlement = stay.settlement(quoted, await town.hospital.send(quoted))
    assert_done(await town.hospital.send(settlement))
    assert_done(await town.hospital.send(town.hospital.reversal(settlement, citizen)))
    assert_refused(
        await town.hospital.send(settlement), "MESSAGE_REVERSED", field="msgid", mentions="冲正"
    )
    assert await town.balance_fen(citizen) == 100_000
    assert_done(await stay.settle(Decimal("2000.00")))


async def test_reversal_of_an_admission_naming_somebody_else_is_refused(town: Town) -> None:
    citizen, other = town.strangers()
    message = admission(town.hospital, citizen)
    assert_done(await town.hospital.send(message))
    reversal = town.hospital.reversal(message, other)
    for number in (other.number, "44190099999999999999"):
        refused = await town.hospital.send(reversal.edited({"input.data.psn_no": number}))
        assert_refused(refused, "REVERSAL_PERSON_DIFFERS", field="input.data.psn_no")


async def test_admission_whose_answer_was_lost_is_reversed(town: Town) -> None:
    citizen = town.someone()
    message = admission(town.hospital, citizen)
    assert_done(await town.hospital.send(message))
    assert_done(await town.hospital.send(town.hospital.reversal(message, citizen)))
    assert_refused(
        await town.hospital.send(message), "MESSAGE_REVERSED", field="msgid", mentions="冲正"
    )
    stay = await admit(town.hospital, citizen, some(DEAR))
    charged = await stay.charge(some(CAPPED))
    assert_done(charged)


async def test_stay_is_found_by_period(town: Town) -> None:
    citizen = town.someone()
    stay = await admit(town.hospital, citizen, some(DEAR))
    await discharged(town, stay)
    settled = await stay.settle(Decimal("2000.00"))
    [row] = (await town.hospital.visits(citizen, care_type="21")).rows("mdtrtinfo")
    assert (row["mdtrt_id"], row["setl_id"]) == (stay.mdtrt_id, settled.setl_id)


async def test_stay_is_no_outpatient_visit(town: Town) -> None:
    citizen = town.someone()
    visit = await town.hospital.register(citizen)
    other = StayInProgress(
        hospital=town.hospital, patient=citizen.patient, stay_no="Z", mdtrt_id=visit.mdtrt_id
    )
    assert_refused(
        await other.charge(some(DEAR)), "VISIT_IS_NO_STAY", field="input.feedetail[0].mdtrt_id",
        mentions=visit.mdtrt_id,
    )  # fmt: skip


async def test_long_stay_is_quoted_from_the_heads_of_its_uploads(town: Town) -> None:
    citizen = town.someone()
    begun = town.clock.local - timedelta(days=30)
    stay = await admit(town.hospital, citizen, at=begun)
    for _ in range(30):
        assert_done(await stay.charge(*(some(CLASS_A) for _ in range(20))))
    assert_done(await town.hospital.send(stay.discharge()))
    settled: Reply = await stay.settle(Decimal("7500.00"), account=False)
    assert_money(settled, total="7500.00", fund="6030.00", account="0.00", cash="1470.00")
    fees = await town.hospital.fees(settled)
    assert isinstance(fees.output, list) and len(fees.output) == 600


async def test_stay_over_new_year_counts_in_the_year_of_its_discharge(town: Town) -> None:
    citizen = town.someone()
    town.clock.move_to(datetime(2026, 12, 30, 9, 0))
    stay = await admit(town.hospital, citizen, some(DEAR))
    town.clock.move_to(datetime(2027, 1, 2, 9, 0))
    assert_done(await stay.charge(some(DEAR)))
    await discharged(town, stay)
    assert_done(await stay.settle(Decimal("4000.00")))
    years = await town.accumulators(citizen)
    assert years["2027"]["inpatient.paid.310100"] == 288_000
    assert "inpatient.paid.310100" not in years.get("2026", {})
