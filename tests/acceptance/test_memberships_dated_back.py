"""A membership that an import dates back: what was settled in between is to be decided again."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import pytest_asyncio

from settlement.payments.wallets import owner_of
from settlement.serve.operations import readjudication_json, readjudication_table
from settlement.storage.readjudication import StaleClaim, claims_to_readjudicate
from tests.kit.importing import Cells, Office, rows_of
from tests.kit.mobile import Platform, a_caller, confirmation
from tests.kit.population import CLASS_A, CLASS_B, DEAR, PHARMACY, Citizen, Kind, newcomer, some
from tests.kit.reply import assert_done
from tests.kit.scanner import Scanner
from tests.kit.till import WALLET, Play
from tests.kit.town import Town
from tests.kit.ward import admit

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def office(town: Town, tmp_path: Path) -> Office:
    """Who imports into the town."""
    return Office(town=town, directory=tmp_path)


async def waiting(town: Town, citizen: Citizen) -> list[StaleClaim]:
    """The person's claims on the list."""
    found = await claims_to_readjudicate(town.owner)
    return [claim for claim in found if claim.person_no == citizen.number]


def suspended(town: Town, citizen: Citizen) -> Cells:
    """The membership is suspended, since yesterday."""
    since = town.clock.local.date() - timedelta(1)
    return rows_of(citizen, psn_insu_stas=2, paus_insu_date=since)


async def test_back_payment_lists_what_was_settled_while_the_funds_were_closed(
    town: Town, office: Office
) -> None:
    """补缴: the fund was closed for want of contributions; then paid up, from three days ago on."""
    person = newcomer(41)
    today = town.clock.local.date()
    since = today - timedelta(3)
    await office.bring("persons", [rows_of(person, closed_funds="310102")])
    first = await town.pharmacy.sell(person, some(CLASS_A, 2))
    second = await town.pharmacy.sell(person, some(CLASS_B))
    assert first.money("fund_pay_sumamt") == 0
    assert await waiting(town, person) == []

    await office.bring("persons", [
        rows_of(person, closed_funds="310102"),
        rows_of(person, closed_funds="", effective_from=since),
    ])  # fmt: skip
    third = await town.pharmacy.sell(person, some(CLASS_A, 2))
    assert third.money("fund_pay_sumamt") > 0
    found = await waiting(town, person)
    assert [(str(one.setl_id), one.cause, one.days) for one in found] == [
        (first.setl_id, "membership_changed", (f"{since}/",)),
        (second.setl_id, "membership_changed", (f"{since}/",)),
    ]
    table, text = readjudication_table(found), readjudication_json(found)
    assert person.number not in table + text
    assert first.setl_id in table and "之后参保信息追溯变更" in table and f"{since}/" in table
    row = json.loads(text)[0]
    assert (row["setl_id"], row["cause"], row["undone_setl_id"], row["changed_days"]) == (
        first.setl_id, "membership_changed", None, [f"{since}/"],
    )  # fmt: skip
    assert row["changed_at"].startswith(str(today))

    for done in (third, second):
        assert_done(await town.pharmacy.send(town.pharmacy.cancel(done)))
    assert [str(one.setl_id) for one in await waiting(town, person)] == [first.setl_id]


async def test_birth_date_that_was_wrong_lists_all_that_the_age_decided(
    town: Town, office: Office
) -> None:
    person = newcomer(42)
    await office.bring("persons", [rows_of(person)])
    sold = await town.pharmacy.sell(person, some(CLASS_A))
    born_on = person.insured.identity.born_on - timedelta(365)
    await office.bring("persons", [rows_of(person, brdy=born_on)])
    assert [(str(one.setl_id), one.days) for one in await waiting(town, person)] == [
        (sold.setl_id, ("/",))
    ]


async def test_changes_that_decide_nothing_of_the_past_list_nothing(
    town: Town, office: Office
) -> None:
    """From tomorrow on, or of days on which nothing was settled, or of the employer alone."""
    person = newcomer(43)
    tomorrow = town.clock.local.date() + timedelta(1)
    await office.bring("persons", [rows_of(person)])
    assert_done(await town.pharmacy.sell(person, some(CLASS_A)))
    before = date(2020, 1, 1)
    for changes in (
        {"psn_insu_stas": 4, "paus_insu_date": tomorrow},
        {"psn_insu_stas": 1, "emp_name": "测试单位乙"},
        {"psn_insu_date": before, "benefit_from": person.insured.enrolments[0].benefit_from},
    ):
        imported = await office.bring("persons", [rows_of(person, **changes)])
        assert imported.counts.changed == 1
        assert await waiting(town, person) == [], changes


