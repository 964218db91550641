"""Payments of a hospital, through several processes at once: deposits, bills, requests of stays.

Each race is run many times; whichever way it ends, no money is used twice or lost, what came in is
used, gone back or left, and both books agree when the module is left.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal
from functools import partial
from itertools import count

import pytest
import pytest_asyncio

from protocol.scan import ScanReply
from settlement.chart import ChannelAccount
from settlement.serve.service import Service
from tests.kit.cashier import Cashier, Order, owed_fen
from tests.kit.population import CLASS_B, DEAR, Citizen, some
from tests.kit.racing import together
from tests.kit.reply import Reply, assert_done
from tests.kit.scanner import pending_fen
from tests.kit.till import OTHER_WALLET, WALLET
from tests.kit.town import Town
from tests.kit.ward import StayInProgress, admission, admit

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROUNDS = 10
_NUMBERS = count(1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cashiers(town: Town, workers: list[Service]) -> AsyncIterator[list[Cashier]]:
    """One at each process; in the end what is open comes to its end, and both books agree."""
    yield [Cashier(worker) for worker in workers]
    await town.resolve(seconds=300)
    assert await pending_fen(town) == 0
    for channel in (town.channels.wechat, town.channels.alipay):
        clearing = ChannelAccount.CLEARING
        assert -await owed_fen(town, clearing, channel.name) == channel.book.balance_fen


async def a_stay(town: Town) -> StayInProgress:
    """In hospital, with two boxes."""
    return await admit(town.hospital, town.someone(), some(DEAR, 2))


def number(prefix: str) -> str:
    """A refund number of its own."""
    return f"{prefix}{next(_NUMBERS)}"


async def test_deposit_sent_by_several_at_once_is_paid_once(
    town: Town, cashiers: list[Cashier], rng: random.Random
) -> None:
    for code in (WALLET, "") * (ROUNDS // 2):
        stay = await a_stay(town)
        more = {"pay_code": code} if code else {"tender": {"kind": "cash"}}
        order = cashiers[0].deposit_order(stay.mdtrt_id, "500", **more)
        replies = await together(rng, *(partial(c.deposit, order) for c in cashiers))
        assert {reply.status for reply in replies} <= {"settled", "unknown"}, replies
        assert (await cashiers[0].deposits(stay.mdtrt_id)).paid == "500.00"


async def test_two_refunds_of_one_deposit_return_it_once(
    town: Town, cashiers: list[Cashier], rng: random.Random
) -> None:
    for _ in range(ROUNDS):
        stay = await a_stay(town)
        order = await cashiers[0].pay_in(stay.mdtrt_id, "500", pay_code=WALLET)
        replies = await together(
            rng, *(partial(c.refund, order["order_no"], number("CR")) for c in cashiers[:2])
        )
        codes = sorted(str(reply.err_code) for reply in replies)
        assert codes == ["REFUND_TOO_MUCH", "UNSET"], replies
        assert (await cashiers[0].deposits(stay.mdtrt_id)).returned == "500.00"


async def test_settlement_that_meets_a_refund_uses_what_is_left(
    town: Town, cashiers: list[Cashier], workers: list[Service], rng: random.Random
) -> None:
    seen: Counter[str] = Counter()
    for _ in range(ROUNDS):
        stay = await a_stay(town)
        first = await cashiers[0].pay_in(stay.mdtrt_id, "500", pay_code=WALLET)
        await cashiers[0].pay_in(stay.mdtrt_id, "300", pay_code=OTHER_WALLET)
        assert_done(await town.hospital.send(stay.discharge()))
        quoted = stay.quote(Decimal("4000.00"), account=False)
        message = stay.settlement(quoted, await town.hospital.send(quoted))
        works: list[Callable[[], Awaitable[ScanReply | Reply]]] = [
            partial(cashiers[0].refund, first["order_no"], number("CR")),
            partial(message.to, workers[1]),
        ]
        refunded, settled = await together(rng, *works)
        assert isinstance(refunded, ScanReply)
        assert isinstance(settled, Reply)
        assert_done(settled)
        found = await cashiers[2].deposits(stay.mdtrt_id)
        returned = refunded.status == "refunded"
        assert returned or refunded.err_code == "REFUND_TOO_MUCH", refunded
        assert (found.applied, found.left) == ("300.00" if returned else "800.00", "0.00")
        seen[refunded.status] += 1
    assert seen


async def test_bill_that_meets_more_lines_is_paid_as_it_was_quoted_or_not_at_all(
    town: Town, cashiers: list[Cashier], workers: list[Service], rng: random.Random
) -> None:
    for _ in range(ROUNDS):
        citizen = town.someone()
        visit = await town.hospital.open_visit(citizen, some(DEAR, 3))
        quoted = visit.quote(some(DEAR, 3)).edited({"input.data.acct_used_flag": "0"})
        settlement = visit.settlement(quoted, await town.hospital.send(quoted))
        order = cashiers[0].visit_order(settlement, pay_code=WALLET)
        works: list[Callable[[], Awaitable[ScanReply | Reply]]] = [
            partial(cashiers[0].visit, order),
            partial(visit.lines(some(CLASS_B, 1), first=7).to, workers[1]),
        ]
        paid, more = await together(rng, *works)
        assert isinstance(paid, ScanReply)
        assert isinstance(more, Reply)
        if more.infcode == 0:
            assert paid.err_code == "TOTAL_MISMATCH", paid
        else:
            assert more.err_code in {"UNDERTAKING_OPEN", "BATCH_SETTLED"}
            assert paid.status == "settled"


async def a_request(town: Town, cashier: Cashier) -> tuple[Citizen, Order]:
    """Somebody who has asked for a bed, and paid."""
    citizen = town.someone()
    order: Order = {
        "order_no": number("CA"), "operator": "MINI", "insutype": "310", "amount": "500",
        "person_code": citizen.patient.person.certno, "pay_code": WALLET,
    }  # fmt: skip
    assert (await cashier.ask_for_a_stay(order)).status == "settled"
    return citizen, order


async def test_request_that_two_wards_confirm_is_one_stay(
    town: Town, cashiers: list[Cashier], rng: random.Random
) -> None:
    for _ in range(ROUNDS):
        citizen, order = await a_request(town, cashiers[0])
        message = admission(town.hospital, citizen)
        replies = await together(
            rng, *(partial(c.admit, order["order_no"], message) for c in cashiers)
        )
        assert {reply.status for reply in replies} == {"settled"}, replies
        [stay_no] = {str(reply.mdtrt_id) for reply in replies}
        assert (await cashiers[0].deposits(stay_no)).left == "500.00"


async def test_request_that_is_confirmed_and_refused_at_once_keeps_its_money_together(
    town: Town, cashiers: list[Cashier], rng: random.Random
) -> None:
    for _ in range(ROUNDS):
        citizen, order = await a_request(town, cashiers[0])
        message = admission(town.hospital, citizen)
        admitted, refunded = await together(
            rng,
            partial(cashiers[0].admit, order["order_no"], message),
            partial(cashiers[1].refund, order["order_no"], number("CR")),
        )
        assert refunded.status == "refunded"
        if admitted.status == "settled":  # the refund was of the stay's deposit
            found = await cashiers[2].deposits(str(admitted.mdtrt_id))
            assert (found.paid, found.left) == ("500.00", "0.00")
        else:
            assert admitted.err_code == "REQUEST_ENDED"


async def test_request_that_expires_everywhere_gives_back_once(
    town: Town, cashiers: list[Cashier], workers: list[Service], rng: random.Random
) -> None:
    _, order = await a_request(town, cashiers[0])
    await town.resolve(seconds=86_400)
    refunds = len(town.channels.wechat.book.refunds)
    await together(rng, *(worker.payments.expire_requests for worker in workers))
    await town.resolve(seconds=1)
    assert len(town.channels.wechat.book.refunds) == refunds + 1
    assert (await cashiers[0].find(order["order_no"])).status == "refunded"
