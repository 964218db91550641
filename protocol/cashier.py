"""The page on which a payer pays on their own phone (手机付款页): what `/cashier/{token}/state` and
`/cashier/{token}/pay` say. Ours; amounts are yuan as text, texts are Chinese.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Meta, Struct

from protocol.scan import PhoneCall

CashierStanding = Literal["choose", "paying", "checking", "closing", "paid", "closed", "refunded"]


class CashierPart(Struct, frozen=True, kw_only=True):
    """One payer's part of the bill."""

    name: str
    amount: str


class CashierWay(Struct, frozen=True, kw_only=True):
    """A way to pay on this phone."""

    channel: str
    name: str
    sign_in: str
    """where the page sends the payer, so that the channel says who they are; empty where the
    channel asks nobody: the page then asks for the order at once"""


class CashierState(Struct, frozen=True, kw_only=True):
    """What the page shows."""

    state: CashierStanding
    title: str
    hint: str
    """what to do, or what happens next"""
    institution: str
    amount: str
    """what is to be paid here"""
    amount_name: str
    """how that is called as things stand"""
    parts: Sequence[CashierPart] = ()
    """how the bill is made up; empty where the payer pays all of it"""
    ways: Sequence[CashierWay] = ()
    """empty while nothing can be paid"""
    seconds_left: int = 0
    """so long it can be paid"""


class CashierPayRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`POST /cashier/{token}/pay`: through which channel the payer wants to pay."""

    channel: Literal["wechat", "alipay", "unionpay"]
    code: Annotated[str, Meta(max_length=256)] = ""
    """with which the payer came back from the sign-in, where there is one"""


class CashierCall(Struct, frozen=True, kw_only=True):
    """How a phone opens an order."""

    channel: str
    kind: Literal["jsapi", "open"]
    """`jsapi`: by WeChat's own call, `open`: by an address"""
    jsapi: PhoneCall | None = None
    url: str = ""


class CashierPayReply(Struct, frozen=True, kw_only=True):
    """What the phone opens the order with, or why it cannot."""

    page: CashierState
    call: CashierCall | None = None
    message: str = ""
    """why there is no call"""
