"""Golden messages of mobile payment, requests and replies. Not a test file."""

from __future__ import annotations

from typing import Any

from tests.unit.protocol.nhsa_golden_parts import AT, IDENTITY_NO, INSTITUTION, PERSON_NO

ORDER = "ORD9999001000000000000000003"
TOKEN = "0123456789abcdef0123456789abcdef01234567"
_WHO = {"idNo": IDENTITY_NO, "userName": "测试甲", "idType": "01"}
_NAMED = {"payOrdId": ORDER, "orgCodg": INSTITUTION, "payToken": TOKEN, **_WHO}
_SPLIT = {"feeSumamt": 24.60, "psnAcctPay": 2.00, "fundPay": 20.00}


def order_line(number: int) -> dict[str, Any]:
    """One fee line of an order."""
    return {
        "feedetlSn": str(number),
        "mdtrtId": "V1",
        "psnNo": PERSON_NO,
        "chrgBchno": "B1",
        "rxCircFlag": "0",
        "feeOcurTime": AT,
        "medListCodg": f"XA99ZZZ{number:03d}",
        "medinsListCodg": f"D{number:05d}",
        "detItemFeeSumamt": "24.60",
        "cnt": "2.0000",
        "pric": "12.300000",
        "bilgDeptCodg": "K1",
        "bilgDeptName": "测试科",
        "bilgDrCodg": "D1",
        "bilgDrName": "测试医师",
        "hospApprFlag": "0",
        "medType": "11",
    }


_DIAGNOSIS = {
    "diagType": "1",
    "diagSrtNo": 1,
    "diagCode": "Z00.000",
    "diagName": "测试诊断",
    "diagDept": "测试科",
    "diseDorNo": "D1",
    "diseDorName": "测试医师",
    "diagTime": AT,
    "valiFlag": "1",
}
INPUTS: dict[str, dict[str, Any]] = {
    "6201": {
        "data": {
            "orgCodg": INSTITUTION,
            "psnNo": PERSON_NO,
            "insutype": "310",
            "medOrgOrd": "M0001",
            "begntime": AT,
            **_WHO,
            "ecToken": "T1",
            "iptOtpNo": "O1",
            "deptName": "测试科",
            "caty": "A01",
            "medType": "11",
            "feeType": "01",
            "medfeeSumamt": "49.20",
            "acctUsedFlag": "1",
            "diseCodg": "Z00",
            "psnSetlway": "01",
            "chrgBchno": "B1",
            "fetts": 0,
            "matnType": "9",
            "extData": {"any": ["thing", 1]},
            "feedetailList": [order_line(1), order_line(2)],
            "diseinfoList": [_DIAGNOSIS],
        }
    },
    "6202": {
        "data": {
            "payAuthNo": "AUTH1",
            "payOrdId": ORDER,
            "payToken": TOKEN,
            "orgCodg": INSTITUTION,
            "orgBizSer": "S0001",
            "mdtrtId": "V1",
            "extData": '{"thdPayType":"WECHAT"}',
        }
    },
    "6203": {
        "data": {
            "payOrdId": ORDER,
            "appRefdSn": "R0001",
            "appRefdTime": "20261123100000",
            "totlRefdAmt": "24.60",
            "psnAcctRefdAmt": 2.00,
            "fundRefdAmt": 20.00,
            "cashRefdAmt": 2.60,
            "ecToken": "T1",
            "refdType": "ALL",
        }
    },
    "6204": {
        "data": {
            "payOrdId": ORDER, "medOrgOrd": "M0001", **_SPLIT, "ownPayAmt": 2.60,
            "thdPayType": "WECHAT",
        }
    },
    "6301": {"data": _NAMED},
    "6302": {
        "data": {
            "payOrdId": ORDER, "callType": "2", "medOrgOrd": "M0001",
            "traceTime": "20261123100000", "orgName": "测试医院", "setlType": "HI",
            "revsToken": TOKEN, **_SPLIT, "ownpayAmt": 2.60, "hiChrgTime": "100000",
            "hiDocSn": "1000000000000000001", "hiRgstSn": "1000000000000000002",
        }
    },
    "6401": {"data": _NAMED},
}  # fmt: skip

_ORDERED = {"payOrdId": ORDER, "ordStas": "4", **_SPLIT, "ownPayAmt": 2.60}
REPLIES: dict[str, Any] = {
    "6201": {"data": {"payOrdId": ORDER, "payToken": TOKEN}},
    "6202": {"data": _ORDERED},
    "6203": {
        "data": {
            "refdSn": "1000000000000000004",
            "hiFefdSn": "1000000000000000005",
            "hiTrnsDate": "20261123",
            "hiTrnsTime": "100000",
            "refStatus": "SUCC",
        }
    },
    "6301": {
        "data": {
            **_ORDERED, "callType": "2", "medOrgOrd": "M0001", "traceTime": "20261123100000",
            "orgCodg": INSTITUTION, "orgName": "测试医院", "setlType": "HI", "revsToken": TOKEN,
        }
    },
    "6302": {"data": {"success": True, "message": "成功"}},
    "6401": {"data": {"success": True}},
}  # fmt: skip
