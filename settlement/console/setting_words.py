"""What the settings of a region profile (统筹区参数) and their values are called.

A test holds the names against the file format, so that no setting is shown by its key alone. Free
keys (a kind of care, a bank, a field of the interface) follow the name of their table.
"""

from __future__ import annotations

from collections.abc import Mapping

from protocol.nhsa.dictionary import LISTS
from settlement.console.words import TRANSACTIONS, Words
from settlement.elsewhere.off_site import KIND_ZH

SETTINGS: Mapping[str, Words] = {
    "based_on": Words("沿用的参数", "based on"),
    "format": Words("文件格式", "file format"),
    "code": Words("统筹区代码", "region code"),
    "name": Words("统筹区名称", "region name"),
    "line_tolerance_fen": Words("明细金额允许差额（分）", "tolerance of a line (fen)"),
    "unknown_item": Words("目录外编码的处理", "items that are not in the catalogue"),
    "unknown_item_charge_kind": Words("目录外编码的收费项目类别", "their kind of charge"),
    "item_code_pattern": Words("项目编码的写法", "what an item code looks like"),
    "mapping_check": Words("对照到其他编码的明细", "lines mapped to another code"),
    "unmapped_item": Words("未对照的明细", "lines that are not mapped"),
    "doctor_check": Words("医师核验", "check of the doctor"),
    "refund_lines": Words("允许负数明细的就医类型", "care whose lines may be negative"),
    "scheme_order": Words("险种优先顺序", "order of schemes"),
    "ruling_date": Words("以哪一天确定待遇", "the day that decides"),
    "backdating_days_max": Words("费用可追溯天数", "how many days a fee may be old"),
    "cancel_order": Words("撤销顺序", "order of cancels"),
    "cancel_window": Words("撤销期限", "until when a cancel is possible"),
    "reversible": Words("可冲正的交易", "transactions that can be reversed"),
    "discharge_before_settlement": Words("先出院后结算", "discharge before settlement"),
    "split_stay_at": Words("住院分段结算的情形", "where a stay is settled in parts"),
    "allowed_during_stay": Words("住院期间可另行结算的医疗类别", "care allowed during a stay"),
    "chosen_institution": Words("普通门诊须选定机构", "outpatient care at a chosen institution"),
    "chosen_institution_exempt": Words("不须选定机构的医疗类别", "care that needs none"),
    "chronic_care_at": Words("门诊慢特病就医地点", "where a filed disease is treated"),
    "transfer_months": Words("转院备案有效月数", "months that a transfer holds"),
    "elsewhere_needs_filing": Words("异地就医须备案的就医类型", "care elsewhere that needs filing"),
    "mobile_plain": Words("移动支付接受普通报文", "mobile payment in the plain envelope"),
    "fund_total_includes_account": Words("基金支付总额含个人账户", "fund total has the account"),
    "drug_trace": Words("药品追溯码", "drug trace codes"),
    "drug_trace.trace_required": Words("缺追溯码", "a code is missing"),
    "drug_trace.trace_repeated": Words("重复的追溯码", "a code was sold before"),
    "drug_trace.list_types": Words("须有追溯码的目录类别", "list types that need a code"),
    "drug_trace.exempt": Words("免追溯码的编码开头", "beginnings that need none"),
    "drug_trace.line_node": Words("住院明细的追溯码节点", "node on lines of stays"),
    "cross_city": Words("省内异地清分", "clearing between cities"),
    "cross_city.rows_max": Words("每次最多行数", "rows at most"),
    "cross_city.first_row": Words("首行行号", "number of the first row"),
    "cross_city.account_counts": Words("支付总额含个人账户", "the account counts"),
    "cross_city.unmarked": Words("未填确认标志的明细", "rows without a mark"),
    "off_site": Words("异地就医备案", "filing of care outside"),
    "off_site.accepted_at_once": Words("即时生效的备案类型", "kinds accepted at once"),
    "off_site.temporary_months": Words("临时备案有效月数", "months of a temporary one"),
    "off_site.long_term_lock_days": Words("长期备案不得撤销天数", "days a long-term one is locked"),
    "off_site.begins_days_max": Words("可提前申请天数", "days ahead at most"),
    "off_site.retroactive": Words("出院前补办有效", "filed before the discharge counts"),
    "elsewhere": Words("异地参保人结算", "people insured elsewhere"),
    "elsewhere.in_province": Words("省内清算类别", "clearing type within the province"),
    "elsewhere.cross_province": Words("跨省清算类别", "clearing type between provinces"),
    "closing": Words("日结", "closing of days"),
    "closing.days_by_themselves": Words("自动日结", "days close by themselves"),
    "closing.grace_minutes": Words("日终后等待分钟数", "minutes after the end of the day"),
    "regional_clearing": Words("异地清算", "clearing with other regions"),
    "regional_clearing.settling": Words("清算方式", "how it is settled"),
    "regional_clearing.confirm_day": Words("次月确认截止日", "confirmed by day"),
    "regional_clearing.notice_day": Words("次月通知截止日", "notices by day"),
    "regional_clearing.request_days": Words("申请拨款工作日数", "working days to ask for money"),
    "regional_clearing.finance_days": Words("财政拨付工作日数", "working days of the treasury"),
    "regional_clearing.postponed_months_max": Words("最多推迟月数", "months postponed at most"),
    "regional_clearing.institutions_confirm": Words("省内明细须机构确认", "institutions confirm"),
    "regional_clearing.compared_by_themselves":
        Words("每日自动与参保地对账", "days are compared by themselves"),
    "regional_clearing.compared_from_hour": Words("自动对账起始时", "compared from hour"),
    "regional_clearing.prepaid_months": Words("预付金额度月数", "months of prepayment"),
    "regional_clearing.yellow_bp": Words("预付金黄色预警", "yellow alarm of prepayment"),
    "regional_clearing.red_bp": Words("预付金红色预警", "red alarm of prepayment"),
    "regional_clearing.holidays": Words("放假日", "holidays"),
    "regional_clearing.worked_weekends": Words("调休工作日", "weekends that are worked"),
    "bills": Words("渠道账单", "bills of payment channels"),
    "bills.fetched_by_themselves": Words("自动取账单", "bills are fetched by themselves"),
    "bills.matched_by_themselves": Words("自动对账", "days are matched by themselves"),
    "bills.ready_hour": Words("几点起可取前一日账单", "hour of yesterday's bill"),
    "bills.late_hours": Words("超过几小时为迟到", "late after so many hours"),
    "bills.days_back": Words("补取天数", "days that are caught up"),
    "channel_fees": Words("渠道手续费", "fees of payment channels"),
    "channel_fees.own": Words("机构商户收款的手续费由谁承担", "of institutions' merchants"),
    "channel_fees.agency": Words("经办商户收款的手续费由谁承担", "of the agency's merchants"),
    "reimbursement": Words("手工报销", "manual reimbursement"),
    "reimbursement.claim_days_max": Words("可申请报销天数", "days to ask for it"),
    "payout": Words("拨付", "paying institutions"),
    "payout.cycle": Words("拨付周期", "cycle"),
    "payout.bank_columns": Words("银行批量文件列", "columns of a bank's file"),
    "payers": Words("付款单位", "payers of funds"),
    "fund_payers": Words("由付款单位承担的基金", "funds that a payer owes"),
    "personal_accounts": Words("个人账户", "personal accounts"),
    "personal_accounts.interest_bp": Words("年利率", "interest of a year"),
    "personal_accounts.interest_days": Words("计息天数", "days of the year of interest"),
    "interface": Words("接口字段", "fields of the interface"),
    "interface.edition": Words("接口版本", "edition"),
    "interface.required": Words("本地必填字段", "fields required here"),
    "interface.optional": Words("本地免填字段", "fields optional here"),
    "interface.length_max": Words("字段长度上限", "shorter texts"),
    "interface.codes": Words("字段可用的本地代码", "values a field takes here"),
    "interface.code_lists": Words("本地代码表", "code lists here"),
    "interface.without": Words("本地没有的交易", "transactions not served here"),
    "list_columns": Words("编码目录文件的列", "columns of code lists"),
    "national_crypto": Words("国密", "signed and encrypted bodies"),
    "national_crypto.cainfo": Words("数字签名", "signature"),
    "national_crypto.cainfo_without_key": Words("未登记密钥的签名", "signature without a key"),
    "national_crypto.cainfo_signed": Words("签名原文", "what is signed"),
    "national_crypto.cainfo_user_id": Words("SM2 用户标识", "SM2 user id"),
    "national_crypto.cainfo_sm3": Words("SM3 签名方式", "how SM3 signs"),
    "national_crypto.sm4_mode": Words("SM4 分组模式", "SM4 mode"),
    "national_crypto.sm4_text": Words("SM4 密文写法", "how SM4 is written"),
}
"""By the path in the file."""

