"""Golden messages of reconciliation, clearing and files, requests and replies. Not a test file."""

from __future__ import annotations

from typing import Any

from tests.unit.protocol.nhsa_golden_parts import AT, IDENTITY_NO, INSTITUTION, REGION

_DAY = {"stmt_begndate": "2026-11-22", "stmt_enddate": "2026-11-22"}
_MONTH = {"trt_year": "2026", "trt_month": "11"}

INPUTS: dict[str, dict[str, Any]] = {
    "3201": {
        "data": {
            "insutype": "310",
            "clr_type": "11",
            "setl_optins": REGION,
            **_DAY,
            "medfee_sumamt": "-73.80",
            "fund_pay_sumamt": -50.5,
            "acct_pay": 0,
            "fixmedins_setl_cnt": 3,
            "fixmedins_refd_setl_flag": "1",
        }
    },
    "3202": {
        "data": {
            "setl_optins": REGION,
            "file_qury_no": "F1",
            **_DAY,
            "medfee_sumamt": "73.80",
            "fund_pay_sumamt": "50.50",
            "cash_payamt": "23.30",
            "fixmedins_setl_cnt": "3",
            "clr_type": "11",
            "refd_setl_flag": "0",
            "fixmedins_refd_setl_flag": "0",
        }
    },
    "3203": {
        "data": {
            "clr_type": "21",
            "clr_way": "1",
            "setlym": "202611",
            "psntime": 12,
            "medfee_sumamt": 1200,
            "med_sumfee": 1200,
            "fund_appy_sum": "900.00",
            "cash_payamt": "200.00",
            "acct_pay": "100.00",
            "begndate": "2026-11-01",
            "enddate": "2026-11-30",
        }
    },
    "3204": {"data": {"clr_appy_evt_id": "C1"}},
    "3211": {
        "data": {
            "clr_begin_ymd": "2026-11-01",
            "clr_end_ymd": "2026-11-30",
            "file_qury_no": "F1",
        }
    },
    "3212": {"data": {"task_key": "K1"}},
    "3260": {"data": {**_MONTH, "startrow": 1}},
    "3261": {
        "data": {**_MONTH, "totalrow": 1},
        "detail": [
            {
                "certno": IDENTITY_NO,
                "mdtrt_id": "S9999992611230000001",
                "mdtrt_setl_time": AT,
                "setl_sn": "A9999992611230000001",
                "medfee_sumamt": "-24.60",
                "optins_pay_sumamt": "-20.00",
                "cnfm_flag": "1",
            }
        ],
    },
    "3262": {"data": {**_MONTH, "otransid": "0"}},
    "9101": {
        "fsUploadIn": {"in": "UEsFBg==", "filename": "f.zip", "fixmedins_code": INSTITUTION}
    },
    "9102": {"fsDownloadIn": {"file_qury_no": "F1", "filename": "f.zip", "fixmedins_code": "plc"}},
}
