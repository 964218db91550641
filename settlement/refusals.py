"""The one table from a refusal to what its reader gets: text, HTTP status, retry advice, fault.

Every code of `Refusal` and of the wire's `WireErrorCode` has exactly one row; a test proves it and
that docs/reference/errors.md says the same. A text is two sentences: what is wrong, and what to do
next. A part in square brackets is left out where one of its values is not known; values whose name
ends in `_fen` are written in yuan. This module knows no transaction and no database.
"""

from __future__ import annotations

import re
from enum import StrEnum

from msgspec import Struct

from ledger.money import yuan_text
from protocol.nhsa.errors import WireError
from settlement.books.reimbursement_refusals import REIMBURSEMENT_ROWS
from settlement.elsewhere.home_refusals import HOME_ROWS
from settlement.elsewhere.hub_refusals import HUB_TOO_LARGE, HUB_UNPROVED, HUB_UNREADABLE
from settlement.elsewhere.remote_refusals import (
    REGION_LATER_ROWS,
    REGION_ROWS,
    REGION_RULE_ROWS,
    REGION_UNCLEAR_ROW,
)
from settlement.gateway import Retry
from settlement.payments.mobile_refusals import MOBILE_ROWS, MOBILE_UNREADABLE
from settlement.payments.pay_refusals import PAYING_ROWS
from settlement.people.my_refusals import MY_ROWS, MY_UNAUTHENTICATED
from settlement.policy.region import RegionProfile
from settlement.refusal import Refusal
from settlement.stay_refusals import STAY_ROWS

TEXT_LENGTH_MAX = 200
"""err_msg of the interface, section 1.2."""


class Fault(StrEnum):
    """Whose fault it is, and so who should look at it."""

    CALLER = "caller"
    """the message, the credential or the order of calls"""
    RULE = "rule"
    """nobody's: the insurance's rules or an operator say no"""
    LIMIT = "limit"
    """our limit is reached; nothing was booked"""
    UNKNOWN = "unknown"
    """the outcome is not known yet"""
    OURS = "ours"
    """our own rule was violated; somebody is alerted"""


class Row(Struct, frozen=True, kw_only=True):
    """One row of the table. `http_status` 200: answered inside the NHSA envelope, infcode -1."""

    code: str
    http_status: int
    retry: Retry
    fault: Fault
    wrong: str
    """what is wrong, Chinese"""
    todo: str
    """what to do next, Chinese"""


class RefusalText(Struct, frozen=True, kw_only=True):
    """What goes into a reply: err_msg, retry, err_field."""

    message: str
    retry: Retry
    field: str | None


def text(refusal: Refusal, profile: RegionProfile | None = None) -> RefusalText:
    """The words for a refusal. `profile` names the agency to turn to. A code without a row is our
    own mistake: KeyError."""
    row = REFUSALS[refusal.code]
    values = _values(refusal, profile)
    message = _filled(row.wrong, values) + _filled(row.todo, values)
    if len(message) > TEXT_LENGTH_MAX:
        message = message[: TEXT_LENGTH_MAX - 1] + "…"
    return RefusalText(message=message, retry=row.retry, field=refusal.field)


def of_wire(error: WireError) -> Refusal:
    """The refusal of a message that could be read but not accepted."""
    return Refusal(code=error.code.value, field=error.field, params={**error.params})


def _values(refusal: Refusal, profile: RegionProfile | None) -> dict[str, str]:
    values = {
        name: yuan_text(value) if name.endswith("_fen") and isinstance(value, int) else str(value)
        for name, value in refusal.params.items()
        if value != ""
    }
    name, field = values.get("name_zh"), refusal.field
    values["where"] = f"{name}（{field}）" if name and field else name or field or "报文"
    if refusal.field in _FIELDS_ZH:
        values["field_zh"] = _FIELDS_ZH[refusal.field]
    if "part" in values:
        values["part"] = _part_zh(values["part"])
    values["agency"] = f"{profile.name if profile else ''}医保经办机构"
    return values


def _filled(template: str, values: dict[str, str]) -> str:
    """Fill in; optional parts without their values are dropped, other missing values shown as …"""
    kept = _OPTIONAL.sub(
        lambda part: part[1] if all(name in values for name in _NAME.findall(part[1])) else "",
        template,
    )
    return _NAME.sub(lambda name: values.get(name[1], "…"), kept)


def _part_zh(part: str) -> str:
    """The part of a message in which it differs (protocol/nhsa/canonical.py), for a reader."""
    kind, _, number = part.rpartition(" ")
    return f"第{number}行明细" if kind == "line" and number.isdigit() else _PARTS_ZH.get(part, part)


_PARTS_ZH = {
    "person": "人员和凭证",
    "header": "单据信息",
    "totals": "合计金额",
    "line count": "明细行数",
}
_FIELDS_ZH = {"name": "姓名", "certificate_no": "证件号码"}

_OPTIONAL = re.compile(r"\[([^\]]*)\]")
_NAME = re.compile(r"\{(\w+)\}")


def _rows(
    http_status: int, retry: Retry, fault: Fault, *texts: tuple[str, str, str]
) -> dict[str, Row]:
    return {
        code: Row(
            code=code, http_status=http_status, retry=retry, fault=fault, wrong=wrong, todo=todo
        )
        for code, wrong, todo in texts
    }


