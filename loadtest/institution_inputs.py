"""The `input` of the transactions that an institution sends, as plain nodes in the wire's names.

Written from the field tables alone, without the server's own message types. Amounts are Decimal
yuan; what a line costs is rounded half up to the fen, as every counter does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal

from msgspec import Struct

from loadtest.institution_client import Input
from loadtest.world import WorldItem, WorldPerson

FEN = Decimal("0.01")
DOCTOR = {"code": "D0001", "name": "测试医师"}
DEPARTMENT = {"code": "0300", "name": "内科"}
SPLIT_FIELDS = ("fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt")
"""What 2207 repeats from the quote."""


class Card(Struct, frozen=True, kw_only=True):
    """A social security card (社会保障卡) as a reader sees it."""

    number: str
    serial: str


class Patient(Struct, frozen=True, kw_only=True):
    """A person at the counter, and what they show: a card, or only their identity number."""

    person: WorldPerson
    card: Card | None = None

    def credential(self) -> dict[str, object]:
        """The credential's fields (就诊凭证)."""
        if self.card is None:
            return {
                "mdtrt_cert_type": self.person.mdtrt_cert_type,
                "mdtrt_cert_no": self.person.mdtrt_cert_no,
            }
        return {
            "mdtrt_cert_type": "03",
            "mdtrt_cert_no": self.card.number,
            "card_sn": self.card.serial,
        }

    def identity(self) -> dict[str, object]:
        """Certificate and name."""
        person = self.person
        return {
            "psn_cert_type": person.psn_cert_type,
            "certno": person.certno,
            "psn_name": person.psn_name,
        }

    def insured(self) -> dict[str, object]:
        """Everything that a claim says about its person."""
        person = self.person
        return {
            "psn_no": person.psn_no,
            **self.credential(),
            **self.identity(),
            "psn_type": person.psn_type,
            "insutype": person.insutype,
        }


class Bought(Struct, frozen=True, kw_only=True):
    """An item and how much of it."""

    item: WorldItem
    quantity: Decimal

    @property
    def amount(self) -> Decimal:
        """What the line costs."""
        return (self.item.price * self.quantity).quantize(FEN, ROUND_HALF_UP)

    def line(self, serial: str, at: str) -> dict[str, object]:
        """The fields that every fee line has."""
        return {
            "feedetl_sn": serial,
            "rx_circ_flag": "0",
            "fee_ocur_time": at,
            "med_list_codg": self.item.med_list_codg,
            "medins_list_codg": self.item.medins_list_codg,
            "det_item_fee_sumamt": self.amount,
            "cnt": self.quantity,
            "pric": self.item.price,
        }


def total(basket: Iterable[Bought]) -> Decimal:
    """What all lines cost."""
    return sum((bought.amount for bought in basket), Decimal("0.00"))


def purchase(
    patient: Patient, basket: Sequence[Bought], *, at: str, amount: Decimal | None = None
) -> Input:
    """2101 and 2102. `amount` is what the header claims; the sum of the lines where not given."""
    head = {
        **patient.insured(),
        "begntime": at,
        "medfee_sumamt": total(basket) if amount is None else amount,
        "acct_used_flag": "1",
        "med_type": "41",
    }
    lines = [bought.line(str(number), at) for number, bought in enumerate(basket, 1)]
    return {"druginfo": head, "drugdetail": lines}


def cancel(*, setl_id: str, mdtrt_id: str, psn_no: str) -> Input:
    """2103 and 2208."""
    return {"data": {"setl_id": setl_id, "mdtrt_id": mdtrt_id, "psn_no": psn_no}}


def reversal(*, psn_no: str, omsgid: str, oinfno: str) -> Input:
    """2601."""
    return {"data": {"psn_no": psn_no, "omsgid": omsgid, "oinfno": oinfno}}


def lookup(patient: Patient) -> Input:
    """1101."""
    return {"data": {**patient.credential(), **patient.identity()}}


def registration(patient: Patient, *, visit_no: str, at: str) -> Input:
    """2201."""
    return {
        "data": {
            **patient.insured(),
            "begntime": at,
            "ipt_otp_no": visit_no,
            "atddr_no": DOCTOR["code"],
            "dr_name": DOCTOR["name"],
            "dept_code": DEPARTMENT["code"],
            "dept_name": DEPARTMENT["name"],
            "caty": "A03",
        }
    }


def diagnosis(patient: Patient, *, mdtrt_id: str, at: str) -> Input:
    """2203: an ordinary outpatient visit for a cold."""
    cold = {"code": "J06.900", "name": "急性上呼吸道感染"}
    return {
        "mdtrtinfo": {
            "mdtrt_id": mdtrt_id,
            "psn_no": patient.person.psn_no,
            "med_type": "11",
            "begntime": at,
            "dise_codg": cold["code"],
            "dise_name": cold["name"],
        },
        "diseinfo": [
            {
                "diag_type": "1",
                "diag_srt_no": 1,
                "diag_code": cold["code"],
                "diag_name": cold["name"],
                "diag_dept": DEPARTMENT["code"],
                "dise_dor_no": DOCTOR["code"],
                "dise_dor_name": DOCTOR["name"],
                "diag_time": at,
                "vali_flag": "1",
            }
        ],
    }


def fee_lines(
    patient: Patient, basket: Sequence[Bought], *, mdtrt_id: str, batch_no: str, at: str
) -> Input:
    """2204: the lines of one charge batch."""
    shared = {
        "mdtrt_id": mdtrt_id,
        "psn_no": patient.person.psn_no,
        "chrg_bchno": batch_no,
        "bilg_dept_codg": DEPARTMENT["code"],
        "bilg_dept_name": DEPARTMENT["name"],
        "bilg_dr_codg": DOCTOR["code"],
        "bilg_dr_name": DOCTOR["name"],
        "hosp_appr_flag": "1",
    }
    lines = (bought.line(f"{batch_no}{n:02d}", at) for n, bought in enumerate(basket, 1))
    return {"feedetail": [line | shared for line in lines]}


def visit_quote(
    patient: Patient, basket: Sequence[Bought], *, mdtrt_id: str, batch_no: str
) -> Input:
    """2206."""
    return {
        "data": {
            **patient.insured(),
            "med_type": "11",
            "medfee_sumamt": total(basket),
            "psn_setlway": "01",
            "mdtrt_id": mdtrt_id,
            "chrg_bchno": batch_no,
            "acct_used_flag": "1",
        }
    }


def visit_settlement(quoted: Input, quote_info: Input) -> Input:
    """2207: what 2206 asked, with the four parts of the fee that it answered."""
    data = quoted["data"]
    if not isinstance(data, dict):
        raise TypeError("the input of a quote has one node, data")
    return {"data": {**data, **{name: quote_info[name] for name in SPLIT_FIELDS}}}
