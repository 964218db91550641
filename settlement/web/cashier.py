"""The page on which a payer pays on their own phone (`/cashier/{token}`), and what it asks.

Whoever has the link may look and pay: the link is the credential, and it shows no person. The page
itself says nothing; everything shown is asked for by its script. Beside it is one without a script
(cashier_plain.py).
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from functools import cache
from http import HTTPStatus
from importlib.resources import files

import msgspec
from aiohttp import web

from protocol.cashier import CashierPayReply, CashierState
from settlement.gateway import Overloaded, PayDesk, PayReply, Unavailable
from settlement.limits import Limits
from settlement.web import cashier_plain
from settlement.web.reply import HttpReply, problem, too_large

ROOT = "/cashier/"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What a browser may do with the page: our script and style, our answers, and nothing else."""
PLAIN_POLICY = (
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'"
)
"""The same of the page without a script, which asks by forms."""
Body = Callable[[web.BaseRequest], Awaitable[bytes | None]]
_ASSET_TYPES = {
    "/cashier/cashier.css": "text/css; charset=utf-8",
    "/cashier/cashier.js": "text/javascript; charset=utf-8",
}
_TOKEN = r"(?P<token>[0-9A-Za-z_\-]{32})"  # noqa: S105 - the shape of one, and no secret
_PAGE = re.compile(rf"/cashier/{_TOKEN}/?", re.ASCII)
_STATE = re.compile(rf"/cashier/{_TOKEN}/state", re.ASCII)
_PLAIN = re.compile(
    rf"/cashier/{_TOKEN}/plain(?:/(?P<channel>wechat|alipay|unionpay))?", re.ASCII
)
_PAY = re.compile(rf"/cashier/{_TOKEN}/pay", re.ASCII)
_PAGE_HTML = (
    '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    '<meta name="referrer" content="no-referrer"><title>付款</title>'
    '<link rel="stylesheet" href="/cashier/cashier.css">'
    '<script src="/cashier/cashier.js" defer></script></head><body>'
    '<header><p>医疗费用支付</p><h1 id="institution"></h1></header>'
    '<noscript><p class="card">本页需要运行脚本。'
    '<a href="/cashier/{token}/plain">打开不用脚本的付款页</a>，或到窗口出示付款码。</p></noscript>'
    '<p class="other" id="loading">正在打开…</p>'
    '<main id="main" hidden><section class="card sum"><small id="amount-name"></small>'
    '<b id="amount"></b><p class="left" id="left"></p></section>'
    '<div class="standing" id="standing" role="status" aria-live="polite">'
    '<strong id="title"></strong><span id="hint"></span></div>'
    '<p class="notice" id="notice" role="alert" hidden></p><div id="ways"></div>'
    '<p class="other" id="scan" hidden></p>'
    '<p class="other" id="elsewhere" hidden>也可以到窗口出示微信、支付宝或云闪付的付款码。</p>'
    '<section class="card" id="bill" hidden><dl id="parts"></dl></section></main></body></html>'
)


class CashierPages:
    """Answers everything under /cashier/."""

    def __init__(self, desk: PayDesk, body: Body, limits: Limits) -> None:
        self._desk = desk
        self._body = body
        self._limits = limits

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """The page, its parts, and what it asks."""
        media = _ASSET_TYPES.get(request.path)
        if media is not None:
            return _asset(request.path, media)
        page = _PAGE.fullmatch(request.path)
        if page is not None and request.method == "GET":
            return html(_PAGE_HTML.replace("{token}", page["token"]), POLICY)
        plain = _PLAIN.fullmatch(request.path)
        if plain is not None:
            return await self._plain(request, plain["token"], plain["channel"])
        reply = await self._asked(request)
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        if reply.retry_after_seconds is not None:
            headers["Retry-After"] = str(reply.retry_after_seconds)
        return web.Response(
            status=reply.status, body=reply.body, headers={**headers, "Content-Type": reply.media}
        )

    async def _plain(
        self, request: web.BaseRequest, token: str, channel: str | None
    ) -> web.Response:
        """The page without a script: GET shows it, POST opens the order at a channel."""
        reply = await self._told_by(request, token, channel)
        body = reply.body
        if reply.status != HTTPStatus.OK:
            return html(cashier_plain.problem_page(token), PLAIN_POLICY, reply.status)
        if channel is None:
            state = msgspec.json.decode(body, type=CashierState)
            return html(cashier_plain.page(token, state), PLAIN_POLICY)
        said = msgspec.json.decode(body, type=CashierPayReply)
        return html(
            cashier_plain.page(token, said.page, call=said.call, message=said.message),
            PLAIN_POLICY,
        )

    async def _told_by(
        self, request: web.BaseRequest, token: str, channel: str | None
    ) -> HttpReply:
        """What the desk says, or why it says nothing."""
        method = "GET" if channel is None else "POST"
        if request.method != method:
            return problem("METHOD_NOT_ALLOWED", params={"allow": method})
        try:
            if channel is None:
                return _told(await self._desk.cashier(token))
            asked = msgspec.json.encode({"channel": channel})
            return _told(await self._desk.cashier_pay(token, asked))
        except Overloaded as exc:
            return problem("OVERLOADED", seconds=exc.seconds)
        except Unavailable as exc:
            code = "UNAVAILABLE" if exc.retry == "later" else "OUTCOME_UNKNOWN"
            return problem(code, seconds=exc.seconds)

    async def _asked(self, request: web.BaseRequest) -> HttpReply:
        state, pay = _STATE.fullmatch(request.path), _PAY.fullmatch(request.path)
        if state is None and pay is None:
            return problem("NOT_FOUND")
        method = "GET" if pay is None else "POST"
        if request.method != method:
            return problem("METHOD_NOT_ALLOWED", params={"allow": method})
        try:
            if pay is None:
                return _told(await self._desk.cashier(state["token"] if state else ""))
            body = await self._body(request)
            if body is None:
                return too_large(self._limits)
            return _told(await self._desk.cashier_pay(pay["token"], body))
        except Overloaded as exc:
            return problem("OVERLOADED", seconds=exc.seconds)
        except Unavailable as exc:
            code = "UNAVAILABLE" if exc.retry == "later" else "OUTCOME_UNKNOWN"
            return problem(code, seconds=exc.seconds)


def _told(reply: PayReply | None) -> HttpReply:
    return problem("NOT_FOUND") if reply is None else HttpReply(reply.status, reply.body)


def html(text: str, policy: str, status: int = HTTPStatus.OK) -> web.Response:
    """A page of ours."""
    headers = {
        "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy,
        "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }  # fmt: skip
    return web.Response(status=status, body=text.encode(), headers=headers)


def _asset(path: str, media: str) -> web.Response:
    headers = {
        "Content-Type": media, "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"
    }  # fmt: skip
    return web.Response(body=_read(path), headers=headers)


@cache
def _read(path: str) -> bytes:
    name = path.removeprefix(ROOT)
    return files("settlement.web").joinpath("cashier_assets", name).read_bytes()
