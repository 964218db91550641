"""The adapter of one-code payment against its simulator, over HTTP: every answer in one of four
classes, whatever the network did. Its wire is ours; what it keeps of the port's promises is not.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from loadtest.population import make_person
from loadtest.simulators import voucher_codes
from loadtest.simulators.channel_book import ChannelBook
from loadtest.simulators.channel_faults import Fault, Operation, Rule
from loadtest.simulators.onecode import OneCodeSimulator
from loadtest.simulators.payer_codes import Behaviour
from loadtest.simulators.virtual_clock import VirtualClock
from protocol import onecode
from protocol.onecode import PayReply
from settlement.channels import onecode_outcomes as outcomes
from settlement.channels.config import ChannelsError, load_tills
from settlement.channels.onecode import OneCodeChannel
from settlement.channels.onecode_config import OneCodeKey, OneCodeMerchant
from settlement.channels.port import OneCode
from settlement.channels.signer import Signer
from settlement.payments.payment import (
    Advice,
    ChannelName,
    NotificationRefused,
    OrderKey,
    PayOrder,
    RefundOrder,
    Verdict,
)

START = datetime(2026, 11, 23, 1, tzinfo=UTC)
MERCHANT_NO, KEY = "ONE0000001", b"a key of a test, for both"
TOTAL_FEN = 1_234


class World:
    """One merchant at the simulated platform."""

    def __init__(self, folder: Path) -> None:
        self.clock = VirtualClock(START)
        people = {
            n: make_person(n, seed=1, region="441900", on=date(2026, 11, 23)) for n in range(1, 4)
        }
        self.simulator = OneCodeSimulator(
            clock=self.clock, book=ChannelBook(folder / "book.jsonl"), people=people.get,
            region="441900",
        )  # fmt: skip
        self.simulator.open_merchant(MERCHANT_NO, KEY)

    def door(self, key: bytes = KEY, merchant_no: str = MERCHANT_NO) -> OneCodeChannel:
        """A way in."""
        merchant = OneCodeMerchant(
            merchant_no=merchant_no, base_url=self.simulator.url, key_file="", answer_seconds=0.3,
        )  # fmt: skip
        return OneCodeChannel(merchant, OneCodeKey(key=key), clock=self.clock)

    def order(
        self, paying: Behaviour | None = Behaviour.OK, *, order_no: str = "10000001",
        person: int = 1,
    ) -> PayOrder:  # fmt: skip
        """Of a fresh code."""
        code = voucher_codes.make(person, province="44", at=self.clock(), paying=paying)
        return PayOrder(
            order_no=order_no, sent_at=self.clock(), amount_fen=TOTAL_FEN, code=code,
            subject="测试药店",
        )  # fmt: skip

    def meets(self, fault: Fault, operation: Operation) -> None:
        """The next one."""
        self.simulator.faults.add(Rule(fault=fault, operation=operation, delay_seconds=1.0))


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """It listens."""
    world = World(tmp_path)
    await world.simulator.start()
    yield world
    await world.simulator.stop()


@pytest_asyncio.fixture
async def channel(world: World) -> AsyncIterator[OneCodeChannel]:
    """The merchant's."""
    channel = world.door()
    yield channel
    await channel.close()


def key_of(order: PayOrder) -> OrderKey:
    """What finds it again."""
    return OrderKey(order_no=order.order_no, sent_at=order.sent_at, amount_fen=order.amount_fen)


def refund_of(order: PayOrder, reference: str, amount_fen: int, number: str) -> RefundOrder:
    """Some of it back."""
    return RefundOrder(
        order=key_of(order), reference=reference, refund_no=number, sent_at=order.sent_at,
        amount_fen=amount_fen,
    )  # fmt: skip


async def test_it_is_a_channel_that_knows_wallets(
    world: World, channel: OneCodeChannel
) -> None:
    assert isinstance(channel, OneCode)
    assert await channel.wallet(world.order(person=1).code) == "wechat"
    assert await channel.wallet(world.order(person=2).code) == "alipay"
    assert await channel.wallet(world.order(None).code) == ""
    assert await channel.wallet("134567890123456789") == ""


async def test_wallet_that_nobody_tells_of_is_none(
    world: World, channel: OneCodeChannel
) -> None:
    for fault in (
        Fault.LOST_BEFORE, Fault.BUSY, Fault.HTML_BEFORE, Fault.WRONG_SIGNATURE, Fault.DRIP,
    ):  # fmt: skip
        world.meets(fault, Operation.OTHER)
        assert await channel.wallet(world.order().code) == ""


