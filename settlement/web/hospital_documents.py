"""Payments of a hospital (`/pay/deposit`, `/pay/visit`, …) for /openapi.json and /docs: addresses
and samples. Shapes and facts are where those of scan-to-pay are (settlement/web/pay_documents.py).
"""

from __future__ import annotations

from protocol.hospital import (
    AdmissionAsked,
    AdmissionsReply,
    AdmitRequest,
    DepositRequest,
    DepositsReply,
    VisitRequest,
)
from settlement.web.pay_documents import PayOperation
from settlement.web.schema_parts import JsonValue

_PATIENT: dict[str, JsonValue] = {
    "psn_no": "44190000000000000000000001",
    "mdtrt_cert_type": "02",
    "mdtrt_cert_no": "999999199001010017",
}
_STAY = "2611000300001000002"
_DEPOSIT: dict[str, JsonValue] = {
    "order_no": "D202611230001",
    "operator": "0001",
    "mdtrt_id": _STAY,
    "amount": "500.00",
    "pay_code": "134567890123456789",
}
_WECHAT: dict[str, JsonValue] = {
    "kind": "wechat", "amount": "500.00", "status": "paid", "reference": "4200002611230001",
}  # fmt: skip
_BILL: dict[str, JsonValue] = {
    **_PATIENT, "med_type": "11", "medfee_sumamt": "6000.00", "psn_setlway": "01",
    "mdtrt_id": "2611000300001000003", "chrg_bchno": "B1", "insutype": "310",
    "acct_used_flag": "0", "fulamt_ownpay_amt": "0.00", "overlmt_selfpay": "0.00",
    "preselfpay_amt": "0.00", "inscp_scp_amt": "6000.00",
}  # fmt: skip
_DIAGNOSIS: dict[str, JsonValue] = {
    "psn_no": "44190000000000000000000001", "diag_type": "1", "maindiag_flag": "1",
    "diag_srt_no": 1, "diag_code": "I10.x00", "diag_name": "测试诊断", "diag_dept": "A01",
    "dise_dor_no": "D1", "dise_dor_name": "测试医师", "diag_time": "2026-11-23 10:00:00",
}  # fmt: skip
_ADMISSION: dict[str, JsonValue] = {
    **_PATIENT, "insutype": "310", "begntime": "2026-11-23 10:00:00", "med_type": "21",
    "ipt_no": "Z1", "atddr_no": "D1", "chfpdr_name": "测试医师", "adm_diag_dscr": "测试诊断",
    "adm_dept_codg": "A01", "adm_dept_name": "测试科室", "adm_bed": "1",
    "dscg_maindiag_code": "I10.x00", "dscg_maindiag_name": "测试诊断",
}  # fmt: skip

HOSPITAL_OPERATIONS = (
    PayOperation(
        name="payDeposit", method="POST", path="/pay/deposit", title="交住院预交金",
        title_en="pay a deposit of a stay",
        about="扫码收取，或登记机构自收的现金、刷卡（tender）。同一订单号重发返回现状。",
        request=DepositRequest, sample=_DEPOSIT,
        answer={
            "status": "settled", "order_no": "D202611230001", "legs": [_WECHAT],
            "message": "预交金已收",
        },
    ),
    PayOperation(
        name="payDeposits", method="GET", path="/pay/deposits/{mdtrt_id}", title="查询预交金",
        title_en="the deposits of a stay",
        about="一次住院的全部预交金：已交 = 已抵扣 + 已退 + 余额。报文体为空。",
        request=None, sample=None, reply=DepositsReply, writes=False,
        answer={
            "mdtrt_id": _STAY, "paid": "500.00", "applied": "0.00", "returned": "200.00",
            "left": "300.00",
            "deposits": [
                {
                    "order_no": "D202611230001", "kind": "wechat", "amount": "500.00",
                    "applied": "0.00", "returned": "200.00", "left": "300.00",
                    "reference": "4200002611230001",
                    "returns": [{"refund_no": "R1", "amount": "200.00", "status": "returned"}],
                }
            ],
        },
    ),
    PayOperation(
        name="payVisit", method="POST", path="/pay/visit", title="就诊结算并收款",
        title_en="settle a visit or a stay, and collect",
        about="窗口、自助机或床旁：按2207或2304的input结算，预交金先抵扣，余额扫码或由机构自收，整单"
        "入账或整单不入账。",
        request=VisitRequest,
        sample={
            "order_no": "V202611230001", "operator": "K01", "opter_type": "2", "infno": "2207",
            "input": {"data": _BILL}, "pay_code": "134567890123456789",
        },
        answer={
            "status": "settled", "order_no": "V202611230001",
            "settlement_id": "2611000300001000004",
            "split": {
                "medfee_sumamt": "6000.00", "fund_pay_sumamt": "3000.00", "acct_pay": "0.00",
                "acct_mulaid_pay": "0.00", "hosp_part_amt": "0.00", "psn_cash_pay": "3000.00",
            },
            "legs": [
                {
                    "kind": "fund", "amount": "3000.00", "status": "paid",
                    "reference": "2611000300001000004",
                },
                {
                    "kind": "wechat", "amount": "3000.00", "status": "paid",
                    "reference": "4200002611230002",
                },
            ],
            "message": "结算成功",
        },
    ),
    PayOperation(
        name="payAdmission", method="POST", path="/pay/admission", title="申请入院并交预交金",
        title_en="ask for a stay, with a first deposit",
        about="患者在手机上申请（微信入院登记），病区确认后办理入院；退款即撤销申请，24小时无人确认"
        "自动退回。",
        request=AdmissionAsked,
        sample={
            "order_no": "A202611230001", "operator": "MINI", "person_code": "999999199001010017",
            "insutype": "310", "ward": "测试病区", "amount": "500.00",
            "pay_code": "134567890123456789",
        },
        answer={
            "status": "settled", "order_no": "A202611230001", "legs": [_WECHAT],
            "message": "预交金已收",
        },
    ),
    PayOperation(
        name="payAdmissions", method="GET", path="/pay/admissions", title="待确认的入院申请",
        title_en="requests that the ward has to answer",
        about="本机构尚未确认的申请，先申请的在前。报文体为空。",
        request=None, sample=None, reply=AdmissionsReply, writes=False,
        answer={
            "requests": [
                {
                    "order_no": "A202611230001", "psn_no": "44190000000000000000000001",
                    "psn_name": "测试甲", "insutype": "310", "ward": "测试病区", "note": "",
                    "paid": "500.00", "requested_at": "2026-11-23 10:00:00",
                    "expires_at": "2026-11-24 10:00:00",
                }
            ]
        },
    ),
    PayOperation(
        name="payAdmit", method="POST", path="/pay/{order_no}/admit", title="确认入院",
        title_en="admit whom an order asked for",
        about="按2401的input办理入院，预交金转入该次住院。",
        request=AdmitRequest,
        sample={
            "operator": "0001",
            "input": {"mdtrtinfo": _ADMISSION, "diseinfo": [_DIAGNOSIS]},
        },
        answer={
            "status": "settled", "order_no": "A202611230001", "mdtrt_id": _STAY,
            "legs": [{"kind": "wechat", "amount": "500.00", "status": "paid", "reference": ""}],
            "message": "已办理入院，预交金已转入",
        },
    ),
)  # fmt: skip
"""All of them, in the order in which a patient meets them."""
