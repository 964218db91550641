"""The payer's phone at the simulated WeChat: who holds it, and what they do with an order.

Two of the three addresses are WeChat's own: the sign-in of a page (网页授权), which asks nobody and
sends back at once, and the exchange of its code. The third is the director's and stands for the
window in which a payer confirms:

    POST /_sim/phone {"call": {…}, "act": "pay" or "cancel"}   as the page gave `call` to WeChat

A call is believed when the merchant signed it, as WeChat's own program on the phone checks it.
Whose phone it is says the header `Sim-Payer` of the sign-in; without it always the same one's.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Literal
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from loadtest.simulators.channel import Reply
from loadtest.simulators.plain_http import Call
from loadtest.simulators.wechat_keys import SimMerchant
from loadtest.simulators.wechat_orders import Order
from loadtest.simulators.wechat_shop import Shop
from protocol.scan import PhoneCall
from protocol.wechat.sign_in import SCOPE, TOKEN_PATH, SignedIn
from protocol.wechat.signing import phone_text

SIGN_IN_PATH, PHONE_PATH = "/connect/oauth2/authorize", "/_sim/phone"
ROUTES = (("GET", SIGN_IN_PATH), ("GET", TOKEN_PATH), ("POST", PHONE_PATH))
PAYER = "oSimPayer0000000000000000001"
CODE_LIFE = timedelta(minutes=5)
_SAID = "get_brand_wcpay_request:"


class PhoneAct(Struct, frozen=True, kw_only=True):
    """What a payer does with an order that their phone was handed."""

    call: PhoneCall
    act: Literal["pay", "cancel"] = "pay"


class PhoneApi:
    """See the module. `tell` is told of an order that was paid so."""

    def __init__(self, shop: Shop, tell: Callable[[SimMerchant, Order], None]) -> None:
        self._shop = shop
        self._tell = tell
        self._codes: dict[str, tuple[str, str, datetime]] = {}

    def is_about(self, call: Call) -> bool:
        """Whether it is answered here."""
        return (call.method, call.path) in ROUTES

    def answer(self, call: Call) -> Reply:
        """Nothing of it is signed."""
        match call.path:
            case path if path == SIGN_IN_PATH:
                return self._sign_in(call)
            case path if path == TOKEN_PATH:
                return self._exchange(call.query)
            case _:
                return self._act(call.body)

    def _sign_in(self, call: Call) -> Reply:
        asked, back = call.query, call.query.get("redirect_uri", "")
        is_known = any(one.appid == asked.get("appid") for one in self._shop.merchants.values())
        if not is_known or not back or asked.get("scope") != SCOPE:
            return Reply(status=HTTPStatus.BAD_REQUEST, body=b"redirect_uri")
        code = secrets.token_urlsafe(24)
        payer = call.headers.get("sim-payer", PAYER)
        self._codes[code] = asked["appid"], payer, self._shop.clock()
        more = urlencode({"code": code, "state": asked.get("state", "")})
        return Reply(status=HTTPStatus.FOUND, headers={"Location": f"{back}?{more}"})

    def _exchange(self, asked: Mapping[str, str]) -> Reply:
        merchant = self._of_app(asked.get("appid", ""))
        if merchant is None or asked.get("secret") != merchant.app_secret:
            return _told(SignedIn(errcode=40125, errmsg="invalid appsecret"))
        appid, payer, made_at = self._codes.pop(
            asked.get("code", ""), ("", "", self._shop.clock())
        )
        if appid != merchant.appid or self._shop.clock() - made_at > CODE_LIFE:
            return _told(SignedIn(errcode=40029, errmsg="invalid code"))
        return _told(SignedIn(openid=payer))

    def _act(self, body: bytes) -> Reply:
        try:
            asked = msgspec.json.decode(body, type=PhoneAct)
        except msgspec.DecodeError:
            return _heard("fail")
        call = asked.call
        merchant = self._of_app(call.appId)
        text = phone_text(call.appId, call.timeStamp, call.nonceStr, call.package)
        if merchant is None or not merchant.public_key.verify(text, call.paySign):
            return _heard("fail")
        order = self._shop.orders.find_prepaid(call.package.removeprefix("prepay_id="))
        if order is None or order.asked.appid != merchant.appid:
            return _heard("fail")
        if asked.act == "cancel":
            return _heard("cancel")
        self._shop.orders.pay_prepaid(order)
        self._tell(merchant, order)
        return _heard("ok")

    def _of_app(self, appid: str) -> SimMerchant | None:
        merchants = self._shop.merchants.values()
        return next((one for one in merchants if one.appid == appid), None)


def _told(said: SignedIn) -> Reply:
    return Reply(body=msgspec.json.encode(said))


def _heard(what: str) -> Reply:
    return Reply(body=msgspec.json.encode({"err_msg": f"{_SAID}{what}"}))
