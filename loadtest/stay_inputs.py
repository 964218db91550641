"""The `input` of the transactions of a stay in hospital, as plain nodes in the wire's names.

As `institution_inputs`: written from the field tables alone, without the server's message types.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from loadtest.institution_client import Input
from loadtest.institution_inputs import DEPARTMENT, DOCTOR, SPLIT_FIELDS, Bought, Patient

DIAGNOSIS = {"code": "J18.900", "name": "肺炎"}


def admission(patient: Patient, *, stay_no: str, at: str, care_type: str = "21") -> Input:
    """2401."""
    person = patient.person
    head = {
        "psn_no": person.psn_no,
        "insutype": person.insutype,
        "begntime": at,
        **patient.credential(),
        "cert_type": person.psn_cert_type,
        "certno": person.certno,
        "med_type": care_type,
        "ipt_no": stay_no,
        **_ward(),
        "insuplc_admdvs": "441900",
        "mdtrtarea_admvs": "441900",
    }
    return {"mdtrtinfo": head, "diseinfo": [_diagnosis(person.psn_no, at)]}


def change(
    patient: Patient, *, mdtrt_id: str, stay_no: str, at: str, care_type: str = "21"
) -> Input:
    """2403: another bed."""
    head = {
        "mdtrt_id": mdtrt_id,
        "psn_no": patient.person.psn_no,
        "begntime": at,
        "mdtrt_cert_type": "02",
        "med_type": care_type,
        "ipt_otp_no": stay_no,
        **_ward(),
        "adm_bed": "12",
    }
    return {"adminfo": head, "diseinfo": []}


def discharge(patient: Patient, *, mdtrt_id: str, at: str) -> Input:
    """2402."""
    person = patient.person
    head = {
        "mdtrt_id": mdtrt_id,
        "psn_no": person.psn_no,
        "insutype": person.insutype,
        "endtime": at,
        "dscg_dept_codg": DEPARTMENT["code"],
        "dscg_dept_name": DEPARTMENT["name"],
        "dscg_way": "1",
    }
    disease = {"mdtrt_id": mdtrt_id, **_diagnosis(person.psn_no, at)}
    return {"dscginfo": head, "diseinfo": [disease]}


def stay(patient: Patient, *, mdtrt_id: str) -> Input:
    """2404 and 2405."""
    return {"data": {"mdtrt_id": mdtrt_id, "psn_no": patient.person.psn_no}}


def fee_lines(
    patient: Patient, basket: Sequence[Bought], *, mdtrt_id: str, at: str, first: int = 1,
    originals: Mapping[int, str] | None = None,
) -> Input:  # fmt: skip
    """2301; line numbers count from `first`, `originals` names what a line takes back."""
    named = originals or {}
    rows = []
    for number, bought in enumerate(basket, first):
        line = bought.line(str(number), at)
        del line["rx_circ_flag"]
        line |= {
            "mdtrt_id": mdtrt_id,
            "psn_no": patient.person.psn_no,
            "med_type": "21",
            "bilg_dept_codg": DEPARTMENT["code"],
            "bilg_dept_name": DEPARTMENT["name"],
            "bilg_dr_codg": DOCTOR["code"],
            "bilg_dr_name": DOCTOR["name"],
        }
        if number in named:
            line["init_feedetl_sn"] = named[number]
        rows.append(line)
    return {"feedetail": rows}


def withdrawn_lines(patient: Patient, names: Sequence[str], *, mdtrt_id: str) -> Input:
    """2302."""
    person_no = patient.person.psn_no
    rows = [{"feedetl_sn": name, "mdtrt_id": mdtrt_id, "psn_no": person_no} for name in names]
    return {"data": rows}


def quote(
    patient: Patient, amount: Decimal, *, mdtrt_id: str, mid_stay: bool = False,
    account: bool = True,
) -> Input:  # fmt: skip
    """2303."""
    data = {
        **patient.insured(),
        "medfee_sumamt": amount,
        "psn_setlway": "01",
        "mdtrt_id": mdtrt_id,
        "acct_used_flag": "1" if account else "0",
        "mid_setl_flag": "1" if mid_stay else "0",
        "insuplc_admdvs": "441900",
        "mdtrtarea_admvs": "441900",
    }
    return {"data": data}


def settlement(quoted: Input, answered: Mapping[str, object]) -> Input:
    """2304: what was quoted, with the four amounts of the answer."""
    match quoted["data"]:
        case dict() as data:
            return {"data": {**data, **{name: answered[name] for name in SPLIT_FIELDS}}}
    raise TypeError("a quote has one node: data")


def _ward() -> dict[str, object]:
    return {
        "atddr_no": DOCTOR["code"],
        "chfpdr_name": DOCTOR["name"],
        "adm_diag_dscr": DIAGNOSIS["name"],
        "adm_dept_codg": DEPARTMENT["code"],
        "adm_dept_name": DEPARTMENT["name"],
        "adm_bed": "3",
        "dscg_maindiag_code": DIAGNOSIS["code"],
        "dscg_maindiag_name": DIAGNOSIS["name"],
    }


def _diagnosis(person_no: str, at: str) -> dict[str, object]:
    return {
        "psn_no": person_no,
        "diag_type": "1",
        "maindiag_flag": "1",
        "diag_srt_no": 1,
        "diag_code": DIAGNOSIS["code"],
        "diag_name": DIAGNOSIS["name"],
        "diag_dept": DEPARTMENT["name"],
        "dise_dor_no": DOCTOR["code"],
        "dise_dor_name": DOCTOR["name"],
        "diag_time": at,
    }
