"""Why orders of mobile payment are refused: code, what is wrong, what to do.

Rows of the one table (settlement/refusals.py), which would be too long with them.
"""

from __future__ import annotations

# fmt: off
MOBILE_ROWS: tuple[tuple[str, str, str], ...] = (
    ("MOBILE_ORDER_CONFLICT", "该医疗机构订单号已用于另一笔内容不同的订单[，不同之处：{part}]。",
     "请为新订单使用新的medOrgOrd；重发时请勿改动内容。"),
    ("MOBILE_LINES_DIFFER", "明细与订单的机构、人员、收费批次、医疗类别或就诊不一致。",
     "请使orgCodg以及每行明细的psnNo、chrgBchno、medType、mdtrtId与订单一致。"),
    ("MOBILE_BATCH_TAKEN", "该就诊的收费批次[{value}]已有明细。",
     "请为新订单使用新的收费批次，或先撤销该批次明细。"),
    ("MOBILE_ORDER_UNKNOWN", "查无此支付订单。", "请核对payOrdId，它由6201返回。"),
    ("MOBILE_TOKEN_WRONG", "支付token不正确。", "请填写6201返回的payToken。"),
    ("MOBILE_ORDER_OTHER_VISIT", "就诊ID或收费批次号与订单不一致。",
     "请填写6201返回的extData中的mdtrtId和chrgBchno。"),
    ("MOBILE_AUTHORISATION_MISSING", "缺少付款人授权。",
     "请填写payAuthNo，或ecAuthCode、ecChnlAppId、ecChnlUserId三项。"),
    ("MOBILE_AUTHORISATION_USED", "该付款授权已用于另一笔订单。", "请参保人重新授权后再下单。"),
    ("MOBILE_WALLET_UNKNOWN", "未登记的第三方支付类型[{value}]。",
     "请核对extData中的thdPayType，或联系{agency}登记。"),
    ("MOBILE_WALLET_DIFFERS", "该订单不由此支付渠道确认。", "请核对payOrdId。"),
    ("MOBILE_SPLIT_DIFFERS", "金额与订单的预结算结果不一致，未结算。",
     "请用6202返回的金额确认；不一致时退还已收的自费部分。"),
    ("MOBILE_ORDER_EXPIRED", "该订单已超过支付时限，未结算。",
     "请重新上传明细后下单；已收的自费部分请退还。"),
    ("MOBILE_ORDER_CLOSED", "该订单已撤销。", "请重新上传明细后下单。"),
    ("MOBILE_ORDER_PAID", "该订单医保已支付，不能撤销。", "请用6203退费。"),
    ("MOBILE_ORDER_NOT_PAID", "该订单尚未支付，没有可退的费用。", "未支付的订单请用6401撤销。"),
    ("MOBILE_ORDER_REFUNDED", "该订单的这一部分已退费。", "请用6301查询订单状态。"),
    ("MOBILE_ORDER_PARTLY_REFUNDED", "该订单已退一部分，不能整单退费。",
     "请用refdType HI或CASH退其余部分。"),
    ("MOBILE_REFUND_CONFLICT", "该退款流水号已用于另一笔内容不同的退费。",
     "请为新的退费使用新的appRefdSn。"),
    ("MOBILE_REFUND_AMOUNTS",
     "退费金额[{declared_fen}元]与该部分原支付金额[{computed_fen}元]不一致。",
     "医保订单不能按金额退费，请按原支付金额整项退。"),
    ("MOBILE_REFUND_UNAUTHORISED", "ecToken不能用于此退费。",
     "请填写上传时的ecToken、参保人当前有效的ecToken，或一小时内的revsToken。"),
    ("MOBILE_REVERSAL_LATE", "冲正授权（revsToken）已过期。",
     "请填写上传时的ecToken或参保人当前有效的ecToken。"),
    ("CANCEL_BY_MOBILE_REFUND", "该结算由移动支付订单产生，不能用此交易撤销。", "请用6203退费。"),
    ("MOBILE_PLAIN_REFUSED", "本地区的移动支付只接受加密签名报文。",
     "请改用移动支付中心的地址和SM2/SM4报文。"),
    ("MOBILE_WALLET_UNREADABLE", "支付渠道的确认报文无法解析[：{found}]。",
     "请按接口文档的字段和类型重新发送。"),
)
MOBILE_UNREADABLE: tuple[str, str, str] = (
    "MOBILE_ENVELOPE_UNREADABLE", "移动支付报文无法解析或解密。",
    "请核对appId、encData的密钥与编码，以及signData的签名原文。",
)
# fmt: on
