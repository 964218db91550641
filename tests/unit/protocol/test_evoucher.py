"""The wire of decoding: what is asked, and when an answer names somebody."""

from __future__ import annotations

import json

import pytest

from protocol import evoucher
from protocol.evoucher import BusinessType, Holder

CODE = "424" + "1" * 17 + "89" + "44" + "0000"
HOLDER = {"userName": "测试甲", "idNo": "999999198001010011", "ecToken": "44ecmecib1"}


def test_request_says_who_scanned_what_for() -> None:
    body = evoucher.request_body(
        CODE, institution="P44190099001", business=BusinessType.PHARMACY_SALE, operator="0001",
        device="POS01",
    )  # fmt: skip
    asked = json.loads(body)
    assert (asked["orgId"], asked["transType"]) == ("P44190099001", "ec.query")
    assert asked["data"]["businessType"] == "02121"
    assert asked["data"]["ecQrCode"] == CODE
    assert set(asked["data"]) == {
        "orgId", "businessType", "operatorId", "operatorName", "officeId", "officeName",
        "deviceType", "ecQrCode",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "names"),
    [
        ({"code": 0, "data": HOLDER},                          True),
        ({"code": "0", "data": HOLDER},                        True),
        ({"code": 0, "data": {**HOLDER, "unheardOf": 1}},      True),
        ({"code": 0, "data": {**HOLDER, "idNo": ""}},          False),
        ({"code": 0, "data": {**HOLDER, "ecToken": ""}},       False),
        ({"code": 0, "data": None},                            False),
        ({"code": 0},                                          False),
        ({"code": 500159, "data": HOLDER},                     False),
        ({"code": "-1", "message": "系统异常"},                 False),
    ],
)  # fmt: skip
def test_answer_names_somebody_only_where_it_is_whole(
    answer: dict[str, object], names: bool
) -> None:
    reply = evoucher.read_reply(json.dumps(answer).encode())
    assert (reply.holder is not None) is names


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"code": null}', b"{}", b"\xff"])
def test_what_is_no_answer_is_told(body: bytes) -> None:
    with pytest.raises(ValueError, match="not an answer"):
        evoucher.read_reply(body)


def test_nothing_prints_a_person_or_a_code() -> None:
    holder = Holder(userName="测试甲", idNo="999999198001010011", insuOrg="441900", ecToken="T")
    assert repr(holder) == "Holder(of 441900)"
    data = evoucher.DecodeData(
        orgId="P1", businessType="02121", operatorId="1", operatorName="1", officeId="1",
        officeName="1", ecQrCode=CODE,
    )  # fmt: skip
    assert CODE not in repr(data)
