"""One code that identifies and pays (一码付): the 医保码 names the person, and where its holder
signed for a wallet, that pays the rest. The platform is a simulated one, over HTTP.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from loadtest.simulators.channel_book import Movement
from loadtest.simulators.channel_faults import Fault, Operation, Plan, Rule
from loadtest.simulators.payer_codes import Behaviour
from settlement.serve.service import Service
from tests.kit import population
from tests.kit.population import CLASS_A, DEAR, Citizen
from tests.kit.scanner import Scanner, clearing_fen, leg, pending_fen
from tests.kit.till import WALLET
from tests.kit.town import Town
from tests.kit.vouchers import Centre, a_centre
from tests.kit.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def centre(
    town: Town, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Centre]:
    """Decodes for the town, and pays."""
    folder: Path = tmp_path_factory.mktemp("centre")
    async with a_centre(town, folder) as centre:
        yield centre


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def processes(centre: Centre) -> list[Service]:
    """Two of them."""
    return [await centre.process() for _ in range(2)]


class Counter(Scanner):
    """A till whose customers show one code."""

    centre: Centre

    def one_code(
        self, whom: Citizen, paying: Behaviour | None, **more: object
    ) -> dict[str, object]:
        """An order of medicine of which the fund pays a part."""
        order = self.order(whom, DEAR, 3, **more)  # type: ignore[arg-type]
        return {**order, "person_code": self.centre.code(whom, paying=paying)}

    async def later(self, seconds: float) -> None:
        """So much time passes."""
        await self.centre.pass_by(seconds, by=self.service)

    def moved(self, movement: Movement) -> int:
        """How often money moved so at the platform."""
        entries = self.centre.onecode.book.entries
        return sum(1 for one in entries if one.movement is movement)


@pytest_asyncio.fixture(loop_scope="module")
async def counter(
    town: Town, centre: Centre, processes: list[Service]
) -> AsyncIterator[Counter]:
    """The pharmacy's; in the end everything is at its end, and both books agree."""
    counter = Counter(population.PHARMACY, processes[0])
    counter.centre = centre
    yield counter
    centre.mend()
    await counter.later(300)
    assert await pending_fen(town) == 0
    kept_fen = centre.onecode.book.totals().get("net_fen", 0)
    assert await clearing_fen(town, "onecode") == kept_fen


async def test_one_code_names_and_pays(town: Town, counter: Counter) -> None:
    reply = await counter.scan(counter.one_code(town.someone(), Behaviour.OK))
    assert reply.status == "settled", reply
    assert reply.split
    assert leg(reply, "onecode") == (reply.split.psn_cash_pay, "paid")
    assert leg(reply, "fund")[1] == "paid"
    paid = counter.centre.onecode.book.entries[-1]
    assert next(one.reference for one in reply.legs if one.kind == "onecode") == paid.reference


async def test_code_of_somebody_who_did_not_sign_asks_for_a_wallet(
    town: Town, counter: Counter
) -> None:
    order = counter.one_code(town.someone(), None)
    waiting = await counter.scan(order)
    assert waiting.status == "payer_action"
    assert "请出示付款码" in waiting.message
    assert await pending_fen(town) == 0
    paid = await counter.scan({**order, "pay_code": WALLET})
    assert leg(paid, "wechat")[1] == "paid"


@pytest.mark.parametrize(
    "fault", [Fault.LOST_BEFORE, Fault.BUSY, Fault.WRONG_SIGNATURE, Fault.NOT_JSON]
)
async def test_where_nobody_says_whether_they_signed_a_wallet_is_asked_for(
    town: Town, counter: Counter, fault: Fault
) -> None:
    rule = Rule(fault=fault, operation=Operation.OTHER)
    counter.centre.onecode.faults.replace(Plan(rules=(rule,)))
    paid = counter.moved(Movement.PAID)
    waiting = await counter.scan(counter.one_code(town.someone(), Behaviour.OK))
    assert waiting.status == "payer_action"
    assert await pending_fen(town) == 0
    assert counter.moved(Movement.PAID) == paid


async def test_nothing_left_to_collect_collects_nothing(town: Town, counter: Counter) -> None:
    buyer = town.someone()
    paid = counter.moved(Movement.PAID)
    order = counter.order(buyer, CLASS_A, 1)
    code = counter.centre.code(buyer, paying=Behaviour.OK)
    assert (await counter.scan({**order, "person_code": code})).status == "settled"
    assert counter.moved(Movement.PAID) == paid


