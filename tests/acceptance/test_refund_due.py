"""A refund that its channel refuses (待退款): tried again, or given back by two people.

The commands are those of `settlement payments`, beside the service that collects.
"""

from __future__ import annotations

import json

import pytest
import pytest_asyncio

from ledger.postgres.fold import balance
from settlement import chart
from settlement.channels.registry import EVERYBODY, Place, Tills
from settlement.chart import ChannelAccount, InstitutionAccount, channel_account
from settlement.payments.payment import ChannelName, Custody, Exchange, Outcome, Verdict
from settlement.payments.payment_states import Happening, State
from settlement.serve.by_hand import (
    Books,
    Order,
    confirm_given_back,
    open_books,
    propose_given_back,
    try_again,
)
from settlement.serve.payment_history import History, history_json, history_text, read_history
from settlement.storage.payments import open_payments
from settlement.telemetry.metrics import METRICS
from tests.kit import population
from tests.kit.population import DEAR
from tests.kit.scanner import Scanner
from tests.kit.till import MERCHANT, WALLET, Play, ScriptedChannel, TillWorld
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")

BASE = population.PHARMACY.account_base


@pytest_asyncio.fixture(loop_scope="module")
async def scanner(town: Town) -> Scanner:
    """The pharmacy's."""
    return Scanner(population.PHARMACY, town.service)


async def refused_refund(town: Town, scanner: Scanner, refund_no: str) -> int:
    """A sale is taken back, and WeChat does not refund it; the number of the return."""
    town.channels.wechat.refund_verdicts.append(Verdict.FAILED)
    order = scanner.order(town.someone(), DEAR, 3, pay_code=WALLET)
    await scanner.scan(order)
    back = await scanner.refund(order["order_no"], refund_no)
    assert back.legs[-1].status == "refund_due"
    return (await open_payments(town.owner, limit=100))[-1]


def order_of(pay_no: int, actor: str, reason: str = "余额不足") -> Order:
    return Order(pay_no=pay_no, actor=actor, reason=reason)


async def an_operator(town: Town) -> Books:
    return await open_books(town.owner, town.keyring, clock=town.clock)


def to_return(account: ChannelAccount) -> int:
    """What is owed to payers of the pharmacy."""
    return channel_account(BASE, account)


async def credit_of(town: Town, account: int) -> int:
    found = await balance(town.owner, account)
    return found.credits_fen - found.debits_fen


async def history_of(town: Town, pay_no: int) -> History:
    history = await read_history(town.owner, pay_no, town.keyring)
    assert history is not None
    return history


async def test_refund_tried_again_goes_out_under_the_same_number(
    town: Town, scanner: Scanner
) -> None:
    pay_no = await refused_refund(town, scanner, "D1")
    refused = (await history_of(town, pay_no)).fact.standing.attempts[-1].order_no
    said = await try_again(await an_operator(town), order_of(pay_no, "chen"))
    assert said.status == 0
    assert refused in said.text
    await town.resolve(seconds=0)
    assert refused in town.channels.wechat.book.refunds
    history = await history_of(town, pay_no)
    assert history.fact.standing.state is State.RETURNED
    assert [row.action for row in history.audits] == ["retry-refund"]


async def test_refund_may_be_refused_again_and_tried_again(town: Town, scanner: Scanner) -> None:
    pay_no = await refused_refund(town, scanner, "D2")
    town.channels.wechat.refund_verdicts.append(Verdict.FAILED)
    await try_again(await an_operator(town), order_of(pay_no, "chen"))
    await town.resolve(seconds=0)
    assert pay_no in await open_payments(town.owner, limit=100)
    await try_again(await an_operator(town), order_of(pay_no, "chen"))
    await town.resolve(seconds=0)
    assert pay_no not in await open_payments(town.owner, limit=100)