# fmt: off
_UNREADABLE = _rows(
    400, "never", Fault.CALLER,
    ("NOT_UTF8", "报文不是UTF-8编码。", "请以UTF-8编码重新生成报文后发送。"),
    ("TOO_DEEP", "报文JSON嵌套层数过多。", "请按接口规范的结构重新生成报文。"),
    ("MALFORMED_JSON", "报文不是合法的JSON。", "请检查引号、逗号和转义字符后重新发送。"),
    ("NOT_AN_ENVELOPE", "报文不是一个JSON对象。", "请按接口规范的请求报文格式发送。"),
)

_UNACCEPTABLE = _rows(
    200, "never", Fault.CALLER,
    ("UNKNOWN_TRANSACTION", "交易编号[{found}]不受支持。", "请核对infno和接口文档中的交易列表。"),
    ("INFNO_MISMATCH", "报文的交易编号[{found}]与请求地址[{expected}]不一致。",
     "请使报文infno与地址一致。"),
    ("FIELD_MISSING", "{where}不能为空[，应为：{expected}]。", "请补全该项后重新发送。"),
    ("FIELD_TYPE", "{where}类型不正确[，应为：{expected}][，收到：{found}]。",
     "请更正后重新发送。"),
    ("FIELD_TOO_LONG", "{where}超长[，应为：{expected}][，收到：{found}]。", "请缩短后重新发送。"),
    ("FIELD_FORMAT", "{where}格式不正确[，应为：{expected}][，收到：{found}]。",
     "请更正后重新发送。"),
    ("CODE_UNKNOWN", "{where}的代码值[{found}]不在字典中[，{expected}]。",
     "请按字典取值后重新发送。"),
    ("AMOUNT_NOT_FINITE", "{where}不是有效数值[，收到：{found}]。", "请填写普通数字后重新发送。"),
    ("AMOUNT_TOO_LARGE", "{where}数值过大[，应为：{expected}][，收到：{found}]。",
     "请核对金额、单价和数量后重新发送。"),
    ("AMOUNT_SCALE", "{where}小数位数过多[，应为：{expected}][，收到：{found}]。",
     "请按规定小数位四舍五入后重新发送。"),
    ("AMOUNT_NEGATIVE", "{where}不能为负数[，收到：{found}]。", "请核对后重新发送。"),
    ("LINES_NONE", "没有费用明细（{where}）[，应为：{expected}]。", "请至少上传一行明细。"),
    ("LINES_TOO_MANY", "{where}明细行数超限[，{expected}][，收到{found}行]。", "请分批上传。"),
    ("DUPLICATE_LINE", "{where}明细流水号重复[：{found}][，{expected}]。",
     "请为每行明细使用不同的流水号。"),
    ("BODY_KEY_MISSING", "报文已加密（enc_type），但未登记本机构的SM4密钥。",
     "请向{agency}登记密钥，或以明文发送。"),
    ("BODY_UNDECIPHERABLE", "报文input无法解密。", "请核对SM4密钥、分组模式、填充和密文编码。"),
    ("MESSAGE_CONFLICT", "该msgid已用于另一笔内容不同的业务[，不同之处：{part}]。",
     "请为新业务使用新的msgid；重发时请勿改动报文内容。"),
    ("MESSAGE_REVERSED", "该msgid已被冲正，不再受理。",
     "如需办理，请使用新的msgid重新发起。"),
    ("LINES_MISSING", "没有费用明细。", "请至少上传一行明细。"),
    ("TOTAL_MISMATCH", "医疗费总额[{declared_fen}元]与明细合计[{computed_fen}元]不一致。",
     "请核对明细后重新发送。"),
    ("LINE_AMOUNT_MISMATCH",
     "明细[{line_no}]金额[{declared_fen}元]与单价×数量[（{computed_fen}元）]不一致。",
     "请更正该行金额后重新发送。"),
    ("LINE_SIGN_MISMATCH", "明细[{line_no}]的数量与金额正负不一致。", "请更正该行后重新发送。"),
    ("QUANTITY_NOT_POSITIVE", "明细[{line_no}]的数量必须大于零。", "请更正该行数量后重新发送。"),
    ("PRICE_NEGATIVE", "明细[{line_no}]的单价不能为负数。", "退费请用负数量，单价保持为正。"),
    ("REFUND_EXCEEDS_CHARGES", "负数明细冲减后，合计小于零。", "请核对退费明细与原费用明细。"),
    ("ITEM_CODE_MALFORMED", "明细[{line_no}]的医疗目录编码[{item_code}]格式不正确。",
     "请使用国家医保目录编码。"),
    ("ITEM_NOT_IN_FORCE", "明细[{line_no}]的目录编码[{item_code}]在[{on}]费用日期无效。",
     "请更新目录后改用有效编码。"),
    ("ITEM_NOT_IN_CATALOGUE", "明细[{line_no}]的目录编码[{item_code}]不在医保目录内。",
     "请完成目录对照或改为自费结算。"),
)

