"""Golden messages of uploads that are kept as sent, requests and replies. Not a test file."""

from __future__ import annotations

from typing import Any

from protocol.nhsa.messages.stored import Stored
from protocol.nhsa.registry import TYPED

_LIST = {
    "setlinfo": {
        "setl_id": "S1",
        "mdtrt_id": "V1",
        "psn_name": "测试甲",
        "bill_code": "B1",
        "psn_selfpay": "2.46",
        "psn_ownpay": 0,
        "acct_pay": 0.0,
        "psn_cashpay": 2.46,
    },
    "payinfo": [{"fund_pay_type": "310100", "fund_payamt": "22.14"}],
    "iteminfo": [
        {
            "med_chrgitm": "09",
            "amt": 24.6,
            "claa_sumfee": 0,
            "clab_amt": 24.6,
            "fulamt_ownpay_amt": 0,
            "oth_amt": "",
        }
    ],
    "diseinfo": [{"diag_code": "Z00.000", "diag_name": "测试诊断"}],
}

INPUTS: dict[str, dict[str, Any]] = {
    **{
        infno: {"anything": {"deep": [1, "2", 3.50, None, True]}, "name": "测试"}
        for infno, transaction in TYPED.items()
        if transaction.request is Stored
    },
    "4101": _LIST,
    "4101A": _LIST,
}
