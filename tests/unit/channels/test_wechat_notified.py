"""Notifications that the simulated WeChat does not send: of payments, to others, of new kinds."""

from __future__ import annotations

import json

import pytest

from protocol.wechat.notifications import write_envelope
from protocol.wechat.signing import VerifyingKey
from settlement.channels.signer import Signer
from settlement.channels.wechat import WechatChannel
from settlement.channels.wechat_config import WechatKeys, WechatMerchant
from settlement.payments.payment import NotificationRefused, Notified, Verdict
from tests.kit.wechat import MCHID, NOON, known_keys

PAYMENT = {
    "mchid": MCHID, "appid": "wx1", "out_trade_no": "T1", "transaction_id": "4200001",
    "trade_state": "SUCCESS", "success_time": "2026-11-23T12:00:00+08:00",
    "payer": {"openid": "oSim1"}, "amount": {"total": 1000, "payer_total": 700},
    "promotion_detail": [
        {"coupon_id": "1", "type": "NOCASH", "amount": 200},
        {"coupon_id": "2", "type": "CASH", "amount": 100},
    ],
}  # fmt: skip


def channel(**changed: str) -> WechatChannel:
    platform, merchant = known_keys()
    config = WechatMerchant(mchid=MCHID, appid="wx1", api="v3", **changed)
    keys = WechatKeys(
        signing=merchant.signing, apiv3_key=merchant.apiv3_key.encode(),
        platform={platform.public_key_id: merchant_key()},
    )  # fmt: skip
    return WechatChannel(config, keys, signer=Signer(1), clock=lambda: NOON)


def merchant_key() -> VerifyingKey:
    return VerifyingKey(known_keys()[0].public_key_pem)


def notified(
    content: dict[str, object], *, event_type: str = "TRANSACTION.SUCCESS", **changed: str
) -> Notified | NotificationRefused:
    platform, merchant = known_keys()
    body = write_envelope(
        number="EV-1", event_type=event_type, at="2026-11-23T12:00:01+08:00", summary="",
        about="transaction", content=json.dumps(content).encode(),
        key=merchant.apiv3_key.encode(), nonce="abcdefghijkl",
    )  # fmt: skip
    at = int(NOON.timestamp())
    headers = platform.headers(body, wanted=platform.public_key_id, at=at)
    return channel(**changed).notified({k.lower(): v for k, v in headers.items()}, body)


def test_payment_is_read_with_what_the_merchant_gets_of_it() -> None:
    told = notified(PAYMENT)
    assert isinstance(told, Notified) and (told.order_no, told.notification_id) == ("T1", "EV-1")
    outcome = told.outcome
    assert (outcome.verdict, outcome.reference) == (Verdict.SUCCESS, "4200001")
    # A coupon without cash is borne by the merchant, one with cash by WeChat.
    assert (outcome.amount_fen, outcome.settled_fen) == (1000, 800)


@pytest.mark.parametrize(
    ("changed", "verdict"),
    [
        ({"transaction_id": ""}, Verdict.UNKNOWN),
        ({"trade_state": "SOMETHING_NEW"}, Verdict.UNKNOWN),
        ({"trade_state": None}, Verdict.UNKNOWN),
        ({"success_time": "soon"}, Verdict.SUCCESS),
        ({"promotion_detail": None}, Verdict.SUCCESS),
    ],
)
def test_payment_with_something_odd(changed: dict[str, object], verdict: Verdict) -> None:
    told = notified(PAYMENT | changed)
    assert isinstance(told, Notified) and told.outcome.verdict is verdict


def test_notification_to_another_merchant_is_refused() -> None:
    assert notified(PAYMENT | {"mchid": "1900000002"}) == NotificationRefused(
        reason="OTHER_MERCHANT"
    )
    assert notified(PAYMENT, sub_mchid="1900000009") == NotificationRefused(
        reason="OTHER_MERCHANT"
    )


def test_notification_to_a_partners_merchant_is_read() -> None:
    told = notified(
        PAYMENT | {"mchid": "", "sp_mchid": MCHID, "sub_mchid": "1900000009"},
        sub_mchid="1900000009",
    )
    assert isinstance(told, Notified) and told.merchant_no == "1900000009"


def test_event_of_a_new_kind_is_refused_by_its_name() -> None:
    told = notified(PAYMENT, event_type="COUPON.USE")
    assert told == NotificationRefused(reason="EVENT_NOT_KNOWN: COUPON.USE")


def test_what_wechat_wants_to_hear() -> None:
    status, body, content_type = channel().acknowledged(taken=True)
    assert (status, json.loads(body)["code"], content_type) == (
        200, "SUCCESS", "application/json",
    )  # fmt: skip
    status, body, _ = channel().acknowledged(taken=False)
    assert status >= 400 and json.loads(body)["code"] == "FAIL"
