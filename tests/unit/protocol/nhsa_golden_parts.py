"""What golden messages are made of: synthetic people, impossible numbers. Not a test file."""

from __future__ import annotations

from typing import Any

REGION = "999900"
INSTITUTION = "H99990000001"
IDENTITY_NO = "999999190001010000"
PERSON_NO = "99990000000000000000000000001"
AT = "2026-11-23 10:00:00"

CREDENTIAL = {"mdtrt_cert_type": "02", "mdtrt_cert_no": IDENTITY_NO, "card_sn": ""}
IDENTITY = {"psn_cert_type": "01", "certno": IDENTITY_NO, "psn_name": "测试甲"}
SETTLEMENT = {"setl_id": "S1", "mdtrt_id": "V1", "psn_no": PERSON_NO}
VISIT = {"mdtrt_id": "V1", "psn_no": PERSON_NO}


def drug_line(number: int) -> dict[str, Any]:
    """One line of a pharmacy purchase; numbers as JSON numbers."""
    return {
        "feedetl_sn": str(number),
        "rx_circ_flag": "0",
        "fee_ocur_time": AT,
        "med_list_codg": f"XA99ZZZ{number:03d}",
        "medins_list_codg": f"D{number:05d}",
        "det_item_fee_sumamt": 24.60,
        "cnt": 2,
        "pric": 12.300000,
    }


def fee_line(number: int) -> dict[str, Any]:
    """One line of an outpatient charge batch; numbers as text, the serial as a number."""
    return {
        **VISIT,
        "feedetl_sn": number,
        "chrg_bchno": "B1",
        "rx_circ_flag": "0",
        "fee_ocur_time": AT,
        "med_list_codg": f"XA99ZZZ{number:03d}",
        "medins_list_codg": f"D{number:05d}",
        "det_item_fee_sumamt": "24.60",
        "cnt": "2.0000",
        "pric": "12.300000",
        "bilg_dept_codg": "K1",
        "bilg_dept_name": "测试科",
        "bilg_dr_codg": "D1",
        "bilg_dr_name": "测试医师",
        "hosp_appr_flag": "0",
    }


def diagnosis(number: int) -> dict[str, Any]:
    """One diagnosis of a visit."""
    return {
        "diag_type": "1",
        "diag_srt_no": number,
        "diag_code": "Z00.000",
        "diag_name": "测试诊断",
        "diag_dept": "测试科",
        "dise_dor_no": "D1",
        "dise_dor_name": "测试医师",
        "diag_time": AT,
        "vali_flag": "1",
    }
