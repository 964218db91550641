"""API v2 of the simulated WeChat: who may ask, what is carried out, what is signed."""

from __future__ import annotations

import gzip
import secrets
from collections.abc import Mapping

from msgspec.structs import replace

from loadtest.simulators import wechat_v2_wire as wire
from loadtest.simulators.channel import Reply
from loadtest.simulators.channel_faults import Fault, Operation
from loadtest.simulators.payer_codes import Behaviour
from loadtest.simulators.plain_http import Call
from loadtest.simulators.wechat_keys import SimMerchant
from loadtest.simulators.wechat_orders import Asked, Order, Refused
from loadtest.simulators.wechat_shop import Shop
from protocol.wechat import v2
from protocol.wechat.codes import TradeState

ECHOED = ("appid", "mch_id", "sub_appid", "sub_mch_id")
RECALLED = frozenset({"TRADE_ERROR", "SYSTEMERROR", "USERPAYING"})
"""A reversal refused so wants to be called again."""


class V2Api:
    """Answers over v2."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    async def answer(self, call: Call, operation: Operation, fault: Fault | None) -> Reply:
        """See `ChannelSimulator`."""
        fields = fields_of(call)
        merchant = self._shop.merchants.get(fields.get("mch_id", ""))
        if merchant is None:
            return _xml(wire.not_understood("商户号mch_id或sub_mch_id不存在"))
        if not v2.is_signed(fields, merchant.apiv2_key, fields.get("sign_type") or v2.MD5):
            return _xml(wire.not_understood("签名错误"))
        if call.path in wire.NEEDS_CERTIFICATE and not call.shows_certificate:
            return _xml(wire.not_understood("证书验证失败"))
        if operation is Operation.BILL_FILE:
            return self._bill(fields, call, fault)
        if operation is Operation.PAY:
            return self._paid(call, fields, merchant, fault)
        told = self._told(operation, fields, fault)
        return _xml(self.signed(told, fields, fault), fault)

    def signed(
        self, told: Mapping[str, str], asked: Mapping[str, str], fault: Fault | None
    ) -> dict[str, str]:
        """With who asked, a nonce and the signature under the merchant's key."""
        merchant = self._shop.merchants.get(asked.get("mch_id", ""))
        echoed = {name: asked[name] for name in ECHOED if name in asked}
        whole = {**told, **echoed, "nonce_str": secrets.token_hex(16)}
        if fault is Fault.NO_SIGNATURE or merchant is None:
            return whole
        signed = v2.signed(whole, merchant.apiv2_key, asked.get("sign_type") or v2.MD5)
        return signed | ({"sign": "0" * 32} if fault is Fault.WRONG_SIGNATURE else {})

    def refusal(self, call: Call, refused: Refused) -> Reply:
        """Of a channel that is busy."""
        return _xml(self.signed(wire.refusal(refused), fields_of(call), None))

    def _paid(
        self, call: Call, fields: dict[str, str], merchant: SimMerchant, fault: Fault | None
    ) -> Reply:
        asked = wire.asked_of(fields)
        wanted = wire.NEGATIVE_TEST.get(call.headers.get("wechatpay-negative-test", ""))
        told = self._payment(asked, merchant, wanted, fault)
        reply = _xml(self.signed(told, fields, fault), fault)
        is_lost = isinstance(asked, Asked) and self._shop.loses_answer(asked)
        return replace(reply, lost=is_lost or wanted is Behaviour.LOST_ANSWER)

    def _payment(
        self, asked: Asked | Refused, merchant: SimMerchant, wanted: Behaviour | None,
        fault: Fault | None,
    ) -> dict[str, str]:  # fmt: skip
        if isinstance(asked, Refused):
            return wire.refusal(asked)
        if asked.appid != merchant.appid:
            return wire.refusal(Refused("APPID_MCHID_NOT_MATCH", "appid和mch_id不匹配"))
        staged = {Fault.GHOST: "ghost", Fault.PHANTOM: "phantom"}.get(fault) if fault else None
        order = self._shop.orders.pay(asked, remark=staged or "", behaviour=wanted)
        if fault is Fault.GHOST:
            return wire.refusal(Refused("SYSTEMERROR", "系统错误"))
        if isinstance(order, Refused):
            return wire.refusal(order)
        if order.state == TradeState.USERPAYING:
            return wire.refusal(Refused("USERPAYING", "需要用户输入支付密码"))
        return wire.success(**wire.payment(order, fault))

    def _told(
        self, operation: Operation, fields: dict[str, str], fault: Fault | None
    ) -> dict[str, str]:
        whose = fields.get("sub_mch_id") or fields["mch_id"]
        if operation is Operation.UNDO:
            return self._reversed(whose, fields, fault)
        if operation is Operation.QUERY_REFUND:
            found = self._shop.orders.find_refund(whose, fields.get("out_refund_no", ""))
            if isinstance(found, Refused):
                return wire.refusal(found)
            return wire.success(**wire.refund_query(*found))
        by_id = fields.get("transaction_id")
        order = (
            self._shop.orders.find_by_id(whose, by_id)
            if by_id
            else self._shop.orders.find(whose, fields.get("out_trade_no", ""))
        )
        if isinstance(order, Refused):
            return wire.refusal(order)
        if operation is Operation.QUERY:
            return wire.success(**wire.payment(order, fault))
        return self._refunded(order, fields)

    def _reversed(
        self, whose: str, fields: dict[str, str], fault: Fault | None
    ) -> dict[str, str]:
        refused: Refused | None = Refused("USERPAYING", "用户支付中，请稍后重试")
        if fault is not Fault.UNDO_AGAIN:
            refused = self._shop.orders.reverse(whose, fields.get("out_trade_no", ""))
        if refused is None:
            return wire.success(recall="N")
        return {**wire.refusal(refused), "recall": "Y" if refused.code in RECALLED else "N"}

    def _refunded(self, order: Order, fields: dict[str, str]) -> dict[str, str]:
        amounts = fields.get("refund_fee", ""), fields.get("total_fee", "")
        if not all(one.isascii() and one.isdigit() for one in amounts):
            return wire.refusal(Refused("PARAM_ERROR", "金额格式有误"))
        one = self._shop.orders.refund(
            order, fields.get("out_refund_no", ""), amount_fen=int(amounts[0]),
            total_fen=int(amounts[1]), reason=fields.get("refund_desc", ""),
            notify_url=fields.get("notify_url", ""), over_v2=True,
        )  # fmt: skip
        if isinstance(one, Refused):
            return wire.refusal(one)
        return wire.success(**wire.refund(order, one))

    def _bill(self, fields: dict[str, str], call: Call, fault: Fault | None) -> Reply:
        """The file itself, or XML that says why not; neither is signed."""
        day = fields.get("bill_date", "")
        made = self._shop.bill(
            fields.get("sub_mch_id") or fields["mch_id"], f"{day[:4]}-{day[4:6]}-{day[6:]}",
            fields.get("bill_type", "ALL"), fault,
            is_fund=call.path.endswith("downloadfundflow"),
        )  # fmt: skip
        if isinstance(made, Refused):
            message, number = wire.BILL_MESSAGES.get(made.code, (made.text, "20001"))
            return _xml({**wire.not_understood(message), "error_code": number})
        is_packed = fields.get("tar_type") == "GZIP"
        return Reply(
            body=gzip.compress(made, mtime=0) if is_packed else made,
            content_type="application/x-gzip" if is_packed else "text/plain",
        )


def fields_of(call: Call) -> dict[str, str]:
    """None at all where it is no message of v2."""
    try:
        return v2.decode(call.body)
    except v2.NotV2Error:
        return {}


def _xml(fields: Mapping[str, str], fault: Fault | None = None) -> Reply:
    body = v2.encode({name: value for name, value in fields.items() if value != ""})
    if fault is Fault.NOT_JSON:
        body = body[: len(body) // 2]
    return Reply(body=body, content_type="text/xml")
