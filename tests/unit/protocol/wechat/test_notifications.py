"""Envelopes of notifications, and answers with things missing."""

from __future__ import annotations

import pytest

from protocol.wechat import messages
from protocol.wechat.codes import is_auth_code, normal
from protocol.wechat.messages import Payment, Refund, UnreadableAnswerError
from protocol.wechat.notifications import (
    UnreadableNotificationError,
    read_envelope,
    read_resource,
    read_v2_refund,
    write_envelope,
    write_v2_refund,
)

KEY = b"0123456789abcdef0123456789abcdef"
WRITTEN = write_envelope(
    number="EV-1", event_type="REFUND.SUCCESS", at="2026-11-23T12:00:00+08:00", summary="退款",
    about="refund", content=b'{"out_refund_no":"R1","amount":{"refund":200}}', key=KEY,
    nonce="abcdefghijkl",
)  # fmt: skip


def test_envelope_opens_and_says_what_it_is_about() -> None:
    envelope = read_envelope(WRITTEN)
    refund = read_resource(envelope, KEY, Refund)
    assert (envelope.id, envelope.event_type) == ("EV-1", "REFUND.SUCCESS")
    assert (refund.out_refund_no, refund.amount.refund) == ("R1", 200)


@pytest.mark.parametrize("body", [b"", b"{}", b"<xml/>", b"[1]", WRITTEN[:-5]])
def test_what_is_no_envelope_is_refused(body: bytes) -> None:
    with pytest.raises(UnreadableNotificationError, match="envelope"):
        read_envelope(body)


def test_envelope_under_another_key_is_refused() -> None:
    with pytest.raises(UnreadableNotificationError, match="not under this key"):
        read_resource(read_envelope(WRITTEN), KEY[::-1], Refund)


def test_resource_of_another_shape_is_refused() -> None:
    with pytest.raises(UnreadableNotificationError, match="resource"):
        read_resource(read_envelope(WRITTEN), KEY, messages.CodePay)


def test_refund_notice_of_v2_is_read_inside_and_out() -> None:
    body = write_v2_refund({"return_code": "SUCCESS"}, {"refund_fee": "200"}, "key")
    assert read_v2_refund(body, "key")["refund_fee"] == "200"
    with pytest.raises(UnreadableNotificationError):
        read_v2_refund(body, "other")
    with pytest.raises(UnreadableNotificationError):
        read_v2_refund(b"<html>", "key")


def test_null_in_an_answer_counts_as_missing() -> None:
    body = b'{"trade_state":"SUCCESS","attach":null,"promotion_detail":null,"amount":{"total":1}}'
    payment = messages.read(body, Payment)
    assert (payment.trade_state, payment.attach, payment.amount.total) == ("SUCCESS", "", 1)


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"amount":{"total":"1"}}', b"[]"])
def test_unreadable_answer_is_told_apart(body: bytes) -> None:
    with pytest.raises(UnreadableAnswerError):
        messages.read(body, Payment)


def test_time_without_a_zone_is_no_instant() -> None:
    assert messages.rfc3339("2026-11-23T12:00:00") is None
    assert messages.rfc3339("soon") is None
    at = messages.rfc3339("2026-11-23T12:00:00+08:00")
    assert at is not None and at.utcoffset() is not None


def test_payment_codes_have_18_digits_and_begin_with_10_to_15() -> None:
    good = [f"1{n}1234567890123456" for n in range(6)]
    bad = ["", "161234567890123456", "13123456789012345", "13123456789012345a", "28" + "1" * 16]
    assert all(map(is_auth_code, good)) and not any(map(is_auth_code, bad))


def test_spellings_of_a_code_are_one() -> None:
    assert normal("SYSTEM_ERROR") == normal("systemerror") == "SYSTEMERROR"