async def test_person_whom_a_file_ends_in_the_past_is_listed(town: Town, office: Office) -> None:
    person = town.someone(Kind.RESIDENT)
    sold = await town.pharmacy.sell(person, some(CLASS_A))
    yesterday = town.clock.local.date() - timedelta(1)
    ended = rows_of(person, psn_insu_stas=4, paus_insu_date=yesterday)
    await office.bring("persons", [ended])
    assert [str(one.setl_id) for one in await waiting(town, person)] == [sold.setl_id]


async def test_change_inside_a_stay_lists_its_settlement(town: Town, office: Office) -> None:
    """A stay is ruled by one of its days, which the region says: a change of any lists it."""
    person = newcomer(44)
    await office.bring("persons", [rows_of(person)])
    admitted = town.clock.local.date()
    stay = await admit(town.hospital, person, some(CLASS_A, 2))
    town.clock.pass_by(timedelta(days=2))
    assert_done(await town.hospital.send(stay.discharge()))
    settled = await stay.settle(Decimal("25.00"), account=False)
    assert_done(settled)
    assert await waiting(town, person) == []
    lone_day = f"T01:{admitted}:{admitted}"
    await office.bring("persons", [rows_of(person, qualifications=lone_day)])
    assert [(str(one.setl_id), one.days) for one in await waiting(town, person)] == [
        (settled.setl_id, (f"{admitted}/{admitted}",))
    ]
    before = admitted - timedelta(1)
    other = newcomer(45)
    await office.bring("persons", [rows_of(other)])
    assert_done(await town.pharmacy.sell(other, some(CLASS_A)))
    await office.bring("persons", [rows_of(other, qualifications=f"T01:{before}:{before}")])
    assert await waiting(town, other) == []


async def test_order_that_waited_for_its_payer_meanwhile_is_listed(
    town: Town, office: Office
) -> None:
    """It was decided before the import and is booked after it, the person's first or not."""
    scanner, wechat = Scanner(PHARMACY, town.service), town.channels.wechat
    for number, sold_before in ((46, False), (47, True)):
        person = newcomer(number)
        await office.bring("persons", [rows_of(person)])
        listed = []
        if sold_before:
            listed.append((await town.pharmacy.sell(person, some(CLASS_A))).setl_id)
        wechat.plays.append(Play.CONFIRM)
        order = scanner.order(person, DEAR, 3, pay_code=WALLET)
        assert (await scanner.scan(order)).status == "payer_action"
        await office.bring("persons", [suspended(town, person)])
        assert [str(one.setl_id) for one in await waiting(town, person)] == listed
        wechat.confirm(next(reversed(wechat.book.asked)))
        await town.resolve(seconds=6)
        settled = await scanner.find(order["order_no"])
        assert settled.status == "settled"
        found = await waiting(town, person)
        assert [str(one.setl_id) for one in found] == [*listed, settled.settlement_id]
        assert {one.cause for one in found} == {"membership_changed"}


async def test_order_that_nobody_paid_hides_nothing_of_what_was_settled_before(
    town: Town, office: Office
) -> None:
    scanner, wechat = Scanner(PHARMACY, town.service), town.channels.wechat
    person = newcomer(48)
    await office.bring("persons", [rows_of(person)])
    sold = await town.pharmacy.sell(person, some(CLASS_A))
    wechat.plays.append(Play.CONFIRM)
    order = scanner.order(person, DEAR, 3, pay_code=WALLET)
    assert (await scanner.scan(order)).status == "payer_action"
    await office.bring("persons", [suspended(town, person)])
    await town.resolve(seconds=300)
    assert (await scanner.find(order["order_no"])).status != "settled"
    assert_done(await town.pharmacy.sell(person, some(CLASS_B)))
    assert [str(one.setl_id) for one in await waiting(town, person)] == [sold.setl_id]


async def test_mobile_order_that_waited_for_its_wallet_meanwhile_is_listed(
    town: Town, office: Office
) -> None:
    platform = Platform(town, town.hospital)
    wallet = await a_caller(town, owner_of("WECHAT"), "wallet-wechat-waited1")
    person = newcomer(49)
    await office.bring("persons", [rows_of(person)])
    order = await platform.upload(person, some(DEAR, 2))
    held = await order.pay(wallet="WECHAT")
    assert_done(held)
    await office.bring("persons", [suspended(town, person)])
    assert await waiting(town, person) == []
    paid = await wallet.send("confirm", confirmation(order, held), wallet=True)
    assert paid.code == 0
    [row] = await town.rows_of(person)
    assert [one.setl_id for one in await waiting(town, person)] == [row["setl_id"]]
