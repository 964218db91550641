"""Reply envelopes: what a hospital reads back."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from protocol.nhsa.amounts import decimal_raw, yuan
from protocol.nhsa.envelope import NO_OUTPUT, encode_failure, encode_success, refmsgid
from protocol.nhsa.messages.money import CancelInfo, Money, SettleDetail, SettleInfo
from protocol.nhsa.messages.pharmacy import DetailCut, PharmacyReply

AT = datetime(2026, 11, 23, 10, 0, 0, 123_456)
HEADER: dict[str, Any] = {
    "refmsgid": refmsgid("999900", AT, 7),
    "received_at": AT,
    "responded_at": AT.replace(microsecond=999_000),
}
MONEY: dict[str, Any] = {name: yuan(100) for name in Money.__struct_fields__} | {
    "pool_prop_selfpay": decimal_raw(7000, 4)
}


def settle_info() -> SettleInfo:
    return SettleInfo(
        **MONEY,
        mdtrt_id="V1",
        psn_no="P1",
        psn_name="测试甲",
        psn_cert_type="01",
        certno="999999190001010000",
        insutype="310",
        psn_type="11",
        cvlserv_flag="0",
        setl_time="2026-11-23 10:00:00",
        med_type="41",
        psn_part_amt=yuan(0),
        psn_cash_pay=yuan(0),
        hosp_part_amt=yuan(0),
        medins_setl_id="M1",
        clr_type="41",
    )


def test_success_has_all_fields_and_exact_amounts() -> None:
    detail = SettleDetail(
        fund_pay_type="310100",
        inscp_scp_amt=yuan(1230),
        crt_payb_lmt_amt=yuan(0),
        fund_payamt=yuan(-5),
    )
    cut = DetailCut(
        feedetl_sn="1",
        det_item_fee_sumamt=yuan(1230),
        cnt=decimal_raw(10_000, 4),
        pric=decimal_raw(12_300_000, 6),
        pric_uplmt_amt=decimal_raw(0, 6),
        chrgitm_lv="01",
        med_chrgitm_type="09",
    )
    output = PharmacyReply(setlinfo=settle_info(), setldetail=(detail,), detlcutinfo=(cut,))
    raw = encode_success(output=output, **HEADER)
    reply = json.loads(raw, parse_float=str)
    assert reply["infcode"] == 0
    assert reply["err_msg"] == ""
    assert reply["inf_refmsgid"] == "999900202611231000000000000007"
    assert reply["refmsg_time"] == "20261123100000123"
    assert reply["respond_time"] == "20261123100000999"
    assert reply["output"]["setlinfo"]["medfee_sumamt"] == "1.00"
    assert reply["output"]["setlinfo"]["pool_prop_selfpay"] == "0.7000"
    assert reply["output"]["setlinfo"]["gend"] == ""
    assert "setl_id" not in reply["output"]["setlinfo"]
    assert reply["output"]["setldetail"][0]["fund_payamt"] == "-0.05"
    assert reply["output"]["detlcutinfo"][0]["cnt"] == "1.0000"


def test_success_without_output_has_an_empty_object() -> None:
    reply = json.loads(encode_success(output=NO_OUTPUT, warn_msg="提示", **HEADER))
    assert reply["output"] == {}
    assert reply["warn_msg"] == "提示"


def test_array_output_is_a_bare_array() -> None:
    assert json.loads(encode_success(output=[], **HEADER))["output"] == []


def test_failure_names_code_field_and_retry() -> None:
    raw = encode_failure(
        err_code="FIELD_MISSING",
        err_msg="缺少人员编号",
        err_field="input.druginfo.psn_no",
        retry="never",
        **HEADER,
    )
    assert json.loads(raw) == {
        "infcode": -1,
        "inf_refmsgid": HEADER["refmsgid"],
        "refmsg_time": "20261123100000123",
        "respond_time": "20261123100000999",
        "err_code": "FIELD_MISSING",
        "err_msg": "缺少人员编号",
        "err_field": "input.druginfo.psn_no",
        "retry": "never",
    }


def test_failure_without_a_field_leaves_it_out_and_long_texts_are_cut() -> None:
    raw = encode_failure(err_code="X", err_msg="长" * 300, retry="later", infcode=-2, **HEADER)
    reply = json.loads(raw)
    assert "err_field" not in reply
    assert len(reply["err_msg"]) == 200
    assert reply["infcode"] == -2


def test_an_aware_time_is_written_with_its_own_local_fields() -> None:
    assert refmsgid("999900", AT.replace(tzinfo=UTC), 1) == "999900202611231000000000000001"


def test_cancel_answers_both_spellings_of_the_cash_field() -> None:
    assert {"psn_cash_pay", "pdn_cash_pay"} <= set(CancelInfo.__struct_fields__)
