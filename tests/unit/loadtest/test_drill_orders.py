"""The customers of a drill: by seed, mixed, and with codes that the channels know."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from itertools import islice

import msgspec
import pytest

from loadtest.drills.orders import CHANNELS, ON_PHONE, Customers, Wallets
from loadtest.drills.simulators import FOUND_BY_THE_BILL, PAYMENT_FAULTS
from loadtest.simulators.channel_faults import Fault
from loadtest.simulators.payer_codes import Behaviour
from protocol import paycode
from protocol.scan import ScanRequest
from tests.unit.loadtest.worlds import make_world

ORDERS = 400


def customers(seed: int = 1) -> Customers:
    return Customers(make_world(), seed=seed, stamp=1_790_000_000)


def test_an_order_depends_on_seed_and_number_alone() -> None:
    one, other, another = customers(), customers(), customers(seed=2)
    assert [one.order(n) for n in (3, 1)] == [other.order(n) for n in (3, 1)]
    assert one.order(3) != another.order(3)


def test_some_pay_on_their_phones_where_a_drill_wants_it() -> None:
    world = make_world()
    drill = Customers(world, seed=1, stamp=1_790_000_000, on_phone=ON_PHONE)
    orders = [drill.order(number) for number in range(ORDERS)]
    few = [one for one in orders if one.on_phone]
    assert 0 < len(few) < ORDERS / 4
    assert {one.pays for one in few} == {True, False}
    assert any(one.left and one.left != one.channel for one in few)
    for one in few:
        request = msgspec.json.decode(one.request("130000000000000000"), type=ScanRequest)
        assert request.pay_on_phone and not request.pay_code
        assert one.pays or one.patience_seconds, "nobody waits for who does not pay"
    assert [one for one in orders if not one.on_phone] == [
        customers().order(number) for number, one in enumerate(orders) if not one.on_phone
    ]


def test_requests_are_readable_and_of_every_sort() -> None:
    seen: Counter[str] = Counter()
    for number in range(ORDERS):
        order = customers().order(number)
        request = msgspec.json.decode(order.request("130000000000000000"), type=ScanRequest)
        seen[order.channel] += 1
        seen[order.behaviour.name] += 1
        seen["insured" if request.person_code else "self-pay"] += 1
    sorts = {*CHANNELS, *(one.name for one in Behaviour), "insured", "self-pay"}
    assert sorts - set(seen) == set()


@pytest.mark.parametrize("channel", CHANNELS)
def test_codes_are_new_each_time_and_belong_to_their_channel(channel: str) -> None:
    wallets = Wallets()
    shown = list(
        islice(iter(lambda: wallets.show(channel, Behaviour.USERPAYING, seconds=4), ""), 50)
    )
    assert len(set(shown)) == len(shown)
    assert {paycode.read(one).kind.value for one in shown} == {channel}


def test_code_says_what_its_payer_does() -> None:
    wallets = Wallets()
    code = wallets.show("alipay", Behaviour.USERPAYING, seconds=4)
    read = wallets.codes["alipay"].read(code)
    assert read is not None
    assert (read.behaviour, read.seconds) == (Behaviour.USERPAYING, 4)
    assert wallets.codes["alipay"].take(code, at=datetime.now(UTC)) is Behaviour.USERPAYING


def test_every_fault_but_those_of_bills_may_happen() -> None:
    bills = {one for one in Fault if one.startswith("bill_")}
    assert set(PAYMENT_FAULTS) == set(Fault) - bills - FOUND_BY_THE_BILL
