"""What Alipay tells by itself: a form, signed over its decoded fields."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

import pytest

from protocol.alipay import notification
from protocol.alipay.notification import TradeNotice
from protocol.alipay.signing import PrivateKey, notice_text
from tests.unit.protocol.alipay import keys

ALIPAY = PrivateKey.of(keys.private_pem("alipay"))
NOTICE = TradeNotice(
    notify_id="n1", notify_type=notification.TRADE_NOTICE, app_id="2026", out_trade_no="P1",
    subject="测试 药店+1&2=3%", trade_status="TRADE_SUCCESS", total_amount="88.80",
)  # fmt: skip
FORM = notification.form_to_sign(NOTICE)
BODY = notification.signed_body(FORM, ALIPAY.sign(notice_text(FORM)))


def test_signed_notice_is_read_again() -> None:
    form = notification.form_of(BODY)
    assert notification.is_signed_by(form, ALIPAY.public)
    assert notification.notice_of(form) == NOTICE


def test_fields_that_we_do_not_know_and_empty_ones_are_signed_too() -> None:
    fields = {"out_trade_no": "P1", "new_field": "x", "body": ""}
    text = b"body=&new_field=x&out_trade_no=P1"
    form = {**fields, "sign_type": "RSA2", "sign": ALIPAY.sign(text)}
    form_read = notification.form_of(urlencode(form).encode())
    assert notification.is_signed_by(form_read, ALIPAY.public)
    assert notification.notice_of(form_read) == TradeNotice(out_trade_no="P1")


@pytest.mark.parametrize(
    "change",
    [
        {"total_amount": "88.81"},
        {"out_trade_no": "P2"},
        {"added": "x"},
        {"sign": ""},
        {"sign_type": "RSA"},
    ],
)
def test_changed_notice_does_not_count(change: dict[str, str]) -> None:
    changed = {**dict(parse_qsl(BODY.decode())), **change}
    form = notification.form_of(urlencode(changed).encode())
    assert not notification.is_signed_by(form, ALIPAY.public)


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff", "测试".encode(), b"a=1&a=2", b"a=%ff", b"&".join([b"a=1"] * 200)],
    ids=["empty", "bytes", "not encoded", "twice", "not UTF-8", "too many"],
)
def test_what_is_no_form_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        notification.form_of(body)


def test_plan_is_eight_times_in_some_twenty_five_hours() -> None:
    assert len(notification.RESEND_AFTER_SECONDS) == 8
    assert 24 * 3_600 < sum(notification.RESEND_AFTER_SECONDS) < 26 * 3_600
