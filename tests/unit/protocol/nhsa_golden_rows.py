"""Rows of golden enquiry answers that have many fields. Not a test file."""

from __future__ import annotations

from tests.unit.protocol.nhsa_golden_parts import AT, IDENTITY, INSTITUTION, PERSON_NO, REGION

_DAY = "2026-11-23"
_KEPT = {"vali_flag": "1", "rid": "R1", "updt_time": _DAY, "crte_time": _DAY}
_ITEM = {"med_list_codg": "XA99ZZZ001", "medins_list_codg": "D00001", "list_type": "101"}

ETHNIC_DRUG = {
    **_KEPT,
    "med_list_codg": "XA99ZZZ001",
    "drug_genname": "测试药",
    "min_pac_cnt": 24,
    "crter_id": "OP1",
    "crter_name": "测试员",
    "crte_optins_no": REGION,
    "opter_id": "OP1",
    "opter_name": "测试员",
    "opt_time": _DAY,
    "optins_no": REGION,
    "ver": "v0001",
}
LISTED = {
    **_KEPT,
    "hilist_code": "XA99ZZZ001",
    "hilist_name": "测试药",
    "insu_admdvs": REGION,
    "begndate": _DAY,
    "med_chrgitm_type": "09",
    "chrgitm_lv": "01",
    "lmt_used_flag": "0",
    "list_type": "101",
    "med_use_flag": "1",
    "matn_used_flag": "1",
    "hilist_use_type": "1",
    "lmt_cpnd_type": "0",
}
MATCH = {
    **_KEPT,
    "med_list_codg": "XA99ZZZ001",
    "hilist_code": "XA99ZZZ001",
    "list_type": "101",
    "insu_admdvs": REGION,
    "begndate": _DAY,
}
MAPPING = {
    **_KEPT,
    **_ITEM,
    "fixmedins_code": INSTITUTION,
    "insu_admdvs": REGION,
    "begndate": _DAY,
}
CEILING = {
    **_KEPT,
    "hilist_code": "XA99ZZZ001",
    "hilist_lmtpric_type": "1",
    "overlmt_dspo_way": "1",
    "insu_admdvs": REGION,
    "begndate": _DAY,
    "hilist_pric_uplmt_amt": 15.000000,
}
SELF_PAY = {
    **_KEPT,
    "hilist_code": "XA99ZZZ001",
    "selfpay_prop_psn_type": "1",
    "selfpay_prop_type": "1",
    "insu_admdvs": REGION,
    "begndate": _DAY,
    "selfpay_prop": 0.1000,
}
CHRONIC_MEDICINE = {
    **_ITEM,
    "feedetl_sn": "1",
    "fixmedins_name": "测试医院",
    "psn_no": PERSON_NO,
    "med_type": "14",
    "fee_ocur_time": AT,
    "cnt": 2.0000,
    "pric": 12.300000,
    "hilist_code": "XA99ZZZ001",
    "hilist_name": "测试药",
    "medins_list_name": "测试药",
    "med_chrgitm_type": "09",
    "spec": "1片",
}
TRANSFER = {
    **IDENTITY,
    "insutype": "310",
    "psn_no": PERSON_NO,
    "gend": "1",
    "reflin_medins_name": "测试二院",
    "refl_date": _DAY,
    "refl_rea": "测试原因",
    "begndate": _DAY,
    "hosp_agre_refl_flag": "1",
}
