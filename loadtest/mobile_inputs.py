"""The `input` of mobile payment (移动支付), as plain nodes in the wire's names.

As `institution_inputs`: written from the field tables alone, without the server's message types.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from loadtest.institution_client import Input
from loadtest.institution_inputs import DEPARTMENT, DOCTOR, Bought, Patient, total

OUTPATIENT = "11"
DIAGNOSIS = {"code": "J06.900", "name": "急性上呼吸道感染"}


class Uploaded(Struct, frozen=True, kw_only=True):
    """What 6201 answered: the centre's order, and the visit that was made for it."""

    order_id: str
    pay_token: str
    mdtrt_id: str
    batch_no: str

    @classmethod
    def of(cls, answer: Mapping[str, object]) -> Uploaded:
        """Of `data`."""
        made = answer["extData"]
        if not isinstance(made, Mapping):
            raise TypeError("extData of 6201 names the visit")
        return cls(
            order_id=str(answer["payOrdId"]), pay_token=str(answer["payToken"]),
            mdtrt_id=str(made["mdtrtId"]), batch_no=str(made["chrgBchno"]),
        )  # fmt: skip


class Held(Struct, frozen=True, kw_only=True):
    """What 6202 answered: who pays what, in yuan."""

    fund: Decimal
    account: Decimal
    own: Decimal

    @property
    def total(self) -> Decimal:
        """All of it."""
        return self.fund + self.account + self.own


def upload(
    patient: Patient, basket: Sequence[Bought], *, institution: str, order_no: str, token: str,
    at: str,
) -> Input:  # fmt: skip
    """6201: an order with a visit of its own; the account stays out of it."""
    person = patient.person
    batch_no = f"B{order_no}"
    data = {
        "orgCodg": institution,
        "psnNo": person.psn_no,
        "insutype": person.insutype,
        "medOrgOrd": order_no,
        "begntime": at,
        "idNo": person.certno,
        "userName": person.psn_name,
        "idType": person.psn_cert_type,
        "ecToken": token,
        "iptOtpNo": order_no,
        "deptCode": DEPARTMENT["code"],
        "deptName": DEPARTMENT["name"],
        "caty": "A03",
        "medType": OUTPATIENT,
        "feeType": "01",
        "medfeeSumamt": total(basket),
        "acctUsedFlag": "0",
        "diseCodg": DIAGNOSIS["code"],
        "psnSetlway": "01",
        "chrgBchno": batch_no,
        "feedetailList": [
            _line(bought, str(number), batch_no=batch_no, psn_no=person.psn_no, at=at)
            for number, bought in enumerate(basket, 1)
        ],
        "diseinfoList": [_diagnosis(at)],
    }
    return {"data": data}


def payment(
    order: Uploaded, *, institution: str, serial: str, authorisation: str, wallet: str = ""
) -> Input:
    """6202: the payer agrees, and the insurance pays; or a wallet will confirm first."""
    data = {
        "payAuthNo": authorisation,
        "payOrdId": order.order_id,
        "payToken": order.pay_token,
        "orgCodg": institution,
        "orgBizSer": serial,
        "mdtrtId": order.mdtrt_id,
        "chrgBchno": order.batch_no,
        "extData": {"thdPayType": wallet} if wallet else {},
    }
    return {"data": data}


def enquiry(order: Uploaded, patient: Patient, *, institution: str) -> Input:
    """6301."""
    person = patient.person
    data = {
        "payOrdId": order.order_id,
        "orgCodg": institution,
        "payToken": order.pay_token,
        "idNo": person.certno,
        "userName": person.psn_name,
        "idType": person.psn_cert_type,
    }
    return {"data": data}


def refund(order: Uploaded, paid: Held, *, refund_no: str, token: str, at: str) -> Input:
    """6203: all of it."""
    data = {
        "payOrdId": order.order_id,
        "appRefdSn": refund_no,
        "appRefdTime": "".join(filter(str.isdigit, at)),
        "totlRefdAmt": paid.total,
        "psnAcctRefdAmt": paid.account,
        "fundRefdAmt": paid.fund,
        "cashRefdAmt": paid.own,
        "ecToken": token,
        "refdType": "ALL",
    }
    return {"data": data}


def _line(bought: Bought, serial: str, *, batch_no: str, psn_no: str, at: str) -> dict[str, object]:
    return {
        "feedetlSn": serial,
        "mdtrtId": "NONE",
        "psnNo": psn_no,
        "chrgBchno": batch_no,
        "rxCircFlag": "0",
        "feeOcurTime": at,
        "medListCodg": bought.item.med_list_codg,
        "medinsListCodg": bought.item.medins_list_codg,
        "detItemFeeSumamt": bought.amount,
        "cnt": bought.quantity,
        "pric": bought.item.price,
        "bilgDeptCodg": DEPARTMENT["code"],
        "bilgDeptName": DEPARTMENT["name"],
        "bilgDrCodg": DOCTOR["code"],
        "bilgDrName": DOCTOR["name"],
        "hospApprFlag": "1",
        "medType": OUTPATIENT,
    }


def _diagnosis(at: str) -> dict[str, object]:
    return {
        "diagType": "1",
        "diagSrtNo": 1,
        "diagCode": DIAGNOSIS["code"],
        "diagName": DIAGNOSIS["name"],
        "diagDept": DEPARTMENT["name"],
        "diseDorNo": DOCTOR["code"],
        "diseDorName": DOCTOR["name"],
        "diagTime": at,
        "valiFlag": "1",
    }
