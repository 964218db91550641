"""Notifications: which are believed, and how often they come."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import pytest

from loadtest.simulators.channel_faults import Fault, Operation, Rule
from loadtest.simulators.unionpay_keys import Keys, certificate_pem
from protocol.unionpay.signing import signature
from settlement.payments.payment import NotificationRefused, Notified, Verdict
from tests.kit.unionpay import MER_ID, Desk, KeyRing, a_desk, key_of

PAID = {
    "version": "5.1.0", "encoding": "UTF-8", "signMethod": "01", "txnType": "01",
    "txnSubType": "06", "bizType": "000000", "accessType": "0", "merId": MER_ID,
    "orderId": "TEST000000000001", "txnTime": "20261123120000", "txnAmt": "4212",
    "currencyCode": "156", "queryId": "742611231200000000001", "respCode": "00",
    "respMsg": "成功[0000000]", "settleAmt": "4212", "traceTime": "1123120000",
    "accNo": "6299************0001",
}  # fmt: skip


def body_of(ring: Keys, *, forged: bool = False, **changed: str) -> bytes:
    """A notification, signed."""
    signer = ring.stranger if forged else ring.unionpay
    fields = {**PAID, **changed, "signPubKeyCert": certificate_pem(signer)}
    return urlencode({**fields, "signature": signature(fields, signer.key)}).encode()


def read(desk: Desk, body: bytes) -> Notified | NotificationRefused:
    return desk.channel.notified({"content-type": "application/x-www-form-urlencoded"}, body)


def reason(desk: Desk, body: bytes) -> str:
    got = read(desk, body)
    assert isinstance(got, NotificationRefused)
    return got.reason


async def test_genuine_notification_is_read(desk: Desk, unionpay_ring: KeyRing) -> None:
    body = body_of(unionpay_ring.sim)
    told = read(desk, body)
    assert isinstance(told, Notified) and told.outcome.verdict is Verdict.SUCCESS
    again = read(desk, body)
    assert isinstance(again, Notified) and again.notification_id == told.notification_id


async def test_notification_of_a_failure_is_read_too(desk: Desk, unionpay_ring: KeyRing) -> None:
    """UnionPay says that only success is told; other texts say that failures are as well."""
    told = read(desk, body_of(unionpay_ring.sim, respCode="64", respMsg="余额不足"))
    assert isinstance(told, Notified)
    assert (told.outcome.verdict, told.outcome.code) == (Verdict.FAILED, "64")


async def test_what_is_not_unionpays_is_refused(desk: Desk, unionpay_ring: KeyRing) -> None:
    ring = unionpay_ring.sim
    fields = dict(parse_qsl(body_of(ring).decode()))
    changed = {**fields, "txnAmt": "1"}
    other_certificate = {**fields, "signPubKeyCert": certificate_pem(ring.stranger)}
    unsigned = {name: value for name, value in fields.items() if name != "signature"}
    bodies = [
        body_of(ring, forged=True),
        urlencode(changed).encode(),
        urlencode(other_certificate).encode(),
        urlencode(unsigned).encode(),
        urlencode({**fields, "signPubKeyCert": ""}).encode(),
    ]
    assert {reason(desk, body) for body in bodies} == {"the signature is not UnionPay's"}
    assert "not a form" in reason(desk, b"<xml/>")
    assert "not a form" in reason(desk, b"")
    assert "not a form" in reason(desk, body_of(ring) + b"&txnAmt=1")


async def test_genuine_but_not_for_us_is_refused(desk: Desk, unionpay_ring: KeyRing) -> None:
    ring = unionpay_ring.sim
    assert "another merchant" in reason(desk, body_of(ring, merId="999290058110098"))
    assert "no order" in reason(desk, body_of(ring, orderId=""))
    assert "neither" in reason(desk, body_of(ring, txnType="76"))
    assert "amounts or times" in reason(desk, body_of(ring, txnAmt="42.12"))
    assert "amounts or times" in reason(desk, body_of(ring, traceTime="1323120000"))


@pytest.mark.parametrize("names", [(), ("m", "via")])
async def test_query_parameters_of_our_own_address_are_no_part_of_the_signature(
    unionpay_ring: KeyRing, tmp_path: Path, names: tuple[str, ...]
) -> None:
    """Some servers hand over the parameters of the address among those of the form."""
    settings: dict[str, object] = {"notify_parameters": names}
    async with a_desk(unionpay_ring, tmp_path, settings=settings) as desk:
        body = body_of(unionpay_ring.sim) + b"&m=1&via=proxy"
        assert isinstance(read(desk, body), Notified if names else NotificationRefused)


async def test_notification_comes_again_until_it_is_taken(desk: Desk) -> None:
    desk.receiver.is_down = True
    await desk.channel.pay(desk.order("ok"))
    await desk.pass_by(60 + 120)
    assert not desk.receiver.taken
    desk.receiver.is_down = False
    await desk.pass_by(240)
    await desk.pass_by(24 * 3600)
    assert len(desk.receiver.taken) == 1


async def test_notification_is_given_up_after_five_times(desk: Desk) -> None:
    desk.receiver.is_down = True
    await desk.channel.pay(desk.order("ok"))
    await desk.pass_by(60 + 120 + 240 + 300)
    desk.receiver.is_down = False
    await desk.pass_by(24 * 3600)
    assert not desk.receiver.taken


@pytest.mark.parametrize(
    ("fault", "taken", "refused"),
    [
        (Fault.NOTICE_NEVER, 0, 0),
        (Fault.NOTICE_LOST, 1, 0),
        (Fault.NOTICE_TWICE, 2, 0),
        (Fault.NOTICE_LATE, 1, 0),
        (Fault.NOTICE_FORGED, 1, 1),
        (Fault.NOTICE_ONE_FEN_OFF, 2, 0),
        (Fault.NOTICE_STRANGER, 2, 0),
    ],
)
async def test_fault_of_a_notification(desk: Desk, fault: Fault, taken: int, refused: int) -> None:
    desk.sim.faults.add(Rule(fault=fault, operation=Operation.NOTICE))
    order = desk.order("ok")
    await desk.channel.pay(order)
    await desk.pass_by(3600)
    assert (len(desk.receiver.taken), len(desk.receiver.refused)) == (taken, refused)
    orders = {one.order_no for one in desk.receiver.taken}
    amounts = {one.outcome.amount_fen for one in desk.receiver.taken}
    assert amounts == (
        {4211, 4212} if fault is Fault.NOTICE_ONE_FEN_OFF else {4212} if taken else set()
    )
    assert len(orders) == (2 if fault is Fault.NOTICE_STRANGER else 1 if taken else 0)
    assert (await desk.channel.query(key_of(order))).verdict is Verdict.SUCCESS