_IDENTITY = _rows(
    200, "never", Fault.CALLER,
    ("PERSON_UNKNOWN", "查无此参保人员。", "请通过1101重新获取人员编号后再办理。"),
    ("CREDENTIAL_MISMATCH", "就诊凭证与人员编号不符。", "请核对就诊凭证类型、编号和人员编号。"),
    ("CREDENTIAL_CARD_SERIAL_MISSING", "使用社保卡时卡识别码（card_sn）不能为空。",
     "请重新读卡后再办理。"),
    ("TOKEN_UNKNOWN", "电子凭证令牌无效。", "请重新扫码获取电子凭证后再办理。"),
    ("TOKEN_EXPIRED", "电子凭证令牌已过期。", "请参保人刷新二维码，重新扫码后再办理。"),
    ("TOKEN_OTHER_INSTITUTION", "电子凭证令牌由其他机构获取，本机构不能使用。",
     "请在本机构重新扫码后再办理。"),
    ("IDENTITY_MISMATCH", "姓名/证件号码与参保信息不符[（{field_zh}）]。",
     "请核对本人证件后更正，勿代填。"),
    ("FAMILY_ACCOUNT_UNSUPPORTED", "本险种未开通家庭共济账户。", "请将个人账户使用标志改为0或1。"),
)

_ENTITLEMENT = _rows(
    200, "never", Fault.RULE,
    ("SCHEME_NOT_ENROLLED", "参保人未参加该险种[{value}][，已参加：{enrolled}]。",
     "请通过1101核对险种后再办理。"),
    ("NOT_ENROLLED", "参保人在费用日期未参加该险种[{value}]。", "请通过1101核对险种和参保日期。"),
    ("NOT_ENTITLED", "险种[{scheme}]当前不享受待遇[，原因：{reason}][，待遇开始：{benefit_from}]。",
     "请按自费结算，或到{agency}核实参保状态。"),
    ("CARE_TYPE_NOT_COVERED", "医疗类别[{value}]不在该险种支付范围。",
     "请核对med_type或按自费结算。"),
    ("PERSON_CATEGORY_NOT_COVERED", "人员类别[{value}]没有对应的待遇政策。", "请到{agency}核实。"),
    ("NO_POLICY", "险种[{value}]在[{on}]没有生效的待遇政策。", "请核对费用日期，或联系{agency}。"),
    ("DISEASE_MISSING", "医疗类别[{value}]须注明病种编码（dise_codg）。",
     "请在2203或2204中填写dise_codg后重新办理。"),
    ("DISEASE_NOT_FILED", "病种[{disease}]在[{on}]没有有效的门诊慢特病备案。",
     "请先用2503备案，或按普通门诊结算。"),
    ("DISEASE_FILED_ELSEWHERE",
     "病种[{disease}]的慢特病备案不在本机构[，备案机构：{institution}]。",
     "请到备案机构就医，或用2505（业务申请类型01）选定本机构。"),
    ("INSTITUTION_NOT_CHOSEN", "本机构不是参保人选定的定点机构[，已选定：{chosen}]。",
     "请到选定机构就医，或用2505（业务申请类型03）选定本机构后再办理。"),
    ("PERSON_SUSPENDED", "该参保人员已被暂停联网结算[，原因：{reason}]。",
     "请参保人到{agency}咨询。"),
    ("INSTITUTION_SUSPENDED", "本机构已被暂停联网结算[，原因：{reason}]。", "请联系{agency}。"),
    ("INSTITUTION_AGREEMENT_SUSPENDED", "本机构的服务协议已中止。", "请联系{agency}。"),
    ("INSTITUTION_AGREEMENT_NOT_IN_FORCE", "本机构在[{on}]没有有效的服务协议。",
     "请联系{agency}。"),
    ("INSTITUTION_CARE_TYPE_NOT_APPROVED", "本机构未开通该医疗类别[{value}]。",
     "请核对med_type，或向{agency}申请开通。"),
    ("INSTITUTION_NOT_OFF_SITE", "本机构未开通异地就医直接结算。",
     "请按自费办理，由参保人回参保地报销；需开通的，请联系{agency}。"),
    ("DOCTOR_NOT_REGISTERED", "医师[{value}]未在本机构登记[（明细{line_no}）]。",
     "请核对医师编码，或请{agency}登记该医师。"),
    ("DOCTOR_NOT_IN_FORCE", "医师[{value}]在[{on}]不是本机构在册的医师[（明细{line_no}）]。",
     "请核对医师编码和日期，或请{agency}更正登记。"),
    ("DOCTOR_OF_OTHER_KIND", "编码[{value}]登记为[{kind}]，不是医师[（明细{line_no}）]。",
     "请填写医师的编码，或请{agency}更正登记。"),
    ("FUND_SUSPENDED", "基金[{fund}]已被暂停支付[，原因：{reason}]。",
     "请稍后再办理，或联系{agency}。"),
    ("FEE_DATE_IN_FUTURE", "费用日期[{on}]晚于今天。", "请更正费用发生时间后重新发送。"),
    ("FEE_DATE_TOO_OLD", "费用日期[{on}]超过联网结算时限[{days_max}天]。",
     "请参保人到{agency}办理手工报销。"),
    ("CARE_TYPE_MISMATCH", "医疗类别或交易[{value}]与原业务[{described}]不一致。",
     "请按原业务的类别办理。"),
)

