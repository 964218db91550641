"""Calls and answers: what is signed, and that an answer is checked over the bytes that came."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from protocol.alipay import gateway, trade
from protocol.alipay.gateway import AnswerUnreadableError, Caller
from protocol.alipay.signing import PrivateKey, request_text
from tests.unit.protocol.alipay import keys

MERCHANT = PrivateKey.of(keys.private_pem("merchant"))
ALIPAY = PrivateKey.of(keys.private_pem("alipay"))
AT = datetime(2026, 11, 26, 1, 30, tzinfo=UTC)
ORDER = trade.PayRequest(
    out_trade_no="P1", scene=trade.Scene.BAR_CODE, auth_code="280000000000000000",
    subject="测试药店 1&2=3", total_amount="88.80",
)  # fmt: skip


def test_call_carries_common_parameters_in_its_address_and_content_in_its_body() -> None:
    unsigned = gateway.parameters(
        trade.PAY, ORDER, caller=Caller(app_id="2026"), at=AT, notify_url="http://127.0.0.1/n"
    )
    assert unsigned == {
        "app_id": "2026", "method": "alipay.trade.pay", "format": "JSON", "charset": "utf-8",
        "sign_type": "RSA2", "timestamp": "2026-11-26 09:30:00", "version": "1.0",
        "notify_url": "http://127.0.0.1/n",
        "biz_content": '{"out_trade_no":"P1","scene":"bar_code","auth_code":"280000000000000000",'
        '"subject":"测试药店 1&2=3","total_amount":"88.80"}',
    }  # fmt: skip
    request = gateway.signed(unsigned, MERCHANT.sign(request_text(unsigned)))
    assert "biz_content" not in request.query and "charset=utf-8" in request.query
    received = gateway.parameters_of(request.query, request.body.decode())
    assert {**received, "sign": ""} == {**unsigned, "sign": ""}
    assert gateway.is_signed_by(received, MERCHANT.public)
    assert not gateway.is_signed_by({**received, "biz_content": "{}"}, MERCHANT.public)


def test_certificate_mode_and_service_provider_add_their_parameters() -> None:
    caller = Caller(
        app_id="2026", app_auth_token="t", app_cert_sn="a1", alipay_root_cert_sn="b2_c3"
    )
    unsigned = gateway.parameters(trade.PAY, ORDER, caller=caller, at=AT)
    added = {"app_auth_token": "t", "app_cert_sn": "a1", "alipay_root_cert_sn": "b2_c3"}
    assert unsigned.items() >= added.items()
    assert "notify_url" not in unsigned


def test_parameter_that_comes_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        gateway.parameters_of("app_id=1", "app_id=2")


def test_answer_is_checked_over_its_very_bytes() -> None:
    """Blanks, the order of fields and escapes are kept: a JSON written anew would not verify."""
    node = b'{ "msg":"\\u6210\\u529f","code" : "10000", "trade_no":"1\\/2" , "new":{"a":[1.50]} }'
    body = (
        b'{"sign":"' + ALIPAY.sign(node).replace("/", "\\/").encode()
        + b'","alipay_trade_query_response":' + node + b"}"
    )  # fmt: skip
    answer = gateway.answer_of(body, trade.QUERY)
    assert answer.node == node and not answer.is_error
    assert answer.is_signed_by(ALIPAY.public)
    assert not answer.is_signed_by(MERCHANT.public)
    reply = gateway.content_of(answer.node, trade.QueryReply)
    assert (reply.code, reply.msg, reply.trade_no) == ("10000", "成功", "1/2")
    changed = gateway.answer_of(body.replace(b"1.50", b"1.5"), trade.QUERY)
    assert not changed.is_signed_by(ALIPAY.public)


def test_written_answer_is_read_again() -> None:
    said = trade.CancelReply(code=trade.DONE, retry_flag="N", action="close")
    node = msgspec.json.encode(said)
    name = gateway.node_name(trade.CANCEL)
    body = gateway.answer(name, node, ALIPAY.sign(node), alipay_cert_sn="a1")
    answer = gateway.answer_of(body, trade.CANCEL)
    assert answer.is_signed_by(ALIPAY.public) and answer.alipay_cert_sn == "a1"
    assert gateway.content_of(answer.node, trade.CancelReply) == said


def test_error_of_the_gateway_itself_may_come_without_a_signature() -> None:
    body = b'{"error_response":{"code":"40002","sub_code":"isv.invalid-signature"}}'
    answer = gateway.answer_of(body, trade.PAY)
    assert answer.is_error and not answer.is_signed_by(ALIPAY.public)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"<html>502</html>", b"[]", b"{", b"null", b"\xff\xfe", b"[" * 100_000,
        b'{"alipay_trade_refund_response":{"code":"10000"},"sign":"x"}',
        b'{"alipay_trade_pay_response":{"code":"10000"},"sign":5}',
        b'{"alipay_trade_pay_response":{"code":"10000"},"sign":"\xff"}',
    ],
    ids=range(10),
)  # fmt: skip
def test_what_is_no_answer_is_told_apart(body: bytes) -> None:
    with pytest.raises(AnswerUnreadableError):
        gateway.answer_of(body, trade.PAY)


@pytest.mark.parametrize("node", [b"[]", b"{}", b'{"code":10000}', b'{"code":"1","trade_no":[]}'])
def test_node_that_is_no_reply_is_told_apart(node: bytes) -> None:
    with pytest.raises(AnswerUnreadableError):
        gateway.content_of(node, trade.PayReply)