async def test_two_people_give_back_what_the_channel_does_not(
    town: Town, scanner: Scanner
) -> None:
    pay_no = await refused_refund(town, scanner, "D3")
    books = await an_operator(town)
    cash, owed = BASE + InstitutionAccount.SELF_COLLECTED, to_return(ChannelAccount.TO_RETURN)
    before = await credit_of(town, cash), await credit_of(town, owed)
    clearing = await credit_of(town, channel_account(BASE, ChannelAccount.CLEARING, "wechat"))
    proposed = await propose_given_back(books, order_of(pay_no, "chen", "现金退还，收据 12"))
    assert proposed.status == 0
    assert await credit_of(town, owed) == before[1]
    confirmed = await confirm_given_back(books, order_of(pay_no, "wang"))
    assert confirmed.status == 0
    history = await history_of(town, pay_no)
    amount_fen = history.fact.row.amount_fen
    assert await credit_of(town, cash) == before[0] + amount_fen
    assert await credit_of(town, owed) == before[1] - amount_fen
    assert clearing == await credit_of(
        town, channel_account(BASE, ChannelAccount.CLEARING, "wechat")
    )
    assert [(row.actor, row.action, row.note) for row in history.audits] == [
        ("chen", "propose-given-back", "现金退还，收据 12"),
        ("wang", "confirm-given-back", "余额不足"),
    ]
    sold = await history_of(town, history.fact.row.parent or 0)
    assert (await scanner.find(sold.fact.row.order_no)).status == "refunded"


async def test_channel_that_refunds_what_people_gave_back_is_an_alarm(
    town: Town, scanner: Scanner
) -> None:
    pay_no = await refused_refund(town, scanner, "D3-late")
    books = await an_operator(town)
    await propose_given_back(books, order_of(pay_no, "chen"))
    await confirm_given_back(books, order_of(pay_no, "wang"))
    attempt = (await history_of(town, pay_no)).fact.standing.attempts[-1]
    refunds = town.channels.wechat.book.refunds
    refunds[attempt.order_no] = attempt.amount_fen
    alarms = METRICS.payment_alarms
    assert await scanner.notify("wechat", attempt.order_no) == (200, b"success", "text/plain")
    del refunds[attempt.order_no]
    assert METRICS.payment_alarms == alarms + 1


async def test_nobody_confirms_what_they_proposed(town: Town, scanner: Scanner) -> None:
    pay_no = await refused_refund(town, scanner, "D4")
    books = await an_operator(town)
    nobody = await confirm_given_back(books, order_of(pay_no, "wang"))
    assert (nobody.status, "nobody has proposed" in nobody.text) == (1, True)
    await propose_given_back(books, order_of(pay_no, "chen"))
    same = await confirm_given_back(books, order_of(pay_no, " Chen "))
    assert (same.status, "somebody other" in same.text) == (1, True)
    assert (await history_of(town, pay_no)).fact.standing.state is State.REFUND_DUE


async def test_proposal_is_about_one_refusal_alone(town: Town, scanner: Scanner) -> None:
    pay_no = await refused_refund(town, scanner, "D5")
    books = await an_operator(town)
    await propose_given_back(books, order_of(pay_no, "chen"))
    town.channels.wechat.refund_verdicts.append(Verdict.FAILED)
    await try_again(books, order_of(pay_no, "chen"))
    under_way = await confirm_given_back(books, order_of(pay_no, "wang"))
    assert (under_way.status, "returning" in under_way.text) == (1, True)
    await town.resolve(seconds=0)
    stale = await confirm_given_back(books, order_of(pay_no, "wang"))
    assert (stale.status, "nobody has proposed" in stale.text) == (1, True)


async def test_only_a_refused_refund_is_for_people(town: Town, scanner: Scanner) -> None:
    books = await an_operator(town)
    unknown = await try_again(books, order_of(2_611_000_000_000_000_001, "chen"))
    assert (unknown.status, "there is no payment" in unknown.text) == (1, True)
    order = scanner.order(town.someone(), DEAR, 3, pay_code=WALLET)
    await scanner.scan(order)
    back = await scanner.refund(order["order_no"], "D6")
    assert back.status == "refunded"
    paid = await town.owner.fetchval(
        "select max(pay_no) from settlement.payment where order_no = 'D6'"
    )
    for act in (try_again, propose_given_back, confirm_given_back):
        said = await act(books, order_of(paid, "chen"))
        assert (said.status, "returned" in said.text) == (1, True)


