"""Why a manual reimbursement is refused (手工报销): code, what is wrong, what to do.

Rows of the one table (settlement/refusals.py), which would be too long with them.
"""

from __future__ import annotations

# fmt: off
REIMBURSEMENT_ROWS: tuple[tuple[str, str, str], ...] = (
    ("REIMBURSEMENT_TOO_LATE",
     "就诊或出院日期[{on}]已超过手工报销的受理期限[（{days_max}天）]。",
     "请告知参保人不予受理；有特殊规定的，由{agency}按规定处理。"),
    ("REIMBURSEMENT_INSTITUTION_UNKNOWN", "定点医药机构[{value}]未在本平台登记。",
     "请核对机构编码；确为定点机构的，请先登记该机构。"),
    ("REIMBURSEMENT_INVOICE_TAKEN", "发票[{value}]已用于报销[{number}]。",
     "请核对发票号码；原报销有误的，请先更正、退件或撤销。"),
    ("REIMBURSEMENT_SETTLED", "该费用已在机构联网结算[，结算ID：{setl_id}]。",
     "不能重复报销；联网结算有误的，请机构撤销后再受理。"),
    ("REIMBURSEMENT_STAY_REGISTERED",
     "该次住院已在机构办理医保登记，尚未结算[，就诊ID：{mdtrt_id}]。",
     "请由机构联网结算，或撤销入院登记后再报销。"),
    ("REIMBURSEMENT_DATES_WRONG", "就诊起止日期不正确，或晚于今天。", "请按发票和病历更正日期。"),
    ("REIMBURSEMENT_CHANGED",
     "核算以后待遇有变化[，核算时{name_zh}{declared_fen}元][，现为{computed_fen}元]。",
     "请重新核算后再复核。"),
)
# fmt: on