_ORDER = _rows(
    200, "never", Fault.CALLER,
    ("CLAIM_ALREADY_SETTLED", "该笔费用已结算[，结算ID：{setl_id}]，不能重复结算。",
     "请用5203查询该结算；如需重结请先撤销。"),
    ("SETTLEMENT_UNKNOWN", "查无此结算记录[（{setl_id}）]。", "请用5203核对结算ID。"),
    ("SETTLEMENT_OF_OTHER_PERSON", "该结算记录不属于此参保人员。", "请核对人员编号和结算ID。"),
    ("SETTLEMENT_OF_OTHER_INSTITUTION", "该结算记录不属于本机构。", "请到原结算机构办理。"),
    ("ALREADY_CANCELLED", "该结算已撤销[，撤销结算ID：{undone_by}]。",
     "无需再次撤销，可用5203核对。"),
    ("CANCEL_OF_CANCEL", "该结算ID是撤销记录，不能再撤销。", "如需结算请重新发起结算。"),
    ("LATER_SETTLEMENT_STANDS", "该参保人本年度之后还有结算[{setl_id}]未撤销。",
     "请按从后到前的顺序先撤销较晚的结算。"),
    ("CANCEL_WINDOW_PASSED", "该结算[（{settled_on}结算）]已超过撤销期限[，限{window}]。",
     "请参保人到{agency}办理退费。"),
    ("CANCEL_NOT_APPROVED", "撤销该结算[（{setl_id}）]须先办理退费备案。",
     "请向{agency}申请退费备案，备案后再撤销。"),
    ("VISIT_UNKNOWN", "查无此就诊登记[（{value}）]。", "请核对就诊ID或先办理登记。"),
    ("DATA_ERASED", "该业务的明细已超过保存期限，并已按规定删除。",
     "请凭留存的纸质单据向{agency}办理。"),
    ("VISIT_WITHDRAWN", "该就诊登记已撤销。", "请重新登记后再办理。"),
    ("VISIT_OF_OTHER_PERSON", "该就诊登记不属于此参保人员。", "请核对人员编号和就诊ID。"),
    ("VISIT_HAS_LINES", "该就诊下还有未撤销的费用明细。", "请先撤销明细：门诊用2205，住院用2302。"),
    ("VISIT_IS_NO_STAY", "就诊ID[{value}]不是住院登记。", "请核对就诊ID，门诊业务请使用22xx交易。"),
    ("VISIT_IS_STAY", "就诊ID[{value}]是住院登记。", "请核对就诊ID，住院业务请用23xx、24xx交易。"),
    ("ADMISSION_IN_FUTURE", "入院时间[{value}]晚于当前时间。", "请核对begntime。"),
    ("STAY_OVERLAPS", "参保人已有一次住院与本次重叠[，就诊ID：{mdtrt_id}]。",
     "请先办理该次住院的出院或入院撤销，或核对入院时间。"),
    ("STAY_OPEN", "参保人正在住院[，就诊ID：{mdtrt_id}]，该医疗类别不能同时结算。",
     "请在出院办理后结算，或计入住院费用。"),
    ("ALREADY_DISCHARGED", "该次住院已办理出院[，出院时间：{ended_at}]。",
     "如需更正，请先用2405撤销出院。"),
    ("NOT_DISCHARGED", "该次住院尚未办理出院。",
     "请先用2402办理出院；中途结算请将mid_setl_flag填1。"),
    ("DISCHARGE_TIME_WRONG", "出院时间[{value}]不在入院时间[{admitted}]与当前时间之间。",
     "请核对endtime。"),
    ("STAY_SETTLED", "该次住院已办理最终结算[，结算ID：{setl_id}]，不能再增加费用。",
     "如需补记，请先用2305撤销结算。"),
    ("STAY_HAS_NO_LINES", "该次住院没有未结算的费用明细。", "请先用2301上传费用明细。"),
    ("STAY_LINE_REPEATED", "费用明细流水号[{value}]在该次住院中已存在。",
     "重发请使用原msgid；新明细请使用新的流水号。"),
    ("STAY_LINE_UNKNOWN", "该次住院没有流水号为[{value}]的有效明细。", "请用5204核对后重新发送。"),
    ("STAY_LINE_SETTLED", "明细[{value}]已包含在结算中。",
     "请先用2305撤销结算，或上传负数明细冲减。"),
    ("STAY_LINE_TAKEN_BACK", "明细[{value}]已被退费明细[{by}]冲减。", "请同时撤销该退费明细。"),
    ("REFUND_LINE_UNNAMED", "退费明细[{line_no}]须为负数量并填写原费用流水号。",
     "请填写init_feedetl_sn，且cnt为负数。"),
    ("REFUND_ORIGINAL_UNKNOWN", "退费明细[{line_no}]的原费用流水号[{original}]不存在。",
     "请核对init_feedetl_sn。"),
    ("REFUND_ITEM_DIFFERS", "退费明细[{line_no}]的项目或单价与原明细[{original}]不同。",
     "请按原明细的编码和单价退费。"),
    ("REFUND_EXCEEDS_LINE", "退费明细[{line_no}]的数量超过原明细[{original}]的剩余数量。",
     "请核对退费数量。"),
    ("VISIT_SETTLED", "该就诊已结算[，结算ID：{setl_id}]。", "请先撤销结算后再办理。"),
    ("VISIT_NOT_DIAGNOSED", "该就诊尚未上传就诊和诊断信息。", "请先用2203上传就诊信息。"),
    ("LINES_OF_SEVERAL_VISITS", "一次只能上传同一就诊的费用明细。", "请按就诊ID分开上传。"),
    ("SCHEME_DIFFERS", "险种[{value}]与就诊登记的险种[{registered}]不一致。",
     "请按登记险种结算，或撤销登记后重新登记。"),
    ("BATCH_UNKNOWN", "查无此收费批次[（{value}）]的费用明细。",
     "请核对收费批次号或先上传明细。"),
    ("BATCH_SETTLED", "收费批次[{value}]已结算[，结算ID：{setl_id}]。",
     "请先撤销结算，或使用新的批次号。"),
    ("BATCH_LINE_REPEATED", "明细流水号[{value}]已上传。",
     "请使用新的流水号，或先用2205撤销原明细。"),
    ("BATCH_DISEASE_DIFFERS", "病种与该收费批次已上传明细的病种不一致。",
     "请使用相同病种，或另用收费批次号。"),
    ("QUOTE_STALE",
     "结算结果与预结算不一致[，预结算{declared_fen}元][，现为{computed_fen}元]。",
     "请重新预结算，确认后再结算。"),
    ("FILING_DATES_WRONG", "备案的结束日期[{ends_on}]早于开始日期[{begins_on}]。",
     "请核对begndate和enddate。"),
    ("FILING_INSTITUTION_UNKNOWN", "定点医药机构[{value}]不存在。", "请核对机构编号。"),
    ("FILING_OVERLAPS", "与已有备案重叠[，流水号：{filing_no}][，{begins_on}至{ends_on}]。",
     "请先撤销该备案，或更改起止日期。"),
    ("FILINGS_TOO_MANY", "该参保人的有效备案已达上限[{most}条]。", "请先撤销不再使用的备案。"),
    ("FILING_UNKNOWN", "查无此备案[（{filing_no}）]。",
     "请核对待遇申报明细流水号和交易编号。"),
    ("FILING_OF_OTHER_PERSON", "该备案不属于此参保人员。", "请核对人员编号和流水号。"),
    ("FILING_OF_OTHER_INSTITUTION", "该备案不是本机构办理的。", "请到原办理机构撤销。"),
    ("FILING_WITHDRAWN", "该备案已撤销。", "如需备案请重新办理。"),
    ("FILING_USED", "今天已有结算使用该备案[，结算ID：{setl_id}]。",
     "请先撤销该结算；或明天再撤销备案，已结算的不受影响。"),
    ("REVERSAL_NOT_SUPPORTED", "交易[{value}]不支持冲正。", "请使用该业务对应的撤销交易。"),
    ("REVERSAL_OF_CANCEL", "交易[{value}]是结算撤销，不能冲正。",
     "请用原msgid重发该撤销以取得结果；若不应撤销，请重新结算。"),
    ("REVERSAL_OF_CARRIED", "原交易由原系统办理[，本系统结算ID：{setl_id}]，不能冲正。",
     "请用结算撤销交易（2103、2208、2305）撤销该结算。"),
    ("REVERSAL_PERSON_DIFFERS", "冲正的人员编号与原交易不一致。", "请按原交易填写人员编号。"),
    ("REVERSAL_ALREADY_CANCELLED", "原交易已被撤销[（撤销结算ID：{undone_by}）]，不能冲正。",
     "无需再冲正。"),
    ("LIST_WITHOUT_SETTLEMENT", "结算清单未填写结算ID。",
     "请填写结算交易返回的setl_id后重新上传。"),
    ("LIST_OF_CANCELLED",
     "结算{setl_id}已撤销[，撤销结算ID：{undone_by}]，不能上传结算清单。",
     "请对有效的结算上传清单。"),
    ("LIST_AMOUNT_DIFFERS",
     "结算清单的{name_zh}{declared_fen}元与结算结果{computed_fen}元不一致。",
     "请用5203核对结算ID和金额后重新上传。"),
    ("SIGN_IN_UNKNOWN", "签到流水号[{value}]无效。", "请通过9001重新签到。"),
    ("MAPPING_UNKNOWN", "没有机构编码{own}对照到{item_code}的有效目录对照。",
     "请用1317核对后重新发送。"),
    ("MAPPING_DATES_WRONG", "目录对照{own}的结束日期早于开始日期。",
     "请核对begndate和enddate。"),
    ("MAPPING_OVERLAPS", "机构编码{own}在同一期间已对照到{mapped}，不能再对照到{item_code}。",
     "请先用3302撤销原对照，或调整日期。"),
    ("MAPPING_DIFFERS", "明细[{line_no}]的目录编码{item_code}与机构编码{own}的对照{mapped}不一致。",
     "请按对照填写med_list_codg，或用3301更正对照。"),
    ("ITEM_UNMAPPED", "明细[{line_no}]的机构编码{own}未做目录对照。",
     "请先用3301上传目录对照。"),
    ("TRACE_MISSING", "明细[{line_no}]缺少药品追溯码。", "请扫描每盒药品的追溯码后重新发送。"),
    ("TRACE_SOLD_BEFORE", "明细[{line_no}]的药品追溯码已售出。",
     "请核对药盒；退货请先撤销原结算，拆零销售请将trdn_flag填1。"),
    ("DICTIONARY_UNKNOWN", "没有字典类型{value}。", "请按字段名查询，如med_type、insutype。"),
    ("CATALOGUE_VERSION_UNKNOWN", "本平台没有目录版本[（{value}）][，当前为{version}]。",
     "请填本平台文件中的最大ver；首次下载或重新同步填v0000。"),
    ("PAGE_WRONG", "页码{number}或每页行数{size}不正确。",
     "页码从1开始，每页最多{rows_max}行。"),
    ("TRANSACTION_UNSUPPORTED", "本机构暂不能办理该交易[（{value}）]。", "请联系{agency}开通。"),
)