async def test_history_shows_every_event_with_what_was_said(
    town: Town, scanner: Scanner
) -> None:
    pay_no = await refused_refund(town, scanner, "D7")
    books = await an_operator(town)
    await propose_given_back(books, order_of(pay_no, "chen", "收据 13"))
    await confirm_given_back(books, order_of(pay_no, "wang", "已核对"))
    history = await history_of(town, pay_no)
    text = history_text(history)
    for word in ("发起 attempted", "渠道拒绝退款 return_refused", "线下退款 given_back", "已退款"):
        assert word in text
    assert "收据 13" in text and "已核对" in text
    told = json.loads(history_json(history))
    assert [event["happened"] for event in told["events"]] == [
        "attempted", "return_refused", "given_back",
    ]  # fmt: skip
    assert told["events"][1]["learnt"]["code"] == "failed"
    assert told["events"][2]["learnt"]["operator"] == "wang"
    assert await read_history(town.owner, 2_611_000_000_000_000_001, town.keyring) is None
    sold = await history_of(town, history.fact.row.parent or 0)
    assert f"given back by {pay_no}" in history_text(sold)
    assert WALLET not in history_text(sold) + history_json(sold)


async def test_agency_gives_back_out_of_its_bank_what_its_merchants_collected(
    town: Town, scanner: Scanner
) -> None:
    own = town.channels
    town.channels = TillWorld(town.clock, Custody.AGENCY)
    await town.restart()
    scanner = Scanner(population.PHARMACY, town.service)
    pay_no = await refused_refund(town, scanner, "D8")
    books = await an_operator(town)
    bank, owed = chart.COLLECTIONS_BANK, to_return(ChannelAccount.AGENCY_TO_RETURN)
    before = await credit_of(town, bank), await credit_of(town, owed)
    await propose_given_back(books, order_of(pay_no, "chen"))
    await confirm_given_back(books, order_of(pay_no, "wang"))
    amount_fen = (await history_of(town, pay_no)).fact.row.amount_fen
    assert await credit_of(town, bank) == before[0] + amount_fen
    assert await credit_of(town, owed) == before[1] - amount_fen
    town.channels = own
    await town.restart()


async def test_unionpay_gets_a_new_refund_number(town: Town) -> None:
    own = town.channels
    union = ScriptedChannel(ChannelName.UNIONPAY, town.clock)
    town.channels = TillWorld(town.clock)
    town.channels.tills = Tills(
        {(union.name, MERCHANT): union},
        {(EVERYBODY, union.name): Place(merchant_no=MERCHANT, custody=Custody.OWN)},
    )
    await town.restart()
    scanner = Scanner(population.PHARMACY, town.service)
    union.refund_verdicts.append(Verdict.FAILED)
    order = scanner.order(town.someone(), DEAR, 3, pay_code="6212345678901234567")
    await scanner.scan(order)
    await scanner.refund(order["order_no"], "D9")
    pay_no = (await open_payments(town.owner, limit=100))[-1]
    await try_again(await an_operator(town), order_of(pay_no, "chen"))
    await town.resolve(seconds=0)
    first, second = (await history_of(town, pay_no)).fact.standing.attempts
    assert list(union.book.refunds) == [second.order_no] != [first.order_no]
    town.channels = own
    await town.restart()


async def test_history_has_the_kept_request_and_reply(town: Town, scanner: Scanner) -> None:
    town.channels.wechat.plays.append(Play.CONFIRM)
    order = scanner.order(town.someone(), DEAR, 3, pay_code=WALLET)
    await scanner.scan(order)
    pay_no = (await open_payments(town.owner, limit=100))[-1]
    fact = await town.service.payments.finder.payment(pay_no)
    assert fact is not None
    kept = Exchange(
        operation="query", request="GET /v3/pay/…", reply='{"trade_state":"USERPAYING"}',
        status=200, began_at=town.clock(), took_ms=12,
    )  # fmt: skip
    outcome = Outcome(verdict=Verdict.UNKNOWN, code="USERPAYING", exchange=kept)
    await town.service.payments.report(
        fact, population.PHARMACY, Happening.UNCLEAR, outcome=outcome
    )
    history = await history_of(town, pay_no)
    assert list(history.exchanges.values()) == [kept]
    text = history_text(history)
    assert "query  HTTP 200  12 ms\n   > GET /v3/pay/…\n   < {" in text
    assert json.loads(history_json(history))["events"][-1]["exchange"]["status"] == 200
    await scanner.cancel(order["order_no"])
    await town.resolve(seconds=60)
