"""2601: a counter that lost an answer takes back whatever its message did, or will ever do."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.kit.population import CLASS_A, CLASS_B, PLAIN, some
from tests.kit.reply import Reply, assert_done, assert_money, assert_refused, assert_same_answer
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")
NOBODY = "44190099999999999999"
LANES = 16
"""As many buyers: some share the lane of nobody's number."""


def assert_took_back(reply: Reply) -> None:
    """2601 answers with its envelope only."""
    assert_done(reply)
    assert reply.output == {}


async def test_lost_answer_is_reversed_and_the_settlement_never_existed(town: Town) -> None:
    citizen = town.someone()
    message = town.pharmacy.sale(citizen, some(CLASS_A, 2))
    lost = await town.pharmacy.send(message)
    assert_took_back(await town.pharmacy.send(town.pharmacy.reversal(message, citizen)))
    assert await town.balance_fen(citizen) == 100_000
    assert_refused(
        await town.pharmacy.settlement(lost), "SETTLEMENT_UNKNOWN", field="input.data.setl_id"
    )
    assert_refused(await town.pharmacy.fees(lost), "SETTLEMENT_UNKNOWN", field="input.data.setl_id")
    assert (await town.pharmacy.visits(citizen)).rows("mdtrtinfo") == []
    assert [row["kind"] for row in await town.rows_of(citizen)] == [1, 3]


async def test_resend_of_a_reversed_message_is_refused(town: Town) -> None:
    citizen = town.someone()
    message = town.pharmacy.sale(citizen, some(CLASS_A, 2))
    assert_done(await town.pharmacy.send(message))
    assert_took_back(await town.pharmacy.send(town.pharmacy.reversal(message, citizen)))
    assert_refused(await town.pharmacy.send(message), "MESSAGE_REVERSED", field="msgid")
    assert len(await town.rows_of(citizen)) == 2


async def test_message_that_never_arrived_is_reversed_and_its_late_arrival_refused(
    town: Town,
) -> None:
    citizen = town.someone()
    message = town.pharmacy.sale(citizen, some(CLASS_A))
    assert_took_back(await town.pharmacy.send(town.pharmacy.reversal(message, citizen)))
    assert_refused(await town.pharmacy.send(message), "MESSAGE_REVERSED", field="msgid")
    assert await town.rows_of(citizen) == []


async def test_refused_message_is_reversed_and_stays_refused_when_it_is_mended(
    town: Town,
) -> None:
    citizen = town.someone()
    message = town.pharmacy.sale(citizen, some(CLASS_A), total="99.00")
    assert_refused(
        await town.pharmacy.send(message), "TOTAL_MISMATCH",
        field="input.druginfo.medfee_sumamt", mentions="12.50",
    )  # fmt: skip
    assert_took_back(await town.pharmacy.send(town.pharmacy.reversal(message, citizen)))
    mended = message.edited({"input.druginfo.medfee_sumamt": "12.50"})
    assert_refused(await town.pharmacy.send(mended), "MESSAGE_REVERSED", field="msgid")


@pytest.mark.parametrize("arrived", [True, False])
async def test_message_of_a_person_who_does_not_exist_is_reversed(
    town: Town, arrived: bool
) -> None:
    citizen = town.someone()
    sale = town.pharmacy.sale(citizen, some(CLASS_A))
    message = sale.edited({"input.druginfo.psn_no": NOBODY})
    if arrived:
        assert_refused(
            await town.pharmacy.send(message), "PERSON_UNKNOWN", field="input.druginfo.psn_no"
        )
    for _ in range(2):
        reversal = town.pharmacy.reversal(message, citizen)
        assert_took_back(
            await town.pharmacy.send(reversal.edited({"input.data.psn_no": NOBODY}))
        )
    assert_refused(await town.pharmacy.send(message), "MESSAGE_REVERSED", field="msgid")