_RECONCILIATION = _rows(
    200, "never", Fault.CALLER,
    ("CLEARING_OFFICE_UNKNOWN", "结算经办机构[{value}]不是本平台的经办机构[{office}]。",
     "请按结算返回的clr_optins填写。"),
    ("PERIOD_WRONG", "对账日期[{begin}]至[{end}]不正确。",
     "起始日期不能晚于截止日期，且不超过{days_max}天。"),
    ("FILE_NOT_ZIP", "文件不是可读取的zip压缩包。", "请用zip（不加密）压缩后重新上传。"),
    ("FILE_NOT_ONE", "压缩包内应只有一个文本文件，实有{found}个。",
     "请只压缩一个txt文件后重新上传。"),
    ("FILE_TOO_LARGE", "压缩包解压后超过{limit}字节。", "请缩短对账日期，分次上传。"),
    ("FILE_NOT_UTF8", "文件第{row}行不是UTF-8编码。", "请将文本转为UTF-8编码后重新压缩上传。"),
    ("FILE_ROWS_TOO_MANY", "明细共{found}行，超过{limit}行。", "请缩短对账日期，分次对账。"),
    ("FILE_COLUMNS_WRONG", "文件第{row}行有{found}列，应为{expected}列。",
     "请以制表符分隔各列，值中不要含制表符。"),
    ("FILE_VALUE_WRONG", "文件第{row}行第{column}列（{name_zh}）的值[{found}]不正确。",
     "请更正后重新上传。"),
    ("FILE_ROW_REPEATED", "文件第{row}行的结算ID[{setl_id}]与第{earlier}行重复。",
     "每笔结算只列一行；撤销记录使用其自己的结算ID。"),
    ("FILE_TOTALS_DIFFER", "报文合计与文件明细不一致：{differences}。",
     "请核对文件是否完整后重新对账。"),
    ("FILE_UNKNOWN", "查无此文件[（{value}）]，或已过期。", "请核对文件查询号，或重新上传。"),
    ("FILE_OF_OTHER_INSTITUTION", "文件所属机构[{value}]不是本机构。", "请核对fixmedins_code。"),
    ("CLEARING_PERIOD_WRONG", "清算年月[{month}]与起止日期[{begin}]至[{end}]不符。",
     "起止日期须为该月第一天和最后一天。"),
    ("CLEARING_MONTH_OPEN", "清算年月[{month}]尚未结束。", "请在次月申请清算。"),
    ("CLEARING_TOTALS_DIFFER", "清算申请与中心数据不一致：{differences}。",
     "请用3201、3202对账后重新申请。"),
    ("CLEARING_ALREADY_APPLIED", "该月该清算类别已有清算申请[{application}]。",
     "如需更正，请先用3204撤销。"),
    ("CLEARING_APPLICATION_UNKNOWN", "查无此清算申请[（{value}）]。", "请核对clr_appy_evt_id。"),
    ("CLEARING_APPLICATION_CANCELLED", "清算申请[{value}]已撤销。", "无需再次撤销。"),
    ("CROSS_CITY_MONTH_WRONG", "清分年月[{value}]不正确。",
     "请填四位年份trt_year和01至12的月份trt_month。"),
    ("CROSS_CITY_START_WRONG", "开始行数[{value}]不正确。", "行数从{first}开始。"),
    ("CROSS_CITY_MONTH_OPEN", "清分年月[{month}]尚未结束。", "请在次月确认清分结果。"),
    ("CROSS_CITY_ROWS_TOO_MANY", "明细共{found}行，超过每次{limit}行。", "请分批确认。"),
    ("CROSS_CITY_COUNT_DIFFERS", "总行数[{declared}]与明细的{found}行不符。",
     "请核对明细是否完整。"),
    ("CROSS_CITY_ROW_REPEATED", "明细第{row}行的结算流水号[{value}]与第{earlier}行重复。",
     "每笔结算只列一行。"),
    ("CROSS_CITY_ROW_UNKNOWN", "明细第{row}行的结算流水号[{value}]不在本机构该月的清分明细中。",
     "请用3260重新提取后确认。"),
    ("CROSS_CITY_ROW_DIFFERS",
     "明细第{row}行（结算流水号[{value}]）与清分明细不一致：{difference}。",
     "请用3260重新提取后确认。"),
    ("CROSS_CITY_ALREADY_CONFIRMED",
     "明细第{row}行（结算流水号[{value}]）已确认[，交易流水号：{reference}]。",
     "如需更正，请先用3262回退。"),
    ("CROSS_CITY_NOTHING_CONFIRMED", "清分年月[{month}]没有可回退的确认。", "请核对清分年月。"),
    ("CROSS_CITY_CONFIRMATION_UNKNOWN", "该月查无此确认[（{value}）]。",
     "请填3261返回的inf_refmsgid和它的清分年月。"),
    ("CROSS_CITY_CONFIRMATION_WITHDRAWN", "确认[{value}]已回退。", "无需再次回退。"),
)

