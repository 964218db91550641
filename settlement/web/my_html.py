"""Pieces of the phone page at `/my/`: everything that is shown goes through `escape` here.

No script, no style and no address of somebody else's: the page works wherever a browser does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from html import escape
from urllib.parse import urlencode

from msgspec import Struct

from settlement.elsewhere.places import PROVINCES

TABS = (
    ("/my/", "首页"), ("/my/filings", "异地备案"), ("/my/settlements", "结算记录"),
    ("/my/account", "个人账户"),
)  # fmt: skip


GOOD, WAIT, OVER = "good", "wait", "over"
"""How a state is marked."""
_MARKED = {
    "accepted": GOOD, "done": GOOD, "normal": GOOD, "applied": WAIT, "under_way": WAIT,
    "suspended": WAIT,
}  # fmt: skip
Form = Mapping[str, str]
"""What somebody wrote into a form, by its fields' names."""


class Frame(Struct, frozen=True, kw_only=True):
    """What every page of one request has in common."""

    region: str
    form_key: str
    about: str
    """psn_no of whom somebody acts for; empty for oneself"""
    about_name: str = ""

    def to(self, path: str) -> str:
        """An address of ours that goes on acting for the same person."""
        return f"{path}?{urlencode({'for': self.about})}" if self.about else path


def page(frame: Frame, title: str, *parts: str, tab: str = "") -> bytes:
    """A whole page."""
    links = "".join(
        f'<li><a href="{escape(frame.to(path))}"{_current(path == tab)}>{name}</a></li>'
        for path, name in TABS
    )
    acting = "" if not frame.about else (
        '<p class="acting" role="status">'
        f"<span>正在为 <b>{escape(frame.about_name)}</b> 代办</span>"
        '<a href="/my/">返回本人</a></p>'
    )  # fmt: skip
    return (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer">'
        f"<title>{escape(title)} · {escape(frame.region)}医保</title>"
        '<link rel="stylesheet" href="/my/my.css"></head><body>'
        '<a class="skip" href="#main">跳到正文</a>'
        f"<header><p>{escape(frame.region)}医疗保障</p><h1>{escape(title)}</h1></header>"
        f'{acting}<main id="main">{"".join(parts)}</main>'
        f'<nav aria-label="主导航"><ul>{links}</ul></nav></body></html>'
    ).encode()


def outside(title: str, words: str) -> bytes:
    """A page for somebody who is not signed in."""
    return (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title>"
        '<link rel="stylesheet" href="/my/my.css"></head><body class="outside">'
        f'<main id="main"><section class="card"><h1>{escape(title)}</h1>'
        f"<p>{escape(words)}</p></section></main></body></html>"
    ).encode()


def card(*parts: str, title: str = "", kind: str = "") -> str:
    """A block with a heading."""
    heading = f"<h2>{escape(title)}</h2>" if title else ""
    name = f"card {kind}".strip()
    return f'<section class="{name}">{heading}{"".join(parts)}</section>'


def pairs(rows: Iterable[tuple[str, str]]) -> str:
    """Names and values; a pair without a value is left out."""
    shown = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
        for name, value in rows
        if value
    )
    return f"<dl>{shown}</dl>" if shown else ""


def words(text: str, kind: str = "") -> str:
    """A paragraph."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def fault(text: str) -> str:
    """What went wrong, read out at once."""
    return f'<p class="fault" role="alert">{escape(text)}</p>'


def mark(text: str, kind: str) -> str:
    """A short state."""
    return f'<span class="mark {kind}">{escape(text)}</span>'


def standing(state: str, in_force: bool = True) -> str:
    """How the state of a matter or a membership is marked; what was accepted may be over."""
    if state == "accepted" and not in_force:
        return OVER
    return _MARKED.get(state, OVER)


def provinces() -> list[tuple[str, str]]:
    """The provinces to choose from."""
    return [("", "请选择"), *((f"{code}0000", name) for code, name in PROVINCES.items())]


def link(path: str, text: str, kind: str = "button") -> str:
    """A way on."""
    return f'<a class="{kind}" href="{escape(path)}">{escape(text)}</a>'


def form(frame: Frame, action: str, request_no: str, button: str, *fields: str) -> str:
    """A form of ours: it can be sent twice and acts once, and nobody else's page can send it."""
    hidden = {"form_key": frame.form_key, "request_no": request_no, "for": frame.about}
    inputs = "".join(
        f'<input type="hidden" name="{name}" value="{escape(value)}">'
        for name, value in hidden.items()
        if value
    )
    return (
        f'<form method="post" action="{escape(action)}">{inputs}{"".join(fields)}'
        f'<button type="submit">{escape(button)}</button></form>'
    )


def field(
    name: str, title: str, value: str, *, kind: str = "text", hint: str = "", more: str = ""
) -> str:
    """One line to write in."""
    about = f' aria-describedby="{name}-hint"' if hint else ""
    below = f'<small id="{name}-hint">{escape(hint)}</small>' if hint else ""
    return (
        f'<p class="field"><label for="{name}">{escape(title)}</label>'
        f'<input id="{name}" name="{name}" type="{kind}" value="{escape(value)}"{about}{more}>'
        f"{below}</p>"
    )


def choice(name: str, title: str, options: Iterable[tuple[str, str]], value: str) -> str:
    """One of many."""
    shown = "".join(
        f'<option value="{escape(code)}"{_chosen(code == value, "selected")}>{escape(text)}'
        "</option>"
        for code, text in options
    )
    return (
        f'<p class="field"><label for="{name}">{escape(title)}</label>'
        f'<select id="{name}" name="{name}" required>{shown}</select></p>'
    )


def radios(
    name: str, title: str, options: Sequence[tuple[str, str, str]], value: str
) -> str:
    """One of a few, each with a word of explanation."""
    shown = "".join(
        f'<label class="radio"><input type="radio" name="{name}" value="{escape(code)}" required'
        f'{_chosen(code == value, "checked")}><span>{escape(text)}'
        f"<small>{escape(more)}</small></span></label>"
        for code, text, more in options
    )
    return f"<fieldset><legend>{escape(title)}</legend>{shown}</fieldset>"


def money(yuan: str) -> str:
    """Yuan as people write it, thousands set apart."""
    return f"{Decimal(yuan):,.2f}"


def split_bar(parts: Sequence[tuple[str, str, int]]) -> str:
    """Who paid how much, as a bar and in words: class, name and fen of each part."""
    total = sum(fen for _, _, fen in parts)
    if total <= 0:
        return ""
    drawn, at = [], 0
    for kind, _, fen in parts:
        width = 1_000 * fen // total
        drawn.append(f'<rect class="{kind}" x="{at}" y="0" width="{width}" height="20"/>')
        at += width
    said = "，".join(f"{name}占{100 * fen // total}%" for _, name, fen in parts if fen)
    return (
        f'<svg class="split" viewBox="0 0 1000 20" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(said)}">{"".join(drawn)}</svg>'
    )


def _current(is_here: bool) -> str:
    return ' aria-current="page"' if is_here else ""


def _chosen(is_it: bool, word: str) -> str:
    return f" {word}" if is_it else ""