KEYS: dict[str, Words] = {
    "pharmacy": Words("药店", "pharmacy"),
    "outpatient": Words("门诊", "outpatient"),
    "outpatient_special": Words("门诊慢特病", "chronic disease"),
    "inpatient": Words("住院", "inpatient"),
    "day_surgery": Words("日间手术", "day surgery"),
    "maternity": Words("生育", "maternity"),
}
"""Kinds of care, as keys and as values."""

POLICY_SECTIONS: Mapping[str, Words] = {
    "name": Words("名称", "name"), "title": Words("标题", "title"),
    "region": Words("统筹区", "region"), "scheme": Words("险种", "scheme"),
    "effective_from": Words("生效日", "from"), "effective_to": Words("失效日", "to"),
    "verified": Words("已核实", "verified"), "format": Words("文件格式", "file format"),
    "sources": Words("出处", "sources"), "tags": Words("标识", "tags"),
    "fiscal_year_start_month": Words("年度起始月", "year begins"),
    "funds": Words("基金", "funds"), "levels": Words("等级", "levels"),
    "categories": Words("人员类别", "categories"), "care": Words("就医类型", "care"),
    "account": Words("个人账户", "account"), "amounts_fen": Words("金额（分）", "amounts (fen)"),
    "ratios_bp": Words("比例（万分之一）", "ratios (basis points)"),
    "points_bp": Words("百分点（万分之一）", "points (basis points)"),
    "caps": Words("限额", "caps"),
    "line_classes": Words("费用等级", "classes of lines"), "rules": Words("规则", "rules"),
}  # fmt: skip
"""The first word of a path in a benefit policy; what follows is its author's."""