_LATER = _rows(
    200, "later", Fault.LIMIT,
    ("FILES_TOO_MANY", "本机构在平台上的文件过多[（上限{limit}个）]。",
     "请待旧文件到期（{days}天）后再试。"),
    ("LIST_FILE_TOO_LARGE", "目录文件[（{bytes}字节）]超过{limit}字节，暂不能下载。",
     "请联系{agency}处理后再下载。"),
    ("PERSON_CODE_UNDECODED", "医保码暂时无法识别[（{reason}）]，未结算，未收款。",
     "请稍后用同一order_no重新发送；仍失败可改用身份证号或社保卡办理。"),
)

_UNDER_WAY = _rows(
    200, "later", Fault.LIMIT,
    ("UNDERTAKING_OPEN", "该参保人有未完结结算。", "请稍候，用相同msgid重发。"),
    ("UNDERTAKING_LAPSED", "家庭共济支付未能及时完成，本次未结算，亲属账户已退还。",
     "请用相同msgid重发。"),
    ("FAMILY_CLAIM_CHANGED", "家庭共济支付期间参保信息或价格有变化，本次未结算。",
     "请用相同msgid重发。"),
)

_PAYING = _rows(200, "never", Fault.CALLER, *PAYING_ROWS) | _rows(
    400, "never", Fault.CALLER,
    ("SCAN_UNREADABLE", "请求内容无法解析[：{found}]。", "请按接口文档的字段和类型重新发送。"),
) | _rows(
    404, "never", Fault.CALLER,
    ("ORDER_UNKNOWN", "查无此订单。", "请核对order_no；如从未受理，可用该订单号重新发起。"),
) | _rows(
    409, "never", Fault.CALLER,
    ("ORDER_SETTLED", "该订单已结算，不能取消。", "请用退款（refund）。"),
)

