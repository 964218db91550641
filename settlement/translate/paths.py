"""Where a domain field stands in a request: from our names to the wire's paths."""

from __future__ import annotations

import re

_HEAD = {"2101": "druginfo", "2102": "druginfo", "2203": "mdtrtinfo", "2203A": "mdtrtinfo",
         "2204": "feedetail[0]", "2301": "feedetail[0]", "2302": "data[0]", "2401": "mdtrtinfo",
         "2402": "dscginfo", "2403": "adminfo", "2501": "refmedin", "9001": "signIn",
         "9002": "signOut", "9101": "fsUploadIn", "9102": "fsDownloadIn"}  # fmt: skip
_LINES = {"2101": "drugdetail", "2102": "drugdetail", "2204": "feedetail", "2301": "feedetail",
          "2302": "data", "3261": "detail", "3301": "catalogcompin"}  # fmt: skip
_HEAD_NAMES = {
    "person_no": "psn_no",
    "credential_kind": "mdtrt_cert_type",
    "credential_number": "mdtrt_cert_no",
    "card_serial": "card_sn",
    "certificate_no": "certno",
    "name": "psn_name",
    "scheme": "insutype",
    "care_type": "med_type",
    "account_use": "acct_used_flag",
    "total": "medfee_sumamt",
    "service_at": "begntime",
    "batch_no": "chrg_bchno",
    "line_no": "feedetl_sn",
    "begun_at": "begntime",
    "ended_at": "endtime",
    "mid_stay": "mid_setl_flag",
    "ends_on": "enddate",
    "filing_no": "trt_dcla_detl_sn",
    "identified_at": "ide_fixmedins_no",
    "chosen_institution": "fixmedins_code",
    "original_infno": "oinfno",
    "original_msgid": "omsgid",
    "own_code": "fixmedins_hilist_id",
    "clearing_office": "setl_optins",
    "begin_on": "stmt_begndate",
    "file_no": "file_qury_no",
    "content": "in",
    "institution_of_file": "fixmedins_code",
    "month": "setlym",
    "application_no": "clr_appy_evt_id",
    "clearing_month": "trt_month",
    "start_row": "startrow",
    "row_count": "totalrow",
    "confirmation": "otransid",
    "doctor": "atddr_no",
}
_LINE_NAMES = {
    "amount": "det_item_fee_sumamt",
    "quantity": "cnt",
    "price": "pric",
    "item_code": "med_list_codg",
    "occurred_on": "fee_ocur_time",
    "disease": "dise_codg",
    "line_no": "feedetl_sn",
    "original": "init_feedetl_sn",
    "own_code": "medins_list_codg",
    "trace": "durg_trac_info",
    "certificate_no": "certno",
    "visit_no": "mdtrt_id",
    "settlement_no": "setl_sn",
    "settled_at": "mdtrt_setl_time",
    "total": "medfee_sumamt",
    "agency": "optins_pay_sumamt",
    "doctor": "bilg_dr_codg",
}
_MAPPING_NAMES = {"own_code": "fixmedins_hilist_id", "ends_on": "enddate"}
_MOBILE = frozenset({"6201", "6202", "6203", "6301", "6401"})
_MOBILE_NAMES = {
    "person_no": "psnNo",
    "credential_kind": "ecToken",
    "credential_number": "ecToken",
    "certificate_no": "idNo",
    "name": "userName",
    "scheme": "insutype",
    "care_type": "medType",
    "account_use": "acctUsedFlag",
    "total": "medfeeSumamt",
    "service_at": "begntime",
    "batch_no": "chrgBchno",
    "mdtrt_id": "mdtrtId",
    "doctor": "atddrNo",
    "pay_token": "payToken",  # nosec B105 - a name on the wire
    "refund_no": "appRefdSn",
    "refund_total": "totlRefdAmt",
    "refund_account": "psnAcctRefdAmt",
    "refund_funds": "fundRefdAmt",
    "refund_own": "cashRefdAmt",
    "token": "ecToken",  # nosec B105 - a name on the wire
    "wallet": "extData",
}
_MOBILE_LINE_NAMES = {
    "amount": "detItemFeeSumamt",
    "quantity": "cnt",
    "price": "pric",
    "item_code": "medListCodg",
    "occurred_on": "feeOcurTime",
    "disease": "diseCodg",
    "line_no": "feedetlSn",
    "own_code": "medinsListCodg",
    "doctor": "bilgDrCodg",
}
_LISTS = frozenset({"4101", "4101A"})
_LIST_NAMES = {"setl_id": "setlinfo.setl_id", "mdtrt_id": "setlinfo.mdtrt_id"}
_ENVELOPE_NAMES = {"msgid": "msgid", "institution_code": "fixmedins_code",
                   "insured_region": "insuplc_admdvs"}
_LINE = re.compile(r"lines(\[\d+\])\.(\w+)")


def wire_path(infno: str, field: str | None) -> str | None:
    """The path of a domain field in a request of this transaction; None where it has none."""
    if field is None:
        return None
    if field in _ENVELOPE_NAMES:
        return _ENVELOPE_NAMES[field]
    if infno in _LISTS:
        return f"input.{_LIST_NAMES.get(field, field)}"
    line = _LINE.fullmatch(field)
    if infno in _MOBILE:
        return _mobile_path(infno, field, line)
    if line is not None and infno in _LINES:
        names = {**_LINE_NAMES, **_MAPPING_NAMES} if infno == "3301" else _LINE_NAMES
        return f"input.{_LINES[infno]}{line[1]}.{names.get(line[2], line[2])}"
    if line is not None or field == "lines":
        return f"input.{_LINES.get(infno, 'data')}"
    return f"input.{_HEAD.get(infno, 'data')}.{_HEAD_NAMES.get(field, field)}"


def wire_name(field: str) -> str:
    """What a domain field is called in most messages: of a line where it says `lines.`."""
    if field.startswith("lines."):
        name = field.removeprefix("lines.")
        return _LINE_NAMES.get(name, _MAPPING_NAMES.get(name, name))
    return _ENVELOPE_NAMES.get(field, _HEAD_NAMES.get(field, field))


def _mobile_path(infno: str, field: str, line: re.Match[str] | None) -> str:
    """Mobile payment speaks camelCase, and its lists stand inside `data`."""
    if line is not None:
        name = _MOBILE_LINE_NAMES.get(line[2], line[2])
        return f"input.data.feedetailList{line[1]}.{name}"
    if field == "lines":
        return "input.data.feedetailList"
    if field == "order_no":
        return "input.data.medOrgOrd" if infno == "6201" else "input.data.payOrdId"
    if field == "credential_number" and infno == "6202":
        return "input.data.payAuthNo"
    return f"input.data.{_MOBILE_NAMES.get(field, field)}"
