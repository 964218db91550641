"""Why another region's questions about people of ours are refused: code, what is wrong, what to do.

Rows of the one table (settlement/refusals.py), which would be too long with them. The text is read
by a counter in the region of treatment.
"""

from __future__ import annotations

# fmt: off
HOME_ROWS: tuple[tuple[str, str, str], ...] = (
    ("TREATING_REGION_UNKNOWN", "就医地统筹区[{value}]未与本统筹区建立异地结算。",
     "请由两地经办机构登记后再结算。"),
    ("REGION_CLOSED", "参保地已暂停与就医地[{value}]的异地结算。",
     "请按自费结算，回参保地手工报销。"),
    ("PERSON_NOT_INSURED_HERE", "该人员没有本统筹区的参保关系。", "请核对参保地统筹区。"),
    ("CASE_NUMBER_WRONG", "异地结算编号为空或过长。", "请由就医地平台更正后重新发送。"),
    ("CASE_NEGATIVE", "异地结算金额（{field_name}）小于零或总额为零。",
     "请由就医地平台更正后重新发送。"),
    ("CASE_SUM_DIFFERS", "四项费用合计[{computed_fen}元]与医疗费总额[{declared_fen}元]不一致。",
     "请由就医地平台核对后重新发送。"),
    ("CASE_LINES_DIFFER",
     "费用明细的{field_name}[合计{computed_fen}元]与单据[{declared_fen}元]不一致。",
     "请由就医地平台核对后重新发送。"),
    ("CASE_CODE_WRONG", "就医类型或个人账户使用标志的取值[{value}]不能识别。",
     "请由就医地平台更正后重新发送。"),
    ("CASE_INSTITUTION_ELSEWHERE", "就医机构所在统筹区[{value}]不属于就医地。",
     "请由就医地平台更正后重新发送。"),
    ("CASE_DATES_WRONG", "异地住院缺少入院或出院日期，或出院早于入院。",
     "请办理出院后再结算；异地住院不支持中途结算。"),
    ("CASE_FILING_REQUIRED", "参保地规定此类异地就医须先备案，未找到有效备案。",
     "请参保人补办异地就医备案后再结算，或按自费结算。"),
    ("CASE_FAMILY_ACCOUNT", "异地就医不能使用家庭共济账户。",
     "请改用本人账户或不使用个人账户后再结算。"),
    ("CASE_CONFLICT", "该异地结算编号已用于内容不同的结算[，不同之处：{part}]。",
     "请为新的结算使用新编号。"),
    ("CASE_UNKNOWN", "参保地没有此笔异地结算。", "请核对异地结算编号。"),
    ("CASE_REVERSED", "此笔异地结算已冲正或已被拒绝，不再受理。", "请以新编号重新结算。"),
    ("CASE_CANCELLED", "此笔异地结算已撤销[（{setl_id}）]。", "请勿重复撤销。"),
    ("CASE_OTHER_SETTLEMENT", "异地结算编号与参保地结算编号不符。", "请填写参保地返回的结算编号。"),
    ("CASE_OTHER_PERSON", "此笔异地结算属于另一参保人。", "请核对人员编号。"),
    ("HUB_KIND_UNKNOWN", "本统筹区不受理此类报文。", "请改以文件交付，或待其升级后重新发送。"),
    ("PAGE_UNREADABLE", "对账续页编号不正确。", "请填写上一页最后一行的结算编号。"),
)
# fmt: on
BROKEN = frozenset({
    "CASE_NEGATIVE", "CASE_SUM_DIFFERS", "CASE_LINES_DIFFER", "CASE_INSTITUTION_ELSEWHERE",
    "CASE_CONFLICT", "CASE_OTHER_SETTLEMENT", "CASE_OTHER_PERSON",
})  # fmt: skip
"""What no region asks that keeps its own books right: somebody has to look at it."""
