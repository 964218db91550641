"""Why care for people insured in another region is refused: code, what is wrong, what to do.

Rows of the one table (settlement/refusals.py), which would be too long with them.
"""

from __future__ import annotations

# fmt: off
REGION_ROWS: tuple[tuple[str, str, str], ...] = (
    ("REGION_UNKNOWN", "参保地医保区划[{region}]不在可办理异地就医的地区中。",
     "请核对insuplc_admdvs；如确为该地参保，请联系{agency}。"),
    ("INSURED_REGION_DIFFERS",
     "报文的参保地医保区划（insuplc_admdvs）与该人员不符[，应为{region}]。",
     "请填写1101返回的insuplc_admdvs后重新发送。"),
    ("PERSON_NUMBER_TAKEN", "参保地[{region}]返回的人员编号已属于另一参保人，不能办理。",
     "请联系{agency}核实，切勿用该编号结算。"),
    ("REGION_NOTHING_TO_SHARE", "本次费用合计为0元，无需异地结算。", "请核对费用明细。"),
)
REGION_RULE_ROWS: tuple[tuple[str, str, str], ...] = (
    ("REGION_INACTIVE", "与参保地[{region_zh}][（{region}）]的异地就医直接结算已停用。",
     "请按自费办理，由参保人回参保地报销。"),
    ("REGION_NO_HUB", "本平台未接入异地就医平台，不能办理异地人员业务。",
     "请按自费办理，或联系{agency}。"),
    ("REGION_REFUSED", "参保地未予结算[（{there}）][：{text}]", "如无法更正，请按自费办理。"),
    ("REGION_KEEPS_IT", "参保地未同意撤销[（{there}）][：{text}]结算仍有效，未退款。",
     "请按参保地说明处理后重新退款。"),
    ("ONLY_AT_HOME", "该人员在[{region}]参保，此业务须在参保地办理。", "请参保人向参保地办理。"),
)
REGION_LATER_ROWS: tuple[tuple[str, str, str], ...] = (
    ("REGION_REFUSED_LATER", "参保地暂不能办理[（{there}）][：{text}]",
     "请稍后重发，或按自费办理。"),
    ("REGION_UNREACHABLE", "暂时联系不上参保地[{region}]，未结算。",
     "请稍后原样重发（msgid或order_no不变），或按自费办理。"),
    ("REGION_SILENT", "参保地[{region}]未在时限内答复，未产生任何结算。", "请稍后重发。"),
    ("REGION_UNDONE", "参保地[{region}]未能及时答复，本次结算已撤回，未产生费用分担。",
     "请稍后用相同msgid重发，或按自费办理。"),
    ("REGION_ANSWER_WRONG", "参保地[{region}]返回的金额不平，未采用，已报警。",
     "请稍后重发，或按自费办理。"),
    ("REGION_CASE_ENDED", "该异地结算已有结果。", "请用相同msgid重发以取得结果。"),
)
REGION_UNCLEAR_ROW: tuple[str, str, str] = (
    "REGION_UNCLEAR", "参保地[{region}]尚未答复，结果暂不能确定。",
    "请用相同msgid和相同内容重发以取得结果；需改按自费办理的，先用2601冲正。",
)
# fmt: on
