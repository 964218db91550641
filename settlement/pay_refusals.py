"""Why payments over channels are refused: code, what is wrong, what to do.

Rows of the one table (settlement/refusals.py), which would be too long with them.
"""

from __future__ import annotations

# fmt: off
PAYING_ROWS: tuple[tuple[str, str, str], ...] = (
    ("ORDER_CONFLICT", "该订单号已用于另一笔内容不同的订单[，不同之处：{part}]。",
     "请为新订单使用新的order_no；重发时请勿改动内容。"),
    ("SCAN_WITHOUT_CODES", "既没有医保码（person_code），也没有付款码（pay_code）。",
     "请扫描参保人的医保码或付款人的付款码。"),
    ("NOTHING_TO_COLLECT", "本单合计为0元，没有可收的款项。", "请核对单价和数量后重新发送。"),
    ("PERSON_CODE_UNKNOWN", "person_code不是医保码，也不是身份证号。", "请重新扫描医保码。"),
    ("PERSON_CODE_NO_DECODER", "本平台未接入医保码解码，无法识别该医保码。",
     "请改用身份证号或社保卡办理，或联系{agency}。"),
    ("PERSON_CODE_INVALID", "扫描的不是有效的医保码[（{reason}）]，未结算，未收款。",
     "请核对后重新扫描参保人的医保码。"),
    ("PERSON_CODE_EXPIRED", "医保码已过期，未结算，未收款。",
     "请参保人刷新医保码，用同一order_no重新发送。"),
    ("PERSON_CODE_USED", "该医保码已使用过，不能再用于本单。",
     "请参保人刷新医保码，用同一order_no重新发送。"),
    ("PERSON_CODE_ELSEWHERE", "参保地不在本统筹区[（{region}）]，不能在此扫码结算，未收款。",
     "请按异地就医办理，或不带person_code作自费销售。"),
    ("PAY_CODE_UNKNOWN", "无法识别的付款码。", "请出示微信、支付宝或银联（云闪付）付款码。"),
    ("PAY_CODE_IS_PERSON", "扫描的是证件或社保卡号码，不能用于付款，未收款。",
     "请出示微信、支付宝或银联（云闪付）付款码。"),
    ("PAY_CODE_IS_VOUCHER", "医保码在本地区不能支付自费部分，未收款。",
     "请出示微信、支付宝或银联（云闪付）付款码。"),
    ("CHANNEL_NOT_OPENED", "本机构未开通该收款渠道[（{channel}）]。",
     "请改用其他付款码，或联系{agency}开通。"),
    ("CHANNEL_SUSPENDED", "该收款渠道已暂停[：{reason}]。", "请改用其他付款码。"),
    ("REFUND_CONFLICT", "该退款单号已用于另一笔退款。", "请为新的退款使用新的refund_no。"),
    ("REFUND_NOT_SETTLED", "该订单未结算，没有可退的款项。",
     "请查询订单状态；未结算的订单请用取消。"),
    ("REFUND_TOO_MUCH", "退款金额超过该订单可退金额[{left_fen}元]。", "请核对已退款项后重新发送。"),
    ("REFUND_BY_AMOUNT", "含医保结算的订单不能按金额退款。", "请按明细（lines）或整单退款。"),
    ("REFUND_LINE_UNKNOWN", "订单没有该明细[{line_no}]，或退货数量超过现存数量。",
     "请核对feedetl_sn和cnt。"),
    ("REFUND_COSTS_MORE",
     "退货后重新结算，个人需支付[{after_fen}元]，多于原支付的[{before_fen}元]，未退。",
     "请与参保人确认后改为整单退款，再重新结算。"),
    ("REFUND_VISIT_WHOLE", "住院的结算只能整单退。",
     "请整单退款，更正费用明细后重新结算。"),
    ("PAY_CODE_MISSING", "既没有付款码，也没有说明机构如何收款（tender）。",
     "请扫描付款码，或填写现金、刷卡的tender。"),
    ("DEPOSIT_AMOUNT_WRONG", "预交金金额须大于0。", "请核对amount后重新发送。"),
    ("REQUEST_ENDED", "该入院申请已结束。", "请患者重新申请，或按2401办理入院。"),
    ("REQUEST_UNPAID", "该入院申请的预交金尚未到账。", "请用订单号查询付款结果后再办理。"),
    ("REQUEST_REFUND_WHOLE", "入院申请的预交金只能全部退回，退回即撤销申请。",
     "请不填amount后重新发送。"),
    ("STAY_HAS_DEPOSITS", "该住院登记还有未退的预交金。", "请先退还预交金，再撤销入院。"),
    ("VISIT_FAMILY_ACCOUNT", "窗口扫码缴费不能使用家庭共济账户。",
     "请将acct_used_flag改为0或1，或用2207、2304结算后自行收款。"),
    ("CANCEL_BY_REFUND", "该结算含扫码收款[（订单{order_no}）]，不能用此交易撤销。",
     "请用/pay/{order_no}/refund退款。"),
)
# fmt: on
