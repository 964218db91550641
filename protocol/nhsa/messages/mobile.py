"""Mobile payment (移动支付): 6201, 6202, 6203, 6301, 6401 served, 6204 and 6302 sent.

Institutions, and the platforms behind them, speak them with the mobile-payment centre; for our
region that is us (DOMAIN 16). Their names are camelCase, and lists stand inside `data`.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import Raw, Struct

from protocol.nhsa.envelope import Envelope
from protocol.nhsa.messages.text import (
    Free,
    May1,
    May3,
    May6,
    May8,
    May20,
    May30,
    May40,
    May50,
    May64,
    May100,
    May200,
    May500,
    May1000,
    MayTime,
    Need1,
    Need3,
    Need6,
    Need10,
    Need12,
    Need30,
    Need40,
    Need50,
    Need64,
    Need100,
    Need150,
    NeedTime,
    Serial,
)


class OrderLine(Struct, frozen=True, kw_only=True, gc=False):
    """费用明细: one fee line of an order."""

    feedetlSn: Serial  # 费用明细流水号
    mdtrtId: Need30  # 就诊ID
    psnNo: Need30  # 人员编号
    chrgBchno: Need30  # 收费批次号
    diseCodg: May30 = None  # 病种编码
    rxno: May30 = None  # 处方号
    rxCircFlag: Need3  # 外购处方标志
    feeOcurTime: NeedTime  # 费用发生时间
    medListCodg: Need50  # 医疗目录编码
    medinsListCodg: Need150  # 医药机构目录编码
    detItemFeeSumamt: Decimal  # 明细项目费用总额
    cnt: Decimal  # 数量
    pric: Decimal  # 单价
    sinDosDscr: May200 = None  # 单次剂量描述
    usedFrquDscr: May200 = None  # 使用频次描述
    prdDays: Decimal | None = None  # 周期天数
    medcWayDscr: May200 = None  # 用药途径描述
    bilgDeptCodg: Need30  # 开单科室编码
    bilgDeptName: Need100  # 开单科室名称
    bilgDrCodg: Need30  # 开单医生编码
    bilgDrName: Need50  # 开单医师姓名
    acordDeptCodg: May30 = None  # 受单科室编码
    acordDeptName: May100 = None  # 受单科室名称
    ordersDrCode: May30 = None  # 受单医生编码
    ordersDrName: May50 = None  # 受单医生姓名
    hospApprFlag: Need3  # 医院审批标志
    tcmdrugUsedWay: May6 = None  # 中药使用方式
    etipFlag: May3 = None  # 外检标志
    etipHospCode: May30 = None  # 外检医院编码
    dscgTkdrugFlag: May3 = None  # 出院带药标志
    matnFeeFlag: May6 = None  # 生育费用标志
    initFeedetlSn: May30 = None  # 原费用流水号
    drordNo: May30 = None  # 医嘱号
    medType: Need6  # 医疗类别
    memo: May1000 = None  # 备注
    extData: Free = None  # 扩展字段


class OrderDiagnosis(Struct, frozen=True, kw_only=True, gc=False):
    """诊断或症状明细"""

    diagType: Need3  # 诊断类别
    diagSrtNo: Decimal  # 诊断排序号
    diagCode: Need30  # 诊断代码
    diagName: Need100  # 诊断名称
    diagDept: Need50  # 诊断科室
    diseDorNo: Need30  # 诊断医生编码
    diseDorName: Need50  # 诊断医生姓名
    diagTime: NeedTime  # 诊断时间
    valiFlag: Need3  # 有效标志


class FeesData(Struct, frozen=True, kw_only=True, gc=False):
    """费用明细上传: who, which visit, how much. `extData`, `fetts` and `matnType` are printed as
    required; nobody says what the first holds, and the others are about births: not asked for here
    unless an edition is strict."""

    orgCodg: Need40  # 机构编码
    orgId: May40 = None  # 电子凭证机构号
    psnNo: Need30  # 人员编号
    insutype: Need6  # 险种类型
    medOrgOrd: Need40  # 医疗机构订单号
    initRxOrd: May40 = None  # 要续方的原处方流水
    rxCircFlag: May1 = None  # 电子处方流转标志
    begntime: NeedTime  # 开始时间
    idNo: Need40  # 证件号码
    userName: Need40  # 用户姓名
    idType: Need6  # 证件类别
    ecToken: Need64  # 电子凭证授权ecToken
    insuCode: May6 = None  # 参保地
    iptOtpNo: Need30  # 住院/门诊号
    atddrNo: May30 = None  # 医师编码
    drName: May50 = None  # 医师姓名
    deptCode: May30 = None  # 科室编码
    deptName: Need100  # 科室名称
    caty: Need10  # 科别
    mdtrtId: May30 = None  # 就诊ID
    medType: Need6  # 医疗类别
    feeType: Need3  # 费用类别
    medfeeSumamt: Decimal  # 医疗费总额
    acctUsedFlag: Need1  # 个人账户使用标志
    mainCondDscr: May1000 = None  # 主要病情描述
    diseCodg: Need30  # 病种编码
    diseName: May500 = None  # 病种名称
    psnSetlway: Need6  # 个人结算方式
    chrgBchno: Need30  # 收费批次号
    invono: May20 = None  # 发票号
    endtime: MayTime = None  # 出院时间
    fulamtOwnpayAmt: Decimal | None = None  # 全自费金额
    overlmtSelfpay: Decimal | None = None  # 超限价金额
    preselfpayAmt: Decimal | None = None  # 先行自付金额
    inscpScpAmt: Decimal | None = None  # 符合政策范围金额
    oprnOprtCode: May30 = None  # 手术操作代码
    oprnOprtName: May500 = None  # 手术操作名称
    fpscNo: May50 = None  # 计划生育服务证号
    latechbFlag: May3 = None  # 晚育标志
    gesoVal: Decimal | None = None  # 孕周数
    fetts: Decimal | None = None  # 胎次
    fetusCnt: Decimal | None = None  # 胎儿数
    pretFlag: May3 = None  # 早产标志
    birctrlType: May6 = None  # 计划生育手术类别
    birctrlMatnDate: MayTime = None  # 计划生育手术或生育日期
    copFlag: May3 = None  # 伴有并发症标志
    dscgDeptCodg: May30 = None  # 出院科室编码
    dscgDeptName: May100 = None  # 出院科室名称
    dscgDed: May50 = None  # 出院床位
    dscgWay: May8 = None  # 离院方式
    dieDate: MayTime = None  # 死亡日期
    matnType: May6 = None  # 生育类别
    extData: Free = None  # 扩展字段
    midSetlFlag: May3 = None  # 中途结算标志
    diseinfoList: tuple[OrderDiagnosis, ...]  # 诊断或症状明细
    feedetailList: tuple[OrderLine, ...]  # 费用明细


class FeesInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `FeesUpload`."""

    data: FeesData