async def test_wallet_s_own_code_goes_before(town: Town, counter: Counter) -> None:
    paid = counter.moved(Movement.PAID)
    order = counter.one_code(town.someone(), Behaviour.OK, pay_code=WALLET)
    assert leg(await counter.scan(order), "wechat")[1] == "paid"
    assert counter.moved(Movement.PAID) == paid


async def test_same_code_may_be_scanned_for_both(town: Town, counter: Counter) -> None:
    order = counter.one_code(town.someone(), Behaviour.OK)
    reply = await counter.scan({**order, "pay_code": order["person_code"]})
    assert leg(reply, "onecode")[1] == "paid"


async def test_code_of_somebody_else_pays_nothing(town: Town, counter: Counter) -> None:
    paid = counter.moved(Movement.PAID)
    order = counter.one_code(town.borrowed(), Behaviour.OK)
    other = counter.centre.code(town.borrowed(), paying=Behaviour.OK)
    refused = await counter.scan({**order, "pay_code": other})
    assert (refused.status, refused.err_code) == ("refused", "PAY_CODE_IS_VOUCHER")
    plain = await counter.scan({**counter.order(None, DEAR, 1), "pay_code": other})
    assert (plain.status, plain.err_code) == ("refused", "PAY_CODE_IS_VOUCHER")
    assert counter.moved(Movement.PAID) == paid


async def test_payer_confirms_on_the_phone(town: Town, counter: Counter) -> None:
    order = counter.one_code(town.someone(), Behaviour.USERPAYING)
    assert (await counter.scan(order)).status == "payer_action"
    await counter.later(16)
    assert (await counter.find(order["order_no"])).status == "settled"


@pytest.mark.parametrize("paying", [Behaviour.USERPAYING_NEVER, Behaviour.USERPAYING_FAILS])
async def test_payer_who_does_not_confirm_pays_nothing(
    town: Town, counter: Counter, paying: Behaviour
) -> None:
    buyer = town.someone()
    balance = await town.balance_fen(buyer)
    order = counter.one_code(buyer, paying)
    await counter.scan(order)
    assert await town.balance_fen(buyer) < balance
    for _ in range(6):
        await counter.later(10)
    assert (await counter.find(order["order_no"])).status == "refused"
    assert await town.balance_fen(buyer) == balance


async def test_lost_answer_is_found_out_and_not_paid_again(
    town: Town, counter: Counter
) -> None:
    paid = counter.moved(Movement.PAID)
    order = counter.one_code(town.someone(), Behaviour.LOST_ANSWER)
    first = await counter.scan(order)
    assert first.status in {"unknown", "settled"}
    again = await counter.scan(order)
    assert again.replayed is True
    await counter.later(6)
    assert (await counter.find(order["order_no"])).status == "settled"
    assert counter.moved(Movement.PAID) == paid + 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault.LOST_BEFORE, Fault.LOST_AFTER, Fault.HTML_BEFORE, Fault.HTML_AFTER, Fault.BUSY,
        Fault.BUSY_AFTER, Fault.RATE_LIMITED, Fault.MAINTENANCE, Fault.RESET, Fault.NOT_JSON,
        Fault.WRONG_SIGNATURE, Fault.NO_SIGNATURE, Fault.CLOCK_SKEW, Fault.ONE_FEN_OFF,
    ],
)  # fmt: skip
async def test_payment_that_breaks_is_certain_within_a_minute(
    town: Town, counter: Counter, fault: Fault
) -> None:
    rule = Rule(fault=fault, operation=Operation.PAY)
    counter.centre.onecode.faults.replace(Plan(rules=(rule,)))
    order = counter.one_code(town.someone(), Behaviour.OK)
    await counter.scan(order)
    for _ in range(6):
        await counter.later(10)
    assert (await counter.find(order["order_no"])).status in {"settled", "refused"}


@pytest.mark.parametrize("operation", [Operation.QUERY, Operation.UNDO])
async def test_platform_that_fails_while_it_is_asked_is_asked_again(
    town: Town, counter: Counter, operation: Operation
) -> None:
    rules = (
        Rule(fault=Fault.LOST_AFTER, operation=Operation.PAY),
        Rule(fault=Fault.LOST_AFTER, operation=operation, times=2),
    )
    counter.centre.onecode.faults.replace(Plan(rules=rules))
    order = counter.one_code(town.someone(), Behaviour.OK)
    await counter.scan(order)
    await counter.cancel(order["order_no"])
    for _ in range(8):
        await counter.later(10)
    assert (await counter.find(order["order_no"])).status in {"settled", "refused"}


async def test_cashier_gives_up(town: Town, counter: Counter) -> None:
    order = counter.one_code(town.someone(), Behaviour.USERPAYING_NEVER)
    await counter.scan(order)
    assert (await counter.cancel(order["order_no"])).status == "unknown"
    await counter.later(5)
    assert (await counter.find(order["order_no"])).status == "refused"


