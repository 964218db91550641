"""Payments over channels, through several processes at once.

Each race is run many times, some always later than others; whichever way it ends, nobody
pays twice, everybody hears something true, and both books agree when the module is left.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from functools import partial

import asyncpg
import pytest
import pytest_asyncio
from msgspec.structs import replace

from protocol.scan import ScanReply
from settlement.serve.resolver import Resolver
from settlement.serve.service import Service
from tests.kit import population
from tests.kit.population import CLASS_A, CLASS_C, DEAR, Citizen, some
from tests.kit.racing import starts, together
from tests.kit.reply import Reply
from tests.kit.scanner import Scanner, clearing_fen, pending_fen
from tests.kit.till import OTHER_WALLET, WALLET, Book, Play
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROUNDS = 12


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scanners(town: Town, workers: list[Service]) -> AsyncIterator[list[Scanner]]:
    """One at each process; in the end what is open comes to its end, and both books agree."""
    yield [Scanner(population.PHARMACY, worker) for worker in workers]
    await town.resolve(seconds=300)
    assert await pending_fen(town) == 0
    wechat = town.channels.wechat
    assert await clearing_fen(town, wechat.name) == wechat.book.balance_fen


def book(town: Town) -> Book:
    """What the channel knows."""
    return town.channels.wechat.book


def buyers(town: Town, plain: bool, rounds: int = ROUNDS) -> list[Citizen | None]:
    """Whoever buys in each round; nobody for sales that the wallet pays alone."""
    return [None] * rounds if plain else list(town.people(rounds))


PLAIN = pytest.mark.parametrize("plain", [False, True], ids=["insured", "plain"])


@PLAIN
async def test_order_sent_by_several_at_once_is_paid_once(
    town: Town, scanners: list[Scanner], rng: random.Random, plain: bool
) -> None:
    for buyer in buyers(town, plain):
        calls = book(town).calls.count("pay")
        order = scanners[0].order(buyer, CLASS_C if plain else DEAR, 3, pay_code=WALLET)
        replies = await together(rng, *(partial(s.scan, order) for s in scanners))
        assert book(town).calls.count("pay") == calls + 1
        assert {reply.status for reply in replies} <= {"settled", "unknown"}, replies
        assert [reply.replayed is True for reply in replies].count(False) == 1
        now = await scanners[0].scan(order)
        assert now.status == "settled"
        if buyer is not None:
            assert len(await town.rows_of(buyer)) == 1


@PLAIN
async def test_confirmed_payment_is_booked_once_whoever_tells_first(
    town: Town, scanners: list[Scanner], workers: list[Service], rng: random.Random, plain: bool
) -> None:
    for buyer in buyers(town, plain):
        wechat = town.channels.wechat
        wechat.plays.append(Play.CONFIRM)
        order = scanners[0].order(buyer, CLASS_C if plain else DEAR, 3, pay_code=WALLET)
        assert (await scanners[0].scan(order)).status == "payer_action"
        number = next(reversed(wechat.book.asked))
        wechat.confirm(number)
        works: list[Callable[[], Awaitable[object]]]
        works = [partial(s.notify, "wechat", number) for s in scanners]
        heard = await together(rng, partial(town.resolve, seconds=6, by=workers[0]), *works)
        assert heard[1:] == [(200, b"success", "text/plain")] * len(scanners)
        assert (await scanners[1].scan(order)).status == "settled"


@PLAIN
async def test_cancel_that_meets_the_payment_ends_it_one_way(
    town: Town, scanners: list[Scanner], rng: random.Random, plain: bool
) -> None:
    seen: Counter[str] = Counter()
    for buyer, start in zip(buyers(town, plain, 2 * ROUNDS), starts(rng, 2 * ROUNDS), strict=True):
        order = scanners[0].order(buyer, CLASS_C if plain else DEAR, 3, pay_code=WALLET)
        number = order["order_no"]
        paid_fen = book(town).balance_fen
        scanned, cancelled = await together(
            rng, partial(scanners[0].scan, order), partial(scanners[1].cancel, number),
            start=start,
        )  # fmt: skip
        if scanned.status == "settled":
            assert cancelled.err_code in {"ORDER_UNKNOWN", "ORDER_SETTLED"}, cancelled
        else:
            assert (scanned.status, cancelled.status) == ("unknown", "unknown")
            await town.resolve(seconds=16)
            assert (await scanners[2].find(number)).status == "refused"
            assert book(town).balance_fen == paid_fen
        seen[scanned.status] += 1
    assert seen["settled"], seen


async def test_order_numbers_of_two_buyers_at_once_are_one_buyers_each(
    town: Town, scanners: list[Scanner], rng: random.Random
) -> None:
    """Everybody at once, half of them the other way round: whoever claims first has the number,
    and nobody waits for somebody who waits for them."""
    first, second = (
        [scanners[0].order(one, DEAR, 3, pay_code=WALLET) for one in town.people(ROUNDS)]
        for _ in range(2)
    )
    again = [{**b, "order_no": a["order_no"]} for a, b in zip(first, second, strict=True)]
    paid = book(town).calls.count("pay")
    works = [
        *(partial(scanners[0].scan, order) for order in first),
        *(partial(scanners[1].scan, order) for order in reversed(again)),
    ]
    replies = await together(rng, *works)
    for one, other in zip(replies[:ROUNDS], reversed(replies[ROUNDS:]), strict=True):
        assert {one.status, other.status} == {"settled", "refused"}, (one, other)
        assert "ORDER_CONFLICT" in {one.err_code, other.err_code}, (one, other)
    assert book(town).calls.count("pay") == paid + ROUNDS


async def test_two_orders_of_one_person_are_never_open_together(
    town: Town, scanners: list[Scanner], rng: random.Random
) -> None:
    for buyer in town.people(ROUNDS):
        orders = [scanners[0].order(buyer, DEAR, number, pay_code=WALLET) for number in (3, 4)]
        replies = await together(
            rng, *(partial(s.scan, o) for s, o in zip(scanners, orders, strict=False))
        )
        refused = [reply.err_code for reply in replies if reply.status == "refused"]
        assert set(refused) <= {"UNDERTAKING_OPEN"}
        assert len(await town.rows_of(buyer)) == 2 - len(refused)


async def test_pharmacy_sale_that_meets_a_hold_is_done_before_it_or_told_to_wait(
    town: Town, scanners: list[Scanner], workers: list[Service], rng: random.Random
) -> None:
    for buyer in town.people(ROUNDS):
        order = scanners[0].order(buyer, DEAR, 3, pay_code=WALLET)
        message = town.pharmacy.sale(buyer, some(CLASS_A))
        works: list[Callable[[], Awaitable[ScanReply | Reply]]]
        works = [partial(scanners[0].scan, order), partial(message.to, workers[1])]
        reply, sale = await together(rng, *works)
        assert isinstance(reply, ScanReply)
        assert isinstance(sale, Reply)
        assert reply.status == "settled"
        assert sale.infcode == 0 or sale.err_code == "UNDERTAKING_OPEN"
        assert len(await town.rows_of(buyer)) == (2 if sale.infcode == 0 else 1)


@PLAIN
async def test_refund_sent_by_several_at_once_goes_out_once_and_is_answered_alike(
    town: Town, scanners: list[Scanner], rng: random.Random, plain: bool
) -> None:
    for buyer in buyers(town, plain):
        order = scanners[0].order(buyer, CLASS_C if plain else DEAR, 3, pay_code=WALLET)
        number = order["order_no"]
        await scanners[0].scan(order)
        refunds = len(book(town).refunds)
        replies = await together(
            rng, *(partial(s.refund, number, f"R{number}") for s in scanners)
        )
        assert {reply.status for reply in replies} <= {"refunded", "refunding"}, replies
        assert len(book(town).refunds) == refunds + 1
        assert (await scanners[0].find(number)).status == "refunded"


async def test_refund_number_is_one_refund_of_one_order(
    town: Town, scanners: list[Scanner], rng: random.Random
) -> None:
    for _ in range(ROUNDS):
        pair = town.strangers()
        orders = [scanners[0].order(who, DEAR, 3, pay_code=WALLET) for who in pair]
        for order in orders:
            await scanners[0].scan(order)
        number = f"R{orders[0]['order_no']}"
        replies = await together(
            rng, *(partial(scanners[1].refund, order["order_no"], number) for order in orders)
        )
        codes = sorted(str(reply.err_code) for reply in replies)
        assert codes == ["REFUND_CONFLICT", "UNSET"], replies


async def test_channel_that_does_not_answer_holds_up_no_other(
    town: Town, scanners: list[Scanner], workers: list[Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Resolver, "kind", replace(Resolver.kind, at_a_time=2))
    wechat, alipay = town.channels.wechat, town.channels.alipay
    for _ in range(3):
        wechat.plays.append(Play.LOST_AFTER)
        order = scanners[0].order(None, CLASS_C, 3, pay_code=WALLET)
        assert (await scanners[0].scan(order)).status == "unknown"
    alipay.plays.append(Play.LOST_AFTER)
    order = scanners[0].order(None, CLASS_C, 3, pay_code=OTHER_WALLET)
    assert (await scanners[0].scan(order)).status == "unknown"

    resolver = workers[0].resolver
    town.clock.pass_by(timedelta(seconds=6))
    connection = await asyncpg.connect(town.app_dsn)
    wechat.queries.clear()
    queried = wechat.book.calls.count("query")
    try:
        async with asyncio.timeout(60):
            while (await scanners[0].find(order["order_no"])).status != "settled":
                await resolver.look(connection)
        assert wechat.book.calls.count("query") <= queried + 2
    finally:
        wechat.queries.set()
        await resolver.settled()
        await connection.close()