async def test_reversal_naming_nobody_does_not_take_back_what_somebody_bought(
    town: Town,
) -> None:
    for buyer in town.people(LANES):
        message = town.pharmacy.sale(buyer, some(CLASS_A))
        settled = await town.pharmacy.send(message)
        reversal = town.pharmacy.reversal(message, buyer)
        reply = await town.pharmacy.send(reversal.edited({"input.data.psn_no": NOBODY}))
        assert_refused(reply, "REVERSAL_PERSON_DIFFERS", field="input.data.psn_no")
        assert_done(await town.pharmacy.settlement(settled))


@pytest.mark.parametrize("arrived", [True, False])
async def test_reversal_of_what_was_reversed_before_is_done_again(
    town: Town, arrived: bool
) -> None:
    citizen = town.someone()
    message = town.pharmacy.sale(citizen, some(CLASS_A))
    if arrived:
        assert_done(await town.pharmacy.send(message))
    assert_took_back(await town.pharmacy.send(town.pharmacy.reversal(message, citizen)))
    assert_took_back(await town.pharmacy.send(town.pharmacy.reversal(message, citizen)))
    assert len(await town.rows_of(citizen)) == (2 if arrived else 0)


@pytest.mark.parametrize("arrived", [True, False])
async def test_resent_reversal_gets_the_first_answer_again(town: Town, arrived: bool) -> None:
    citizen = town.someone()
    message = town.pharmacy.sale(citizen, some(CLASS_A))
    if arrived:
        assert_done(await town.pharmacy.send(message))
    reversal = town.pharmacy.reversal(message, citizen)
    first = await town.pharmacy.send(reversal)
    assert_same_answer(first, await town.pharmacy.send(reversal))


async def test_reversal_naming_a_neighbour_of_the_same_lane_is_refused(town: Town) -> None:
    buyer, other = town.neighbours()
    message = town.pharmacy.sale(buyer, some(CLASS_A))
    settled = await town.pharmacy.send(message)
    reply = await town.pharmacy.send(town.pharmacy.reversal(message, other))
    assert_refused(reply, "REVERSAL_PERSON_DIFFERS", field="input.data.psn_no")
    assert_done(await town.pharmacy.settlement(settled))


async def test_reversal_naming_a_person_of_another_lane_is_refused(town: Town) -> None:
    buyer, other = town.strangers()
    message = town.pharmacy.sale(buyer, some(CLASS_A))
    settled = await town.pharmacy.send(message)
    reply = await town.pharmacy.send(town.pharmacy.reversal(message, other))
    assert_refused(reply, "REVERSAL_PERSON_DIFFERS", field="input.data.psn_no")
    assert_done(await town.pharmacy.settlement(settled))
    assert_took_back(await town.pharmacy.send(town.pharmacy.reversal(message, buyer)))


@pytest.mark.parametrize("infno", ["2101", "2204", "2402", "2601", "9999"])
async def test_reversal_of_another_transaction_is_not_supported(town: Town, infno: str) -> None:
    citizen = town.someone()
    message = town.pharmacy.sale(citizen, some(CLASS_A))
    reversal = town.pharmacy.reversal(message, citizen).edited({"input.data.oinfno": infno})
    reply = await town.pharmacy.send(reversal)
    assert_refused(reply, "REVERSAL_NOT_SUPPORTED", field="input.data.oinfno", mentions=infno)


@pytest.mark.parametrize("infno", ["2103", "2208", "2305"])
@pytest.mark.parametrize("arrived", [True, False])
async def test_reversal_of_a_cancel_is_refused_and_the_cancel_stands(
    town: Town, infno: str, arrived: bool
) -> None:
    citizen = town.someone()
    settled = await town.pharmacy.sell(citizen, some(CLASS_A, 2))
    message = town.pharmacy.cancel(settled)
    first = await town.pharmacy.send(message) if arrived else None
    reversal = town.pharmacy.reversal(message, citizen).edited({"input.data.oinfno": infno})
    reply = await town.pharmacy.send(reversal)
    assert_refused(reply, "REVERSAL_OF_CANCEL", field="input.data.oinfno", mentions="原msgid重发")
    again = await town.pharmacy.send(message)
    assert_done(again)
    if first is not None:
        assert_same_answer(first, again)
    assert [row["kind"] for row in await town.rows_of(citizen)] == [1, 2]
    assert await town.balance_fen(citizen) == 100_000