async def test_line_comes_back_to_the_wallet_behind_the_code(
    town: Town, counter: Counter
) -> None:
    order = counter.one_code(town.someone(), Behaviour.OK)
    await counter.scan(order)
    back = await counter.refund(
        order["order_no"], f"R{order['order_no']}", lines=[{"feedetl_sn": "1", "cnt": 1}]
    )
    assert back.status == "refunded", back
    assert [one.status for one in back.legs] == ["returned"]
    assert counter.moved(Movement.REFUNDED)


@pytest.mark.parametrize("fault", [Fault.LOST_BEFORE, Fault.LOST_AFTER, Fault.BUSY])
async def test_refund_whose_answer_is_lost_goes_out_once(
    town: Town, counter: Counter, fault: Fault
) -> None:
    order = counter.one_code(town.someone(), Behaviour.OK)
    await counter.scan(order)
    rule = Rule(fault=fault, operation=Operation.REFUND)
    counter.centre.onecode.faults.replace(Plan(rules=(rule,)))
    refunds = counter.moved(Movement.REFUNDED)
    back = await counter.refund(order["order_no"], f"R{order['order_no']}")
    assert back.status == "refunding", back
    for _ in range(3):
        await counter.later(20)
    assert (await counter.find(order["order_no"])).status == "refunded"
    assert counter.moved(Movement.REFUNDED) == refunds + 1


@pytest.mark.parametrize("paying", [Behaviour.NOT_ENOUGH, Behaviour.RISK])
async def test_wallet_that_is_refused_ends_an_order_that_takes_no_other(
    town: Town, counter: Counter, paying: Behaviour
) -> None:
    refused = await counter.scan(counter.one_code(town.someone(), paying))
    assert refused.status == "refused"
    assert leg(refused, "onecode")[1] == "undone"
    assert await pending_fen(town) == 0


async def test_wallet_that_is_refused_is_followed_by_a_scanned_one(
    town: Town, counter: Counter
) -> None:
    order = counter.one_code(town.someone(), Behaviour.NOT_ENOUGH, allow_second_code=True)
    poor = await counter.scan(order)
    assert poor.status == "payer_action"
    assert "余额不足" in poor.message
    again = await counter.scan(order)  # a till that only asks: no second try with the same code
    assert (again.status, again.replayed) == ("payer_action", True)
    paid = await counter.scan({**order, "pay_code": WALLET})
    assert leg(paid, "wechat")[1] == "paid"


async def test_stopped_channel_asks_for_a_wallet(town: Town, counter: Counter) -> None:
    order = counter.one_code(town.someone(), Behaviour.OK)
    paid = counter.moved(Movement.PAID)

    async def is_refused() -> bool:
        """As long as the stop is not in force the code pays: those orders are others' business."""
        wallet = counter.order(None, DEAR, 1, pay_code=WALLET)
        return (await counter.scan(wallet)).err_code == "CHANNEL_SUSPENDED"

    async def is_taken() -> bool:
        return not await is_refused()

    # Both switches come into force together; the one that can be asked about harmlessly is last.
    await town.switch("channel", "onecode", on=True)
    await town.switch("channel", "wechat", on=True)
    await until(is_refused)
    assert (await counter.scan(order)).status == "payer_action"
    await town.switch("channel", "onecode", on=False)
    await town.switch("channel", "wechat", on=False)
    await until(is_taken)
    assert counter.moved(Movement.PAID) == paid
    assert leg(await counter.scan(order), "onecode")[1] == "paid"


async def test_cash_at_the_counter_asks_no_platform(town: Town, counter: Counter) -> None:
    paid = counter.moved(Movement.PAID)
    order = counter.one_code(town.someone(), Behaviour.OK, tender={"kind": "cash"})
    assert leg(await counter.scan(order), "cash")[1] == "paid"
    assert counter.moved(Movement.PAID) == paid


@pytest.mark.parametrize("rounds", range(6))
async def test_same_order_at_several_processes_at_once_is_paid_once(
    town: Town, counter: Counter, processes: list[Service], rounds: int
) -> None:
    paid = counter.moved(Movement.PAID)
    order = counter.one_code(town.someone(), Behaviour.OK)
    scanners = [Scanner(population.PHARMACY, one) for one in (*processes, *processes)]
    await asyncio.gather(*(one.scan(order) for one in scanners))
    assert (await counter.scan(order)).status == "settled"
    assert counter.moved(Movement.PAID) == paid + 1