class FeesUpload(Envelope, frozen=True, kw_only=True, gc=False):
    """6201 费用明细上传."""

    input: FeesInput


class FeesUploaded(Struct, frozen=True, kw_only=True, gc=False):
    """上传结果: the order that the centre made."""

    payOrdId: str  # 支付订单号
    payToken: str  # 支付token
    cashierUrl: str = ""  # 医保支付收银台h5地址
    extData: Free = None  # 医保扩展数据


class FeesReply(Struct, frozen=True, kw_only=True, gc=False):
    """Output of 6201."""

    data: FeesUploaded


class PayOrderData(Struct, frozen=True, kw_only=True, gc=False):
    """支付下单: the payer agreed, by `payAuthNo` or by the three fields of the e-credential."""

    payAuthNo: May40 = None  # 支付授权码
    payOrdId: Need40  # 待支付订单号
    payToken: Need40  # 支付订单对应的token
    orgCodg: Need12  # 定点机构编码
    orgBizSer: Need40  # 业务流水号
    ecAuthCode: May40 = None  # 电子凭证授权码
    ecChnlAppId: May40 = None  # 电子凭证渠道ID
    ecChnlUserId: May40 = None  # 电子凭证用户ID
    mdtrtId: Need40  # 就诊ID
    chrgBchno: May40 = None  # 收费批次号
    extData: Free = None  # 扩展数据


class PayOrderInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `PayOrder`."""

    data: PayOrderData


class PayOrder(Envelope, frozen=True, kw_only=True, gc=False):
    """6202 支付下单."""

    input: PayOrderInput


class PayOrdered(Struct, frozen=True, kw_only=True, gc=False):
    """下单结果: who pays what."""

    payOrdId: str  # 支付订单号
    ordStas: str  # 订单状态
    feeSumamt: Raw  # 费用总额
    ownPayAmt: Raw  # 现金支付
    psnAcctPay: Raw  # 个人账户支出
    fundPay: Raw  # 医保基金支付
    extData: Free = None  # 扩展数据


class PayOrderReply(Struct, frozen=True, kw_only=True, gc=False):
    """Output of 6202."""

    data: PayOrdered


class RefundData(Struct, frozen=True, kw_only=True, gc=False):
    """医保退费: all of it, or only one of its two parts."""

    payOrdId: Need40  # 支付订单号
    appRefdSn: Need40  # 应用退款流水号
    appRefdTime: Need40  # 应用退费时间
    totlRefdAmt: Decimal  # 总退费金额
    psnAcctRefdAmt: Decimal | None = None  # 医保个人账户支付
    fundRefdAmt: Decimal | None = None  # 基金支付
    cashRefdAmt: Decimal  # 现金退费金额
    ecToken: Need64  # 电子凭证授权Token
    refdType: Need40  # 退费类型
    extData: Free = None  # 医保扩展数据


class RefundInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `Refund`."""

    data: RefundData


class Refund(Envelope, frozen=True, kw_only=True, gc=False):
    """6203 医保退费."""

    input: RefundInput


class Refunded(Struct, frozen=True, kw_only=True, gc=False):
    """退费结果"""

    refdSn: str  # 结算中心流水号
    hiFefdSn: str  # 医保退费流水号
    hiTrnsDate: str  # 医保退费日期
    hiTrnsTime: str  # 医保退费时间
    refStatus: str  # 退费状态
    extData: Free = None  # 医保扩展数据


class RefundReply(Struct, frozen=True, kw_only=True, gc=False):
    """Output of 6203."""

    data: Refunded


class SyncData(Struct, frozen=True, kw_only=True, gc=False):
    """医保订单信息: what the centre tells once an order is decided."""

    payOrdId: Need40  # 支付订单号
    medOrgOrd: Need40  # 医院订单号
    feeSumamt: Decimal  # 费用总金额
    ownPayAmt: Decimal  # 现金自付
    psnAcctPay: Decimal  # 个人账户支付
    fundPay: Decimal  # 医保基金支付
    thdPayType: Need40  # 第三方支付类型
    extData: Free = None  # 扩展数据


class SyncInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `OrderSync`."""

    data: SyncData


class OrderSync(Envelope, frozen=True, kw_only=True, gc=False):
    """6204 医保订单信息同步, sent by us."""

    input: SyncInput


class OrderNamed(Struct, frozen=True, kw_only=True, gc=False):
    """Which order, and that one knows it: enquiry and withdrawal."""

    payOrdId: Need40  # 支付订单号
    orgCodg: Need40  # 定点机构编码
    payToken: Need40  # 支付token
    idNo: Need40  # 证件号码
    userName: Need40  # 用户姓名
    idType: Need6  # 证件类别
    extData: Free = None  # 扩展数据


class EnquiryInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `OrderEnquiry`."""

    data: OrderNamed


class OrderEnquiry(Envelope, frozen=True, kw_only=True, gc=False):
    """6301 医保订单结算结果查询."""

    input: EnquiryInput


class OrderShown(Struct, frozen=True, kw_only=True, gc=False):
    """医保订单结算结果: what stands of an order."""

    payOrdId: str  # 支付订单号
    callType: str  # 回调类型
    medOrgOrd: str  # 医院订单号
    traceTime: str  # 交易时间
    orgCodg: str  # 两定机构编号
    orgName: str  # 两定机构名称
    setlType: str  # 结算类型
    ordStas: str  # 订单状态
    feeSumamt: Raw  # 费用总额
    ownPayAmt: Raw  # 现金支付
    psnAcctPay: Raw  # 个人账户支出
    fundPay: Raw  # 医保基金支付
    revsToken: str  # 冲正授权
    extData: Free = None  # 扩展数据


