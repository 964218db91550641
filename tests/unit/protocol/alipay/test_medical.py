"""Telling Alipay of a settlement by one code: what would be refused is found before it is sent."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from protocol.alipay import medical
from protocol.alipay.medical import BizType, OrderSyncRequest

VOUCHER = "424" + "12345678901234567" + "89" + "99" + "0000"
SYNC = OrderSyncRequest(
    out_biz_no="S1", biz_type=BizType.OUTPATIENT_PAYMENT, biz_trace_no=["T1"], subject="门诊缴费",
    qr_code=VOUCHER, fee_sumamt="100.00", fund_pay="60.00", psn_acct_pay="15.50",
    own_pay_amt="24.50", alipay_amount="24.50", alipay_trade_no="2026112522001400000000000001",
    gmt_paid="2026-11-25 12:00:00", medical_org_no="H99999900001", medical_org_name="测试医院",
    payment_city_code="999999",
)  # fmt: skip


def test_message_has_the_names_of_the_wire() -> None:
    sent = msgspec.json.decode(msgspec.json.encode(SYNC))
    assert sent["biz_type"] == "OUTPATIENT_PAYMENT"
    assert (sent["fee_sumamt"], sent["fund_pay"], sent["own_pay_amt"]) == (
        "100.00", "60.00", "24.50",
    )  # fmt: skip
    assert "other_pay_channel" not in sent


@pytest.mark.parametrize(
    ("change", "objections"),
    [
        ({}, []),
        ({"qr_code": "ano" + VOUCHER[3:]}, []),
        ({"qr_code": "280000000000000000"}, ["qr_code"]),
        ({"medical_org_no": "99999900001"}, ["medical_org_no"]),
        ({"fund_pay": "60.01"}, ["fee_sumamt"]),
        ({"alipay_amount": "24.51"}, ["alipay_amount"]),
        ({"alipay_trade_no": ""}, ["alipay_trade_no"]),
        ({"alipay_trade_no": "", "alipay_amount": "0"}, []),
        ({"biz_trace_no": []}, ["biz_trace_no"]),
    ],
)
def test_objections_name_their_field(change: dict[str, object], objections: list[str]) -> None:
    assert medical.objections(replace(SYNC, **change)) == objections