_MOBILE = _rows(200, "never", Fault.CALLER, *MOBILE_ROWS) | _rows(
    400, "never", Fault.CALLER, MOBILE_UNREADABLE
)

_MY = _rows(200, "never", Fault.CALLER, *MY_ROWS) | _rows(
    401, "never", Fault.CALLER, *MY_UNAUTHENTICATED
)
_STAYS = _rows(200, "never", Fault.CALLER, *STAY_ROWS)
_HOME = _rows(200, "never", Fault.CALLER, *HOME_ROWS)
_REIMBURSEMENTS = _rows(200, "never", Fault.RULE, *REIMBURSEMENT_ROWS)
_REGIONS = (
    _rows(200, "never", Fault.CALLER, *REGION_ROWS)
    | _rows(200, "never", Fault.RULE, *REGION_RULE_ROWS)
    | _rows(200, "later", Fault.LIMIT, *REGION_LATER_ROWS)
    | _rows(200, "same_msgid", Fault.UNKNOWN, REGION_UNCLEAR_ROW)
)

_OURS = _rows(
    200, "same_msgid", Fault.OURS,
    ("INTERNAL", "平台内部错误，已报警。",
     "请用相同msgid重发以确认结果，勿换新msgid；仍失败请联系{agency}。"),
)

_UNAUTHENTICATED = _rows(
    401, "never", Fault.CALLER,
    ("HEADERS_MISSING", "缺少认证请求头[：{header}]。", "请按x-tif或CSB方式携带全部认证请求头。"),
    ("ACCESS_KEY_UNKNOWN", "接入标识不存在。",
     "请核对x-tif-paasid、_api_access_key或appId，接入标识由{agency}发放。"),
    ("CREDENTIAL_SUSPENDED", "接入凭证已被停用。", "请联系{agency}。"),
    ("TIMESTAMP_REFUSED", "请求时间戳超出允许范围[（±{window}秒）][，平台当前为{now}（{unit}）]。",
     "请校准本机时钟[，核对时间单位是否为{unit}]，重新签名后发送。"),
    ("SIGNATURE_WRONG", "签名不正确。", "请核对密钥和签名算法[：{header}应为{formula}]。"),
    ("NONCE_REUSED", "x-tif-nonce已用于另一份报文。", "请每次请求生成新的随机串并重新签名。"),
    ("INSTITUTION_NOT_YOURS", "报文机构编号与接入凭证所属机构不一致。", "请核对fixmedins_code。"),
    ("CAINFO_MISSING", "本机构的报文须有数字签名（cainfo）。",
     "请[按{signtype}]对报文签名，填写signtype和cainfo后发送。"),
    ("CAINFO_TYPE_WRONG", "签名类型（signtype）[{found}]与登记的密钥不符。",
     "请改用[{signtype}]登记的签名类型重新签名。"),
    ("CAINFO_WRONG", "数字签名（cainfo）验证不通过。",
     "请核对签名原文、用户标识、密钥和编码；签名后勿再改动报文。"),
    ("CAINFO_KEY_MISSING", "未登记本机构的签名公钥，无法验证cainfo。",
     "请向{agency}登记公钥，或不填cainfo和signtype。"),
)

