"""What messages say of people and fees, and the `input` nodes made of it, in the wire's own names.

Amounts are Decimal yuan. A line costs price × quantity, half up to the fen, and a header is the sum
of its lines: the server refuses anything else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal

from msgspec import Struct

from settlement.client.message import Input

FEN = Decimal("0.01")
SPLIT_FIELDS = ("fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt")
"""What a settlement repeats from its quote (2207 of 2206, 2304 of 2303)."""
ALL_LINES = "0000"
"""In 2205 and 2302: every line that is not settled."""


class Named(Struct, frozen=True):
    """A code and what it is called: a doctor, a department, a disease."""

    code: str
    name: str


class Patient(Struct, frozen=True, kw_only=True):
    """The insured person at the counter, with what they show (就诊凭证).

    `psn_no`, `insutype` and `psn_type` come from 1101.
    """

    psn_no: str
    psn_name: str
    certno: str
    mdtrt_cert_no: str
    mdtrt_cert_type: str = "02"
    """01 e-credential token, 02 identity number, 03 card"""
    card_sn: str | None = None
    psn_cert_type: str = "01"
    psn_type: str = "11"
    insutype: str = "310"

    def credential(self) -> dict[str, object]:
        """What was shown."""
        shown: dict[str, object] = {
            "mdtrt_cert_type": self.mdtrt_cert_type, "mdtrt_cert_no": self.mdtrt_cert_no,
        }  # fmt: skip
        return shown if self.card_sn is None else {**shown, "card_sn": self.card_sn}

    def identity(self) -> dict[str, object]:
        """Certificate and name; where they are sent they must be right."""
        return {
            "psn_cert_type": self.psn_cert_type, "certno": self.certno, "psn_name": self.psn_name,
        }  # fmt: skip

    def insured(self) -> dict[str, object]:
        """Everything that a claim says of its person."""
        return {
            "psn_no": self.psn_no, **self.credential(), **self.identity(),
            "psn_type": self.psn_type, "insutype": self.insutype,
        }  # fmt: skip


class Item(Struct, frozen=True, kw_only=True):
    """Something sold: its national code, our own code, and its price in yuan."""

    med_list_codg: str
    medins_list_codg: str
    price: Decimal


class Line(Struct, frozen=True, kw_only=True):
    """So much of an item (费用明细)."""

    item: Item
    quantity: Decimal = Decimal(1)

    @property
    def amount(self) -> Decimal:
        """What it costs, yuan."""
        return (self.item.price * self.quantity).quantize(FEN, ROUND_HALF_UP)

    def node(self, serial: str, at: str) -> dict[str, object]:
        """The fields that every fee line has."""
        return {
            "feedetl_sn": serial,
            "fee_ocur_time": at,
            "med_list_codg": self.item.med_list_codg,
            "medins_list_codg": self.item.medins_list_codg,
            "det_item_fee_sumamt": self.amount,
            "cnt": self.quantity,
            "pric": self.item.price,
        }


def total(lines: Iterable[Line]) -> Decimal:
    """What all lines cost, yuan."""
    return sum((line.amount for line in lines), Decimal("0.00"))


def purchase(patient: Patient, lines: Sequence[Line], *, at: str, account: bool) -> Input:
    """2101 and 2102."""
    head = {
        **patient.insured(), "begntime": at, "medfee_sumamt": total(lines),
        "acct_used_flag": _flag(account), "med_type": "41",
    }  # fmt: skip
    rows = [{**line.node(str(n), at), "rx_circ_flag": "0"} for n, line in enumerate(lines, 1)]
    return {"druginfo": head, "drugdetail": rows}


def named(*, psn_no: str, mdtrt_id: str, setl_id: str | None = None) -> Input:
    """What names a visit or one of its settlements: 2103, 2208, 2305, 2404, 2405, 5203, 5204."""
    data = {"psn_no": psn_no, "mdtrt_id": mdtrt_id}
    return {"data": data if setl_id is None else {**data, "setl_id": setl_id}}


def visits(*, psn_no: str, begin: str, end: str, care_type: str, msgid: str | None) -> Input:
    """5201; with the msgid of a lost answer it finds what that message made."""
    data = {"psn_no": psn_no, "begntime": begin, "endtime": end, "med_type": care_type}
    return {"data": data if msgid is None else {**data, "medins_setl_id": msgid}}


def registration(
    patient: Patient, *, visit_no: str, at: str, department: Named, doctor: Named
) -> Input:
    """2201."""
    return {
        "data": {
            **patient.insured(), "begntime": at, "ipt_otp_no": visit_no,
            "atddr_no": doctor.code, "dr_name": doctor.name, "dept_code": department.code,
            "dept_name": department.name, "caty": "A03",
        }
    }  # fmt: skip


def diagnosis(
    patient: Patient, *, mdtrt_id: str, at: str, disease: Named, department: Named, doctor: Named,
    care_type: str,
) -> Input:  # fmt: skip
    """2203."""
    head = {
        "mdtrt_id": mdtrt_id, "psn_no": patient.psn_no, "med_type": care_type, "begntime": at,
        "dise_codg": disease.code, "dise_name": disease.name,
    }  # fmt: skip
    row = {
        "diag_type": "1", "diag_srt_no": 1, "diag_code": disease.code, "diag_name": disease.name,
        "diag_dept": department.code, "dise_dor_no": doctor.code, "dise_dor_name": doctor.name,
        "diag_time": at, "vali_flag": "1",
    }  # fmt: skip
    return {"mdtrtinfo": head, "diseinfo": [row]}


def visit_lines(
    patient: Patient, lines: Mapping[str, Line], *, mdtrt_id: str, batch: str, at: str,
    department: Named, doctor: Named,
) -> Input:  # fmt: skip
    """2204; `lines` by their serial."""
    shared = {
        "mdtrt_id": mdtrt_id, "psn_no": patient.psn_no, "chrg_bchno": batch, "rx_circ_flag": "0",
        "hosp_appr_flag": "1", **_ordered_by(department, doctor),
    }  # fmt: skip
    return {"feedetail": [line.node(serial, at) | shared for serial, line in lines.items()]}


def visit_quote(
    patient: Patient, amount: Decimal, *, mdtrt_id: str, batch: str, account: bool, care_type: str
) -> Input:
    """2206."""
    return {
        "data": {
            **patient.insured(), "med_type": care_type, "medfee_sumamt": amount,
            "psn_setlway": "01", "mdtrt_id": mdtrt_id, "chrg_bchno": batch,
            "acct_used_flag": _flag(account),
        }
    }  # fmt: skip


def as_quoted(quoted: Input, answered: Mapping[str, object]) -> Input:
    """2207 and 2304: what was quoted, with the four parts of the fee that were answered."""
    data = quoted["data"]
    if not isinstance(data, dict):
        raise TypeError("a quote has one node: data")
    return {"data": {**data, **{name: answered[name] for name in SPLIT_FIELDS}}}


def admission(
    patient: Patient, *, stay_no: str, at: str, region: str, disease: Named, department: Named,
    doctor: Named, bed: str, care_type: str,
) -> Input:  # fmt: skip
    """2401."""
    head = {
        "psn_no": patient.psn_no, "insutype": patient.insutype, "begntime": at,
        **patient.credential(), "cert_type": patient.psn_cert_type, "certno": patient.certno,
        "med_type": care_type, "ipt_no": stay_no, "insuplc_admdvs": region,
        "mdtrtarea_admvs": region, **_ward(disease, department, doctor, bed),
    }  # fmt: skip
    row = {"psn_no": patient.psn_no, **stay_diagnosis(disease, department, doctor, at)}
    return {"mdtrtinfo": head, "diseinfo": [row]}


def change(
    patient: Patient, *, mdtrt_id: str, stay_no: str, at: str, disease: Named, department: Named,
    doctor: Named, bed: str, care_type: str,
) -> Input:  # fmt: skip
    """2403."""
    head = {
        "mdtrt_id": mdtrt_id, "psn_no": patient.psn_no, "begntime": at,
        "mdtrt_cert_type": patient.mdtrt_cert_type, "med_type": care_type, "ipt_otp_no": stay_no,
        **_ward(disease, department, doctor, bed),
    }  # fmt: skip
    return {"adminfo": head, "diseinfo": []}


def stay_lines(
    patient: Patient, lines: Mapping[str, Line], *, mdtrt_id: str, at: str, department: Named,
    doctor: Named, care_type: str, originals: Mapping[str, str],
) -> Input:  # fmt: skip
    """2301; `lines` by their serial, `originals` the serial of what a negative line takes back."""
    shared = {
        "mdtrt_id": mdtrt_id, "psn_no": patient.psn_no, "med_type": care_type,
        **_ordered_by(department, doctor),
    }  # fmt: skip
    rows = []
    for serial, line in lines.items():
        row = line.node(serial, at) | shared
        if serial in originals:
            row["init_feedetl_sn"] = originals[serial]
        rows.append(row)
    return {"feedetail": rows}


def discharge(
    patient: Patient, *, mdtrt_id: str, at: str, disease: Named, department: Named, doctor: Named
) -> Input:
    """2402."""
    head = {
        "mdtrt_id": mdtrt_id, "psn_no": patient.psn_no, "insutype": patient.insutype,
        "endtime": at, "dscg_dept_codg": department.code, "dscg_dept_name": department.name,
        "dscg_way": "1",
    }  # fmt: skip
    row = {
        "mdtrt_id": mdtrt_id, "psn_no": patient.psn_no,
        **stay_diagnosis(disease, department, doctor, at),
    }  # fmt: skip
    return {"dscginfo": head, "diseinfo": [row]}


def stay_quote(
    patient: Patient, amount: Decimal, *, mdtrt_id: str, region: str, account: bool, mid_stay: bool
) -> Input:
    """2303."""
    return {
        "data": {
            **patient.insured(), "medfee_sumamt": amount, "psn_setlway": "01",
            "mdtrt_id": mdtrt_id, "acct_used_flag": _flag(account),
            "mid_setl_flag": _flag(mid_stay), "insuplc_admdvs": region, "mdtrtarea_admvs": region,
        }
    }  # fmt: skip


def stay_diagnosis(disease: Named, department: Named, doctor: Named, at: str) -> dict[str, object]:
    """A diagnosis of a stay."""
    return {
        "diag_type": "1", "maindiag_flag": "1", "diag_srt_no": 1, "diag_code": disease.code,
        "diag_name": disease.name, "diag_dept": department.name, "dise_dor_no": doctor.code,
        "dise_dor_name": doctor.name, "diag_time": at,
    }  # fmt: skip


def _ward(disease: Named, department: Named, doctor: Named, bed: str) -> dict[str, object]:
    return {
        "atddr_no": doctor.code, "chfpdr_name": doctor.name, "adm_diag_dscr": disease.name,
        "adm_dept_codg": department.code, "adm_dept_name": department.name, "adm_bed": bed,
        "dscg_maindiag_code": disease.code, "dscg_maindiag_name": disease.name,
    }  # fmt: skip


def _ordered_by(department: Named, doctor: Named) -> dict[str, object]:
    return {
        "bilg_dept_codg": department.code, "bilg_dept_name": department.name,
        "bilg_dr_codg": doctor.code, "bilg_dr_name": doctor.name,
    }  # fmt: skip


def _flag(value: bool) -> str:
    return "1" if value else "0"