async def test_payment_query_refund(world: World, channel: OneCodeChannel) -> None:
    order = world.order()
    paid = await channel.pay(order)
    assert (paid.verdict, paid.amount_fen) == (Verdict.SUCCESS, TOTAL_FEN)
    assert (await channel.query(key_of(order))).reference == paid.reference
    assert (await channel.pay(order)).reference == paid.reference
    part = refund_of(order, paid.reference, 234, "20000001")
    for _ in range(2):
        assert (await channel.refund(part)).verdict is Verdict.SUCCESS
    assert (await channel.query_refund(part)).verdict is Verdict.SUCCESS
    too_much = refund_of(order, paid.reference, 1_001, "20000002")
    assert (await channel.refund(too_much)).verdict is Verdict.FAILED
    assert (await channel.query_refund(too_much)).verdict is Verdict.UNKNOWN
    assert (await channel.query(key_of(order))).refunded_fen == 234
    assert (await channel.undo(key_of(order))).verdict is Verdict.FAILED
    assert world.simulator.book.totals()["net_fen"] == 1_000


@pytest.mark.parametrize(
    ("paying", "verdict", "advice"),
    [
        (None,                       Verdict.FAILED,       Advice.OTHER_FUNDING),
        (Behaviour.NOT_ENOUGH,       Verdict.FAILED,       Advice.OTHER_FUNDING),
        (Behaviour.EXPIRED,          Verdict.FAILED,       Advice.RESCAN),
        (Behaviour.RISK,             Verdict.FAILED,       Advice.OTHER_FUNDING),
        (Behaviour.USERPAYING,       Verdict.PAYER_ACTION, Advice.NONE),
        (Behaviour.USERPAYING_NEVER, Verdict.PAYER_ACTION, Advice.NONE),
        (Behaviour.LOST_ANSWER,      Verdict.UNKNOWN,      Advice.NONE),
    ],
)  # fmt: skip
async def test_what_the_payer_does_is_one_of_four_classes(
    world: World, channel: OneCodeChannel, paying: Behaviour | None, verdict: Verdict,
    advice: Advice,
) -> None:  # fmt: skip
    said = await channel.pay(world.order(paying))
    assert (said.verdict, said.advice) == (verdict, advice)


@pytest.mark.parametrize(
    "fault",
    [
        Fault.LOST_BEFORE, Fault.LOST_AFTER, Fault.HTML_BEFORE, Fault.HTML_AFTER, Fault.BUSY,
        Fault.BUSY_AFTER, Fault.RATE_LIMITED, Fault.MAINTENANCE, Fault.RESET, Fault.NOT_JSON,
        Fault.WRONG_SIGNATURE, Fault.NO_SIGNATURE, Fault.CLOCK_SKEW,
    ],
)  # fmt: skip
@pytest.mark.parametrize("operation", ["pay", "query", "undo", "refund", "query_refund"])
async def test_what_breaks_is_unknown(
    world: World, channel: OneCodeChannel, fault: Fault, operation: str
) -> None:
    order = world.order()
    if operation != "pay":
        await channel.pay(order)
    world.meets(fault, Operation(operation))
    back = refund_of(order, "", 1, "20000001")
    said = await {
        "pay": lambda: channel.pay(order),
        "query": lambda: channel.query(key_of(order)),
        "undo": lambda: channel.undo(key_of(order)),
        "refund": lambda: channel.refund(back),
        "query_refund": lambda: channel.query_refund(back),
    }[operation]()
    assert said.verdict is Verdict.UNKNOWN, said


async def test_undo_makes_a_number_dead(world: World, channel: OneCodeChannel) -> None:
    paid, never = world.order(), world.order(order_no="10000002", person=2)
    await channel.pay(paid)
    for order in (paid, never):
        assert (await channel.undo(key_of(order))).verdict is Verdict.SUCCESS
        assert (await channel.query(key_of(order))).verdict is Verdict.FAILED
        assert (await channel.undo(key_of(order))).verdict is Verdict.SUCCESS
    assert (await channel.pay(never)).verdict is Verdict.FAILED
    assert world.simulator.book.totals()["net_fen"] == 0


async def test_number_that_is_not_known_may_still_arrive(
    world: World, channel: OneCodeChannel
) -> None:
    assert (await channel.query(key_of(world.order()))).verdict is Verdict.UNKNOWN


