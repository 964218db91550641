"""Every transaction: infno to titles, types, effect and undo, and whether it is served yet."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from protocol.nhsa.envelope import Envelope, NoOutput
from protocol.nhsa.messages import (
    catalogue,
    clearing,
    cross_region,
    enquiry,
    files,
    filing,
    filing_enquiry,
    history,
    inpatient,
    inpatient_settle,
    mapping,
    mobile,
    outpatient,
    outpatient_settle,
    person,
    pharmacy,
    reconciliation,
    reversal,
    session,
    stored,
)


class Effect(StrEnum):
    """Does the transaction change anything? A quote (预结算) does not."""

    READ = "read"
    WRITE = "write"


class Transaction(Struct, frozen=True, kw_only=True):
    """One transaction (交易) of the interface."""

    infno: str
    title: str
    title_en: str
    request: type[Envelope]
    reply: type[Struct]
    """The output struct; of one row where `reply_is_array`."""
    effect: Effect
    undone_by: str | None = None
    """infno of the transaction that cancels it."""
    reversible: bool = False
    """May 2601 reverse it? Only what every source agrees on; regions may allow the cancels too."""
    reply_is_array: bool = False
    served: bool = True
    """Does the system carry it out yet? One that it does not is unknown to everybody outside."""


def _read(
    infno: str,
    title: str,
    title_en: str,
    request: type[Envelope],
    reply: type[Struct],
    *,
    reply_is_array: bool = False,
    served: bool = True,
) -> Transaction:
    return Transaction(
        infno=infno,
        title=title,
        title_en=title_en,
        request=request,
        reply=reply,
        effect=Effect.READ,
        reply_is_array=reply_is_array,
        served=served,
    )


def _write(
    infno: str,
    title: str,
    title_en: str,
    request: type[Envelope],
    reply: type[Struct] = NoOutput,
    *,
    undone_by: str | None = None,
    reversible: bool = False,
    served: bool = True,
) -> Transaction:
    return Transaction(
        infno=infno,
        title=title,
        title_en=title_en,
        request=request,
        reply=reply,
        effect=Effect.WRITE,
        undone_by=undone_by,
        reversible=reversible,
        served=served,
    )


_CATALOGUE_FILES = {
    "1301": "西药中成药目录下载",
    "1302": "中药饮片目录下载",
    "1303": "医疗机构自制剂目录下载",
    "1305": "医疗服务项目目录下载",
    "1306": "医用耗材目录下载",
    "1306A": "医用耗材目录下载（A版）",
    "1307": "疾病与诊断目录下载",
    "1308": "手术操作目录下载",
    "1309": "门诊慢特病种目录下载",
    "1310": "按病种付费病种目录下载",
    "1311": "日间手术治疗病种目录下载",
    "1313": "肿瘤形态学目录下载",
    "1314": "中医疾病目录下载",
    "1315": "中医证候目录下载",
    "1320": "中药配方颗粒目录下载",
    "1321": "医疗服务项目（新）目录下载",
    # Our sources number these; only one program of an institution names them.
    "1322": "体外诊断试剂产品信息下载",
    "1323": "产品信息与注册证关联信息下载",
    "1324": "检测指标信息下载",
    "1325": "产品信息编码下载",
    "1326": "注册证信息下载",
    "1327": "分类目录下载",
}
"""Downloads that differ in nothing but the file they answer."""

_STORED = {
    "3501": ("商品盘存上传", "stock count"),
    "3502": ("商品库存变更", "stock change"),
    "3503": ("商品采购", "stock purchase"),
    "3504": ("商品采购退货", "stock purchase return"),
    "3505": ("商品销售", "stock sale"),
    "3506": ("商品销售退货", "stock sale return"),
    "3507": ("商品信息删除", "stock deletion"),
    "4301": ("门急诊诊疗记录", "outpatient record"),
    "4302": ("急诊留观手术及抢救信息", "emergency observation record"),
    "4401": ("住院病案首页信息", "inpatient front page"),
    "4402": ("住院医嘱记录", "inpatient orders"),
    "4402A": ("住院医嘱记录（A版）", "inpatient orders, A edition"),
    "4501": ("临床检查报告记录", "examination report"),
    "4502": ("临床检验报告记录", "laboratory report"),
    "4503": ("细菌培养报告记录", "culture report"),
    "4504": ("药敏记录报告记录", "susceptibility report"),
    "4505": ("病理检查报告记录", "pathology report"),
    "4506": ("非结构化报告记录", "unstructured report"),
    "4601": ("输血信息", "transfusion"),
    "4602": ("护理操作生命体征测量记录", "nursing and vital signs"),
    "4701": ("电子病历上传", "electronic medical record"),
    # Our sources number these without naming them.
    **dict.fromkeys(["4901", "4902", "4903", "4904", "4905"], ("票据信息上传", "invoice upload")),
}
"""Uploads of one type: kept as sent, answered 0."""

# fmt: off
_ALL = (
    _write("9001", "签到", "sign in", session.SignIn, session.SignInReply),
    _write("9002", "签退", "sign out", session.SignOut, session.SignOutReply),
    _read("1101", "人员信息获取", "person lookup", person.PersonLookup, person.PersonLookupReply),
    *[_read(infno, title, "catalogue file",
            catalogue.CatalogueFile, catalogue.CatalogueFileReply)
      for infno, title in _CATALOGUE_FILES.items()],
    _read("1304", "民族药品目录查询", "ethnic drugs",
          catalogue.EthnicDrugQuery, catalogue.EthnicDrugRow, reply_is_array=True),
    _read("1312", "医保目录信息查询", "catalogue items",
          catalogue.ItemQuery, catalogue.ItemRow, reply_is_array=True),
    _read("1316", "医疗目录与医保目录匹配信息查询", "catalogue matches",
          catalogue.MatchQuery, catalogue.MatchRow, reply_is_array=True),
    _read("1317", "医药机构目录匹配信息查询", "mappings",
          catalogue.MappingQuery, catalogue.MappingRow, reply_is_array=True),
    _read("1318", "医保目录限价信息查询", "price ceilings",
          catalogue.CeilingQuery, catalogue.CeilingRow, reply_is_array=True),
    _read("1319", "医保目录先自付比例信息查询", "first-self-pay ratios",
          catalogue.SelfPayQuery, catalogue.SelfPayRow, reply_is_array=True),
    _read("1901", "字典表查询", "dictionary",
          catalogue.DictionaryQuery, catalogue.DictionaryQueryReply),
    _read("2001", "人员待遇享受检查", "entitlement check",
          person.EntitlementCheck, person.EntitlementCheckReply),
    _read("2101", "药店预结算", "pharmacy quote", pharmacy.PharmacyQuote, pharmacy.PharmacyReply),
    _write("2102", "药店结算", "pharmacy settle", pharmacy.PharmacySettle, pharmacy.PharmacyReply,
           undone_by="2103", reversible=True),
    _write("2103", "药店结算撤销", "pharmacy cancel",
           pharmacy.PharmacyCancel, pharmacy.PharmacyCancelReply),
    _write("2181", "冲正交易（异地购药）", "reversal of a purchase in another region",
           cross_region.CrossRegionReversal, served=False),
    _write("2201", "门诊挂号", "register", outpatient.Register, outpatient.RegisterReply,
           undone_by="2202"),
    _write("2202", "门诊挂号撤销", "register cancel", outpatient.RegisterCancel),
    _write("2203", "门诊就诊信息上传", "visit upload", outpatient.VisitUpload),
    _write("2203A", "定点零售药店门诊就诊信息上传", "visit upload, A edition",
           outpatient.VisitUploadA),
    _write("2204", "门诊费用明细信息上传", "fee upload",
           outpatient.FeeUpload, outpatient.FeeUploadReply, undone_by="2205"),
    _write("2205", "门诊费用明细信息撤销", "fee cancel", outpatient.FeeCancel),
    _read("2206", "门诊预结算", "outpatient quote",
          outpatient_settle.OutpatientQuote, outpatient_settle.OutpatientReply),
    _read("2206A", "门诊预结算（A版）", "outpatient quote, A edition",
          outpatient_settle.OutpatientQuote, outpatient_settle.OutpatientReply),
    _write("2207", "门诊结算", "outpatient settle",
           outpatient_settle.OutpatientSettle, outpatient_settle.OutpatientReply,
           undone_by="2208", reversible=True),
    _write("2207A", "门诊结算（A版）", "outpatient settle, A edition",
           outpatient_settle.OutpatientSettle, outpatient_settle.OutpatientReply,
           undone_by="2208", reversible=True),
    _write("2208", "门诊结算撤销", "outpatient cancel",
           outpatient_settle.OutpatientCancel, outpatient_settle.OutpatientCancelReply),
    _write("2301", "住院费用明细上传", "stay fee upload",
           inpatient.StayFeeUpload, inpatient.StayFeeUploadReply,
           undone_by="2302"),
    _write("2302", "住院费用明细撤销", "stay fee cancel", inpatient.StayFeeCancel),
    _read("2303", "住院预结算", "stay quote",
          inpatient_settle.StayQuote, inpatient_settle.StayReply),
    _write("2304", "住院结算", "stay settle",
           inpatient_settle.StaySettle, inpatient_settle.StayReply,
           undone_by="2305", reversible=True),
    _write("2304A", "住院结算（A版）", "stay settle, A edition",
           inpatient_settle.StaySettle, inpatient_settle.StayReply,
           undone_by="2305", reversible=True),
    _write("2305", "住院结算撤销", "stay cancel",
           inpatient_settle.StayCancel, inpatient_settle.StayCancelReply),
    _write("2401", "入院办理", "admit", inpatient.Admit, inpatient.AdmitReply,
           undone_by="2404", reversible=True),
    _write("2402", "出院办理", "discharge", inpatient.Discharge,
           undone_by="2405"),
    _write("2403", "住院信息变更", "stay change", inpatient.StayChange),
    _write("2404", "入院撤销", "admit cancel", inpatient.AdmitCancel),
    _write("2405", "出院撤销", "discharge cancel", inpatient.DischargeCancel),
    _write("2501", "转院备案", "transfer filing",
           filing.TransferFiling, filing.TransferFilingReply, undone_by="2502"),
    _write("2502", "转院备案撤销", "transfer filing cancel",
           filing.TransferFilingCancel),
    _write("2503", "人员慢特病备案", "chronic disease filing",
           filing.ChronicFiling, filing.ChronicFilingReply, undone_by="2504"),
    _write("2504", "人员慢特病备案撤销", "chronic disease filing cancel",
           filing.ChronicFilingCancel),
    _write("2505", "人员定点备案", "chosen institution filing",
           filing.ChosenInstitutionFiling, filing.ChosenInstitutionFilingReply,
           undone_by="2506"),
    _write("2506", "人员定点备案撤销", "chosen institution filing cancel",
           filing.ChosenInstitutionFilingCancel),
    _write("2601", "冲正交易", "reversal", reversal.Reversal),
    _read("3201", "医药机构费用结算对总账", "reconcile totals",
          reconciliation.TotalsCheck, reconciliation.TotalsCheckReply),
    _write("3202", "医药机构费用结算对明细账", "reconcile details",
           reconciliation.DetailCheck, reconciliation.DetailCheckReply),
    _write("3203", "清算申请", "clearing application",
           clearing.ClearingApply, clearing.ClearingApplyReply, undone_by="3204"),
    _write("3204", "清算申请撤销", "clearing application cancel", clearing.ClearingCancel),
    _write("3211", "批量清算对账（任务提交）", "batch reconciliation, submit",
           reconciliation.BatchCheck, reconciliation.BatchCheckReply, served=False),
    _read("3212", "批量清算对账（结果查询）", "batch reconciliation, result",
          reconciliation.BatchCheckEnquiry, reconciliation.BatchCheckEnquiryReply, served=False),
    _read("3260", "省内异地清分明细提取", "cross-city clearing, extract",
          clearing.CrossCityExtract, clearing.CrossCityExtractReply),
    _write("3261", "省内异地清分结果确认", "cross-city clearing, confirm",
           clearing.CrossCityConfirm, undone_by="3262"),
    _write("3262", "省内异地清分结果确认回退", "cross-city clearing, roll back",
           clearing.CrossCityRollback),
    _write("3301", "目录对照上传", "mapping upload",
           mapping.MappingUpload, undone_by="3302"),
    _write("3302", "目录对照撤销", "mapping cancel", mapping.MappingCancel),
    *[_write(infno, title, title_en, stored.Stored)
      for infno, (title, title_en) in _STORED.items()],
    _write("4101", "医疗保障基金结算清单信息上传", "fund settlement list",
           stored.SettlementList, stored.SettlementListReply),
    _write("4101A", "医疗保障基金结算清单信息上传（A版）", "fund settlement list, A edition",
           stored.SettlementList, stored.SettlementListReply),
    _read("5201", "就诊信息查询", "visit enquiry",
          enquiry.VisitEnquiry, enquiry.VisitEnquiryReply),
    _read("5203", "结算信息查询", "settlement enquiry",
          enquiry.SettlementEnquiry, enquiry.SettlementEnquiryReply),
    _read("5204", "费用明细查询", "fee enquiry", enquiry.FeeEnquiry, enquiry.FeeRow,
          reply_is_array=True),
    _read("5205", "人员慢特病用药记录查询", "chronic medicine enquiry",
          history.ChronicMedicineEnquiry, history.ChronicMedicineEnquiryReply),
    _read("5206", "人员累计信息查询", "accumulator enquiry",
          history.AccumulatorEnquiry, history.AccumulatorEnquiryReply),
    _read("5301", "人员慢特病备案查询", "chronic disease filing enquiry",
          filing_enquiry.ChronicEnquiry, filing_enquiry.ChronicEnquiryReply),
    _read("5302", "人员定点信息查询", "chosen institution enquiry",
          filing_enquiry.ChosenInstitutionEnquiry,
          filing_enquiry.ChosenInstitutionEnquiryReply),
    _read("5304", "转院信息查询", "transfer enquiry",
          filing_enquiry.TransferEnquiry, filing_enquiry.TransferEnquiryReply),
    _write("6201", "费用明细上传", "mobile order upload", mobile.FeesUpload, mobile.FeesReply,
           undone_by="6401"),
    _write("6202", "支付下单", "mobile order", mobile.PayOrder, mobile.PayOrderReply,
           undone_by="6203"),
    _write("6203", "医保退费", "mobile refund", mobile.Refund, mobile.RefundReply),
    # 6204 and 6302 go from us to the institution (settlement/workers/outbox.py).
    _read("6204", "医保订单信息同步", "order notice", mobile.OrderSync, NoOutput, served=False),
    _read("6301", "医保订单结算结果查询", "mobile order enquiry",
          mobile.OrderEnquiry, mobile.OrderEnquiryReply),
    _read("6302", "医保结算结果通知", "settlement notice",
          mobile.SettleNotice, mobile.SettleNoticeReply, served=False),
    _write("6401", "费用明细上传撤销", "mobile order withdrawal",
           mobile.Withdraw, mobile.WithdrawReply),
    _write("9101", "文件上传", "file upload",
           files.FileUpload, files.FileUploadReply),
    # Answers the bytes of the file; a refusal has an envelope like any other.
    _read("9102", "文件下载", "file download", files.FileDownload, NoOutput),
)
# fmt: on

TYPED: dict[str, Transaction] = {transaction.infno: transaction for transaction in _ALL}
"""Every transaction whose messages have types here, served or not."""

TRANSACTIONS: dict[str, Transaction] = {
    infno: transaction for infno, transaction in TYPED.items() if transaction.served
}
"""The transactions that are served: what the outside may ask for and is told of."""
