"""One good output for every transaction that has one: synthetic people, one story. Not a test file.

A bill of 24.60: 22.14 in scope, 20.00 from the pool, 2.00 from the account, 2.60 in cash.
"""

from __future__ import annotations

from typing import Any

from tests.unit.protocol import nhsa_golden_mobile
from tests.unit.protocol.nhsa_golden_parts import (
    AT,
    IDENTITY,
    IDENTITY_NO,
    INSTITUTION,
    PERSON_NO,
    REGION,
    VISIT,
)
from tests.unit.protocol.nhsa_golden_rows import (
    CEILING,
    CHRONIC_MEDICINE,
    ETHNIC_DRUG,
    LISTED,
    MAPPING,
    MATCH,
    SELF_PAY,
    TRANSFER,
)

_DAY = "2026-11-23"
_WHO = {**IDENTITY, "psn_no": PERSON_NO, "psn_type": "11", "cvlserv_flag": "0"}
_ZERO = "cvlserv_pay hifes_pay hifmi_pay hifob_pay maf_pay oth_pay hifdm_pay acct_mulaid_pay"
_MONEY = {
    "medfee_sumamt": 24.60,
    "fulamt_ownpay_amt": 0.00,
    "overlmt_selfpay": 0.00,
    "preselfpay_amt": 2.46,
    "inscp_scp_amt": 22.14,
    "act_pay_dedc": 0.00,
    "hifp_pay": 20.00,
    "pool_prop_selfpay": 0.9033,
    **dict.fromkeys(_ZERO.split(), 0.00),
    "fund_pay_sumamt": 20.00,
    "acct_pay": 2.00,
    "balc": 98.00,
}
_SHARES = {"psn_part_amt": 4.60, "psn_cash_pay": 2.60, "hosp_part_amt": 0.00}
_FUNDS = [
    {
        "fund_pay_type": "310100",
        "inscp_scp_amt": 22.14,
        "crt_payb_lmt_amt": 22.14,
        "fund_payamt": 20.00,
    }
]
_SPLIT = {
    "feedetl_sn": "1",
    "det_item_fee_sumamt": 24.60,
    "cnt": 2.0000,
    "pric": 12.300000,
    "pric_uplmt_amt": 15.000000,
    "chrgitm_lv": "02",
    "med_chrgitm_type": "09",
}


def _settled(med_type: str, **more: str) -> dict[str, Any]:
    info = {
        **_WHO,
        **_MONEY,
        **_SHARES,
        "mdtrt_id": "V1",
        "age": 40.0,
        "insutype": "310",
        "setl_time": AT,
        "med_type": med_type,
        "medins_setl_id": "M1",
        "clr_type": med_type,
        **more,
    }
    return {"setlinfo": info, "setldetail": _FUNDS}


def _cancelled(*cash: str) -> dict[str, Any]:
    amounts = {name: -value for name, value in {**_MONEY, **_SHARES}.items() if value}
    info = {
        **dict.fromkeys((*_MONEY, *_SHARES), 0.0),
        **amounts,
        **dict.fromkeys(cash, -2.60),
        "pool_prop_selfpay": 0.9033,
        "balc": 100.00,
        "mdtrt_id": "V1",
        "setl_id": "S2",
        "setl_time": AT,
        "medins_setl_id": "M2",
    }
    return {"setlinfo": info, "setldetail": [{**_FUNDS[0], "fund_payamt": -20.00}]}


_FILE = {"file_qury_no": "F1", "filename": "f.zip"}
_CATALOGUE_FILE = {**_FILE, "dld_end_time": _DAY, "data_cnt": 3}
_FILED = {"result": {"trt_dcla_detl_sn": "T1"}}
_FILES = (
    "1301 1302 1303 1305 1306 1306A 1307 1308 1309 1310 1311 1313 1314 1315 "
    "1320 1321 1322 1323 1324 1325 1326 1327"
).split()
_STAY = {**_WHO, **VISIT, "gend": "1", "insutype": "310", "begntime": AT, "endtime": AT}