async def test_same_number_with_another_amount_is_an_alarm(
    world: World, channel: OneCodeChannel
) -> None:
    order = world.order()
    await channel.pay(order)
    other = PayOrder(
        order_no=order.order_no, sent_at=order.sent_at, amount_fen=1, code=order.code, subject=""
    )
    said = await channel.pay(other)
    assert (said.verdict, said.advice) == (Verdict.UNKNOWN, Advice.COMPARE)


async def test_code_pays_once_and_a_minute_long(world: World, channel: OneCodeChannel) -> None:
    order = world.order()
    await channel.pay(order)
    again = PayOrder(
        order_no="10000002", sent_at=order.sent_at, amount_fen=1, code=order.code, subject=""
    )
    assert (await channel.pay(again)).code == "CODE_USED"
    old = world.order(order_no="10000003", person=2)
    await world.clock.advance(61)
    assert (await channel.pay(old)).code == "CODE_EXPIRED"


async def test_wrong_key_and_strange_merchant_are_ours_to_mend(world: World) -> None:
    for door in (world.door(key=b"another key, of nobody"), world.door(merchant_no="STRANGER")):
        said = await door.pay(world.order())
        assert said.verdict is Verdict.UNKNOWN
        assert said.advice is Advice.OPERATOR
        await door.close()
    assert world.simulator.book.entries == []


async def test_what_is_no_voucher_is_not_sent(world: World, channel: OneCodeChannel) -> None:
    for code in ("134567890123456789", "999999198001010011"):
        order = PayOrder(
            order_no="10000001", sent_at=START, amount_fen=1, code=code, subject=""
        )
        assert (await channel.pay(order)).code == "NOT_A_CODE"
    assert world.simulator.book.entries == []


async def test_what_is_kept_of_an_exchange_has_no_code(
    world: World, channel: OneCodeChannel
) -> None:
    order = world.order()
    kept = (await channel.pay(order)).exchange
    assert kept is not None
    assert order.code not in kept.request + kept.reply
    assert "424…(28)…0000" in kept.request


async def test_it_tells_nothing_by_itself(channel: OneCodeChannel) -> None:
    assert isinstance(channel.notified({}, b""), NotificationRefused)
    assert channel.acknowledged(taken=False)[0] == 400
    assert await channel.bill(date(2026, 11, 23)) is None


def test_code_that_is_not_in_the_table_is_unknown() -> None:
    for read in (outcomes.of_payment, outcomes.of_query, outcomes.of_undo):
        assert read(PayReply(code="NEVER_HEARD_OF")).verdict is Verdict.UNKNOWN
    strange = PayReply(code=onecode.DONE, state="NEVER_HEARD_OF")
    assert outcomes.of_payment(strange).verdict is Verdict.UNKNOWN
    nameless = PayReply(code=onecode.DONE, state="PAID")
    assert outcomes.of_query(nameless).verdict is Verdict.UNKNOWN


def test_merchant_is_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "one.key").write_bytes(KEY)
    file = tmp_path / "channels.toml"
    table = '[[merchant]]\nchannel = "onecode"\n[merchant.settings]\nmerchant_no = "ONE1"\n'
    file.write_text(f'{table}base_url = "http://127.0.0.1:1"\nkey_file = "one.key"\n')
    tills = load_tills(file, signer=Signer(), clock=VirtualClock(START))
    place = tills.place("P44190099001", ChannelName.ONECODE)
    assert place is not None
    assert place.merchant_no == "ONE1"
    file.write_text(f'{table}base_url = "http://127.0.0.1:1"\nkey_file = "none.key"\n')
    with pytest.raises(ChannelsError, match=r"none\.key"):
        load_tills(file, signer=Signer(), clock=VirtualClock(START))


def test_merchant_that_is_described_in_two_ways_is_refused(tmp_path: Path) -> None:
    (tmp_path / "one.key").write_bytes(KEY)
    entry = (
        '[[merchant]]\nchannel = "onecode"\ninstitutions = ["{}"]\n[merchant.settings]\n'
        'merchant_no = "{}"\nbase_url = "http://127.0.0.1:{}"\nkey_file = "one.key"\n'
    )
    file = tmp_path / "channels.toml"
    entries = [("P1", "A1", 1), ("P2", "B1", 1), ("P3", "A1", 1)]
    file.write_text("".join(entry.format(*of) for of in entries))
    assert len(load_tills(file, signer=Signer(), clock=VirtualClock(START)).merchants()) == 2
    file.write_text("".join(entry.format(*of) for of in [*entries, ("P4", "A1", 2)]))
    with pytest.raises(ChannelsError, match=r"merchant 4: A1 .* merchant 1"):
        load_tills(file, signer=Signer(), clock=VirtualClock(START))
