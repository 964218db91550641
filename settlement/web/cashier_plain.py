"""The payer's page where no script runs (`/cashier/{token}/plain`): the same standing, as HTML.

WeChat opens an order by a call of its own, which needs a script: it is named and not offered here.
"""

from __future__ import annotations

from html import escape

from protocol.cashier import CashierCall, CashierState, CashierWay

_HEAD = (
    '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    '<meta name="referrer" content="no-referrer"><title>付款</title>'
    '<link rel="stylesheet" href="/cashier/cashier.css"></head><body>'
)
_TAIL = "</main></body></html>"


def page(
    token: str, state: CashierState, *, call: CashierCall | None = None, message: str = ""
) -> str:
    """The page of an order; `call` is how the phone opens it, `message` why it cannot."""
    parts = [
        f"<header><p>医疗费用支付</p><h1>{escape(state.institution)}</h1></header><main>",
        f'<section class="card sum"><small>{escape(state.amount_name)}</small>',
        f"<b>¥ {escape(state.amount)}</b></section>",
        f'<div class="standing {state.state}"><strong>{escape(state.title)}</strong>',
        f"<span>{escape(state.hint)}</span></div>",
    ]
    if message:
        parts.append(f'<p class="notice" role="alert">{escape(message)}</p>')
    if call is not None and call.kind == "open":
        name = next((way.name for way in state.ways if way.channel == call.channel), "付款")
        parts.append(
            f'<a class="open" href="{escape(call.url)}" rel="noreferrer">点此打开{escape(name)}</a>'
        )
    parts += [_form(token, way) for way in state.ways if not way.sign_in]
    if any(way.sign_in for way in state.ways):
        parts.append('<p class="other">微信支付需要运行脚本；也可到窗口出示付款码。</p>')
    parts.append(f'<p class="other"><a href="/cashier/{token}/plain">刷新付款结果</a></p>')
    if state.parts:
        rows = (
            f"<div><dt>{escape(one.name)}</dt><dd>{escape(one.amount)} 元</dd></div>"
            for one in state.parts
        )
        parts.append(f'<section class="card"><dl>{"".join(rows)}</dl></section>')
    return f"{_HEAD}{''.join(parts)}{_TAIL}"


def problem_page(token: str) -> str:
    """What is shown where nothing can be said of an order."""
    said = '<p class="card">暂时打不开付款页，请稍后再试，或到窗口办理。</p>'
    again = f'<p class="other"><a href="/cashier/{token}/plain">重试</a></p>'
    return f"{_HEAD}<main>{said}{again}{_TAIL}"


def _form(token: str, way: CashierWay) -> str:
    action = f"/cashier/{token}/plain/{way.channel}"
    button = f'<button class="{way.channel}">{escape(way.name)}</button>'
    return f'<form method="post" action="{action}">{button}</form>'