_IMPORTS = _rows(
    400, "never", Fault.CALLER,
    ("IMPORT_OPTION_WRONG", "导入参数[{name}]不正确[，应为：{expected}]。",
     "请更正后重新签名发送。"),
    ("IMPORT_DIGEST_DIFFERS", "收到的文件与x-import-sha256不符，未受理。",
     "请重新计算文件的SHA-256，签名后重新发送。"),
) | _rows(
    401, "never", Fault.CALLER,
    ("IMPORT_HEADERS_MISSING", "缺少导入认证请求头[：{header}]。",
     "请携带x-import-key、x-import-timestamp、x-import-sha256和x-import-signature。"),
    ("IMPORT_KEY_UNKNOWN", "导入密钥标识不存在。",
     "请核对x-import-key，或向系统管理员申领导入密钥。"),
) | _rows(
    403, "never", Fault.CALLER,
    ("IMPORT_NOT_FOR_INSTITUTIONS", "定点医药机构的接入凭证不能用于导入。",
     "导入仅供医保经办机构使用，请改用导入密钥。"),
    ("IMPORT_KIND_NOT_ALLOWED", "该导入密钥不能导入此类数据[（{kind}）]。",
     "请使用有此权限的导入密钥。"),
) | _rows(
    404, "never", Fault.CALLER,
    ("IMPORT_JOB_UNKNOWN", "查无此导入任务[（{value}）]。", "请核对任务编号。"),
) | _rows(
    413, "never", Fault.CALLER,
    ("IMPORT_TOO_LARGE", "导入文件过大[，上限{limit}字节]。", "请拆分后分次导入。"),
) | _rows(
    415, "never", Fault.CALLER,
    ("IMPORT_FORMAT_UNKNOWN", "不支持的文件类型[{found}]。",
     "Content-Type请用text/csv、application/x-ndjson或xlsx的类型。"),
) | _rows(
    503, "later", Fault.LIMIT,
    ("IMPORTS_TOO_MANY", "等待导入的文件过多[（上限{limit}个）]，本次未受理。",
     "请按Retry-After等待后重发同一文件。"),
)

_HUB = (
    _rows(400, "never", Fault.CALLER, *HUB_UNREADABLE)
    | _rows(401, "never", Fault.CALLER, *HUB_UNPROVED)
    | _rows(413, "never", Fault.CALLER, HUB_TOO_LARGE)
)

_HTTP = _rows(
    404, "never", Fault.CALLER,
    ("NOT_FOUND", "地址不存在。", "请核对请求地址，交易地址为/hsa/hgs/交易编号，全部地址见/docs。"),
) | _rows(
    405, "never", Fault.CALLER,
    ("METHOD_NOT_ALLOWED", "该地址不支持此请求方法。", "请核对请求方法[，该地址用{allow}]。"),
) | _rows(
    413, "never", Fault.CALLER,
    ("BODY_TOO_LARGE", "报文过大[，上限{limit}字节]。", "请分批上传明细，或通过9101上传文件。"),
) | _rows(
    429, "later", Fault.LIMIT,
    ("TOO_MANY_AT_ONCE", "本机构同时提交的请求远多于其他机构，平台繁忙，本次未受理。",
     "请按Retry-After等待后用相同msgid重发，并检查程序是否在循环重发。"),
) | _rows(
    503, "later", Fault.LIMIT,
    ("OVERLOADED", "平台繁忙，本次未受理。", "请按Retry-After等待后用相同msgid重发。"),
    ("UNAVAILABLE", "平台暂时不可用，本次未受理。", "请按Retry-After等待后用相同msgid重发。"),
) | _rows(
    503, "same_msgid", Fault.UNKNOWN,
    ("OUTCOME_UNKNOWN", "结果暂不能确定。",
     "请用相同msgid和相同内容重发以取得结果，切勿换用新msgid。"),
)
# fmt: on

REFUSALS: dict[str, Row] = {
    **_UNREADABLE,
    **_UNACCEPTABLE,
    **_IDENTITY,
    **_ENTITLEMENT,
    **_ORDER,
    **_STAYS,
    **_RECONCILIATION,
    **_LATER,
    **_UNDER_WAY,
    **_PAYING,
    **_MOBILE,
    **_MY,
    **_HOME,
    **_REIMBURSEMENTS,
    **_REGIONS,
    **_OURS,
    **_UNAUTHENTICATED,
    **_IMPORTS,
    **_HUB,
    **_HTTP,
}
"""Code → row. The code is public and stable."""
