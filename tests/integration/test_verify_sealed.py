"""What no entry commits to and the keys tell: whose account and membership it is, and the steps of
payments. Somebody who owns the database changes one thing, and verification names it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from settlement.payments.payment import Verdict
from tests.kit.population import CLASS_A, DEAR, PHARMACY, some
from tests.kit.reply import assert_done
from tests.kit.scanner import Scanner
from tests.kit.tampering import first_bad, found, tampered
from tests.kit.till import WALLET, Play
from tests.kit.town import Town, a_town
from tests.services import FreshDatabase

pytestmark = pytest.mark.asyncio(loop_scope="module")

EVENTS = "settlement.payment_event"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(database: FreshDatabase) -> AsyncIterator[Town]:
    """With a sale that was paid after the payer had to confirm, a part of it given back."""
    async with a_town(database, employees=20) as town:
        scanner = Scanner(PHARMACY, town.service)
        town.channels.wechat.plays.append(Play.CONFIRM)
        order = scanner.order(town.someone(), DEAR, 3, pay_code=WALLET)
        await scanner.scan(order)
        wechat = town.channels.wechat
        wechat.confirm(next(reversed(wechat.book.asked)))
        await town.resolve(seconds=300)
        assert (await scanner.find(order["order_no"])).status == "settled"
        await scanner.refund(order["order_no"], "R1", lines=[{"feedetl_sn": "1", "cnt": 1}])
        await town.resolve(seconds=300)
        assert await found(town) == ""
        yield town


@pytest.mark.parametrize(
    "breach",
    [
        "account = account + 1",
        "enrolments = '[]'",
        "enrolments = replace(enrolments, '\"11\"', '\"12\"')",
        "home_region = '430100'",
        "family = '[[\"44190000000000000001\",\"01\",1,\"2020-01-01\",\"9999-12-31\"]]'",
        "identity = identity || '\\x00'",
        "key_version = 9",
    ],
)
async def test_whatever_decides_who_pays_for_a_person_is_found(town: Town, breach: str) -> None:
    """Of somebody who has not settled anything: no entry knows of them."""
    who = town.someone()
    change = f"update settlement.person set {breach} where psn_no = $1"  # noqa: S608 -- above
    async with tampered(town, "settlement.person", change, who.number):
        bad = await first_bad(town)
    assert bad.what == (
        f"identity, account, memberships or relatives of person …{who.number[-4:]} were changed"
    )
    assert await found(town) == ""


async def test_nobody_buys_on_another_account(town: Town) -> None:
    """It is not only found afterwards: nothing is settled on such a row."""
    who, other = town.people(2)
    change = (
        "update settlement.person p set account = o.account from settlement.person o"
        " where p.psn_no = $1 and o.psn_no = $2"
    )
    before = await town.balance_fen(other)
    async with tampered(town, "settlement.person", change, who.number, other.number):
        refused = await town.pharmacy.sell(who, some(CLASS_A))
    assert refused.infcode == -1
    assert await town.balance_fen(other) == before
    assert_done(await town.pharmacy.sell(who, some(CLASS_A)))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("set content = replace(content, 'wechat', 'alipay') where kind = 1", "was changed"),
        ("set kind = 6 where kind = 4", "was changed"),
        ("set attempt = attempt + 1 where kind = 2", "was changed"),
        ("set recorded_at = recorded_at - interval '1 second' where kind = 4", "was changed"),
        ("set order_no = order_no || '0' where kind = 1", "was changed"),
        ("set digest = sha256(digest) where kind = 15", "was changed"),
        ("set entry_id = null where kind = 2", "step of a payment is missing"),
        ("set kind = 3 where kind = 2", "step of a payment was changed"),
        ("set pay_no = pay_no + 1 where kind = 4", "without its payment"),
    ],
)
async def test_changed_step_of_a_payment_is_found(town: Town, change: str, said: str) -> None:
    async with tampered(town, EVENTS, f"update {EVENTS} {change}"):
        assert said in await found(town)
    assert await found(town) == ""


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (4, "step 2 of the payment is missing"),
        (2, "step of a payment is missing"),
        (15, "step of a payment is missing"),
        (11, "step of a payment is missing"),
    ],
)
async def test_deleted_step_of_a_payment_is_found(town: Town, kind: int, said: str) -> None:
    change = f"delete from {EVENTS} where kind = $1"  # noqa: S608 -- ours
    async with tampered(town, EVENTS, change, kind):
        assert said in await found(town)


async def test_invented_step_is_found(town: Town) -> None:
    """That it was refused after all, with everything right but what only the keys can make."""
    change = (
        "insert into settlement.payment_event (pay_no, recorded_at, lane, event_no, kind,"
        " attempt, content, digest, exchange)"
        " select pay_no, recorded_at, lane, event_no + 1, 12, attempt, content, digest, exchange"
        " from settlement.payment_event where kind = 11"
    )
    async with tampered(town, EVENTS, change):
        assert "of the payment was changed" in await found(town)


async def test_return_that_nobody_looks_after_is_found(town: Town) -> None:
    scanner = Scanner(PHARMACY, town.service)
    order = scanner.order(town.someone(), DEAR, 3, pay_code=WALLET)
    await scanner.scan(order)
    town.channels.wechat.refund_verdicts.append(Verdict.UNKNOWN)
    await scanner.refund(order["order_no"], "R2")
    due = "settlement.payment_due"
    async with tampered(town, due, f"delete from {due}"):  # noqa: S608 -- ours
        assert "on no worklist" in await found(town)
    await town.resolve(seconds=300)
    assert await found(town) == ""