class OrderEnquiryReply(Struct, frozen=True, kw_only=True, gc=False):
    """Output of 6301."""

    data: OrderShown


class NoticeData(Struct, frozen=True, kw_only=True, gc=False):
    """医保结算结果: what the centre tells once the insurance has paid (`ownpayAmt` is spelt so)."""

    payOrdId: Need40  # 支付订单号
    callType: Need40  # 回调类型
    medOrgOrd: Need40  # 医院订单号
    traceTime: Need40  # 交易时间
    orgName: Need40  # 两定机构名称
    setlType: Need40  # 结算类型
    feeSumamt: Decimal  # 费用总额
    psnAcctPay: Decimal  # 个人账户支出
    fundPay: Decimal  # 医保基金支付
    revsToken: Need40  # 冲正授权
    ownpayAmt: Decimal  # 个人现金自付
    hiChrgTime: Need6  # 医保收费时间
    hiDocSn: Need40  # 医保交易流水号
    hiRgstSn: Need40  # 医保挂号流水号
    ecCode: May200 = None  # 电子凭证码值
    extData: Free = None  # 扩展数据


class NoticeInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `SettleNotice`."""

    data: NoticeData


class SettleNotice(Envelope, frozen=True, kw_only=True, gc=False):
    """6302 医保结算结果通知, sent by us."""

    input: NoticeInput


class Heard(Struct, frozen=True, kw_only=True, gc=False):
    """回调应答: whether the institution took the notice."""

    success: bool  # 回调通知结果
    message: str  # 结果说明


class SettleNoticeReply(Struct, frozen=True, kw_only=True, gc=False):
    """Output of 6302."""

    data: Heard


class WithdrawInput(Struct, frozen=True, kw_only=True, gc=False):
    """Input of `Withdraw`."""

    data: OrderNamed


class Withdraw(Envelope, frozen=True, kw_only=True, gc=False):
    """6401 费用明细上传撤销."""

    input: WithdrawInput


class Withdrawn(Struct, frozen=True, kw_only=True, gc=False):
    """撤销结果"""

    success: bool  # 撤销结果


class WithdrawReply(Struct, frozen=True, kw_only=True, gc=False):
    """Output of 6401."""

    data: Withdrawn


class Told(Struct, frozen=True, kw_only=True, gc=False):
    """Data of 6204 as we write it."""

    payOrdId: str
    medOrgOrd: str
    feeSumamt: Raw
    ownPayAmt: Raw
    psnAcctPay: Raw
    fundPay: Raw
    thdPayType: str
    extData: Raw


class SettleTold(Struct, frozen=True, kw_only=True, gc=False):
    """Data of 6302 as we write it."""

    payOrdId: str
    callType: str
    medOrgOrd: str
    traceTime: str
    orgName: str
    setlType: str
    feeSumamt: Raw
    ownpayAmt: Raw
    psnAcctPay: Raw
    fundPay: Raw
    revsToken: str
    hiChrgTime: str
    hiDocSn: str
    hiRgstSn: str
    extData: Raw


class RefundTold(Struct, frozen=True, kw_only=True, gc=False):
    """`extData.refund` of a 6302 that tells of a refund, under the names of 6203. No source says
    how a refund is told; the amounts beside it are the order's, as 6301 has them."""

    appRefdSn: str
    refdSn: str
    hiFefdSn: str
    refdType: str
    totlRefdAmt: Raw
    psnAcctRefdAmt: Raw
    fundRefdAmt: Raw
    cashRefdAmt: Raw


class WalletConfirmed(Struct, frozen=True, kw_only=True, gc=False):
    """What a wallet tells the centre: the payer has paid there, and saw these amounts. No source
    prints this message; its names are those of 6202."""

    payOrdId: Need40
    thdTrnsNo: May64 = None
    feeSumamt: Decimal
    fundPay: Decimal
    psnAcctPay: Decimal
    ownPayAmt: Decimal


class WalletClosed(Struct, frozen=True, kw_only=True, gc=False):
    """What a wallet tells the centre: nobody will pay there any more."""

    payOrdId: Need40
