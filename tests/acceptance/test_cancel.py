"""A cancel is a second settlement, the exact negative of the first, and gives everything back."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest

from settlement.rows import MONEY
from tests.kit.population import CLASS_A, CLASS_B, CLASS_C, DEAR, Kind, some
from tests.kit.reply import (
    Reply,
    assert_adds_up,
    assert_done,
    assert_money,
    assert_refused,
    assert_same_answer,
)
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")

AMOUNTS = (
    "medfee_sumamt", "fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt",
    "act_pay_dedc", "hifp_pay", "cvlserv_pay", "hifes_pay", "hifmi_pay", "hifob_pay", "maf_pay",
    "oth_pay", "hifdm_pay", "fund_pay_sumamt", "psn_part_amt", "acct_pay", "psn_cash_pay",
    "hosp_part_amt", "acct_mulaid_pay",
)  # fmt: skip


async def test_cancel_answers_the_exact_negative_under_a_number_of_its_own(town: Town) -> None:
    citizen = town.someone()
    settled = await town.pharmacy.sell(citizen, some(CLASS_A, 2), some(CLASS_B, 3), some(CLASS_C))
    cancelled = await town.pharmacy.send(town.pharmacy.cancel(settled))
    assert_adds_up(cancelled)
    assert {name: cancelled.money(name) for name in AMOUNTS} == {
        name: -settled.money(name) for name in AMOUNTS
    }
    assert cancelled.setl_id != settled.setl_id
    assert cancelled.mdtrt_id == settled.mdtrt_id
    assert cancelled.money("balc") == Decimal("1000.00")
    assert await town.balance_fen(citizen) == 100_000


async def test_cancel_is_a_linked_row_with_every_amount_negated(town: Town) -> None:
    citizen = town.someone()
    settled = await town.pharmacy.sell(citizen, some(CLASS_A, 2), some(CLASS_B, 3))
    await town.pharmacy.send(town.pharmacy.cancel(settled))
    first, second = await town.rows_of(citizen)
    assert second["undoes_setl_id"] == first["setl_id"]
    assert (first["kind"], second["kind"]) == (1, 2)
    assert all(second[name] == -first[name] for name in MONEY)


async def test_cancel_gives_the_accumulator_back(town: Town) -> None:
    citizen = town.someone(Kind.RESIDENT)
    settled = await town.pharmacy.sell(citizen, some(DEAR, 2))
    assert_money(settled, total="4000.00", fund="1200.00", account="0.00", cash="2800.00")
    exhausted = await town.pharmacy.sell(citizen, some(CLASS_A, 2))
    assert exhausted.money("fund_pay_sumamt") == 0
    assert_done(await town.pharmacy.send(town.pharmacy.cancel(exhausted)))
    assert_done(await town.pharmacy.send(town.pharmacy.cancel(settled)))
    fresh = await town.pharmacy.sell(citizen, some(DEAR, 2))
    assert_money(fresh, total="4000.00", fund="1200.00", account="0.00", cash="2800.00")


async def test_second_cancel_is_refused_naming_the_first(town: Town) -> None:
    settled = await town.pharmacy.sell(town.someone(), some(CLASS_A))
    cancelled = await town.pharmacy.send(town.pharmacy.cancel(settled))
    again = await town.pharmacy.send(town.pharmacy.cancel(settled))
    assert_refused(
        again, "ALREADY_CANCELLED", field="input.data.setl_id", mentions=cancelled.setl_id
    )


async def test_same_cancel_message_gets_the_first_answer_again(town: Town) -> None:
    citizen = town.someone()
    settled = await town.pharmacy.sell(citizen, some(CLASS_A))
    message = town.pharmacy.cancel(settled)
    first = await town.pharmacy.send(message)
    assert_same_answer(first, await town.pharmacy.send(message))
    assert len(await town.rows_of(citizen)) == 2


async def test_cancel_of_a_cancel_is_refused(town: Town) -> None:
    settled = await town.pharmacy.sell(town.someone(), some(CLASS_A))
    cancelled = await town.pharmacy.send(town.pharmacy.cancel(settled))
    reply = await town.pharmacy.send(town.pharmacy.cancel(cancelled))
    assert_refused(reply, "CANCEL_OF_CANCEL", field="input.data.setl_id")


async def test_earlier_settlement_of_the_year_waits_for_the_later_one(town: Town) -> None:
    citizen = town.someone()
    first = await town.pharmacy.sell(citizen, some(CLASS_A))
    second = await town.pharmacy.sell(citizen, some(CLASS_B))
    third = await town.other_pharmacy.sell(citizen, some(CLASS_B))
    cancel_first = town.pharmacy.cancel(first)
    assert_refused(
        await town.pharmacy.send(cancel_first), "LATER_SETTLEMENT_STANDS",
        field="input.data.setl_id", mentions=third.setl_id,
    )  # fmt: skip
    assert_done(await town.other_pharmacy.send(town.other_pharmacy.cancel(third)))
    assert_refused(
        await town.pharmacy.send(cancel_first), "LATER_SETTLEMENT_STANDS",
        field="input.data.setl_id", mentions=second.setl_id,
    )  # fmt: skip
    assert_done(await town.pharmacy.send(town.pharmacy.cancel(second)))
    assert_done(await town.pharmacy.send(cancel_first))
    assert await town.balance_fen(citizen) == 100_000


async def test_settlement_of_another_institution_is_refused(town: Town) -> None:
    settled = await town.pharmacy.sell(town.someone(), some(CLASS_A))
    reply = await town.other_pharmacy.send(town.other_pharmacy.cancel(settled))
    assert_refused(reply, "SETTLEMENT_OF_OTHER_INSTITUTION", field="input.data.setl_id")


async def test_settlement_of_another_person_is_refused(town: Town) -> None:
    mine, neighbours = town.neighbours()
    settled = await town.pharmacy.sell(mine, some(CLASS_A))
    reply = await town.pharmacy.send(town.pharmacy.cancel(settled, psn_no=neighbours.number))
    assert_refused(reply, "SETTLEMENT_OF_OTHER_PERSON", field="input.data.setl_id")


@pytest.mark.parametrize(
    "changes",
    [
        {"input.data.setl_id": "2611000000001999999"},
        {"input.data.setl_id": "no-such-number"},
        {"input.data.mdtrt_id": "2611000000001999999"},
    ],
)
async def test_unknown_settlement_is_refused(town: Town, changes: dict[str, object]) -> None:
    settled = await town.pharmacy.sell(town.someone(), some(CLASS_A))
    reply = await town.pharmacy.send(town.pharmacy.cancel(settled).edited(changes))
    assert_refused(reply, "SETTLEMENT_UNKNOWN", field="input.data.setl_id")


async def test_pharmacy_cancel_does_not_cancel_a_visit(town: Town) -> None:
    visit = await town.hospital.open_visit(town.someone(), some(CLASS_A))
    settled = await visit.settle(some(CLASS_A))
    message = town.hospital.cancel(settled).edited({"infno": "2103"})
    assert_refused(
        await town.hospital.send(message), "CARE_TYPE_MISMATCH", field="input.data.setl_id"
    )


async def test_cancel_after_new_year_returns_accumulators_to_the_old_year(town: Town) -> None:
    citizen = town.someone(Kind.RESIDENT)
    town.clock.move_to(datetime(2027, 1, 2, 9, 0))
    old = await town.pharmacy.sell(citizen, some(DEAR), at=datetime(2026, 12, 31, 20, 0))
    new = await town.pharmacy.sell(citizen, some(DEAR, 2))
    assert_money(new, total="4000.00", fund="1200.00", account="0.00", cash="2800.00")
    cancelled = await town.pharmacy.send(town.pharmacy.cancel(old))
    assert_done(cancelled)
    rows = {row["setl_id"]: row for row in await town.rows_of(citizen)}
    undone = rows[int(cancelled.setl_id)]
    assert (undone["year"], undone["business_day"].isoformat()) == (2026, "2027-01-02")
    years = await town.accumulators(citizen)
    assert years["2026"]["outpatient.paid.390102"] == 0
    assert years["2027"]["outpatient.paid.390102"] == 120_000
    _assert_old_year_is_free_again(await town.pharmacy.sell(
        citizen, some(DEAR), at=datetime(2026, 12, 31, 20, 30)
    ))  # fmt: skip


async def test_cancel_in_a_later_fiscal_year_than_the_settlement_is_refused(town: Town) -> None:
    town.clock.move_to(datetime(2027, 12, 31, 20, 0))
    settled = await town.pharmacy.sell(town.someone(), some(CLASS_A))
    town.clock.move_to(datetime(2028, 1, 1, 9, 0))
    reply = await town.pharmacy.send(town.pharmacy.cancel(settled))
    assert_refused(
        reply, "CANCEL_WINDOW_PASSED", field="input.data.setl_id", mentions="2027-12-31结算"
    )


def _assert_old_year_is_free_again(reply: Reply) -> None:
    assert_money(reply, total="2000.00", fund="800.00", account="0.00", cash="1200.00")
