"""What an institution may ask: who is it, what may pay, what was booked, where is an answer."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest

from loadtest import institution_inputs as inputs
from loadtest.institution_inputs import Patient
from tests.kit.counter import patient_of
from tests.kit.population import CAPPED_B, CLASS_A, CLASS_B, UNLISTED, Kind, some
from tests.kit.reply import Reply, amount, assert_done, assert_refused
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_settlement_is_found_with_the_amounts_that_were_answered(town: Town) -> None:
    settled = await town.pharmacy.sell(town.someone(), some(CLASS_A, 2), some(CLASS_B))
    found = await town.pharmacy.settlement(settled)
    shared = ("medfee_sumamt", "fund_pay_sumamt", "acct_pay", "preselfpay_amt", "hifp_pay", "balc")
    assert {name: found.money(name) for name in shared} == {
        name: settled.money(name) for name in shared
    }
    assert found.money("cash_payamt") == settled.money("psn_cash_pay")
    assert found.text("medins_setl_id") == settled.text("medins_setl_id")
    assert found.text("refd_setl_flag") == "0"
    assert found.rows("setldetail") == settled.rows("setldetail")


async def test_cancel_is_found_beside_its_original_and_both_say_refunded(town: Town) -> None:
    settled = await town.pharmacy.sell(town.someone(), some(CLASS_A))
    cancelled = await town.pharmacy.send(town.pharmacy.cancel(settled))
    original, found = [await town.pharmacy.settlement(one) for one in (settled, cancelled)]
    assert [one.text("refd_setl_flag") for one in (original, found)] == ["1", "1"]
    assert original.money("medfee_sumamt") == Decimal("12.50")
    assert found.money("medfee_sumamt") == Decimal("-12.50")


async def test_cancelled_purchase_is_listed_without_a_settlement(town: Town) -> None:
    citizen = town.someone()
    sale = town.pharmacy.sale(citizen, some(CLASS_A))
    settled = await town.pharmacy.send(sale)
    assert_done(await town.pharmacy.send(town.pharmacy.cancel(settled)))
    [row] = (await town.pharmacy.visits(citizen)).rows("mdtrtinfo")
    assert (row["mdtrt_id"], row["setl_id"]) == (settled.mdtrt_id, "")
    assert row["medins_setl_id"] == ""
    made = await town.pharmacy.visits(citizen, msgid=sale.msgid)
    assert made.rows("mdtrtinfo") == []


async def test_visit_whose_settlement_was_cancelled_is_listed_without_one(town: Town) -> None:
    citizen = town.someone()
    visit = await town.hospital.open_visit(citizen, some(CLASS_A))
    settled = await visit.settle(some(CLASS_A))
    assert_done(await town.hospital.send(town.hospital.cancel(settled)))
    assert (await town.hospital.settlement(settled)).text("refd_setl_flag") == "1"
    [row] = (await town.hospital.visits(citizen)).rows("mdtrtinfo")
    assert (row["mdtrt_id"], row["setl_id"]) == (visit.mdtrt_id, "")


async def test_lines_are_found_as_they_were_settled(town: Town) -> None:
    settled = await town.pharmacy.sell(
        town.someone(), some(CLASS_A, 2), some(CAPPED_B, 2), some(UNLISTED)
    )
    reply = await town.pharmacy.fees(settled)
    assert isinstance(reply.output, list)
    first, second, third = reply.output
    assert (first["feedetl_sn"], first["hilist_code"]) == ("1", CLASS_A.item.code)
    assert amount(second["overlmt_amt"]) == Decimal("10.00")
    assert amount(second["preselfpay_amt"]) == Decimal("6.00")
    assert third["memo"] == "目录外项目，按全自费处理"
    assert {row["setl_id"] for row in reply.output} == {settled.setl_id}


def listed(reply: Reply) -> list[dict[str, Decimal]]:
    """The lines of a 5204."""
    assert isinstance(reply.output, list)
    return reply.output


async def test_lines_of_a_cancel_are_the_negatives(town: Town) -> None:
    settled = await town.pharmacy.sell(town.someone(), some(CAPPED_B, 2), some(UNLISTED))
    cancelled = await town.pharmacy.send(town.pharmacy.cancel(settled))
    both = [listed(await town.pharmacy.fees(one)) for one in (settled, cancelled)]
    names = (
        "cnt", "det_item_fee_sumamt", "fulamt_ownpay_amt", "overlmt_amt", "preselfpay_amt",
        "inscp_scp_amt",
    )  # fmt: skip
    for sold, back in zip(*both, strict=True):
        assert {name: -back[name] for name in names} == {name: sold[name] for name in names}
        assert back["pric"] == sold["pric"]


async def test_other_institution_does_not_see_the_settlement(town: Town) -> None:
    citizen = town.someone()
    settled = await town.pharmacy.sell(citizen, some(CLASS_A))
    assert_refused(
        await town.other_pharmacy.settlement(settled), "SETTLEMENT_UNKNOWN",
        field="input.data.setl_id", mentions=settled.setl_id,
    )  # fmt: skip
    assert (await town.other_pharmacy.visits(citizen)).rows("mdtrtinfo") == []


async def test_number_that_is_none_of_ours_is_not_shown_as_another(town: Town) -> None:
    citizen = town.someone()
    for infno, code in (("5203", "SETTLEMENT_UNKNOWN"), ("2103", "SETTLEMENT_UNKNOWN")):
        data = {"psn_no": citizen.number, "setl_id": "HIS-1", "mdtrt_id": "HIS-1"}
        message = town.pharmacy.message(infno, {"data": data})
        reply = await town.pharmacy.send(message)
        assert_refused(reply, code, field="input.data.setl_id")
        assert reply.err_msg.startswith("查无此结算记录。")
    visit = await town.hospital.open_visit(citizen)
    gone = visit.withdrawal().edited({"input.data.mdtrt_id": "HIS-1"})
    reply = await town.hospital.send(gone)
    assert_refused(reply, "VISIT_UNKNOWN", field="input.data.mdtrt_id")
    assert reply.err_msg.startswith("查无此就诊登记。")


async def test_purchases_are_found_by_period(town: Town) -> None:
    citizen = town.someone()
    settled = await town.pharmacy.sell(citizen, some(CLASS_A))
    [row] = (await town.pharmacy.visits(citizen)).rows("mdtrtinfo")
    assert (row["setl_id"], row["psn_no"]) == (settled.setl_id, citizen.number)
    later = await town.pharmacy.visits(citizen, begin="2026-12-01")
    assert later.rows("mdtrtinfo") == []


async def test_lost_answer_is_found_by_the_msgid(town: Town) -> None:
    citizen = town.someone()
    await town.pharmacy.sell(citizen, some(CLASS_B))
    lost = town.pharmacy.sale(citizen, some(CLASS_A))
    settled = await town.pharmacy.send(lost)
    [row] = (await town.pharmacy.visits(citizen, msgid=lost.msgid)).rows("mdtrtinfo")
    assert (row["setl_id"], row["medins_setl_id"]) == (settled.setl_id, lost.msgid)
    never_sent = town.pharmacy.sale(citizen, some(CLASS_A))
    nothing = await town.pharmacy.visits(citizen, msgid=never_sent.msgid)
    assert nothing.rows("mdtrtinfo") == []


async def test_visit_is_found_before_and_after_it_is_settled(town: Town) -> None:
    citizen = town.someone()
    visit = await town.hospital.open_visit(citizen, some(CLASS_A))
    [open_visit] = (await town.hospital.visits(citizen)).rows("mdtrtinfo")
    assert (open_visit["mdtrt_id"], open_visit["setl_id"]) == (visit.mdtrt_id, "")
    settled = await visit.settle(some(CLASS_A))
    [row] = (await town.hospital.visits(citizen)).rows("mdtrtinfo")
    assert row["setl_id"] == settled.setl_id
    other = await town.hospital.open_visit(citizen)
    assert_done(await town.hospital.send(other.withdrawal()))
    assert len((await town.hospital.visits(citizen)).rows("mdtrtinfo")) == 1


async def look_up(town: Town, patient: Patient, **changes: object) -> Reply:
    """1101 at the pharmacy."""
    message = town.pharmacy.message("1101", inputs.lookup(patient))
    return await town.pharmacy.send(
        message.edited({f"input.data.{name}": value for name, value in changes.items()})
    )


async def test_person_is_found_by_identity_number_with_memberships_and_balance(
    town: Town,
) -> None:
    citizen = town.someone()
    reply = await look_up(town, citizen.patient)
    assert reply.text("psn_no", "baseinfo") == citizen.number
    [membership] = reply.rows("insuinfo")
    assert (membership["insutype"], membership["psn_type"]) == ("310", "11")
    assert amount(membership["balc"]) == Decimal("1000.00")
    await town.pharmacy.sell(citizen, some(CLASS_A, 2))
    [membership] = (await look_up(town, citizen.patient)).rows("insuinfo")
    assert amount(membership["balc"]) == Decimal("990.00")


async def test_person_is_found_by_card_with_its_serial(town: Town) -> None:
    citizen = town.someone()
    reply = await look_up(town, citizen.with_card())
    assert reply.text("psn_no", "baseinfo") == citizen.number
    assert_refused(
        await look_up(town, citizen.with_card(), card_sn="441900D156000"),
        "CREDENTIAL_MISMATCH", field="input.data.mdtrt_cert_no",
    )  # fmt: skip


async def test_stranger_is_not_found(town: Town) -> None:
    reply = await look_up(
        town, town.someone().patient, mdtrt_cert_no="999999190001010000", certno=""
    )
    assert_refused(reply, "PERSON_UNKNOWN", field="input.data.mdtrt_cert_no")


async def test_many_counters_look_up_at_the_same_time(town: Town) -> None:
    people = town.people(30)
    replies = await asyncio.gather(*[look_up(town, person.patient) for person in people])
    assert [r.text("psn_no", "baseinfo") for r in replies] == [p.number for p in people]


CHECKS = [
    # kind,            scheme, fund,     entitled
    (Kind.EMPLOYEE, "310", "310102", "1"),
    (Kind.CLOSED_FUND, "310", "310102", "0"),
    (Kind.SUSPENDED, "310", "310102", "0"),
    (Kind.WAITING, "390", "390102", "0"),
]


@pytest.mark.parametrize(("kind", "scheme", "fund", "entitled"), CHECKS)
async def test_entitlement_says_fund_by_fund_what_may_pay(
    town: Town, kind: Kind, scheme: str, fund: str, entitled: str
) -> None:
    citizen = town.someone(kind)
    data = {
        "psn_no": citizen.number, "insutype": scheme, "fixmedins_code": town.pharmacy.code,
        "med_type": "41", "begntime": town.clock.text(),
    }  # fmt: skip
    reply = await town.pharmacy.ask("2001", {"data": data})
    [row] = [row for row in reply.rows("trtinfo") if row["fund_pay_type"] == fund]
    assert row["trt_enjymnt_flag"] == entitled


async def sell_with_token(
    town: Town, patient: Patient, token: str, *, other: bool = False
) -> Reply:
    """A sale to somebody who shows an e-credential."""
    pharmacy = town.other_pharmacy if other else town.pharmacy
    message = pharmacy.sale(patient, some(CLASS_A)).edited(
        {"input.druginfo.mdtrt_cert_type": "01", "input.druginfo.mdtrt_cert_no": token}
    )
    return await pharmacy.send(message)


async def test_token_pays_while_it_lives_where_it_was_scanned(town: Town) -> None:
    citizen = town.someone()
    await town.issue_token(citizen, "TOKEN-1", institution=town.pharmacy.code, seconds=300)
    assert_done(await sell_with_token(town, patient_of(citizen), "TOKEN-1"))
    field = "input.druginfo.mdtrt_cert_no"
    elsewhere = await sell_with_token(town, patient_of(citizen), "TOKEN-1", other=True)
    assert_refused(elsewhere, "TOKEN_OTHER_INSTITUTION", field=field)
    unknown = await sell_with_token(town, patient_of(citizen), "TOKEN-2")
    assert_refused(unknown, "TOKEN_UNKNOWN", field=field)
    thief = await sell_with_token(town, town.someone().patient, "TOKEN-1")
    assert_refused(thief, "TOKEN_UNKNOWN", field=field)
    town.clock.pass_by(timedelta(seconds=301))
    expired = await sell_with_token(town, patient_of(citizen), "TOKEN-1")
    assert_refused(expired, "TOKEN_EXPIRED", field=field)


async def test_dead_token_is_forgotten_after_a_week(town: Town) -> None:
    citizen = town.someone()
    await town.issue_token(citizen, "TOKEN-4", institution=town.pharmacy.code, seconds=300)
    await town.issue_token(citizen, "TOKEN-5", institution=town.pharmacy.code, seconds=900)
    town.clock.pass_by(timedelta(days=7, seconds=600))
    late = await sell_with_token(town, patient_of(citizen), "TOKEN-4")
    assert_refused(late, "TOKEN_EXPIRED", field="input.druginfo.mdtrt_cert_no")
    assert await town.drop_tokens() >= 1
    assert await town.drop_tokens() == 0
    forgotten = await sell_with_token(town, patient_of(citizen), "TOKEN-4")
    assert_refused(forgotten, "TOKEN_UNKNOWN", field="input.druginfo.mdtrt_cert_no")
    kept = await sell_with_token(town, patient_of(citizen), "TOKEN-5")
    assert_refused(kept, "TOKEN_EXPIRED", field="input.druginfo.mdtrt_cert_no")


async def test_token_finds_the_person(town: Town) -> None:
    citizen = town.someone()
    await town.issue_token(citizen, "TOKEN-3", institution=town.pharmacy.code)
    reply = await look_up(
        town, citizen.patient, mdtrt_cert_type="01", mdtrt_cert_no="TOKEN-3", certno=""
    )
    assert reply.text("psn_no", "baseinfo") == citizen.number


async def test_operator_signs_in_and_out_once(town: Town) -> None:
    signed_in = await town.pharmacy.ask(
        "9001", {"signIn": {"opter_no": "0001", "mac": "02-00-00-00-00-01", "ip": "127.0.0.1"}}
    )
    sign_no = signed_in.text("sign_no", "signinoutb")
    sign_out = {"signOut": {"sign_no": sign_no, "opter_no": "0001"}}
    assert_done(await town.pharmacy.ask("9002", sign_out))
    again = await town.pharmacy.ask("9002", sign_out)
    assert_refused(again, "SIGN_IN_UNKNOWN", field="input.signOut.sign_no", mentions=sign_no)
