"""API v3 of the simulated WeChat: who may ask, what is carried out, what is signed."""

from __future__ import annotations

import gzip
import hashlib
import secrets
from http import HTTPStatus
from urllib.parse import urlencode

from msgspec.structs import replace

from loadtest.simulators import wechat_v3_wire as wire
from loadtest.simulators.channel import Reply
from loadtest.simulators.channel_faults import Fault, Operation
from loadtest.simulators.plain_http import Call
from loadtest.simulators.wechat_keys import SimMerchant
from loadtest.simulators.wechat_mixed import MixedApi
from loadtest.simulators.wechat_orders import Asked, Refused
from loadtest.simulators.wechat_shop import Shop
from loadtest.simulators.wechat_v3_wire import Told
from protocol.wechat import messages
from protocol.wechat.codes import TradeState

JSON = "application/json; charset=utf-8"
CLOCK_SKEW_SECONDS = 600
NOBODY = Refused("NOAUTH", "商户无权限")


class V3Api:
    """Answers over v3."""

    def __init__(self, shop: Shop, mixed: MixedApi, *, userpaying_as_error: bool) -> None:
        self._shop = shop
        self._mixed = mixed
        self._userpaying_as_error = userpaying_as_error
        self._files: dict[str, bytes] = {}

    async def answer(self, call: Call, operation: Operation, fault: Fault | None) -> Reply:
        """See `ChannelSimulator`."""
        merchant = self.merchant_of(call)
        if isinstance(merchant, Refused):
            return await self.signed(call, wire.refusal(merchant), fault)
        if self._mixed.is_about(call):
            return await self.signed(call, self._mixed.answer(call, merchant), fault)
        if operation is Operation.PAY:
            return await self._paid(call, merchant, fault)
        if operation is Operation.BILL_FILE:
            return self._file(call)
        return await self.signed(call, self._told(call, operation, merchant, fault), fault)

    def merchant_of(self, call: Call) -> SimMerchant | Refused:
        """Who signed it, if it is signed well."""
        merchant = self._shop.merchants.get(wire.mchid_of(call))
        if merchant is None:
            return Refused("SIGNERROR", "商户号不存在或 Authorization 有误")
        refused = wire.refused_request(
            call, merchant.public_key, merchant.serial, now=self._shop.now
        )
        return refused or merchant

    async def signed(self, call: Call, told: Told, fault: Fault | None) -> Reply:
        """With the platform's signature, or what a fault makes of it."""
        body = told.body[: len(told.body) // 2] if fault is Fault.NOT_JSON else told.body
        if fault is Fault.NO_SIGNATURE:
            return Reply(status=told.status, body=body, content_type=JSON)
        at = self._shop.now - (CLOCK_SKEW_SECONDS if fault is Fault.CLOCK_SKEW else 0)
        named = call.headers.get("wechatpay-serial", "")

        def sign(content: bytes) -> dict[str, str]:
            return self._shop.platform.headers(content, wanted=named, at=at)

        headers = await self._shop.signer.run(sign, body)
        if fault is Fault.WRONG_SIGNATURE:
            headers["Wechatpay-Nonce"] = "another"
        headers["Request-Id"] = f"{secrets.token_hex(14).upper()}-{told.number or 0}"
        return Reply(status=told.status, body=body, headers=headers, content_type=JSON)

    async def _paid(self, call: Call, merchant: SimMerchant, fault: Fault | None) -> Reply:
        asked = wire.asked_of(call.body)
        if isinstance(asked, Refused):
            return await self.signed(call, wire.refusal(asked), fault)
        if (asked.mchid, asked.appid) != (merchant.mchid, merchant.appid):
            return await self.signed(call, wire.refusal(_NOT_TOGETHER), fault)
        reply = await self.signed(call, self._payment(asked, fault), fault)
        return replace(reply, lost=self._shop.loses_answer(asked))

    def _payment(self, asked: Asked, fault: Fault | None) -> Told:
        staged = {Fault.GHOST: "ghost", Fault.PHANTOM: "phantom"}.get(fault) if fault else None
        order = self._shop.orders.pay(asked, remark=staged or "")
        if fault is Fault.GHOST:
            return wire.refusal(Refused("SYSTEMERROR", "系统错误"))
        if isinstance(order, Refused):
            return wire.refusal(order)
        if order.state == TradeState.USERPAYING and self._userpaying_as_error:
            return wire.refusal(Refused("USERPAYING", "需要用户输入支付密码"))
        return wire.told(wire.payment(order, fault))

    def _told(
        self, call: Call, operation: Operation, merchant: SimMerchant, fault: Fault | None
    ) -> Told:
        match operation:
            case Operation.QUERY:
                return self._order(call, merchant, fault)
            case Operation.UNDO if call.path.endswith("/close"):
                return self._closed(call, merchant, fault)
            case Operation.UNDO:
                return self._reversed(call, merchant, fault)
            case Operation.REFUND:
                return self._refunded(call, merchant)
            case Operation.QUERY_REFUND:
                whose = call.query.get("sub_mchid") or merchant.mchid
                found = self._shop.orders.find_refund(whose, call.parameters["out_refund_no"])
                if isinstance(found, Refused):
                    return wire.refusal(found)
                return wire.told(wire.refund(*found))
            case Operation.BILL:
                return self._bill(call, merchant, fault)
            case _:
                return Told(200, self._shop.platform.certificates(merchant.apiv3_key))

    def _order(self, call: Call, merchant: SimMerchant, fault: Fault | None) -> Told:
        named = call.query
        if (named.get("sp_mchid") or named.get("mchid")) != merchant.mchid:
            return wire.refusal(Refused("PARAM_ERROR", "mchid 与签名商户不符"))
        whose = named.get("sub_mchid") or merchant.mchid
        if "transaction_id" in call.parameters:
            found = self._shop.orders.find_by_id(whose, call.parameters["transaction_id"])
        else:
            found = self._shop.orders.find(whose, call.parameters["out_trade_no"])
        if isinstance(found, Refused):
            return wire.refusal(found)
        return wire.told(wire.payment(found, fault))

    def _reversed(self, call: Call, merchant: SimMerchant, fault: Fault | None) -> Told:
        try:
            asked = messages.read(call.body, messages.Reverse)
        except messages.UnreadableAnswerError as exc:
            return wire.refusal(Refused("PARAM_ERROR", str(exc)))
        if (asked.mchid or asked.sp_mchid) != merchant.mchid:
            return wire.refusal(NOBODY)
        if fault is Fault.UNDO_AGAIN:
            return wire.refusal(Refused("USERPAYING", "用户支付中，请稍后重试"))
        number = call.parameters["out_trade_no"]
        refused = self._shop.orders.reverse(asked.sub_mchid or asked.mchid, number)
        if refused is not None:
            return wire.refusal(refused)
        return wire.told(
            messages.Reversed(appid=asked.appid, mchid=asked.mchid, out_trade_no=number)
        )

    def _closed(self, call: Call, merchant: SimMerchant, fault: Fault | None) -> Told:
        try:
            asked = messages.read(call.body, messages.Close)
        except messages.UnreadableAnswerError as exc:
            return wire.refusal(Refused("PARAM_ERROR", str(exc)))
        if (asked.mchid or asked.sp_mchid) != merchant.mchid:
            return wire.refusal(NOBODY)
        if fault is Fault.UNDO_AGAIN:
            return wire.refusal(Refused("USERPAYING", "用户支付中，请稍后重试"))
        number = call.parameters["out_trade_no"]
        refused = self._shop.orders.close(asked.sub_mchid or asked.mchid, number)
        return wire.refusal(refused) if refused is not None else Told(HTTPStatus.NO_CONTENT, b"")

    def _refunded(self, call: Call, merchant: SimMerchant) -> Told:
        try:
            asked = messages.read(call.body, messages.RefundRequest)
        except messages.UnreadableAnswerError as exc:
            return wire.refusal(Refused("PARAM_ERROR", str(exc)))
        whose = asked.sub_mchid or merchant.mchid
        order = (
            self._shop.orders.find_by_id(whose, asked.transaction_id)
            if asked.transaction_id
            else self._shop.orders.find(whose, asked.out_trade_no)
        )
        if isinstance(order, Refused):
            return wire.refusal(Refused("REFUNDNOTEXIST", "订单不存在"))
        one = self._shop.orders.refund(
            order, asked.out_refund_no, amount_fen=asked.amount.refund,
            total_fen=asked.amount.total, reason=asked.reason, notify_url=asked.notify_url,
        )  # fmt: skip
        return wire.refusal(one) if isinstance(one, Refused) else wire.told(wire.refund(order, one))

    def _bill(self, call: Call, merchant: SimMerchant, fault: Fault | None) -> Told:
        made = self._shop.bill(
            call.query.get("sub_mchid") or merchant.mchid, call.query.get("bill_date", ""),
            call.query.get("bill_type", "ALL"), fault, is_fund=call.path.endswith("fundflowbill"),
        )  # fmt: skip
        if isinstance(made, Refused):
            return wire.refusal(made)
        digest = hashlib.sha1(made, usedforsecurity=False).hexdigest()
        if fault is Fault.BILL_WRONG_DIGEST:
            digest = "0" * len(digest)
        is_packed = call.query.get("tar_type") == "GZIP"
        token = secrets.token_hex(16)
        self._files[token] = gzip.compress(made, mtime=0) if is_packed else made
        place = f"{self._shop.own_url()}/v3/billdownload/file?{urlencode({'token': token})}"
        return wire.told(
            messages.BillPlace(hash_type="SHA1", hash_value=digest, download_url=place)
        )

    def _file(self, call: Call) -> Reply:
        """Not signed, and any number of times."""
        content = self._files.get(call.query.get("token", ""))
        if content is None:
            return Reply(status=HTTPStatus.NOT_FOUND, body=b'{"code":"RESOURCE_NOT_EXISTS"}')
        is_packed = content.startswith(b"\x1f\x8b")
        return Reply(
            body=content, content_type="application/x-gzip" if is_packed else "text/plain"
        )


_NOT_TOGETHER = Refused("INVALID_REQUEST", "appid 与 mchid 不匹配")
