"""Golden messages of a stay in hospital, requests and replies. Not a test file."""

from __future__ import annotations

from typing import Any

from tests.unit.protocol.nhsa_golden_parts import (
    AT,
    CREDENTIAL,
    IDENTITY,
    IDENTITY_NO,
    PERSON_NO,
    REGION,
    SETTLEMENT,
    VISIT,
)

_BED = {
    "atddr_no": "D1",
    "chfpdr_name": "测试医师",
    "adm_diag_dscr": "测试入院诊断",
    "adm_dept_codg": "K1",
    "adm_dept_name": "测试科",
    "adm_bed": "1-01",
    "dscg_maindiag_code": "Z00.000",
    "dscg_maindiag_name": "测试诊断",
}


def _diagnosis(number: int) -> dict[str, Any]:
    return {
        "psn_no": PERSON_NO,
        "diag_type": "1",
        "maindiag_flag": "1" if number == 1 else "0",
        "diag_srt_no": number,
        "diag_code": "Z00.000",
        "diag_name": "测试诊断",
        "diag_dept": "测试科",
        "dise_dor_no": "D1",
        "dise_dor_name": "测试医师",
        "diag_time": AT,
    }


def _fee_line(number: int) -> dict[str, Any]:
    return {
        **VISIT,
        "feedetl_sn": number,
        "med_type": "21",
        "fee_ocur_time": AT,
        "med_list_codg": f"XA99ZZZ{number:03d}",
        "medins_list_codg": f"D{number:05d}",
        "det_item_fee_sumamt": "24.60",
        "cnt": "2.0000",
        "pric": "12.300000",
        "bilg_dept_codg": "K1",
        "bilg_dept_name": "测试科",
        "bilg_dr_codg": "D1",
        "bilg_dr_name": "测试医师",
    }


_RETURN = {
    **_fee_line(3),
    "init_feedetl_sn": "2",
    "cnt": -2,
    "det_item_fee_sumamt": -24.6,
    "exp_content": "{}",
}
_QUOTE = {
    "psn_no": PERSON_NO,
    **CREDENTIAL,
    **IDENTITY,
    "psn_type": "11",
    "medfee_sumamt": "24.60",
    "psn_setlway": "01",
    "mdtrt_id": "V1",
    "acct_used_flag": "0",
    "insutype": "310",
    "mid_setl_flag": "0",
    "dscgTime": "2026-11-23",
    "insuplc_admdvs": REGION,
    "mdtrtarea_admvs": REGION,
}
_SETTLE = {
    **_QUOTE,
    "invono": "I1",
    "fulamt_ownpay_amt": 0,
    "overlmt_selfpay": 0,
    "preselfpay_amt": 2.46,
    "inscp_scp_amt": 22.14,
}

INPUTS: dict[str, dict[str, Any]] = {
    "2301": {"feedetail": [_fee_line(1), _fee_line(2), _RETURN]},
    "2302": {"data": [{**VISIT, "feedetl_sn": "1"}, {**VISIT, "feedetl_sn": 2}]},
    "2303": {"data": _QUOTE},
    "2304": {"data": _SETTLE},
    "2304A": {"data": _SETTLE},
    "2305": {"data": SETTLEMENT},
    "2401": {
        "mdtrtinfo": {
            "psn_no": PERSON_NO,
            "insutype": "310",
            "tel": "",
            "begntime": AT,
            **CREDENTIAL,
            "cert_type": "01",
            "certno": IDENTITY_NO,
            "med_type": "21",
            "ipt_no": "O1",
            **_BED,
            "geso_val": 12,
            "insuplc_admdvs": REGION,
            "mdtrtarea_admvs": REGION,
        },
        "diseinfo": [_diagnosis(1), _diagnosis(2)],
    },
    "2402": {
        "dscginfo": {
            **VISIT,
            "insutype": "310",
            "endtime": AT,
            "dscg_dept_codg": "K1",
            "dscg_dept_name": "测试科",
            "dscg_way": "1",
        },
        "diseinfo": [{**_diagnosis(1), "mdtrt_id": "V1"}],
    },
    "2403": {
        "adminfo": {
            **VISIT,
            "begntime": AT,
            "mdtrt_cert_type": "02",
            "med_type": "21",
            "ipt_otp_no": "O1",
            **_BED,
            "ttp_pay_prop": "0.2500",
        },
        "diseinfo": [{**_diagnosis(1), "mdtrt_id": "V1"}],
    },
    "2404": {"data": VISIT},
    "2405": {"data": {**VISIT, "exp_content": "{}"}},
}
