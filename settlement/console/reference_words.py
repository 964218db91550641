"""Words of the reading pages in both languages: codes of institutions and catalogue, states of
bills, filings and notices."""

from __future__ import annotations

from collections.abc import Mapping

from protocol.hub.messages import Kind as PaperKind
from protocol.nhsa.dictionary import LISTS
from settlement.books.bill import BillKind
from settlement.books.monthly_statement import PERSON_TYPES
from settlement.books.settlement_sheet import CHARGE_KINDS
from settlement.console.words import Words
from settlement.elsewhere.off_site import OffSiteKind
from settlement.elsewhere.regional_clearing import STATE_ZH as REGION_STATE_ZH
from settlement.elsewhere.regional_clearing import Act as RegionAct
from settlement.elsewhere.regional_clearing import State as RegionState
from settlement.elsewhere.regional_matching import Class as RegionClass
from settlement.elsewhere.regional_prepayment import ALARM_ZH, Alarm, PrepaidAct
from settlement.finance.bill_calendar import Standing
from settlement.outbox import SMS_GATEWAY
from settlement.outbox import Kind as NoticeKind
from settlement.people.filing import FilingKind
from settlement.people.matter_states import Happening, MatterKind

_PERSON_TYPES_EN = {
    "11": "working", "1101": "employee", "1102": "civil servant", "1103": "working freely",
    "12": "retired", "1201": "retired employee", "1202": "retired civil servant",
    "1203": "retired, worked freely", "13": "veteran cadre",
    "1300": "veteran cadre", "14": "resident, minor", "1401": "newborn",
    "1402": "below school age", "1403": "pupil", "1404": "student", "1405": "minor, no school",
    "15": "resident, adult", "1501": "resident, adult", "16": "resident, old",
}  # fmt: skip
PERSON_CATEGORIES: Mapping[str, Words] = {
    code: Words(zh, _PERSON_TYPES_EN[code]) for code, zh in PERSON_TYPES.items()
}
HOSPITAL_LEVELS: Mapping[str, Words] = {
    "1": Words("三级特等", "tertiary, special"), "2": Words("三级甲等", "tertiary A"),
    "3": Words("三级乙等", "tertiary B"), "4": Words("三级丙等", "tertiary C"),
    "5": Words("二级甲等", "secondary A"), "6": Words("二级乙等", "secondary B"),
    "7": Words("二级丙等", "secondary C"), "8": Words("一级甲等", "primary A"),
    "9": Words("一级乙等", "primary B"), "10": Words("一级丙等", "primary C"),
    "11": Words("无等级", "no level"), "12": Words("三级无等", "tertiary, no grade"),
    "13": Words("二级无等", "secondary, no grade"), "14": Words("一级无等", "primary, no grade"),
}  # fmt: skip
DEDUCTIBLE_LEVELS: Mapping[str, Words] = {
    "1": Words("一级及以下", "primary and below"), "2": Words("二级", "secondary"),
    "3": Words("三级", "tertiary"), "4": Words("其他", "other"), "9": Words("未定级", "none"),
}  # fmt: skip
ITEM_CLASSES: Mapping[str, Words] = {
    "01": Words("甲类", "class A"), "02": Words("乙类", "class B"), "03": Words("丙类", "class C"),
}  # fmt: skip
_CHARGES_EN = (
    "bed", "consultation", "examination", "laboratory", "treatment", "surgery", "nursing",
    "materials", "western medicine", "herbal pieces", "Chinese patent medicine",
    "general treatment", "registration", "other",
)  # fmt: skip
CHARGES: Mapping[str, Words] = {
    code: Words(zh, en)
    for (code, zh), en in zip(sorted(CHARGE_KINDS.items()), _CHARGES_EN, strict=True)
}
_LISTS_EN = {
    "101": "medicines", "102": "herbal pieces", "103": "own preparations",
    "104": "ethnic medicines", "105": "other", "106": "herbal granules", "201": "services",
    "301": "materials",
}  # fmt: skip
LIST_TYPES: Mapping[str, Words] = {
    code: Words(name, _LISTS_EN.get(code, code)) for code, name in LISTS["list_type"].labels.items()
}
REGION_DIFFERENCES: Mapping[RegionClass, Words] = {
    RegionClass.AMOUNT: Words("金额不符", "amount"),
    RegionClass.KIND: Words("正负不符", "settled on one side, taken back on the other"),
    RegionClass.ONLY_OURS: Words("仅本方有", "only ours"),
    RegionClass.ONLY_THEIRS: Words("仅对方有", "only theirs"),
    RegionClass.HUB_AMOUNT: Words("平台金额不符", "the hub has another amount"),
    RegionClass.HUB_LACKS: Words("平台无记录", "the hub lacks it"),
    RegionClass.ONLY_HUB: Words("仅平台有", "only the hub has it"),
}
"""What regions and the hub do not agree on; the other classes are no differences."""
BILL_STANDINGS: Mapping[Standing, Words] = {
    Standing.MISSING: Words("缺", "missing"),
    Standing.REFUSED: Words("拒收", "refused"),
    Standing.RECEIVED: Words("已收", "received"),
    Standing.LATE: Words("迟到", "late"),
    Standing.DUE: Words("未到期", "not due yet"),
}
BILL_KINDS: Mapping[BillKind, Words] = {
    BillKind.TRADE: Words("交易账单", "payments and refunds"),
    BillKind.FUNDS: Words("资金账单", "fund flow"),
}
FILING_KINDS: Mapping[FilingKind, Words] = {
    FilingKind.TRANSFER: Words("转院", "transfer"),
    FilingKind.CHRONIC: Words("门诊慢特病", "chronic disease"),
    FilingKind.CHOSEN: Words("选定定点机构", "chosen institution"),
    FilingKind.OFF_SITE: Words("异地就医", "care outside"),
}
FILING_STATES: Mapping[str, Words] = {
    "stands": Words("有效", "stands"),
    "coming": Words("未生效", "not yet"),
    "over": Words("已到期", "over"),
    "withdrawn": Words("已撤销", "withdrawn"),
    "any": Words("全部", "all"),
}
OFF_SITE_KINDS: Mapping[OffSiteKind, Words] = {
    OffSiteKind.RETIRED: Words("异地安置退休人员", "settled elsewhere in retirement"),
    OffSiteKind.RESIDENT: Words("异地长期居住人员", "lives elsewhere"),
    OffSiteKind.POSTED: Words("常驻异地工作人员", "posted elsewhere"),
    OffSiteKind.REFERRAL: Words("异地转诊人员", "referred"),
    OffSiteKind.EMERGENCY: Words("异地急诊抢救人员", "emergency"),
    OffSiteKind.OTHER: Words("其他临时外出就医人员", "other temporary"),
}
MATTER_KINDS: Mapping[MatterKind, Words] = {
    MatterKind.OFF_SITE: Words("异地就医备案", "filing of care outside"),
    MatterKind.AUTHORISATION: Words("代办授权", "authorisation"),
    MatterKind.TRANSFER_OUT: Words("个人账户转出", "account out"),
    MatterKind.TRANSFER_IN: Words("个人账户转入", "account in"),
    MatterKind.REIMBURSEMENT: Words("手工报销预受理", "reimbursement, told in advance"),
}
MATTER_STEPS: Mapping[Happening, Words] = {
    Happening.APPLIED: Words("待经办审核", "waits for a clerk"),
    Happening.TAKEN_OUT: Words("待银行付讫", "waits for the bank"),
}
"""Of matters that wait; what is at its end is on no list."""
NOTICE_KINDS: Mapping[NoticeKind, Words] = {
    NoticeKind.MOBILE: Words("移动支付通知", "mobile payment"),
    NoticeKind.WEBHOOK: Words("扫码收款通知", "scan-to-pay"),
    NoticeKind.SMS: Words("个人短信", "message to a person"),
}
_MATTER_HAPPENINGS: Mapping[Happening, Words] = {
    Happening.APPLIED: Words("已受理", "applied"), Happening.ACCEPTED: Words("已通过", "accepted"),
    Happening.REFUSED: Words("未通过", "refused"),
    Happening.CANCELLED: Words("已撤销", "cancelled"),
    Happening.ENDED: Words("已终止", "ended"), Happening.TAKEN_OUT: Words("已扣划", "taken out"),
    Happening.PAID: Words("已到账", "paid"), Happening.RETURNED: Words("已退回", "returned"),
}  # fmt: skip
TOPICS: Mapping[str, Words] = {
    "6204": Words("订单信息同步", "an order"),
    "6302": Words("结算结果通知", "its settlement"),
    "payment.settled": Words("收款成功", "payment settled"),
    "payment.closed": Words("收款关闭", "payment closed"),
    "refund.returned": Words("退款成功", "refund returned"),
    "refund.due": Words("退款待人工", "refund due"),
    **{
        f"{kind.name.lower()}.{happening.name.lower()}": Words(f"{one.zh}{two.zh}",
                                                               f"{one.en}: {two.en}")
        for kind, one in MATTER_KINDS.items()
        for happening, two in _MATTER_HAPPENINGS.items()
    },
}  # fmt: skip
"""What a notice is about."""
RECEIVERS: Mapping[str, Words] = {SMS_GATEWAY: Words("短信网关", "message gateway")}
"""Who is told and is no institution."""
AGREEMENTS: Mapping[str, Words] = {
    "open": Words("正常", "open"),
    "stopped": Words("已停用", "stopped"),
    "suspended": Words("协议中止", "suspended"),
    "coming": Words("协议未生效", "agreement not begun"),
    "over": Words("协议已到期", "agreement is over"),
}
READING_ACTIONS: Mapping[str, Words] = {
    "console.download-bill": Words("下载账单", "downloaded a bill"),
    "console.download-region-legs": Words("下载异地清算明细", "downloaded rows of a region"),
    "console.download-region-paper": Words("下载异地清算文件", "downloaded papers for a region"),
    "console.region-try": Words("试算异地申报", "tried what can be stated"),
    "console.region-state": Words("异地清算申报", "stated a month with regions"),
    "console.region-check": Words("试收异地清算文件", "looked at a paper of a region"),
    "console.region-take": Words("收下异地清算文件", "took a paper of a region"),
    "console.region-object": Words("异地清算提出异议", "disputed rows of a region"),
    "console.region-withdraw": Words("异地清算撤回异议", "withdrew objections"),
    "console.region-postpone": Words("异地清算延期", "postponed rows of a region"),
    "console.region-confirm": Words("异地清算确认", "confirmed a month with a region"),
    "console.region-send": Words("异地清算文件交付平台", "sent papers over the wire"),
    "console.region-notify": Words("登记异地收付通知", "kept a notice of a region"),
    "console.region-propose": Words("提出异地收付", "proposed money with a region"),
    "console.region-settle": Words("异地收付入账", "booked money with a region"),
    "console.region-close": Words("关闭异地清算", "closed a month with a region"),
    "console.region-prepaid-quota": Words("核定异地预付金额度", "fixed a prepayment's quota"),
    "console.region-prepaid-try": Words("试算异地预付金额度", "tried a prepayment's quota"),
    "console.region-prepaid-propose": Words("提出异地预付金收付", "proposed a prepayment"),
    "console.region-prepaid-confirm": Words("异地预付金入账", "booked a prepayment"),
    "console.region-day-propose": Words("提出结束地区间差异", "proposed to end differences"),
    "console.region-day-send-back": Words("退回地区间差异", "sent differences back"),
    "console.region-day-confirm": Words("结束地区间差异", "ended differences with a region"),
    "console.list-filings": Words("查看备案清单", "saw a list of filings"),
    "console.view-filing": Words("查看备案", "saw a filing"),
    "console.search-filings": Words("按证件查备案", "searched filings by certificate"),
    "bill.taken": Words("收账单", "took a bill"),
    "approve-cancel": Words("批准退费", "cancel approved"),
    "withdraw-approval": Words("收回退费批准", "approval withdrawn"),
    "certify-identity": Words("登记本方证书", "our certificate kept"),
    "new-identity": Words("生成本方密钥", "our keys made"),
    "keep-key": Words("登记接入密钥", "access key kept"),
    "remove-keys": Words("取消密钥", "keys removed"),
    "issue-import-key": Words("发放导入密钥", "import key issued"),
    "open-matter": Words("代开办件", "matter opened"),
    "rule-matter": Words("审核办件", "matter ruled on"),
    "propose": Words("提出办件付款", "payment of a matter proposed"),
    "confirm": Words("确认办件付款", "payment of a matter confirmed"),
    "my-read": Words("代他人查看", "read for somebody else"),
    "reconcile-region": Words("地区间对账", "compared with a region"),
    **{
        f"{verb}-{kind}": Words(f"{verb_zh}{kind_zh}", f"{verb_en} {kind_en}")
        for verb, verb_zh, verb_en in (
            ("receive", "接收导入文件：", "received"), ("import", "导入", "imported"),
            ("propose", "提交导入", "proposed import of"),
        )
        for kind, kind_zh, kind_en in (
            ("persons", "参保人", "persons"), ("items", "目录", "catalogue items"),
            ("lists", "编码目录", "code lists"), ("institutions", "机构", "institutions"),
            ("staff", "医护人员", "staff"), ("counterparts", "对方统筹区", "other regions"),
            ("payables", "期初应付", "opening payables"), ("stays", "期初在院", "open stays"),
            ("settlements", "期初结算", "old settlements"),
        )
    },
    "import-persons-done": Words("参保人导入完毕", "persons all imported"),
}


