"""A message sent again gets the first answer again; a changed one is refused naming the part."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from settlement.clock import local_time, system_clock
from settlement.workers import duplicates
from settlement.workers.duplicates import DuplicateMessages
from tests.kit.clock import OPENING
from tests.kit.counter import Message
from tests.kit.population import CLASS_A, CLASS_B, PLAIN, some
from tests.kit.reply import assert_done, assert_refused, assert_same_answer
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_resent_sale_gets_the_first_answer_and_is_booked_once(town: Town) -> None:
    citizen = town.someone()
    message = town.pharmacy.sale(citizen, some(CLASS_A, 2), some(CLASS_B))
    first = await town.pharmacy.send(message)
    town.clock.pass_by(timedelta(hours=3))
    again = await town.pharmacy.send(message)
    assert_same_answer(first, again)
    assert again.inf_refmsgid != first.inf_refmsgid
    assert again.respond_time > first.respond_time
    assert len(await town.rows_of(citizen)) == 1
    assert await town.balance_fen(citizen) == 98_540


async def test_resend_after_a_restart_of_the_service_is_the_same_message(town: Town) -> None:
    citizen = town.someone()
    message = town.pharmacy.sale(citizen, some(CLASS_A))
    first = await town.pharmacy.send(message)
    await town.restart()
    assert_same_answer(first, await town.pharmacy.send(message))
    assert len(await town.rows_of(citizen)) == 1


async def test_another_operator_at_another_time_is_the_same_message(town: Town) -> None:
    message = town.pharmacy.sale(town.someone(), some(CLASS_A))
    first = await town.pharmacy.send(message)
    town.clock.pass_by(timedelta(minutes=5))
    envelope = {
        "opter": "0099", "opter_name": "测试接班员", "sign_no": "1", "inf_time": town.clock.text(),
    }  # fmt: skip
    assert_same_answer(first, await town.pharmacy.send(message.edited(envelope)))


SPELLINGS = [
    ("input.druginfo.medfee_sumamt", "12.5"),
    ("input.druginfo.medfee_sumamt", "12.500"),
    ("input.druginfo.invono", ""),
    ("input.drugdetail[0].cnt", "1.0000"),
    ("input.drugdetail[0].pric", "1.25E+1"),
    ("input.drugdetail[0].feedetl_sn", 1),
]


@pytest.mark.parametrize(("path", "value"), SPELLINGS)
async def test_another_spelling_of_a_value_is_the_same_message(
    town: Town, path: str, value: object
) -> None:
    message = town.pharmacy.sale(town.someone(), some(CLASS_A))
    first = await town.pharmacy.send(message)
    assert_same_answer(first, await town.pharmacy.send(message.edited({path: value})))


CHANGED_PARTS = [
    # path,                             value,               the text names
    ("input.druginfo.mdtrt_cert_no", "999999198001019999", "人员和凭证"),
    ("input.druginfo.begntime", "2026-11-23 08:00:00", "单据信息"),
    ("input.druginfo.acct_used_flag", "0", "单据信息"),
    ("input.druginfo.medfee_sumamt", "99.00", "合计金额"),
    ("input.drugdetail[0].cnt", "3", "第1行明细"),
    ("input.drugdetail[1].pric", "9.99", "第2行明细"),
    ("input.drugdetail[1].med_list_codg", "XA003TESTPLAIN", "第2行明细"),
]


@pytest.mark.parametrize(("path", "value", "part"), CHANGED_PARTS)
async def test_same_msgid_with_other_content_is_refused_naming_the_part(
    town: Town, path: str, value: object, part: str
) -> None:
    citizen = town.someone()
    message = town.pharmacy.sale(citizen, some(CLASS_A, 2), some(PLAIN[0]))
    assert_done(await town.pharmacy.send(message))
    reply = await town.pharmacy.send(message.edited({path: value}))
    assert_refused(reply, "MESSAGE_CONFLICT", field="msgid", mentions=part)
    assert len(await town.rows_of(citizen)) == 1


async def test_same_msgid_with_a_line_less_is_refused_naming_their_number(town: Town) -> None:
    message = town.pharmacy.sale(town.someone(), some(CLASS_A), some(PLAIN[0]))
    assert_done(await town.pharmacy.send(message))
    reply = await town.pharmacy.send(_with_first_line_only(message))
    assert_refused(reply, "MESSAGE_CONFLICT", field="msgid", mentions="明细行数")


async def test_same_msgid_for_a_person_of_the_same_lane_is_refused_as_another_person(
    town: Town,
) -> None:
    first, second = town.neighbours()
    message = town.pharmacy.sale(first, some(CLASS_A))
    assert_done(await town.pharmacy.send(message))
    other = town.pharmacy.sale(second, some(CLASS_A)).edited({"msgid": message.msgid})
    reply = await town.pharmacy.send(other)
    assert_refused(reply, "MESSAGE_CONFLICT", field="msgid", mentions="人员和凭证")
    assert await town.rows_of(second) == []


async def test_same_msgid_for_a_person_of_another_lane_is_reported_to_operators(
    town: Town,
) -> None:
    """Two lanes have nothing in common that could refuse it (ADR 0005): it is never silent."""
    town.clock.move_to(local_time(system_clock()))
    first, second = town.strangers()
    message = town.pharmacy.sale(first, some(CLASS_A))
    other = town.pharmacy.sale(second, some(CLASS_A)).edited({"msgid": message.msgid})
    watch = DuplicateMessages()
    assert_done(await town.pharmacy.send(message))
    assert await watch.step(town.owner) == 0
    assert_done(await town.pharmacy.send(other))
    assert await watch.step(town.owner) == 1
    assert await watch.step(town.owner) == 0
    town.clock.move_to(OPENING)


async def test_same_msgid_for_a_second_person_is_reported_though_it_comes_late(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent_at = system_clock() + timedelta(hours=1)
    passed = timedelta(0)
    monkeypatch.setattr(duplicates, "system_clock", lambda: sent_at + passed)
    town.clock.move_to(local_time(sent_at))
    first, second = town.strangers()
    message = town.pharmacy.sale(first, some(CLASS_A))
    watch = DuplicateMessages()
    assert_done(await town.pharmacy.send(message))
    assert await watch.step(town.owner) == 0
    passed = timedelta(seconds=40)
    assert await watch.step(town.owner) == 0
    other = town.pharmacy.sale(second, some(CLASS_A)).edited({"msgid": message.msgid})
    assert_done(await town.pharmacy.send(other))
    passed = timedelta(seconds=60)
    assert await watch.step(town.owner) == 0
    passed = timedelta(seconds=80)
    assert await watch.step(town.owner) == 1
    town.clock.move_to(OPENING)


async def test_same_msgid_at_another_institution_is_another_message(town: Town) -> None:
    citizen = town.someone()
    message = town.pharmacy.sale(citizen, some(CLASS_A))
    assert_done(await town.pharmacy.send(message))
    other = town.other_pharmacy.sale(citizen, some(CLASS_A)).edited({"msgid": message.msgid})
    reply = await town.other_pharmacy.send(other)
    assert_done(reply)
    assert not reply.warn_msg


async def test_refused_message_does_not_use_up_its_msgid(town: Town) -> None:
    message = town.pharmacy.sale(town.someone(), some(CLASS_A))
    wrong = message.edited({"input.druginfo.medfee_sumamt": "99.00"})
    assert_refused(
        await town.pharmacy.send(wrong), "TOTAL_MISMATCH", field="input.druginfo.medfee_sumamt",
        mentions="99.00",
    )  # fmt: skip
    corrected = await town.pharmacy.send(message)
    assert_done(corrected)
    assert not corrected.warn_msg


async def test_same_claim_under_a_new_msgid_is_refused_naming_the_settlement(town: Town) -> None:
    citizen = town.someone()
    at = datetime(2026, 11, 23, 8, 30)
    basket = [some(CLASS_A), some(PLAIN[1], 2)]
    settled = await town.pharmacy.sell(citizen, *basket, at=at)
    again = await town.pharmacy.sell(citizen, *reversed(basket), at=at)
    assert_refused(again, "CLAIM_ALREADY_SETTLED", mentions=settled.setl_id)
    assert len(await town.rows_of(citizen)) == 1


async def test_cancelled_claim_may_be_settled_again(town: Town) -> None:
    citizen = town.someone()
    at = datetime(2026, 11, 23, 8, 31)
    settled = await town.pharmacy.sell(citizen, some(CLASS_A), at=at)
    assert_done(await town.pharmacy.send(town.pharmacy.cancel(settled)))
    again = await town.pharmacy.sell(citizen, some(CLASS_A), at=at)
    assert_done(again)
    assert again.setl_id != settled.setl_id
    third = await town.pharmacy.sell(citizen, some(CLASS_A), at=at)
    assert_refused(third, "CLAIM_ALREADY_SETTLED", mentions=again.setl_id)


async def test_resend_after_a_cancel_still_gets_the_first_answer(town: Town) -> None:
    citizen = town.someone()
    message = town.pharmacy.sale(citizen, some(CLASS_A))
    settled = await town.pharmacy.send(message)
    assert_done(await town.pharmacy.send(town.pharmacy.cancel(settled)))
    assert_same_answer(settled, await town.pharmacy.send(message))
    assert len(await town.rows_of(citizen)) == 2


async def test_sale_of_new_years_eve_resent_after_midnight_is_booked_once(town: Town) -> None:
    citizen = town.someone()
    town.clock.move_to(datetime(2026, 12, 31, 23, 59, 40))
    message = town.pharmacy.sale(citizen, some(CLASS_A, 2))
    first = await town.pharmacy.send(message)
    town.clock.move_to(datetime(2027, 1, 1, 0, 0, 5))
    assert_same_answer(first, await town.pharmacy.send(message))
    [row] = await town.rows_of(citizen)
    assert (row["year"], row["business_day"].isoformat()) == (2026, "2026-12-31")


def _with_first_line_only(message: Message) -> Message:
    body = message.envelope["input"]
    assert isinstance(body, dict)
    return message.edited({"input.drugdetail": body["drugdetail"][:1]})
