"""The console's words: Chinese first, English beside it, always both.

Pages write theirs where they are used; here are those of closed sets that several pages show, and
how money and time are written.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from ledger.money import yuan_text
from protocol.nhsa.dictionary import LISTS
from protocol.nhsa.registry import TRANSACTIONS as SERVED
from settlement.books.channel_matching import Class
from settlement.books.difference_states import Act, Correction
from settlement.books.difference_states import State as DifferenceState
from settlement.books.institution_matching import INSTITUTION
from settlement.books.money_in import Act as MoneyAct
from settlement.books.money_in import State as MoneyState
from settlement.books.month_states import MonthAct, MonthState
from settlement.books.payout import Act as PayoutAct
from settlement.books.payout import Kind
from settlement.books.payout import State as PayoutState
from settlement.books.reimbursement import ACT_ZH, STATE_ZH
from settlement.books.reimbursement import Act as ReimbursementAct
from settlement.books.reimbursement import State as Reimbursed
from settlement.chart import EntryCode
from settlement.clock import local_time
from settlement.console.rights import Role
from settlement.outbox import Came
from settlement.payments.payment_states import Happening, State
from settlement.rows import RowKind


class Words(NamedTuple):
    """The same in both languages."""

    zh: str
    en: str

    def told(self, language: str) -> str:
        """In one of them."""
        return self.en if language == "en" else self.zh


ROLES: Mapping[Role, Words] = {
    Role.CLERK: Words("经办", "clerk"),
    Role.SUPERVISOR: Words("复核主管", "supervisor"),
    Role.AUDITOR: Words("审计", "auditor"),
    Role.OPERATOR: Words("运维", "operator"),
    Role.INSTITUTION: Words("机构财务", "institution finance"),
}
ROW_KINDS: Mapping[int, Words] = {
    RowKind.SETTLE: Words("结算", "settlement"),
    RowKind.CANCEL: Words("撤销", "cancel"),
    RowKind.REVERSE: Words("冲正", "reversal"),
}
STATES: Mapping[State, Words] = {
    State.WAITING: Words("待出示付款码", "waits for a code"),
    State.COLLECTING: Words("收款结果待确认", "outcome not known"),
    State.CONFIRMING: Words("待付款人确认", "payer must confirm"),
    State.CHANGING: Words("更换支付方式", "payer changes the channel"),
    State.UNDOING: Words("撤销中", "being undone"),
    State.RETURNING: Words("退款中", "being refunded"),
    State.REFUND_DUE: Words("待人工退款", "to be given back by people"),
    State.SETTLED: Words("已结算", "settled"),
    State.CLOSED: Words("已关闭", "closed"),
    State.RETURNED: Words("已退款", "refunded"),
}
HAPPENINGS: Mapping[Happening, Words] = {
    Happening.ATTEMPTED: Words("发起", "begun"),
    Happening.PAID: Words("渠道已收款", "paid at the channel"),
    Happening.MISPAID: Words("渠道收款金额不符", "another amount was paid"),
    Happening.CONFIRM: Words("待确认", "to be confirmed"),
    Happening.UNCLEAR: Words("结果未明", "not clear"),
    Happening.REFUSED: Words("渠道拒绝", "refused by the channel"),
    Happening.GIVEN_UP: Words("放弃收款", "given up"),
    Happening.UNDONE: Words("已撤销", "undone"),
    Happening.NOT_UNDONE: Words("渠道不能撤销", "cannot be undone"),
    Happening.SURPLUS: Words("多收", "surplus came"),
    Happening.RETURNED: Words("渠道已退款", "refunded by the channel"),
    Happening.RETURN_REFUSED: Words("渠道拒绝退款", "refund refused"),
    Happening.RETRIED: Words("人工重试", "tried again by hand"),
    Happening.GIVEN_BACK: Words("线下退款", "given back by hand"),
    Happening.TAKEN_BACK: Words("退货", "taken back"),
    Happening.INVITED: Words("邀请手机支付", "asked to pay on the phone"),
    Happening.CHANGED: Words("更换支付方式", "another channel chosen"),
    Happening.SHARED: Words("参保地已结算，待付余款", "shared by another region, rest awaited"),
}
CHANNELS: Mapping[str, Words] = {
    "wechat": Words("微信支付", "WeChat Pay"),
    "alipay": Words("支付宝", "Alipay"),
    "unionpay": Words("银联", "UnionPay"),
    "onecode": Words("一码付", "one code"),
    INSTITUTION: Words("机构对账", "institution's file"),
}
CAME: Mapping[str, Words] = {
    Came.DELIVERED: Words("已送达", "delivered"),
    Came.REFUSED: Words("对方未接收", "not taken"),
    Came.STRANGE: Words("应答不可信", "answer not trusted"),
    Came.SILENT: Words("无应答", "no answer"),
    Came.NOBODY: Words("无法发送", "nobody to send to"),
}
ENTRY_CODES: Mapping[int, Words] = {
    EntryCode.SETTLEMENT: Words("结算入账", "settlement"),
    EntryCode.CANCEL: Words("撤销入账", "cancel"),
    EntryCode.REVERSAL: Words("冲正入账", "reversal"),
    EntryCode.FAMILY_HELD: Words("共济冻结", "relative's account held"),
    EntryCode.FAMILY_PAID: Words("共济支付", "relative's account paid"),
    EntryCode.FAMILY_RELEASED: Words("共济解冻", "relative's account released"),
    EntryCode.FAMILY_RETURNED: Words("共济退回", "returned to a relative"),
    EntryCode.HOLD: Words("预占", "hold"),
    EntryCode.PLAIN_SALE: Words("自费销售", "sale without insurance"),
    EntryCode.COLLECTED: Words("渠道收款", "collected by the channel"),
    EntryCode.REST_COLLECTED: Words("异地余款改由渠道收取", "rest of a stranger's, by a channel"),
    EntryCode.OWED_BACK: Words("应退", "to be given back"),
    EntryCode.GIVEN_BACK: Words("已退款", "given back"),
    EntryCode.GIVEN_BACK_BY_HAND: Words("线下退款", "given back by hand"),
    EntryCode.DIFFERENCE_MADE_UP: Words("差异补记", "difference made up"),
    EntryCode.DIFFERENCE_REFUNDED: Words("差异补退", "difference refunded"),
    EntryCode.DIFFERENCE_VOIDED: Words("差异撤记", "difference voided"),
    EntryCode.DIFFERENCE_WRITTEN_OFF: Words("差异转待处理", "difference written off"),
    EntryCode.CHANNEL_FEE: Words("渠道手续费", "channel fee"),
    EntryCode.CHANNEL_FEE_CORRECTED: Words("手续费更正", "channel fee corrected"),
    EntryCode.PAYOUT_DEDUCTED: Words("审核扣款", "deducted by audit"),
    EntryCode.QUALITY_DEPOSIT: Words("质保金预留", "quality deposit withheld"),
    EntryCode.QUALITY_DEPOSIT_ENDED: Words("质保金处理", "quality deposit ended"),
    EntryCode.INSTITUTION_PREPAID: Words("预付", "institution prepaid"),
    EntryCode.PREPAYMENT_USED: Words("预付抵扣", "prepayment used"),
    EntryCode.PAYMENT_METHOD_DIFFERENCE: Words("支付方式差额", "payment method difference"),
    EntryCode.PAYOUT_ORDERED: Words("下达拨付", "payout ordered"),
    EntryCode.PAYOUT_PAID: Words("拨付付讫", "payout paid"),
    EntryCode.PAYOUT_RETURNED: Words("拨付退汇", "payout returned"),
    EntryCode.INSTITUTION_REPAID: Words("机构欠款缴回", "institution paid its debt back"),
    EntryCode.FUND_PAYER_OWES: Words("应由付款单位承担", "owed by the fund's payer"),
    EntryCode.FUND_PAYER_PAID: Words("付款单位拨入", "the fund's payer paid"),
    EntryCode.DEPOSIT: Words("住院预交金", "deposit of a stay"),
    EntryCode.DEPOSIT_HANDED_BACK: Words("预交金退现", "deposit handed back"),
    EntryCode.ACCOUNT_TAKEN_OUT: Words("个人账户转出", "account taken out"),
    EntryCode.ACCOUNT_PAID_OUT: Words("转出付讫", "account paid out"),
    EntryCode.ACCOUNT_PUT_BACK: Words("转出退汇", "account put back"),
    EntryCode.ACCOUNT_TAKEN_IN: Words("个人账户转入", "account taken in"),
    EntryCode.ACCOUNT_SENT_BACK: Words("转入退回", "account sent back"),
    EntryCode.REGION_HOLD: Words("异地预占", "held for another region"),
    EntryCode.TREATED_ELSEWHERE: Words("异地就医支付", "treated in another region"),
    EntryCode.REIMBURSED: Words("手工报销", "reimbursement"),
    EntryCode.REIMBURSEMENT_ORDERED: Words("报销下达支付", "reimbursement ordered"),
    EntryCode.REIMBURSEMENT_PAID: Words("报销付讫", "reimbursement paid"),
    EntryCode.REIMBURSEMENT_RETURNED: Words("报销退汇", "reimbursement sent back"),
    EntryCode.MOBILE_COLLECTED: Words("移动支付收款", "own part of a mobile order collected"),
    EntryCode.MOBILE_GIVEN_BACK: Words("移动支付退款", "own part of a mobile order given back"),
    EntryCode.MOBILE_HOLD: Words("移动支付预占", "hold of a mobile order"),
}
ENTRY_KINDS: Mapping[int, Words] = {
    1: Words("记账", "booked"),
    2: Words("待定", "pending"),
    3: Words("确认", "posted"),
    4: Words("作废", "voided"),
}
SUBJECTS: Mapping[str, Words] = {
    "person": Words("参保人", "person"),
    "institution": Words("定点机构", "institution"),
    "channel": Words("支付渠道", "payment channel"),
    "fund": Words("基金", "fund"),
    "credential": Words("接入凭证", "credential"),
}
INSTITUTION_KINDS: Mapping[str, Words] = {
    "hospital": Words("医疗机构", "hospital"),
    "pharmacy": Words("零售药店", "pharmacy"),
}
SCHEMES: Mapping[str, Words] = {
    code: Words(name, code) for code, name in LISTS["insutype"].labels.items()
} | {
    "310": Words("职工基本医疗保险", "employees"),
    "390": Words("城乡居民基本医疗保险", "residents"),
}
CARE: Mapping[str, Words] = {
    code: Words(name, code) for code, name in LISTS["med_type"].labels.items()
} | {
    "11": Words("普通门诊", "ordinary outpatient"),
    "21": Words("普通住院", "ordinary inpatient"),
    "41": Words("定点药店购药", "pharmacy"),
}
"""What has no English name is shown by its code there."""
TRANSACTIONS: Mapping[str, Words] = {
    one.infno: Words(one.title, one.title_en) for one in SERVED.values()
} | {
    "HUB": Words("异地就医", "treated in another region"),
    "SCAN": Words("扫码收款", "scan-to-pay"),
    "REFUND": Words("扫码退款", "refund of scan-to-pay"),
}
ACTIONS: Mapping[str, Words] = {
    "console.sign-in": Words("登录", "signed in"),
    "console.sign-in-failed": Words("登录失败", "sign-in failed"),
    "console.sign-out": Words("退出", "signed out"),
    "console.sign-out-everywhere": Words("退出所有登录", "signed out everywhere"),
    "console.change-password": Words("修改密码", "changed the password"),
    "console.password-refused": Words("修改密码被拒", "password not changed"),
    "console.second-factor-on": Words("启用动态口令", "second factor on"),
    "console.second-factor-off": Words("停用动态口令", "second factor off"),
    "console.denied": Words("越权被拒", "not allowed"),
    "console.form-refused": Words("表单被拒", "form refused"),
    "console.action-refused": Words("操作被拒", "action refused"),
    "console.search": Words("按编号查询", "searched by number"),
    "console.search-person": Words("按证件查询", "searched by certificate"),
    "console.view-person": Words("查看个人", "saw a person"),
    "console.view-settlement": Words("查看结算", "saw a settlement"),
    "console.view-clearing": Words("查看清算账户", "clearing accounts seen"),
    "console.view-difference": Words("查看差异", "difference seen"),
    "console.view-payment": Words("查看收款", "saw a payment"),
    "console.view-statement": Words("查看对账单", "saw a statement"),
    "console.download-statement": Words("下载对账单", "downloaded a statement"),
    "console.view-sheet": Words("查看结算单", "saw a settlement sheet"),
    "console.print-sheet": Words("打印结算单", "printed a settlement sheet"),
    "console.check-sheet": Words("核验结算单", "checked a settlement sheet"),
    "console.view-audit": Words("查看审计", "saw the audit"),
    "console.add-user": Words("新增用户", "added a user"),
    "console.lock-user": Words("锁定用户", "locked a user"),
    "console.unlock-user": Words("解锁用户", "unlocked a user"),
    "console.reset-user": Words("重置用户", "reset a user"),
    "console.change-role": Words("更改角色", "changed a role"),
    "console.month-days": Words("日结", "had days closed"),
    "console.payout-state": Words("核定拨付", "stated a payout period"),
    "console.payout-confirm": Words("确认应拨", "confirmed payouts"),
    "console.payout-propose": Words("提出拨付", "proposed payouts"),
    "console.payout-order": Words("下达拨付", "ordered payouts"),
    "console.payout-close": Words("关闭拨付", "closed payouts"),
    "console.payout-adjust": Words("提出拨付调整", "proposed adjustments"),
    "console.payout-deposits": Words("提出质保金返还", "proposed to give deposits back"),
    "console.payout-batch": Words("确认拨付调整", "confirmed adjustments"),
    "console.payout-withdraw": Words("撤回拨付调整", "withdrew an adjustment"),
    "console.payout-bank-read": Words("读入银行回单", "read a bank statement in"),
    "console.payout-bank-book": Words("确认银行回单", "confirmed a bank statement"),
    "console.account-propose": Words("提出收款账户", "proposed a payee account"),
    "console.account-confirm": Words("确认收款账户", "confirmed a payee account"),
    "console.view-payout": Words("查看拨付", "saw a payout"),
    "console.view-account": Words("查看收款账户", "saw a payee account"),
    "console.download-payout": Words("下载拨付文件", "downloaded payout files"),
    "console.bill-check": Words("预览渠道账单", "checked a channel's bill"),
    "console.bill-take": Words("导入渠道账单", "took a channel's bill by hand"),
    "console.institution-file-check": Words("预览机构对账文件", "checked an institution's file"),
    "console.institution-file-take": Words("导入机构对账文件", "took an institution's file"),
    "console.download-institution-file": Words(
        "下载机构对账文件", "downloaded an institution's file"
    ),
    "console.list-reimbursements": Words("查看报销清单", "saw the list of reimbursements"),
    "console.view-reimbursement": Words("查看报销", "saw a reimbursement"),
    "console.search-reimbursements": Words("按证件查报销", "looked for somebody's reimbursements"),
    "console.reimburse-accept": Words("受理报销材料", "took papers in"),
    "console.reimburse-amend": Words("更正报销材料", "entered papers anew"),
    "console.reimburse-calculate": Words("报销核算", "calculated a reimbursement"),
    "console.reimburse-confirm": Words("报销复核", "confirmed a reimbursement"),
    "console.reimburse-refuse": Words("报销退件", "sent papers back"),
    "console.reimburse-account": Words("更换报销收款账户", "changed where a person is paid to"),
    "console.reimburse-propose": Words("提出报销拨付", "proposed to pay persons"),
    "console.reimburse-order": Words("下达报销拨付", "ordered to pay persons"),
    "console.reimburse-ask-cancel": Words("提出撤销报销", "asked to take a reimbursement back"),
    "console.reimburse-cancel": Words("撤销报销", "took a reimbursement back"),
    "console.money-check": Words("预览资金文件", "checked a file of money"),
    "console.money-interest": Words("个人账户计息", "computed interest on accounts"),
    "console.download-money": Words("下载资金报表", "downloaded a report of money"),
    "console.money-propose": Words("提出资金文件", "proposed a file of money"),
    "console.money-confirm": Words("确认资金文件", "confirmed a file of money"),
    "console.money-reject": Words("否决资金文件", "rejected a file of money"),
    "money-take_in": Words("资金文件已接收", "file of money taken in"),
    "money-propose": Words("资金文件已提出", "file of money proposed"),
    "money-confirm": Words("资金文件已确认", "file of money confirmed"),
    "money-reject": Words("资金文件已否决", "file of money rejected"),
    "money-book": Words("资金文件已入账", "file of money booked"),
    "console.month-begin": Words("开始月结", "began to close a month"),
    "console.month-verify": Words("月结核验", "had a month verified"),
    "console.month-propose": Words("提出月结", "proposed to close a month"),
    "console.month-confirm": Words("确认月结", "confirmed the close of a month"),
    "console.month-seal": Words("封存月份", "had a month sealed"),
    "console.download-report": Words("下载月报", "downloaded a month's report"),
    "console.download-seal": Words("下载封存或证明", "downloaded seals or a proof"),
    "console.cancel-work": Words("取消办理", "cancelled a work"),
    "month-begin": Words("月结开始", "month: closing begun"),
    "month-verify": Words("月结已核验", "month: verified"),
    "month-propose": Words("月结已提出", "month: close proposed"),
    "month-close": Words("月份已结", "month: closed"),
    "month-seal": Words("月份已封存", "month: sealed"),
    "suspend": Words("停用", "stopped"),
    "resume": Words("恢复", "resumed"),
    "retry-refund": Words("退款重试", "refund tried again"),
    "propose-given-back": Words("提出线下退款", "proposed: given back"),
    "confirm-given-back": Words("确认线下退款", "confirmed: given back"),
    "resend-notice": Words("重发通知", "notice sent again"),
    "difference-assign": Words("分派差异", "difference assigned"),
    "difference-propose": Words("提出差异更正", "correction proposed"),
    "difference-confirm": Words("确认差异更正", "correction confirmed"),
    "difference-reject": Words("退回差异更正", "correction sent back"),
    "difference-note": Words("差异备注", "difference noted"),
    "merchant-fee": Words("登记手续费率", "fee rate told"),
    "set-receiver": Words("登记回调地址", "receiver set"),
    "remove-receiver": Words("取消回调地址", "receiver removed"),
    "register-keys": Words("登记密钥", "keys registered"),
    "load-policy": Words("加载政策", "policy loaded"),
}

DIFFERENCES: Mapping[Class, Words] = {
    Class.CUSTODY: Words("归集方不符", "another merchant has it"),
    Class.STATUS: Words("状态不符", "done on one side only"),
    Class.AMOUNT: Words("金额不符", "other amount"),
    Class.FEE: Words("手续费不符", "other fee"),
    Class.LATE: Words("迟到", "late"),
    Class.DAY_EDGE: Words("跨日", "day's edge"),
    Class.DUPLICATE: Words("重复", "duplicate"),
    Class.ONLY_OURS: Words("仅本方有", "only ours"),
    Class.ONLY_THEIRS: Words("仅渠道有", "only theirs"),
    Class.REVERSED_HERE: Words("仅本方冲正", "undone by us only"),
    Class.REFUND_MISSING: Words("退款未到", "refund missing"),
    Class.AFTER_CLEARING: Words("清算后退费", "refund after clearing"),
}
DIFFERENCE_STATES: Mapping[DifferenceState, Words] = {
    DifferenceState.OPEN: Words("待处理", "open"),
    DifferenceState.PROPOSED: Words("待复核", "proposed"),
    DifferenceState.CORRECTED: Words("已更正", "corrected"),
    DifferenceState.CLOSED: Words("自动关闭", "closed by a rule"),
}
DIFFERENCE_ACTS: Mapping[Act, Words] = {
    Act.FIND: Words("发现", "found"),
    Act.ASSIGN: Words("分派", "assigned"),
    Act.PROPOSE: Words("提出更正", "correction proposed"),
    Act.CONFIRM: Words("确认更正", "confirmed"),
    Act.REJECT: Words("退回", "sent back"),
    Act.NOTE: Words("备注", "noted"),
    Act.CLOSE: Words("自动关闭", "closed by a rule"),
    Act.FIND_AGAIN: Words("重新比对", "seen otherwise"),
}
PAYOUT_STATES: Mapping[PayoutState, Words] = {
    PayoutState.OPEN: Words("未核定", "open"),
    PayoutState.STATED: Words("已核定", "stated"),
    PayoutState.ADJUSTED: Words("已调整", "adjusted"),
    PayoutState.CONFIRMED: Words("已确认", "confirmed"),
    PayoutState.ORDERED: Words("已下达", "ordered"),
    PayoutState.PAID: Words("已拨付", "paid"),
    PayoutState.RETURNED: Words("已退汇", "returned"),
    PayoutState.CLOSED: Words("已关闭", "closed"),
}
PAYOUT_ACTS: Mapping[PayoutAct, Words] = {
    PayoutAct.STATE: Words("核定", "stated"),
    PayoutAct.ADJUST: Words("调整入账", "adjustments booked"),
    PayoutAct.CONFIRM: Words("确认应拨", "confirmed"),
    PayoutAct.PROPOSE: Words("提出拨付", "payment proposed"),
    PayoutAct.ORDER: Words("下达拨付", "ordered"),
    PayoutAct.PAY: Words("银行付讫", "paid by the bank"),
    PayoutAct.RETURN: Words("退汇", "sent back by the bank"),
    PayoutAct.CLOSE: Words("关闭", "closed"),
}
REIMBURSEMENT_STATES: Mapping[Reimbursed, Words] = {
    state: Words(STATE_ZH[state], english)
    for state, english in (
        (Reimbursed.NEW, "new"), (Reimbursed.ACCEPTED, "accepted"),
        (Reimbursed.CALCULATED, "calculated"), (Reimbursed.SETTLED, "confirmed, to be paid"),
        (Reimbursed.ORDERED, "ordered"), (Reimbursed.PAID, "paid"),
        (Reimbursed.RETURNED, "sent back by the bank"), (Reimbursed.REFUSED, "refused"),
        (Reimbursed.CANCELLED, "taken back"),
    )
}  # fmt: skip
REIMBURSEMENT_ACTS: Mapping[ReimbursementAct, Words] = {
    act: Words(ACT_ZH[act], english)
    for act, english in (
        (ReimbursementAct.ACCEPT, "papers taken in"),
        (ReimbursementAct.AMEND, "papers entered anew"),
        (ReimbursementAct.CALCULATE, "calculated"),
        (ReimbursementAct.CONFIRM, "confirmed and booked"),
        (ReimbursementAct.REFUSE, "papers sent back"),
        (ReimbursementAct.PROPOSE, "payment proposed"),
        (ReimbursementAct.ORDER, "ordered"), (ReimbursementAct.PAY, "paid by the bank"),
        (ReimbursementAct.RETURN, "sent back by the bank"),
        (ReimbursementAct.ACCOUNT, "another bank account"),
        (ReimbursementAct.ASK_CANCEL, "asked to take it back"),
        (ReimbursementAct.CANCEL, "taken back"),
    )
}  # fmt: skip
ADJUSTMENTS: Mapping[Kind, Words] = {
    Kind.DEDUCTION: Words("审核扣款", "audit deduction"),
    Kind.DEPOSIT: Words("质保金预留", "deposit withheld"),
    Kind.DEPOSIT_RETURN: Words("质保金返还", "deposit given back"),
    Kind.DEPOSIT_FORFEIT: Words("质保金不予返还", "deposit forfeited"),
    Kind.REWARD: Words("质保金奖励", "reward out of the pool"),
    Kind.PREPAID: Words("预付", "prepayment"),
    Kind.PREPAID_USED: Words("预付抵扣", "prepayment used"),
    Kind.SURPLUS: Words("结余留用", "surplus kept"),
    Kind.OVERRUN: Words("超支分担", "overrun shared"),
    Kind.REPAID: Words("欠款缴回", "debt paid back"),
}
CLEARING_TYPES: Mapping[str, Words] = {
    code: Words(name, code) for code, name in LISTS["clr_type"].labels.items()
} | {
    "": Words("期初应付", "unpaid before"), "11": Words("门诊", "outpatient"),
    "21": Words("住院", "inpatient"), "41": Words("药店购药", "pharmacy"),
}
MONEY_STATES: Mapping[MoneyState, Words] = {
    MoneyState.NEW: Words("新文件", "new"),
    MoneyState.TAKEN_IN: Words("接收中", "being taken in"),
    MoneyState.PROPOSED: Words("待确认", "to be confirmed"),
    MoneyState.CONFIRMED: Words("入账中", "being booked"),
    MoneyState.REJECTED: Words("已否决", "rejected"),
    MoneyState.BOOKED: Words("已入账", "booked"),
}
MONEY_ACTS: Mapping[MoneyAct, Words] = {
    MoneyAct.TAKE_IN: Words("接收", "taken in"),
    MoneyAct.PROPOSE: Words("提出", "proposed"),
    MoneyAct.CONFIRM: Words("确认", "confirmed"),
    MoneyAct.REJECT: Words("否决", "rejected"),
    MoneyAct.BOOK: Words("全部入账", "all booked"),
}
MONTH_STATES: Mapping[MonthState, Words] = {
    MonthState.OPEN: Words("未结", "open"),
    MonthState.CLOSING: Words("结账中", "closing"),
    MonthState.CLOSED: Words("已结", "closed"),
    MonthState.SEALED: Words("已封存", "sealed"),
}
MONTH_ACTS: Mapping[MonthAct, Words] = {
    MonthAct.BEGIN: Words("开始结账", "begun"),
    MonthAct.VERIFY: Words("核验", "verified"),
    MonthAct.PROPOSE: Words("提出结账", "proposed"),
    MonthAct.CLOSE: Words("结账", "closed"),
    MonthAct.SEAL: Words("封存", "sealed"),
}
CORRECTIONS: Mapping[Correction, Words] = {
    Correction.NONE: Words("无", "none"),
    Correction.MAKE_UP: Words("补记", "make-up"),
    Correction.REFUND: Words("补退", "refund"),
    Correction.VOID: Words("撤记", "void"),
    Correction.WRITE_OFF: Words("转待处理", "write-off"),
    Correction.NOTE: Words("说明", "note"),
}


def both(said: str) -> Words:
    """What is said in both languages at once, "中文 | English"."""
    zh, _, en = said.partition(" | ")
    return Words(zh, en or zh)


def yuan(amount_fen: int) -> str:
    """1234567 → 12,345.67."""
    whole, _, cents = yuan_text(abs(amount_fen)).partition(".")
    return f"{'-' if amount_fen < 0 else ''}{int(whole):,}.{cents}"


def quantity(quantity_e4: int) -> str:
    """12500 → 1.25."""
    return f"{Decimal(quantity_e4).scaleb(-4).normalize():f}"


def price(price_e6: int) -> str:
    """12900000 → 12.90: two decimals at least, six at most."""
    whole, _, rest = f"{Decimal(price_e6).scaleb(-6):f}".partition(".")
    return f"{int(whole):,}.{rest.rstrip('0').ljust(2, '0')}"


def moment_text(at: datetime) -> str:
    """An instant in the region's time, to the second."""
    return f"{local_time(at):%Y-%m-%d %H:%M:%S}"


def span(length: timedelta, language: str) -> str:
    """How long something has been: the two largest units that matter."""
    seconds = max(int(length.total_seconds()), 0)
    days, hours, minutes = seconds // 86_400, seconds // 3_600 % 24, seconds // 60 % 60
    if days:
        return f"{days} d {hours} h" if language == "en" else f"{days} 天 {hours} 小时"
    if hours:
        return f"{hours} h {minutes} min" if language == "en" else f"{hours} 小时 {minutes} 分"
    if minutes:
        return f"{minutes} min" if language == "en" else f"{minutes} 分钟"
    return f"{seconds} s" if language == "en" else f"{seconds} 秒"
