"""An outpatient visit: registered, diagnosed, charged, quoted, settled, each step taken back."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.kit.counter import Visit
from tests.kit.population import CAPPED, CLASS_A, CLASS_B, CLASS_C, PLAIN, Kind, some
from tests.kit.reply import (
    Reply,
    assert_done,
    assert_money,
    assert_refused,
    assert_same_answer,
    assert_split,
)
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")

BASKET = (some(CLASS_A, 2), some(CLASS_B, 3), some(CLASS_C), some(CAPPED), some(PLAIN[5], 4))


async def test_visit_from_registration_to_settlement(town: Town) -> None:
    citizen = town.someone()
    visit = await town.hospital.open_visit(citizen, *BASKET)
    quoted = visit.quote(*BASKET)
    quote = await town.hospital.send(quoted)
    assert_split(quote, full="8.00", over="5.00", pre="3.00", scope="107.00")
    assert_money(quote, total="123.00", fund="64.20", account="50.80", cash="8.00")
    settled = await town.hospital.send(visit.settlement(quoted, quote))
    assert_money(settled, total="123.00", fund="64.20", account="50.80", cash="8.00")
    assert settled.mdtrt_id == visit.mdtrt_id
    assert settled.money("balc") == Decimal("949.20")


async def test_resident_at_a_hospital_of_the_second_level(town: Town) -> None:
    visit = await town.hospital.open_visit(town.someone(Kind.RESIDENT), some(CLASS_A, 2))
    settled = await visit.settle(some(CLASS_A, 2))
    assert_money(settled, total="25.00", fund="12.50", account="0.00", cash="12.50")


async def test_upload_answers_how_each_line_is_split(town: Town) -> None:
    visit = await town.hospital.open_visit(town.someone())
    reply = await town.hospital.send(visit.lines(*BASKET))
    split = [
        (row["fulamt_ownpay_amt"], row["overlmt_amt"], row["preselfpay_amt"], row["inscp_scp_amt"])
        for row in reply.rows("result")
    ]
    assert split == [
        (Decimal("0.00"), Decimal("0.00"), Decimal("0.00"), Decimal("25.00")),
        (Decimal("0.00"), Decimal("0.00"), Decimal("3.00"), Decimal("27.00")),
        (Decimal("8.00"), Decimal("0.00"), Decimal("0.00"), Decimal("0.00")),
        (Decimal("0.00"), Decimal("5.00"), Decimal("0.00"), Decimal("15.00")),
        (Decimal("0.00"), Decimal("0.00"), Decimal("0.00"), Decimal("40.00")),
    ]


async def test_quote_leaves_nothing_behind(town: Town) -> None:
    citizen = town.someone()
    visit = await town.hospital.open_visit(citizen, some(CLASS_A))
    assert_done(await town.hospital.send(visit.quote(some(CLASS_A))))
    assert await town.rows_of(citizen) == []


async def test_settlement_that_differs_from_its_quote_is_refused_with_both_numbers(
    town: Town,
) -> None:
    citizen = town.someone()
    visit = await town.hospital.open_visit(citizen, some(CLASS_B, 3))
    quoted = visit.quote(some(CLASS_B, 3))
    message = visit.settlement(quoted, await town.hospital.send(quoted))
    stale = message.edited(
        {"input.data.preselfpay_amt": "2.00", "input.data.inscp_scp_amt": "28.00"}
    )
    reply = await town.hospital.send(stale)
    assert_refused(reply, "QUOTE_STALE", field="input.data.preselfpay_amt", mentions="2.00")
    assert "3.00" in reply.err_msg
    assert await town.rows_of(citizen) == []
    assert_done(await town.hospital.send(message))


async def test_quote_is_stale_once_another_line_was_uploaded(town: Town) -> None:
    visit = await town.hospital.open_visit(town.someone(), some(CLASS_A))
    quoted = visit.quote(some(CLASS_A))
    message = visit.settlement(quoted, await town.hospital.send(quoted))
    assert_done(await town.hospital.send(visit.lines(some(PLAIN[0]), first=1)))
    reply = await town.hospital.send(message)
    assert_refused(reply, "TOTAL_MISMATCH", field="input.data.medfee_sumamt", mentions="12.50")
    assert "17.50" in reply.err_msg


async def test_two_batches_of_a_visit_are_settled_apart(town: Town) -> None:
    citizen = town.someone()
    visit = await town.hospital.open_visit(citizen, some(CLASS_A))
    assert_done(await town.hospital.send(visit.lines(some(PLAIN[5]), batch="B2")))
    first = await visit.settle(some(CLASS_A))
    second = await visit.settle(some(PLAIN[5]), batch="B2")
    assert [first.money("medfee_sumamt"), second.money("medfee_sumamt")] == [
        Decimal("12.50"), Decimal("10.00"),
    ]  # fmt: skip
    assert len(await town.rows_of(citizen)) == 2


async def test_batch_is_settled_once(town: Town) -> None:
    visit = await town.hospital.open_visit(town.someone(), some(CLASS_A))
    quoted = visit.quote(some(CLASS_A))
    quote = await town.hospital.send(quoted)
    message = visit.settlement(quoted, quote)
    settled = await town.hospital.send(message)
    assert_same_answer(settled, await town.hospital.send(message))
    again = await town.hospital.send(visit.settlement(quoted, quote))
    assert_refused(again, "CLAIM_ALREADY_SETTLED", mentions=settled.setl_id)
    assert_refused(
        await town.hospital.send(quoted), "CLAIM_ALREADY_SETTLED", mentions=settled.setl_id
    )


async def test_cancelled_batch_is_settled_again_under_a_new_msgid(town: Town) -> None:
    citizen = town.someone()
    visit = await town.hospital.open_visit(citizen, some(CLASS_A, 2))
    settled = await visit.settle(some(CLASS_A, 2))
    cancelled = await town.hospital.send(town.hospital.cancel(settled))
    assert cancelled.money("medfee_sumamt") == Decimal("-25.00")
    assert cancelled.mdtrt_id == visit.mdtrt_id
    again = await visit.settle(some(CLASS_A, 2))
    assert_money(again, total="25.00", fund="15.00", account="10.00", cash="0.00")
    assert [row["kind"] for row in await town.rows_of(citizen)] == [1, 2, 1]


async def test_registration_and_upload_resent_get_their_first_answers(town: Town) -> None:
    registration = town.hospital.registration(town.someone())
    first = await town.hospital.send(registration)
    assert_same_answer(first, await town.hospital.send(registration))
    visit = await town.hospital.open_visit(town.someone())
    upload = visit.lines(*BASKET)
    uploaded = await town.hospital.send(upload)
    assert_same_answer(uploaded, await town.hospital.send(upload))
    assert_done(await town.hospital.send(visit.withdrawal_of_lines()))
    assert_same_answer(uploaded, await town.hospital.send(upload))


async def test_registration_is_resent_whatever_its_batches_are_called(town: Town) -> None:
    citizen = town.someone()
    registration = town.hospital.registration(citizen)
    first = await town.hospital.send(registration)
    visit = Visit(
        hospital=town.hospital, patient=citizen.patient, mdtrt_id=first.text("mdtrt_id", "data"),
        outpatient_no=first.text("ipt_otp_no", "data"),
    )  # fmt: skip
    assert_done(await town.hospital.send(visit.lines(*BASKET, batch="2601")))
    assert_same_answer(first, await town.hospital.send(registration))


async def test_upload_of_several_batches_is_answered_in_its_own_order(town: Town) -> None:
    visit = await town.hospital.open_visit(town.someone())
    upload = visit.lines(some(PLAIN[0]), some(PLAIN[1]), some(PLAIN[2])).edited(
        {"input.feedetail[1].chrg_bchno": "B2"}
    )
    first = await town.hospital.send(upload)
    assert _amounts(first) == [Decimal("5.00"), Decimal("6.00"), Decimal("7.00")]
    again = await town.hospital.send(upload)
    assert _amounts(again) == _amounts(first)


async def test_lines_of_one_charge_batch_name_one_disease(town: Town) -> None:
    visit = await town.hospital.register(town.someone())
    two = visit.lines(some(CLASS_A), some(PLAIN[0]))
    apart = {"input.feedetail[0].dise_codg": "J00", "input.feedetail[1].dise_codg": "K29"}
    reply = await town.hospital.send(two.edited(apart))
    assert_refused(reply, "BATCH_DISEASE_DIFFERS", field="input.feedetail[1].dise_codg")
    same = {"input.feedetail[0].dise_codg": "J00", "input.feedetail[1].dise_codg": "J00"}
    assert (await town.hospital.send(two.edited(same))).infcode == 0
    later = visit.lines(some(PLAIN[0]), first=5)
    reply = await town.hospital.send(later.edited({"input.feedetail[0].dise_codg": "K29"}))
    assert_refused(reply, "BATCH_DISEASE_DIFFERS", field="input.feedetail[0].dise_codg")


async def test_line_number_is_used_once_a_visit(town: Town) -> None:
    visit = await town.hospital.open_visit(town.someone(), some(CLASS_A))
    reply = await town.hospital.send(visit.lines(some(PLAIN[0])))
    assert_refused(
        reply, "BATCH_LINE_REPEATED", field="input.feedetail[0].feedetl_sn", mentions="B1-001"
    )
    assert_done(await town.hospital.send(visit.withdrawal_of_lines("B1")))
    assert_done(await town.hospital.send(visit.lines(some(PLAIN[0]))))


async def test_lines_of_two_visits_do_not_come_in_one_message(town: Town) -> None:
    citizen = town.someone()
    first = await town.hospital.open_visit(citizen)
    second = await town.hospital.open_visit(citizen)
    upload = first.lines(some(CLASS_A), some(CLASS_B)).edited(
        {"input.feedetail[1].mdtrt_id": second.mdtrt_id}
    )
    reply = await town.hospital.send(upload)
    assert_refused(reply, "LINES_OF_SEVERAL_VISITS", field="input.feedetail[0].mdtrt_id")


async def test_registration_with_lines_is_not_withdrawn(town: Town) -> None:
    visit = await town.hospital.open_visit(town.someone(), some(CLASS_A))
    reply = await town.hospital.send(visit.withdrawal())
    assert_refused(reply, "VISIT_HAS_LINES", field="input.data.mdtrt_id")
    assert_done(await town.hospital.send(visit.withdrawal_of_lines()))
    assert_done(await town.hospital.send(visit.withdrawal()))
    late = await town.hospital.send(visit.lines(some(PLAIN[0])))
    assert_refused(late, "VISIT_WITHDRAWN", field="input.feedetail[0].mdtrt_id")


async def test_settled_visit_gives_back_neither_lines_nor_registration(town: Town) -> None:
    visit = await town.hospital.open_visit(town.someone(), some(CLASS_A))
    settled = await visit.settle(some(CLASS_A))
    assert_refused(
        await town.hospital.send(visit.withdrawal_of_lines("B1")), "BATCH_SETTLED",
        field="input.data.chrg_bchno", mentions=settled.setl_id,
    )  # fmt: skip
    assert_refused(
        await town.hospital.send(visit.withdrawal()), "VISIT_SETTLED",
        field="input.data.mdtrt_id", mentions=settled.setl_id,
    )  # fmt: skip
    assert_refused(
        await town.hospital.send(visit.lines(some(PLAIN[0]), first=1)), "BATCH_SETTLED",
        field="input.feedetail[0].chrg_bchno", mentions=settled.setl_id,
    )  # fmt: skip


async def test_withdrawal_of_everything_leaves_settled_batches_alone(town: Town) -> None:
    visit = await town.hospital.open_visit(town.someone(), some(CLASS_A))
    assert_done(await town.hospital.send(visit.lines(some(PLAIN[0]), batch="B2")))
    settled = await visit.settle(some(CLASS_A))
    assert_done(await town.hospital.send(visit.withdrawal_of_lines()))
    reply = await town.hospital.send(visit.quote(some(PLAIN[0]), batch="B2"))
    assert_refused(reply, "BATCH_UNKNOWN", field="input.data.chrg_bchno", mentions="B2")
    assert_done(await town.hospital.settlement(settled))


async def test_visit_without_diagnosis_is_not_settled(town: Town) -> None:
    visit = await town.hospital.open_visit(town.someone(), some(CLASS_A), diagnosed=False)
    reply = await town.hospital.send(visit.quote(some(CLASS_A)))
    assert_refused(reply, "VISIT_NOT_DIAGNOSED", field="input.data.mdtrt_id")


async def test_newest_diagnosis_holds(town: Town) -> None:
    visit = await town.hospital.open_visit(town.someone(), some(CLASS_A))
    other = visit.diagnosis().edited({"input.mdtrtinfo.med_type": "14"})
    assert_done(await town.hospital.send(other))
    reply = await town.hospital.send(visit.quote(some(CLASS_A)))
    assert_refused(reply, "CARE_TYPE_MISMATCH", field="input.data.med_type", mentions="14")
    assert_done(await town.hospital.send(visit.diagnosis()))
    assert_done(await town.hospital.send(visit.quote(some(CLASS_A))))


QUOTE_FAULTS = [
    # what is changed in the quote,       refusal,          its field
    ({"input.data.chrg_bchno": "B9"}, "BATCH_UNKNOWN", "input.data.chrg_bchno"),
    ({"input.data.insutype": "390"}, "SCHEME_DIFFERS", "input.data.insutype"),
    ({"input.data.mdtrt_id": "2611000000001999999"}, "VISIT_UNKNOWN", "input.data.mdtrt_id"),
    ({"input.data.medfee_sumamt": "13.00"}, "TOTAL_MISMATCH", "input.data.medfee_sumamt"),
]


@pytest.mark.parametrize(("changes", "code", "field"), QUOTE_FAULTS)
async def test_quote_that_does_not_fit_the_visit_is_refused(
    town: Town, changes: dict[str, object], code: str, field: str
) -> None:
    visit = await town.hospital.open_visit(town.someone(), some(CLASS_A))
    reply = await town.hospital.send(visit.quote(some(CLASS_A)).edited(changes))
    assert_refused(reply, code, field=field)


async def test_visit_of_another_person_is_refused(town: Town) -> None:
    mine, other = town.strangers()
    visit = await town.hospital.open_visit(mine, some(CLASS_A))
    theirs = Visit(
        hospital=town.hospital, patient=other.patient, mdtrt_id=visit.mdtrt_id,
        outpatient_no=visit.outpatient_no,
    )  # fmt: skip
    reply = await town.hospital.send(theirs.quote(some(CLASS_A)))
    assert_refused(reply, "VISIT_OF_OTHER_PERSON", field="input.data.mdtrt_id")


async def test_visit_edition_a_is_settled_too(town: Town) -> None:
    visit = await town.hospital.open_visit(town.someone(), some(CLASS_A))
    quoted = visit.quote(some(CLASS_A)).edited({"infno": "2206A"})
    quote = await town.hospital.send(quoted)
    message = visit.settlement(quoted, quote).edited({"infno": "2207A"})
    settled = await town.hospital.send(message)
    assert_money(settled, total="12.50", fund="7.50", account="5.00", cash="0.00")
    assert_same_answer(settled, await town.hospital.send(message))


def _amounts(reply: Reply) -> list[object]:
    return [row["det_item_fee_sumamt"] for row in reply.rows("result")]
