"""One good request for every transaction: synthetic people, impossible identity numbers.

Not a test file. `request(infno)` builds a fresh message that tests may bend out of shape.
"""

from __future__ import annotations

import copy
import json
from typing import Any

from tests.unit.protocol import (
    nhsa_golden_catalogue,
    nhsa_golden_clearing,
    nhsa_golden_mobile,
    nhsa_golden_people,
    nhsa_golden_stay,
    nhsa_golden_stored,
)
from tests.unit.protocol.nhsa_golden_parts import (
    AT,
    CREDENTIAL,
    IDENTITY,
    IDENTITY_NO,
    INSTITUTION,
    PERSON_NO,
    REGION,
    SETTLEMENT,
    VISIT,
    diagnosis,
    drug_line,
    fee_line,
)

__all__ = ["IDENTITY_NO", "INPUTS", "INSTITUTION", "body", "drug_line", "request"]

_PURCHASE = {
    "druginfo": {
        "psn_no": PERSON_NO,
        **CREDENTIAL,
        **IDENTITY,
        "psn_type": "11",
        "begntime": AT,
        "medfee_sumamt": 73.80,
        "insutype": "310",
        "acct_used_flag": "1",
        "med_type": "41",
    },
    "drugdetail": [drug_line(1), drug_line(2), drug_line(3)],
}
_QUOTE = {
    "psn_no": PERSON_NO,
    **CREDENTIAL,
    **IDENTITY,
    "psn_type": "11",
    "med_type": "11",
    "medfee_sumamt": "49.20",
    "psn_setlway": "01",
    "mdtrt_id": "V1",
    "chrg_bchno": "B1",
    "acct_used_flag": "0",
    "insutype": "310",
}
_SPLIT = {
    "fulamt_ownpay_amt": 0,
    "overlmt_selfpay": 0,
    "preselfpay_amt": 4.92,
    "inscp_scp_amt": 44.28,
}
_VISIT_INFO = {**VISIT, "med_type": "11", "begntime": AT}

INPUTS: dict[str, dict[str, Any]] = {
    "9001": {"signIn": {"opter_no": "OP1", "mac": "00-00-00-00-00-00", "ip": "127.0.0.1"}},
    "9002": {"signOut": {"sign_no": "SN1", "opter_no": "OP1"}},
    "1101": {"data": {**CREDENTIAL, **IDENTITY, "begntime": ""}},
    "2001": {
        "data": {
            "psn_no": PERSON_NO,
            "insutype": "310",
            "fixmedins_code": INSTITUTION,
            "med_type": "11",
            "begntime": AT,
        }
    },
    "2101": _PURCHASE,
    "2102": _PURCHASE,
    "2103": {"data": SETTLEMENT},
    "2201": {
        "data": {
            "psn_no": PERSON_NO,
            "insutype": "310",
            "begntime": AT,
            **CREDENTIAL,
            **IDENTITY,
            "psn_type": "11",
            "ipt_otp_no": "O1",
            "dept_code": "K1",
            "dept_name": "测试科",
            "caty": "A01",
        }
    },
    "2202": {"data": {**VISIT, "ipt_otp_no": "O1"}},
    "2203": {
        "mdtrtinfo": {**_VISIT_INFO, "dise_codg": "Z00", "dise_name": "测试病种"},
        "diseinfo": [diagnosis(1), diagnosis(2)],
    },
    "2203A": {"mdtrtinfo": {**_VISIT_INFO, "geso_val": 12}, "diseinfo": [diagnosis(1)]},
    "2204": {"feedetail": [fee_line(1), fee_line(2)]},
    "2205": {"data": {**VISIT, "chrg_bchno": "0000"}},
    "2206": {"data": _QUOTE},
    "2206A": {"data": _QUOTE},
    "2207": {"data": {**_QUOTE, **_SPLIT, "invono": "I1"}},
    "2207A": {"data": {**_QUOTE, **_SPLIT}},
    "2208": {"data": SETTLEMENT},
    "2601": {"data": {"psn_no": PERSON_NO, "omsgid": "M1", "oinfno": "2102"}},
    "5201": {
        "data": {
            "psn_no": PERSON_NO,
            "begntime": "2026-11-01",
            "endtime": AT,
            "med_type": "11",
        }
    },
    "5203": {"data": SETTLEMENT},
    "5204": {"data": SETTLEMENT},
    **nhsa_golden_stay.INPUTS,
    **nhsa_golden_clearing.INPUTS,
    **nhsa_golden_people.INPUTS,
    **nhsa_golden_catalogue.INPUTS,
    **nhsa_golden_stored.INPUTS,
    **nhsa_golden_mobile.INPUTS,
}


def request(infno: str) -> dict[str, Any]:
    """A good message of this transaction, to be changed at will."""
    return {
        "infno": infno,
        "msgid": f"{INSTITUTION}202611231000000001",
        "mdtrtarea_admvs": REGION,
        "insuplc_admdvs": REGION,
        "recer_sys_code": "99",
        "dev_no": "",
        "infver": "V1.0",
        "opter_type": "1",
        "opter": "OP1",
        "opter_name": "测试员",
        "inf_time": AT,
        "fixmedins_code": INSTITUTION,
        "fixmedins_name": "测试医院",
        "sign_no": None,
        "input": copy.deepcopy(INPUTS[infno]),
    }


def body(message: object) -> bytes:
    """The bytes of a message."""
    return json.dumps(message, ensure_ascii=False).encode()
