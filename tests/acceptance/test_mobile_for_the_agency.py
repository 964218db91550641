"""Mobile orders whose own part the agency's merchant collects (平台代收): the agency owes it to the
hospital, until it went back to the payer.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ledger.postgres.fold import balance
from settlement.chart import ChannelAccount, InstitutionAccount, channel_account
from settlement.payments.mobile_timers import HOLD_SECONDS
from settlement.payments.payment import Custody
from settlement.payments.wallets import owner_of
from tests.acceptance.test_mobile_centre import WALLET, confirmation
from tests.kit.mobile import Caller, Order, Platform, a_caller, held_fen
from tests.kit.population import DEAR, HOSPITAL, some
from tests.kit.reply import Reply, assert_done
from tests.kit.town import Town, a_town
from tests.services import FreshDatabase

pytestmark = pytest.mark.asyncio(loop_scope="module")

OWED, LIES = ChannelAccount.AGENCY_COLLECTED, ChannelAccount.AGENCY_CLEARING


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(database: FreshDatabase) -> AsyncIterator[Town]:
    """Whose channels pay the agency."""
    async with a_town(database, employees=10, custody=Custody.AGENCY) as town:
        yield town


@pytest_asyncio.fixture(loop_scope="module")
async def platform(town: Town) -> AsyncIterator[Platform]:
    """The hospital's; in the end both owners' books say the same of what lies with the agency."""
    yield Platform(town, town.hospital)
    await town.end_orders(after_seconds=HOLD_SECONDS)
    assert await held_fen(town, HOSPITAL.code) == 0
    receivable_fen = await debit_fen(town, ChannelAccount.RECEIVABLE_COLLECTED)
    assert receivable_fen == -await debit_fen(town, OWED) == await debit_fen(town, LIES, "wechat")
    assert await debit_fen(town, ChannelAccount.COLLECTING) == 0
    await town.assert_books_are_right()


@pytest_asyncio.fixture(loop_scope="module")
async def wallet(town: Town) -> Caller:
    """WeChat, as the centre knows it."""
    return await a_caller(town, owner_of(WALLET), "wallet-wechat-000001")


async def debit_fen(town: Town, account: ChannelAccount, channel: str = "") -> int:
    """Debits less credits of one of the hospital's channel accounts."""
    found = await balance(town.owner, channel_account(HOSPITAL.account_base, account, channel))
    return found.debits_fen - found.credits_fen


async def own_fen(town: Town) -> int:
    """What the hospital has collected itself."""
    self_collected = HOSPITAL.account_base + InstitutionAccount.SELF_COLLECTED
    found = await balance(town.owner, self_collected)
    return found.debits_fen - found.credits_fen


async def a_paid_order(town: Town, platform: Platform, wallet: Caller) -> tuple[Order, Reply, int]:
    """An order, what was held, and the fen that the wallet collected."""
    order = await platform.upload(town.someone(), some(DEAR, 2))
    held = await order.pay(wallet=WALLET)
    assert_done(held)
    assert (await wallet.send("confirm", confirmation(order, held), wallet=True)).code == 0
    return order, held, int(held.money("ownPayAmt", "data") * 100)


async def test_what_the_wallet_collected_is_owed_until_all_went_back(
    town: Town, platform: Platform, wallet: Caller
) -> None:
    before_fen = await debit_fen(town, OWED)
    order, held, collected_fen = await a_paid_order(town, platform, wallet)
    assert collected_fen and await own_fen(town) == 0
    assert before_fen - await debit_fen(town, OWED) == collected_fen
    again = await wallet.send("confirm", confirmation(order, held), wallet=True)
    assert (again.code, before_fen - await debit_fen(town, OWED)) == (0, collected_fen)
    assert_done(await town.hospital.send(order.refund(held)))
    assert await debit_fen(town, OWED) == before_fen


@pytest.mark.parametrize("parts", [("HI", "CASH"), ("CASH", "HI")])
async def test_insurance_and_own_part_go_back_in_either_order(
    town: Town, platform: Platform, wallet: Caller, parts: tuple[str, str]
) -> None:
    before_fen = await debit_fen(town, OWED)
    order, held, collected_fen = await a_paid_order(town, platform, wallet)
    for part in parts:
        owed_fen = before_fen - await debit_fen(town, OWED)
        assert owed_fen == (0 if part == "HI" and parts[0] == "CASH" else collected_fen)
        assert_done(await town.hospital.send(order.refund(held, part)))
    assert await debit_fen(town, OWED) == before_fen


async def test_order_without_a_wallet_is_collected_by_the_hospital(
    town: Town, platform: Platform
) -> None:
    before_fen = await debit_fen(town, OWED)
    order = await platform.upload(town.someone(), some(DEAR, 2))
    paid = await order.pay()
    assert await own_fen(town) == int(paid.money("ownPayAmt", "data") * 100) > 0
    assert_done(await town.hospital.send(order.refund(paid)))
    assert (await own_fen(town), await debit_fen(town, OWED)) == (0, before_fen)


async def test_order_that_nobody_confirmed_owes_nothing(
    town: Town, platform: Platform
) -> None:
    before_fen = await debit_fen(town, OWED)
    order = await platform.upload(town.someone(), some(DEAR, 2))
    assert_done(await order.pay(wallet=WALLET))
    await town.end_orders(after_seconds=HOLD_SECONDS)
    assert await order.state() == "15"
    assert await debit_fen(town, OWED) == before_fen
