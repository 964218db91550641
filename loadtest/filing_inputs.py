"""The `input` of the transactions about filings (备案), as plain nodes in the wire's names.

As `institution_inputs`: written from the field tables alone, without the server's message types.
"""

from __future__ import annotations

from loadtest.institution_client import Input
from loadtest.institution_inputs import DOCTOR, Patient


def transfer(
    patient: Patient, *, to: str, to_name: str, begins: str, ends: str | None = None
) -> Input:
    """2501: to another hospital of the city."""
    data = {
        "psn_no": patient.person.psn_no,
        "insutype": patient.person.insutype,
        "tel": "13900000000",
        "diag_code": "I21.900",
        "diag_name": "急性心肌梗死",
        "reflin_medins_no": to,
        "reflin_medins_name": to_name,
        "mdtrtarea_admdvs": "441900",
        "hosp_agre_refl_flag": "1",
        "refl_type": "1",
        "refl_date": begins,
        "refl_rea": "测试转院",
        "refl_opnn": "同意",
    }
    return {"refmedin": _until(data, ends)}


def disease(
    patient: Patient, *, code: str, name: str, at: str, at_name: str, begins: str,
    ends: str | None = None,
) -> Input:  # fmt: skip
    """2503: found by a doctor of a hospital."""
    data = {
        "psn_no": patient.person.psn_no,
        "insutype": patient.person.insutype,
        "opsp_dise_code": code,
        "opsp_dise_name": name,
        "insu_optins": "441900",
        "ide_fixmedins_no": at,
        "ide_fixmedins_name": at_name,
        "hosp_ide_date": begins,
        "diag_dr_codg": DOCTOR["code"],
        "diag_dr_name": DOCTOR["name"],
        "begndate": begins,
    }
    return {"data": _until(data, ends)}


def chosen_institution(
    patient: Patient, *, at: str, at_name: str, begins: str, ends: str | None = None,
    business: str = "03", order: str = "1",
) -> Input:  # fmt: skip
    """2505: for ordinary outpatient care, unless told otherwise."""
    data = {
        "psn_no": patient.person.psn_no,
        "biz_appy_type": business,
        "begndate": begins,
        "fix_srt_no": order,
        "fixmedins_code": at,
        "fixmedins_name": at_name,
    }
    return {"data": _until(data, ends)}


def withdrawal(patient: Patient, filing_no: str) -> Input:
    """2502, 2504 and 2506."""
    data = {"trt_dcla_detl_sn": filing_no, "psn_no": patient.person.psn_no, "memo": "测试撤销"}
    return {"data": data}


def _until(data: dict[str, str], ends: str | None) -> dict[str, str]:
    return data if ends is None else {**data, "enddate": ends}