_REFUSE, _OFF = Words("拒绝", "refuse"), Words("不启用", "off")
VALUES: Mapping[str, Words] = KEYS | {
    "full_self_pay": Words("按全自费", "full self-pay"), "refuse": _REFUSE, "off": _OFF,
    "warn": Words("提示", "warn"), "accept": Words("照常受理", "accept"),
    "fee": Words("费用日期", "day of the fee"), "admission": Words("入院日期", "admission"),
    "discharge": Words("出院日期", "discharge"), "settlement": Words("结算日期", "settlement"),
    "latest_first": Words("先撤销较晚的", "the latest first"),
    "free": Words("不限顺序", "any order"),
    "month": Words("结算当月", "the same month"), "year": Words("结算当年度", "the same year"),
    "approval": Words("须先退费备案", "with an approval"), "required": Words("必须", "required"),
    "filed_institution": Words("鉴定机构或选定机构", "where it was filed or chosen"),
    "any_institution": Words("不限", "anywhere"), "include": Words("纳入", "included"),
    "leave_out": Words("不纳入", "left out"), "full": Words("全额清算", "in full"),
    "net": Words("差额清算", "net"), "daily": Words("每日（T+1）", "daily"),
    "three_days": Words("每三日", "every three days"), "seven_days": Words("每七日", "weekly"),
    "monthly": Words("每月", "monthly"), "baseline": Words("最宽版本", "baseline"),
    "strict": Words("须填人员身份字段", "strict"), "optional": Words("自愿", "optional"),
    "agency": Words("经办机构", "agency"), "institution": Words("定点机构", "institution"),
    "ignore": Words("不验", "ignore"), "default": Words("默认", "default"),
} | {kind.value: Words(zh, kind.value) for kind, zh in KIND_ZH.items()}  # fmt: skip
"""Words of closed sets; what is not here is shown as it stands."""

LIST_OF: Mapping[str, str] = {
    "scheme_order": "insutype", "allowed_during_stay": "med_type",
    "chosen_institution_exempt": "med_type", "drug_trace.list_types": "list_type",
    "elsewhere.in_province": "clr_type", "elsewhere.cross_province": "clr_type",
    "scheme": "insutype",
}  # fmt: skip
"""Which code list the codes of a setting are of."""
_TRANSACTIONS = frozenset({"reversible", "interface.without"})
_RATIOS = frozenset({"regional_clearing.yellow_bp", "regional_clearing.red_bp",
                     "personal_accounts.interest_bp"})  # fmt: skip


def setting_words(path: tuple[str, ...]) -> Words:
    """What a setting is called: its table and its own name, then keys that are free."""
    for length in range(len(path), 0, -1):
        known = SETTINGS.get(".".join(path[:length]))
        if known is not None:
            parts = [SETTINGS[path[0]], known] if length > 1 else [known]
            parts += [KEYS.get(key, Words(key, key)) for key in path[length:]]
            return _joined(parts)
    return Words(".".join(path), ".".join(path))


def policy_words(path: tuple[str, ...]) -> Words:
    """What a place in a benefit policy is called, as far as the format says."""
    first = POLICY_SECTIONS.get(path[0], Words(path[0], path[0]))
    return _joined([first, *(KEYS.get(key, Words(key, key)) for key in path[1:])])


def value_words(path: tuple[str, ...], value: object) -> list[Words]:
    """A value in words; of a list each for itself; nothing where it is not said."""
    if value is None:
        return []
    if isinstance(value, list | tuple):
        return [word for one in value for word in value_words(path, one)]
    if isinstance(value, bool):
        return [Words("是", "yes") if value else Words("否", "no")]
    name = ".".join(path)
    if name in _RATIOS and isinstance(value, int):
        text = f"{value // 100}.{value % 100:02d}%"
        return [Words(text, text)]
    text = str(value)
    code_list = LIST_OF.get(name) or LIST_OF.get(".".join(path[:-1]))
    if code_list is not None and text in LISTS[code_list].labels:
        return [Words(f"{text} {LISTS[code_list].labels[text]}", text)]
    if name in _TRANSACTIONS and text in TRANSACTIONS:
        told = TRANSACTIONS[text]
        return [Words(f"{text} {told.zh}", f"{text} {told.en}")]
    return [VALUES.get(text, Words(text, text))]


def _joined(parts: list[Words]) -> Words:
    return Words(" · ".join(one.zh for one in parts), " · ".join(one.en for one in parts))
