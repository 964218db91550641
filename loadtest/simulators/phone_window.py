"""The window of a payer's own app at Alipay and UnionPay: an order behind an address, and a button.

The address is what the channel gave for the order; a payer's phone opens it, or scans it. Opened
in a browser it shows the order and lets whoever sits there pay. For programs there is one more:

    POST /_sim/phone {"url": "…", "act": "look", "pay" or "cancel"}     {"said": "ok"} or "fail"

`pay_anyway` is paid although the order is closed: the channel breaks its word.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from http import HTTPStatus
from typing import Literal
from urllib.parse import parse_qs, urlsplit

import msgspec
from msgspec import Struct

from ledger.money import yuan_text
from loadtest.simulators.channel import Reply
from loadtest.simulators.plain_http import Call

QR_PATH, ACT_PATH = "/qr", "/_sim/phone"
ROUTES = (("GET", QR_PATH), ("POST", QR_PATH), ("POST", ACT_PATH))
_PATHS = frozenset({QR_PATH, ACT_PATH})


class PhoneDeed(Struct, frozen=True, kw_only=True):
    """What a payer does with an address that their phone was given."""

    url: str
    act: Literal["look", "pay", "cancel", "pay_anyway"] = "pay"


class Shown(Struct, frozen=True, kw_only=True):
    """An order as the window shows it."""

    merchant: str
    amount_fen: int
    can_be_paid: bool
    is_paid: bool = False


class Window:
    """See the module. `look` opens the order of a code, None where there is none; `pay` says
    whether it is paid now; `revive` makes a closed one wait again. `name` is the app's."""

    def __init__(
        self, name: str, look: Callable[[str], Shown | None], pay: Callable[[str], bool],
        revive: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._name = name
        self._look = look
        self._pay = pay
        self._revive = revive

    def is_about(self, call: Call) -> bool:
        """Whether it is answered here."""
        return call.path in _PATHS

    def answer(self, call: Call, code_in: Callable[[str], str] = lambda url: code_of(url)) -> Reply:
        """A page, or what was said to a program. `code_in` finds the code in an address."""
        if call.path == QR_PATH:
            return self.page(call.query.get("code", ""), pays=call.method == "POST")
        try:
            deed = msgspec.json.decode(call.body, type=PhoneDeed)
        except msgspec.MsgspecError:
            return _said("fail")
        code = code_in(deed.url)
        if deed.act == "pay_anyway" and self._look(code) is not None:
            self._revive(code)
        shown = self._look(code)
        if shown is None or not shown.can_be_paid:
            return _said("fail")
        if deed.act in ("pay", "pay_anyway"):
            return _said("ok" if self._pay(code) else "fail")
        return _said("ok" if deed.act == "look" else "cancel")

    def page(self, code: str, *, pays: bool = False) -> Reply:
        """The window in a browser."""
        shown = self._look(code)
        if shown is not None and shown.can_be_paid and pays:
            self._pay(code)
            shown = self._look(code)
        if shown is None:
            return _html(self._name, "<p>没有这个订单，或已失效。</p>", HTTPStatus.NOT_FOUND)
        amount = f"<h1>¥ {yuan_text(shown.amount_fen)}</h1><p>{escape(shown.merchant)}</p>"
        if shown.is_paid:
            return _html(self._name, f"{amount}<p>已付款，请返回付款页。</p>")
        if not shown.can_be_paid:
            return _html(self._name, f"{amount}<p>订单已关闭。</p>")
        form = (
            f'<form method="post" action="{QR_PATH}?code={escape(code)}">'
            "<button>确认付款</button></form>"
        )
        return _html(self._name, amount + form)


def code_of(url: str) -> str:
    """The code in an address of `QR_PATH`; empty where there is none."""
    parts = urlsplit(url)
    return parse_qs(parts.query).get("code", [""])[0] if parts.path == QR_PATH else ""


def _said(what: str) -> Reply:
    return Reply(body=msgspec.json.encode({"said": what}))


def _html(name: str, content: str, status: int = HTTPStatus.OK) -> Reply:
    text = (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{name}</title></head><body><p>{name}</p>{content}</body></html>"
    )
    return Reply(status=status, body=text.encode(), content_type="text/html; charset=utf-8")
