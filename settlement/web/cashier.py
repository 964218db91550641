"""The page on which a payer pays on their own phone (`/cashier/{token}`), and what it asks.

Whoever has the link may look and pay: the link is the credential, and it shows no person. The page
itself says nothing; everything shown is asked for by its script.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from functools import cache
from importlib.resources import files

from aiohttp import web

from settlement.gateway import Overloaded, PayDesk, PayReply, Unavailable
from settlement.limits import Limits
from settlement.web.reply import HttpReply, problem, too_large

ROOT = "/cashier/"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What a browser may do with the page: our script and style, our answers, and nothing else."""
Body = Callable[[web.BaseRequest], Awaitable[bytes | None]]
_ASSET_TYPES = {
    "/cashier/cashier.css": "text/css; charset=utf-8",
    "/cashier/cashier.js": "text/javascript; charset=utf-8",
}
_TOKEN = r"(?P<token>[0-9A-Za-z_\-]{32})"  # noqa: S105 - the shape of one, and no secret
_PAGE = re.compile(rf"/cashier/{_TOKEN}/?", re.ASCII)
_STATE = re.compile(rf"/cashier/{_TOKEN}/state", re.ASCII)
_PAY = re.compile(rf"/cashier/{_TOKEN}/pay", re.ASCII)
_PAGE_HTML = (
    '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    '<meta name="referrer" content="no-referrer"><title>付款</title>'
    '<link rel="stylesheet" href="/cashier/cashier.css">'
    '<script src="/cashier/cashier.js" defer></script></head><body>'
    '<header><p>医疗费用支付</p><h1 id="institution"></h1></header>'
    '<noscript><p class="card">请允许本页运行脚本，或到窗口出示付款码。</p></noscript>'
    '<p class="other" id="loading">正在打开…</p>'
    '<main id="main" hidden><section class="card sum"><small>本次应付</small>'
    '<b id="amount"></b><p class="left" id="left"></p></section>'
    '<div class="standing" id="standing" role="status" aria-live="polite">'
    '<strong id="title"></strong><span id="hint"></span></div>'
    '<p class="notice" id="notice" role="alert" hidden></p><div id="ways"></div>'
    '<p class="other" id="open-wechat" hidden>请用微信“扫一扫”打开本页后支付。</p>'
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
            return _html()
        reply = await self._asked(request)
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        if reply.retry_after_seconds is not None:
            headers["Retry-After"] = str(reply.retry_after_seconds)
        return web.Response(
            status=reply.status, body=reply.body, headers={**headers, "Content-Type": reply.media}
        )

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


def _html() -> web.Response:
    headers = {
        "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": POLICY,
        "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }  # fmt: skip
    return web.Response(body=_PAGE_HTML.encode(), headers=headers)


def _asset(path: str, media: str) -> web.Response:
    headers = {
        "Content-Type": media, "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"
    }  # fmt: skip
    return web.Response(body=_read(path), headers=headers)


@cache
def _read(path: str) -> bytes:
    name = path.removeprefix(ROOT)
    return files("settlement.web").joinpath("cashier_assets", name).read_bytes()