REPLIES: dict[str, Any] = {
    "1101": {
        "baseinfo": {**IDENTITY, "psn_no": PERSON_NO, "gend": "1", "age": 40.0},
        "insuinfo": [
            {
                "balc": 100.00,
                "insutype": "310",
                "psn_type": "11",
                "cvlserv_flag": "0",
                "insuplc_admdvs": REGION,
            }
        ],
        "idetinfo": [{"psn_idet_type": "1", "begntime": AT}],
    },
    **dict.fromkeys(_FILES, _CATALOGUE_FILE),
    "1304": [ETHNIC_DRUG],
    "1312": [LISTED],
    "1316": [MATCH],
    "1317": [MAPPING],
    "1318": [CEILING],
    "1319": [SELF_PAY],
    "1901": {
        "list": [
            {
                "type": "INSUTYPE",
                "label": "职工基本医疗保险",
                "value": "310",
                "parentValue": "0",
                "sort": 1,
                "valiFlag": "1",
                "createUser": "测试员",
                "createDate": _DAY,
                "version": 1,
            }
        ]
    },
    "2001": {
        "trtinfo": [
            {
                "psn_no": PERSON_NO,
                "trt_chk_type": "01",
                "fund_pay_type": "310100",
                "trt_enjymnt_flag": "1",
                "begndate": _DAY,
            }
        ]
    },
    "2101": {**_settled("41"), "detlcutinfo": [_SPLIT]},
    "2102": {**_settled("41", setl_id="S1"), "detlcutinfo": [_SPLIT]},
    "2103": _cancelled("psn_cash_pay", "pdn_cash_pay"),
    "2201": {"data": {**VISIT, "ipt_otp_no": "O1"}},
    "2204": {"result": [{**_SPLIT, "lmt_used_flag": "0"}]},
    "2206": _settled("11"),
    "2206A": _settled("11"),
    "2207": _settled("11", setl_id="S1"),
    "2207A": _settled("11", setl_id="S1"),
    "2208": _cancelled("psn_cash_pay", "pdn_cash_pay"),
    "2301": {"result": [{**_SPLIT, "lmt_used_flag": "0"}]},
    "2303": _settled("21"),
    "2304": _settled("21", setl_id="S1"),
    "2304A": _settled("21", setl_id="S1"),
    "2305": _cancelled("psn_cash_pay"),
    "2401": {"result": {"mdtrt_id": "V1"}},
    "2501": _FILED,
    "2503": _FILED,
    "2505": _FILED,
    "3201": {"stmtinfo": {"setl_optins": REGION, "stmt_rslt": "1", "stmt_rslt_dscr": "笔数不一致"}},
    "3202": {"fileinfo": {**_FILE, "dld_endtime": AT}},
    "3203": {"result": {"clr_appy_evt_id": "C1"}},
    "3211": {"fileinfo": {"task_key": "K1"}},
    "3212": {
        "fileinfo": {
            "check_state": "1",
            "task_status": "1",
            "file_qury_no1": "F1",
            "file_qury_no2": "F2",
            "file_qury_no3": "F3",
        }
    },
    "3260": {
        "data": [
            {
                "seqno": "1",
                "mdtrtarea": REGION,
                "medins_no": INSTITUTION,
                "certno": IDENTITY_NO,
                "mdtrt_id": "S9999992611230000001",
                "mdtrt_setl_time": AT,
                "setl_sn": "A9999992611230000001",
                "fulamt_advpay_flag": "0",
                "medfee_sumamt": 24.60,
                "optins_pay_sumamt": 20.00,
            }
        ]
    },
    "4101": {"setl_list_id": "L1"},
    "4101A": {"setl_list_id": "L1"},
    "5201": {"mdtrtinfo": [{**_STAY, "med_type": "11", "setl_id": "S1"}]},
    "5203": {
        "setlinfo": {
            **_WHO,
            **_MONEY,
            "setl_id": "S1",
            "mdtrt_id": "V1",
            "gend": "1",
            "insutype": "310",
            "pay_loc": "2",
            "fixmedins_code": INSTITUTION,
            "fixmedins_name": "测试医院",
            "begndate": _DAY,
            "enddate": _DAY,
            "setl_time": AT,
            "med_type": "11",
            "clr_type": "11",
            "psn_pay": 4.60,
            "cash_payamt": 2.60,
            "medins_setl_id": "M1",
            "refd_setl_flag": "0",
            "year": "2026",
        },
        "setldetail": _FUNDS,
    },
    "5204": [
        {
            **_SPLIT,
            "mdtrt_id": "V1",
            "setl_id": "S1",
            "med_type": "11",
            "fee_ocur_time": AT,
            "hilist_code": "XA99ZZZ001",
            "hilist_name": "测试药",
            "list_type": "101",
            "med_list_codg": "XA99ZZZ001",
            "medins_list_codg": "D00001",
            "medins_list_name": "测试药",
            "dosform_name": "片剂",
        }
    ],
    "5205": {"feedetail": [CHRONIC_MEDICINE]},
    "5206": {
        "cuminfo": [
            {
                "insutype": "310",
                "year": "2026",
                "cum_ym": "202611",
                "cum_type_code": "C1",
                "cum": 1234.50,
            }
        ]
    },
    "5301": {
        "feedetail": [
            {"opsp_dise_code": "M00000", "opsp_dise_name": "测试病种", "begndate": _DAY}
        ]
    },
    "5302": {
        "psnfixmedin": [
            {
                "psn_no": PERSON_NO,
                "fix_srt_no": "1",
                "fixmedins_code": INSTITUTION,
                "fixmedins_name": "测试医院",
                "begndate": _DAY,
            }
        ]
    },
    "5304": {"refmedin": [TRANSFER]},
    **nhsa_golden_mobile.REPLIES,
    "9001": {"signinoutb": {"sign_time": AT, "sign_no": "SN1"}},
    "9002": {"sign_time": {"sign_time": AT}, "signoutoutb": {"sign_time": AT}},
    "9101": {**_FILE, "fixmedins_code": INSTITUTION},
}