async def test_reversal_at_another_institution_touches_nothing_of_ours(town: Town) -> None:
    citizen = town.someone()
    message = town.pharmacy.sale(citizen, some(CLASS_A))
    settled = await town.pharmacy.send(message)
    assert_took_back(await town.other_pharmacy.send(town.other_pharmacy.reversal(message, citizen)))
    assert_done(await town.pharmacy.settlement(settled))


async def test_reversal_of_a_cancelled_sale_is_refused_naming_the_cancel(town: Town) -> None:
    citizen = town.someone()
    message = town.pharmacy.sale(citizen, some(CLASS_A))
    settled = await town.pharmacy.send(message)
    cancelled = await town.pharmacy.send(town.pharmacy.cancel(settled))
    reply = await town.pharmacy.send(town.pharmacy.reversal(message, citizen))
    assert_refused(
        reply, "REVERSAL_ALREADY_CANCELLED", field="input.data.omsgid", mentions=cancelled.setl_id
    )


async def test_cancel_of_a_reversed_sale_is_refused(town: Town) -> None:
    citizen = town.someone()
    message = town.pharmacy.sale(citizen, some(CLASS_A))
    settled = await town.pharmacy.send(message)
    assert_took_back(await town.pharmacy.send(town.pharmacy.reversal(message, citizen)))
    reply = await town.pharmacy.send(town.pharmacy.cancel(settled))
    assert reply.err_code in {"ALREADY_CANCELLED", "SETTLEMENT_UNKNOWN"}
    assert len(await town.rows_of(citizen)) == 2


async def test_reversed_claim_may_be_sold_again_under_a_new_msgid(town: Town) -> None:
    citizen = town.someone()
    at = datetime(2026, 11, 23, 8, 30)
    message = town.pharmacy.sale(citizen, some(CLASS_A, 2), at=at)
    assert_done(await town.pharmacy.send(message))
    assert_took_back(await town.pharmacy.send(town.pharmacy.reversal(message, citizen)))
    again = await town.pharmacy.sell(citizen, some(CLASS_A, 2), at=at)
    assert_money(again, total="25.00", fund="15.00", account="10.00", cash="0.00")


async def test_reversal_waits_for_a_later_settlement_of_the_person(town: Town) -> None:
    citizen = town.someone()
    message = town.pharmacy.sale(citizen, some(CLASS_A))
    assert_done(await town.pharmacy.send(message))
    later = await town.other_pharmacy.sell(citizen, some(CLASS_B))
    reply = await town.pharmacy.send(town.pharmacy.reversal(message, citizen))
    assert_refused(
        reply, "LATER_SETTLEMENT_STANDS", field="input.data.omsgid", mentions=later.setl_id
    )


async def test_reversed_visit_settlement_opens_its_batch_again(town: Town) -> None:
    citizen = town.someone()
    basket = [some(CLASS_A, 2), some(PLAIN[0])]
    visit = await town.hospital.open_visit(citizen, *basket)
    quoted = visit.quote(*basket)
    message = visit.settlement(quoted, await town.hospital.send(quoted))
    lost = await town.hospital.send(message)
    assert_took_back(await town.hospital.send(town.hospital.reversal(message, citizen)))
    again = await visit.settle(*basket)
    assert_done(again)
    assert again.setl_id != lost.setl_id
    [row] = (await town.hospital.visits(citizen)).rows("mdtrtinfo")
    assert row["setl_id"] == again.setl_id
