"""Scan-to-pay where the platform's merchants collect (平台代收): the agency owes the pharmacy what
they collected for it, and gives back what comes back."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ledger.postgres.fold import balance
from settlement.chart import ChannelAccount, InstitutionAccount, channel_account
from settlement.payments.payment import Custody, Verdict
from tests.kit import population
from tests.kit.population import CLASS_B, CLASS_C, DEAR
from tests.kit.scanner import Scanner, pending_fen
from tests.kit.strangers import CHANGSHA, Elsewhere, somebody
from tests.kit.till import OTHER_WALLET, WALLET, Play
from tests.kit.town import Town, a_town
from tests.services import FreshDatabase

pytestmark = pytest.mark.asyncio(loop_scope="module")

COLLECTED, RECEIVABLE = ChannelAccount.AGENCY_COLLECTED, ChannelAccount.RECEIVABLE_COLLECTED


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(database: FreshDatabase) -> AsyncIterator[Town]:
    """Whose channels pay the agency."""
    async with a_town(database, employees=20, custody=Custody.AGENCY) as town:
        yield town


@pytest_asyncio.fixture(loop_scope="module")
async def scanner(town: Town) -> AsyncIterator[Scanner]:
    """The pharmacy's; in the end the agency has what the channels say, and owes it."""
    yield Scanner(population.PHARMACY, town.service)
    await town.resolve(seconds=300)
    assert await pending_fen(town) == 0
    for channel in (town.channels.wechat, town.channels.alipay):
        held_fen = await debit_fen(town, ChannelAccount.AGENCY_CLEARING, channel.name)
        assert held_fen == channel.book.balance_fen
        assert await debit_fen(town, ChannelAccount.CLEARING, channel.name) == 0
    assert await debit_fen(town, ChannelAccount.COLLECTING) == 0
    assert await debit_fen(town, ChannelAccount.MEMO_COLLECTED) == 0
    assert await debit_fen(town, RECEIVABLE) == -await debit_fen(town, COLLECTED)


async def debit_fen(town: Town, account: ChannelAccount, channel: str = "") -> int:
    """Debits less credits of one of the pharmacy's channel accounts."""
    number = channel_account(population.PHARMACY.account_base, account, channel)
    found = await balance(town.owner, number)
    return found.debits_fen - found.credits_fen


async def test_agency_owes_what_it_collected(town: Town, scanner: Scanner) -> None:
    before_fen = await debit_fen(town, COLLECTED)
    reply = await scanner.scan(scanner.order(town.someone(), DEAR, 3, pay_code=WALLET))
    assert reply.status == "settled"
    assert reply.split
    cash_fen = int(reply.split.psn_cash_pay.replace(".", ""))
    assert before_fen - await debit_fen(town, COLLECTED) == cash_fen


async def test_refund_of_a_sale_is_owed_to_the_pharmacy_no_more(
    town: Town, scanner: Scanner
) -> None:
    before_fen = await debit_fen(town, COLLECTED)
    order = scanner.order(town.someone(), DEAR, 3, pay_code=WALLET)
    await scanner.scan(order)
    some = await scanner.refund(order["order_no"], "A1", lines=[{"feedetl_sn": "1", "cnt": 1}])
    assert some.status == "refunded", some
    assert (await scanner.refund(order["order_no"], "A2")).status == "refunded"
    assert await debit_fen(town, COLLECTED) == before_fen


async def test_refund_that_is_due_is_the_agency_s_debt_to_the_payer(
    town: Town, scanner: Scanner
) -> None:
    town.channels.alipay.refund_verdicts.append(Verdict.FAILED)
    order = scanner.order(None, CLASS_C, 3, pay_code=OTHER_WALLET)
    assert (await scanner.scan(order)).status == "settled"
    assert (await scanner.refund(order["order_no"], "A3")).status == "refunding"
    assert await debit_fen(town, ChannelAccount.AGENCY_TO_RETURN) == -2_400
    assert await debit_fen(town, ChannelAccount.TO_RETURN) == 0


async def test_second_code_of_another_channel_pays_the_agency_too(
    town: Town, scanner: Scanner
) -> None:
    town.channels.wechat.plays.append(Play.POOR)
    order = scanner.order(
        town.someone(), DEAR, 3, pay_code=WALLET, allow_second_code=True
    )
    assert (await scanner.scan(order)).status == "payer_action"
    assert (await scanner.scan({**order, "pay_code": OTHER_WALLET})).status == "settled"


async def test_money_that_came_after_the_end_goes_back(town: Town, scanner: Scanner) -> None:
    wechat = town.channels.wechat
    wechat.plays.append(Play.CONFIRM)
    order = scanner.order(town.someone(), DEAR, 3, pay_code=WALLET)
    await scanner.scan(order)
    number = next(reversed(wechat.book.asked))
    for _ in range(14):
        await town.resolve(seconds=5)
    wechat.book.dead.discard(number)
    wechat.confirm(number)
    await scanner.notify("wechat", number)
    await town.resolve(seconds=1)
    assert list(wechat.book.refunds.values())[-1] == wechat.book.paid[number]


async def test_stranger_s_sale_and_its_refund(town: Town, scanner: Scanner) -> None:
    there = Elsewhere(town, CHANGSHA)
    await there.open()
    scanner.service = there.service
    one = there.region.move_in(somebody(CHANGSHA, balance_fen=0))
    before_fen = await debit_fen(town, COLLECTED)
    order = scanner.order(
        None, CLASS_B, 10, pay_code=WALLET, person_code=one.certificate_no, insuplc_admdvs=CHANGSHA
    )
    reply = await scanner.scan(order)
    assert reply.status == "settled", reply
    assert reply.split
    cash_fen = int(reply.split.psn_cash_pay.replace(".", ""))
    assert before_fen - await debit_fen(town, COLLECTED) == cash_fen > 0
    assert (await scanner.refund(order["order_no"], "A5")).status == "refunded"
    assert await debit_fen(town, COLLECTED) == before_fen
    own = population.PHARMACY.account_base + InstitutionAccount.SELF_COLLECTED
    left = await balance(town.owner, own)
    assert left.debits_fen == left.credits_fen