def percent(ratio_bp: int) -> str:
    """1000 → 10%; 1250 → 12.5%."""
    whole, rest = divmod(ratio_bp, 100)
    return f"{whole}.{rest:02d}".rstrip("0").rstrip(".") + "%"

REGION_STATES: Mapping[RegionState, Words] = {
    state: Words(zh, state.value) for state, zh in REGION_STATE_ZH.items()
}
REGION_ACTS: Mapping[RegionAct, Words] = {
    RegionAct.STATE: Words("申报", "stated"), RegionAct.OBJECT: Words("提出异议", "objected"),
    RegionAct.ANSWER: Words("处理部分异议", "some objections settled"),
    RegionAct.POSTPONE: Words("延期", "postponed"),
    RegionAct.WITHDRAW: Words("撤回异议", "objection withdrawn"),
    RegionAct.CONFIRM: Words("确认", "confirmed"),
    RegionAct.NOTIFY: Words("登记通知", "notice kept"),
    RegionAct.PROPOSE: Words("提出收付", "money proposed"),
    RegionAct.PAY: Words("付款入账", "paid"), RegionAct.RECEIVE: Words("收款入账", "received"),
    RegionAct.CLOSE: Words("关闭", "closed"), RegionAct.JOIN: Words("补收清算表", "joined"),
}  # fmt: skip
REGION_NEXT: Mapping[RegionState, Words] = {
    RegionState.OPEN: Words("申报或接收清算表", "state it, or take theirs"),
    RegionState.STATED: Words("核对明细后确认", "check the rows, then confirm"),
    RegionState.OBJECTED: Words("处理异议：撤回或延期", "settle objections: withdraw or postpone"),
    RegionState.POSTPONED: Words("确认其余明细", "confirm the others"),
    RegionState.CONFIRMED: Words("登记收付通知", "keep the notice"),
    RegionState.NOTIFIED: Words("收付，两人办理", "money, by two people"),
    RegionState.PAID: Words("关闭", "close"), RegionState.RECEIVED: Words("关闭", "close"),
    RegionState.CLOSED: Words("—", "–"),
}  # fmt: skip
"""What somebody does next."""
PREPAID_ACTS: Mapping[PrepaidAct, Words] = {
    PrepaidAct.QUOTA: Words("核定额度", "quota fixed"),
    PrepaidAct.PROPOSE_IN: Words("提出拨付", "money in proposed"),
    PrepaidAct.IN: Words("拨付入账", "money in"),
    PrepaidAct.PROPOSE_BACK: Words("提出退回", "money back proposed"),
    PrepaidAct.BACK: Words("退回入账", "money back"),
}
PAPER_KINDS: Mapping[PaperKind, Words] = {
    PaperKind.STATEMENT: Words("清算表", "statement"), PaperKind.ANSWER: Words("答复", "answer"),
    PaperKind.NOTICE: Words("通知", "notice"),
}  # fmt: skip
ALARMS: Mapping[Alarm, Words] = {
    alarm: Words(zh, {Alarm.NONE: "normal"}.get(alarm, f"{alarm.value} alarm"))
    for alarm, zh in ALARM_ZH.items()
}
