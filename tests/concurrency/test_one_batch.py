"""Messages of one person that share a batch: each sees what those before it will have done."""

from __future__ import annotations

import asyncio
from datetime import datetime

import pytest

from tests.kit.counter import Message
from tests.kit.population import BALANCE_FEN, CLASS_A, CLASS_B, PLAIN, some
from tests.kit.reply import Reply, assert_done, assert_refused, assert_same_answer
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def together(town: Town, *messages: Message) -> list[Reply]:
    """All in one batch, in this order: they are queued before the queue gets its turn."""
    return await asyncio.gather(*[town.pharmacy.send(message) for message in messages])


async def test_sale_resend_and_reversal_in_one_batch(town: Town) -> None:
    citizen = town.someone()
    sale = town.pharmacy.sale(citizen, some(CLASS_A, 2))
    reversal = town.pharmacy.reversal(sale, citizen)
    replies = await together(town, sale, sale, reversal, sale, reversal)
    assert_same_answer(replies[0], replies[1])
    assert_same_answer(replies[2], replies[4])
    assert_refused(replies[3], "MESSAGE_REVERSED", field="msgid")
    assert [row["kind"] for row in await town.rows_of(citizen)] == [1, 3]
    assert await town.balance_fen(citizen) == BALANCE_FEN


async def test_reversal_before_its_original_in_one_batch(town: Town) -> None:
    citizen = town.someone()
    sale = town.pharmacy.sale(citizen, some(CLASS_A))
    reversed_, refused = await together(town, town.pharmacy.reversal(sale, citizen), sale)
    assert_done(reversed_)
    assert_refused(refused, "MESSAGE_REVERSED", field="msgid")
    assert await town.rows_of(citizen) == []


async def test_changed_resend_in_one_batch_is_a_conflict(town: Town) -> None:
    sale = town.pharmacy.sale(town.someone(), some(CLASS_A, 2))
    changed = sale.edited({"input.druginfo.acct_used_flag": "0"})
    done, refused = await together(town, sale, changed)
    assert_done(done)
    assert_refused(refused, "MESSAGE_CONFLICT", field="msgid", mentions="单据信息")


async def test_same_claim_under_two_msgids_in_one_batch(town: Town) -> None:
    citizen = town.someone()
    at = datetime(2026, 11, 23, 8, 0)
    sales = [town.pharmacy.sale(citizen, some(CLASS_B), at=at) for _ in range(2)]
    done, refused = await together(town, *sales)
    assert_refused(refused, "CLAIM_ALREADY_SETTLED", mentions=done.setl_id)


async def test_sales_in_one_batch_share_account_and_cap(town: Town) -> None:
    citizen = town.someone()
    sales = [town.pharmacy.sale(citizen, some(PLAIN[n], 40)) for n in range(20)]
    replies = await together(town, *sales)
    paid = sum(reply.money("acct_pay") for reply in replies)
    assert int(paid * 100) == BALANCE_FEN
    balances = [reply.money("balc") for reply in replies]
    assert balances == sorted(balances, reverse=True)
    assert balances[-1] == 0
    rows = {str(row["setl_id"]): row for row in await town.rows_of(citizen)}
    numbers = [int(reply.setl_id) for reply in replies]
    assert [rows[r.setl_id]["prior_row"] for r in replies] == [None, *numbers[:-1]]
    assert [rows[r.setl_id]["prior_active"] for r in replies] == [None, *numbers[:-1]]


async def test_cancels_in_one_batch_go_newest_first(town: Town) -> None:
    citizen = town.someone()
    first = await town.pharmacy.sell(citizen, some(CLASS_A))
    second = await town.pharmacy.sell(citizen, some(CLASS_B))
    early, newest, late = await together(
        town, town.pharmacy.cancel(first), town.pharmacy.cancel(second), town.pharmacy.cancel(first)
    )
    assert_refused(
        early, "LATER_SETTLEMENT_STANDS", field="input.data.setl_id", mentions=second.setl_id
    )
    assert_done(newest)
    assert_done(late)
    assert await town.balance_fen(citizen) == BALANCE_FEN


async def test_visits_registered_in_one_batch_are_all_found(town: Town) -> None:
    citizen = town.someone()
    registrations = [town.hospital.registration(citizen) for _ in range(3)]
    sale = town.pharmacy.sale(citizen, some(CLASS_A))
    *visits, sold = await together(town, *registrations, sale)
    assert_done(sold)
    found = (await town.hospital.visits(citizen)).rows("mdtrtinfo")
    assert {row["mdtrt_id"] for row in found} == {v.text("mdtrt_id", "data") for v in visits}
