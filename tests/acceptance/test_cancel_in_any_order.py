"""A region that cancels in any order: what was settled later stands, and is to be decided again."""

from __future__ import annotations

import json

import pytest

from settlement.serve.operations import readjudication_json, readjudication_table
from settlement.storage.readjudication import claims_to_readjudicate
from settlement.view import decode_years
from tests.kit.population import CLASS_A, CLASS_B, DEAR, Citizen, Kind, some
from tests.kit.profiles import policies_where
from tests.kit.reply import assert_done, assert_money, assert_refused
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def waiting(town: Town, citizen: Citizen) -> list[tuple[str, str]]:
    """The person's claims on the list, each with what was undone."""
    return [
        (str(claim.setl_id), str(claim.undone_setl_id))
        for claim in await claims_to_readjudicate(town.owner)
        if claim.person_no == citizen.number
    ]


async def test_later_claims_stand_and_are_listed_until_they_are_settled_again(town: Town) -> None:
    await town.restart(policies_where("cancel_order", "free"))
    citizen, pharmacy = town.someone(Kind.RESIDENT), town.pharmacy
    first = await pharmacy.sell(citizen, some(DEAR, 2))
    assert_money(first, total="4000.00", fund="1200.00", account="0.00", cash="2800.00")
    second = await town.other_pharmacy.sell(citizen, some(CLASS_A, 2))
    third = await town.pharmacy.sell(citizen, some(CLASS_B))
    assert second.money("fund_pay_sumamt") == third.money("fund_pay_sumamt") == 0
    assert await waiting(town, citizen) == []

    assert_done(await pharmacy.send(pharmacy.cancel(first)))
    after = await pharmacy.sell(citizen, some(CLASS_A))
    assert after.money("fund_pay_sumamt") > 0
    assert await waiting(town, citizen) == [
        (second.setl_id, first.setl_id), (third.setl_id, first.setl_id),
    ]  # fmt: skip

    assert_done(await town.other_pharmacy.send(town.other_pharmacy.cancel(second)))
    again = await town.other_pharmacy.sell(citizen, some(CLASS_A, 2))
    assert again.money("fund_pay_sumamt") > 0
    assert await waiting(town, citizen) == [
        (third.setl_id, first.setl_id), (third.setl_id, second.setl_id),
        (after.setl_id, second.setl_id),
    ]  # fmt: skip


async def test_reversed_message_puts_later_claims_on_the_list_too(town: Town) -> None:
    await town.restart(policies_where("cancel_order", "free"))
    citizen = town.someone()
    lost = town.pharmacy.sale(citizen, some(CLASS_A))
    gone = await town.pharmacy.send(lost)
    later = await town.other_pharmacy.sell(citizen, some(CLASS_B))
    assert_done(await town.pharmacy.send(town.pharmacy.reversal(lost, citizen)))
    assert await waiting(town, citizen) == [(later.setl_id, gone.setl_id)]


async def test_list_masks_the_person(town: Town) -> None:
    await town.restart(policies_where("cancel_order", "free"))
    citizen = town.someone()
    first = await town.pharmacy.sell(citizen, some(CLASS_A))
    second = await town.pharmacy.sell(citizen, some(CLASS_B))
    assert_done(await town.pharmacy.send(town.pharmacy.cancel(first)))
    found = [
        claim
        for claim in await claims_to_readjudicate(town.owner)
        if claim.person_no == citizen.number
    ]
    table, text = readjudication_table(found), readjudication_json(found)
    assert citizen.number not in table + text
    assert second.setl_id in table and first.setl_id in table
    [row] = json.loads(text)
    assert (row["setl_id"], row["year"], row["undone_setl_id"]) == (
        second.setl_id, 2026, first.setl_id,
    )  # fmt: skip
    assert readjudication_table([]).startswith("没有待重算")


async def test_region_that_goes_back_to_latest_first_finds_what_stands(town: Town) -> None:
    await town.restart(policies_where("cancel_order", "free"))
    citizen = town.someone()
    first, second, third, fourth = [
        await town.pharmacy.sell(citizen, some(item)) for item in (CLASS_A, CLASS_B) * 2
    ]
    assert_done(await town.pharmacy.send(town.pharmacy.cancel(second)))
    assert_done(await town.pharmacy.send(town.pharmacy.cancel(third)))
    await town.restart(policies_where("cancel_order", "latest_first"))
    assert_refused(
        await town.pharmacy.send(town.pharmacy.cancel(first)), "LATER_SETTLEMENT_STANDS",
        field="input.data.setl_id", mentions=fourth.setl_id,
    )  # fmt: skip
    assert_done(await town.pharmacy.send(town.pharmacy.cancel(fourth)))
    assert_done(await town.pharmacy.send(town.pharmacy.cancel(first)))
    assert await town.balance_fen(citizen) == 100_000
    text = await town.owner.fetchval(
        "select s.accumulators from settlement.person s where s.psn_no = $1",
        citizen.number,
    )
    [year] = decode_years(text).values()
    assert (year.latest, year.gaps) == (None, {})
