"""The phone page at `/my/` (ADR 0034): who is signed in by a ticket of the city's app sees and does
what `/my/v1/…` offers, in a browser, without a script.

A ticket in the address is a token; it is exchanged for a cookie at once, so that it stays in no
history. A form that is refused comes back with what was written and why.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from importlib.resources import files
from typing import TypeVar
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web
from msgspec import Struct

from protocol.my import (
    AuthorisationRequest,
    CancelMatterRequest,
    FilingRequest,
    MatterReply,
    ReimbursementRequest,
    TransferRequest,
)
from settlement.gateway import Overloaded, Unavailable
from settlement.people.matter_states import MatterKind
from settlement.people.my_gateway import PersonDesk, Who
from settlement.refusal import Refusal
from settlement.refusals import REFUSALS, text
from settlement.unreadable import unread
from settlement.web import my_money, my_papers, my_views
from settlement.web.my_access import Entered, MyAccess, acting_for
from settlement.web.my_html import Frame, outside

ROOT = "/my/"
POLICY = (
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
"""What a browser may do with a page: load our style, send our forms, and nothing else."""
Body = Callable[[web.BaseRequest], Awaitable[bytes | None]]
_MATTER = re.compile(r"/my/matters/(?P<number>[0-9]{1,20})", re.ASCII)
_CANCEL = re.compile(r"/my/matters/(?P<number>[0-9]{1,20})/cancel", re.ASCII)
_SETTLEMENT = re.compile(r"/my/settlements/(?P<number>[0-9]{1,20})", re.ASCII)
_PERSON = re.compile(r"[0-9A-Za-z]{1,30}", re.ASCII)
_FIELDS_MAX = 20
_Shape = TypeVar("_Shape", bound=Struct)
_FIELDS_ZH = {
    "kind": "备案类型", "place": "就医地", "begins_on": "开始日期", "ends_on": "结束日期",
    "reason": "事由", "phone": "手机号", "direction": "方向", "region": "对方地区",
    "relation": "关系", "agent_no": "个人编号", "note": "撤销原因",
    "institution": "医疗机构编码", "invoice_no": "票据号码", "total": "票据总金额",
}  # fmt: skip


class _Asked(Struct, frozen=True):
    """Who asks for a page, about whom, and what all its parts need."""

    who: Who
    frame: Frame
    form: Mapping[str, str]


class MyPages:
    """Answers everything under /my/ but /my/v1/."""

    def __init__(self, desk: PersonDesk, access: MyAccess, body: Body) -> None:
        self._desk = desk
        self._access = access
        self._body = body
        self._shows: Mapping[str, Callable[[_Asked], Awaitable[bytes | Refusal]]] = {
            "/my/": self._home,
            "/my/filings": self._filings,
            "/my/filings/new": self._filing_form,
            "/my/settlements": self._settlements,
            "/my/account": self._account,
            "/my/people": self._people,
            "/my/reimbursements": self._reimbursements,
        }
        self._takes: Mapping[str, Callable[[_Asked], Awaitable[MatterReply | bytes]]] = {
            "/my/filings": self._file,
            "/my/transfers": self._transfer,
            "/my/authorisations": self._authorise,
            "/my/reimbursements": self._tell_papers,
        }

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """The page, or where it is."""
        if request.path == "/my/my.css":
            return _styled(_style())
        try:
            return await self._answered(request)
        except (Unavailable, Overloaded):
            return _shown(503, outside("请稍候", "系统繁忙，请稍后再试。您的操作没有丢失。"))

    async def _answered(self, request: web.BaseRequest) -> web.Response:
        ticket = request.query.get("ticket", "")
        if ticket and request.method == "GET" and request.path == ROOT:
            return await self._entered(ticket)
        entered = self._access.by_cookie(request)
        if isinstance(entered, Refusal):
            return _refused(entered)
        if request.method == "POST":
            return await self._sent(request, entered)
        if request.method != "GET":
            return _shown(405, outside("不支持", "请从页面上的链接进入。"))
        asked = await self._asked(request, entered, {})
        if isinstance(asked, Refusal):
            return _refused(asked)
        found = await self._page(request.path, asked)
        if found is None:
            return _shown(404, outside("没有这个页面", "请返回首页重新进入。"))
        return _refused(found) if isinstance(found, Refusal) else _shown(200, found)

    async def _entered(self, ticket: str) -> web.Response:
        entered = await self._access.by_token(ticket)
        if isinstance(entered, Refusal):
            return _refused(entered)
        response = _moved(ROOT)
        self._access.keep(response, entered)
        return response

    async def _sent(self, request: web.BaseRequest, entered: Entered) -> web.Response:
        """A form: done once, whoever presses twice, and only if it is of a page of ours."""
        body = await self._body(request)
        form = _form_of(body or b"")
        if form is None or not self._access.is_own_form(request, form.get("form_key", "")):
            return _shown(403, outside("表单已失效", "请返回上一页，刷新后重新提交。"))
        asked = await self._asked(request, entered, form)
        if isinstance(asked, Refusal):
            return _refused(asked)
        cancel, take = _CANCEL.fullmatch(request.path), self._takes.get(request.path)
        if cancel is not None:
            done = await self._cancel(asked, cancel["number"])
        elif take is not None:
            done = await take(asked)
        else:
            return _shown(404, outside("没有这个页面", "请返回首页重新进入。"))
        if isinstance(done, bytes):
            return _shown(200, done)
        return _moved(asked.frame.to(f"/my/matters/{done.matter_no}"))

    async def _asked(
        self, request: web.BaseRequest, entered: Entered, form: Mapping[str, str]
    ) -> _Asked | Refusal:
        """Acting for somebody, their name is shown on every page, and so must be found first."""
        about = form.get("for") or request.query.get("for", "")
        if about and not _PERSON.fullmatch(about):
            return Refusal(code="NOT_AUTHORISED", field="for")
        about = "" if about == entered.who.by else about
        who = acting_for(entered, about)
        status = await self._desk.status(who)
        if isinstance(status, Refusal):
            return status
        frame = Frame(
            region=status.region_zh, form_key=self._access.form_key(request), about=about,
            about_name=status.name if about else "",
        )  # fmt: skip
        return _Asked(who, frame, form)

    async def _page(self, path: str, asked: _Asked) -> bytes | Refusal | None:
        show = self._shows.get(path)
        if show is not None:
            return await show(asked)
        matter, settlement = _MATTER.fullmatch(path), _SETTLEMENT.fullmatch(path)
        if matter is not None:
            return await self._matter(asked, matter["number"], "")
        if settlement is None:
            return None
        found = await self._desk.settlement(asked.who, settlement["number"])
        if isinstance(found, Refusal):
            return found
        return my_money.settlement(asked.frame, found)

    async def _home(self, asked: _Asked) -> bytes | Refusal:
        status = await self._desk.status(asked.who)
        return status if isinstance(status, Refusal) else my_views.home(asked.frame, status)

    async def _filings(self, asked: _Asked) -> bytes | Refusal:
        found = await self._desk.matters(asked.who, MatterKind.OFF_SITE)
        return found if isinstance(found, Refusal) else my_views.filings(asked.frame, found)

    async def _filing_form(self, asked: _Asked) -> bytes | Refusal:
        return my_views.filing_form(asked.frame, _request_no(), asked.form)

    async def _settlements(self, asked: _Asked) -> bytes | Refusal:
        found = await self._desk.settlements(asked.who)
        return found if isinstance(found, Refusal) else my_money.settlements(asked.frame, found)

    async def _account(self, asked: _Asked, why: str = "") -> bytes | Refusal:
        found = await self._desk.account(asked.who)
        if isinstance(found, Refusal):
            return found
        transfers = await self._desk.matters(
            asked.who, MatterKind.TRANSFER_OUT, MatterKind.TRANSFER_IN
        )
        if isinstance(transfers, Refusal):
            return transfers
        return my_money.account(
            asked.frame, found, transfers, _request_no(), asked.form, why
        )

    async def _people(self, asked: _Asked, why: str = "") -> bytes | Refusal:
        found = await self._desk.authorisations(asked.who)
        if isinstance(found, Refusal):
            return found
        return my_views.people(asked.frame, found, _request_no(), asked.form, why)

    async def _reimbursements(self, asked: _Asked, why: str = "") -> bytes | Refusal:
        found = await self._desk.reimbursements(asked.who)
        if isinstance(found, Refusal):
            return found
        return my_papers.reimbursements(asked.frame, found, _request_no(), asked.form, why)

    async def _matter(self, asked: _Asked, number: str, why: str) -> bytes | Refusal:
        found = await self._desk.matter(asked.who, number)
        if isinstance(found, Refusal):
            return found
        return my_views.matter(asked.frame, found, _request_no(), why)

    async def _file(self, asked: _Asked) -> MatterReply | bytes:
        form = asked.form
        request = _request(
            FilingRequest, form, ("request_no", "kind", "begins_on", "ends_on", "reason", "phone"),
            place=form.get("city") or form.get("province", ""),
        )  # fmt: skip
        if isinstance(request, str):
            return my_views.filing_form(asked.frame, _request_no(), form, request)
        done = await self._desk.file(asked.who, request)
        if isinstance(done, Refusal):
            return my_views.filing_form(asked.frame, _request_no(), form, text(done).message)
        return done

    async def _transfer(self, asked: _Asked) -> MatterReply | bytes:
        form = asked.form
        request = _request(
            TransferRequest, form, ("request_no", "direction", "phone"),
            region=form.get("city") or form.get("province", ""),
        )  # fmt: skip
        if isinstance(request, str):
            return _whole(await self._account(asked, request))
        done = await self._desk.transfer(asked.who, request)
        if isinstance(done, Refusal):
            return _whole(await self._account(asked, text(done).message))
        return done

    async def _tell_papers(self, asked: _Asked) -> MatterReply | bytes:
        form = asked.form
        request = _request(
            ReimbursementRequest, form,
            ("request_no", "institution", "invoice_no", "begins_on", "ends_on", "reason", "phone"),
            total=my_papers.total_of(form.get("total", "").strip()),
        )  # fmt: skip
        if isinstance(request, str):
            return _whole(await self._reimbursements(asked, request))
        done = await self._desk.tell_papers(asked.who, request)
        if isinstance(done, Refusal):
            return _whole(await self._reimbursements(asked, text(done).message))
        return done

    async def _authorise(self, asked: _Asked) -> MatterReply | bytes:
        """Of a ward the form names the ward, and who is signed in is the guardian."""
        form, who, more = asked.form, asked.who, {"agent_no": asked.form.get("agent_no", "")}
        if form.get("relation") == "ward":
            who = Who(by=who.by, app=who.app, person_no=more["agent_no"])
            more = {"agent_no": who.by}
        request = _request(
            AuthorisationRequest, form, ("request_no", "relation", "ends_on", "phone"), **more
        )
        if isinstance(request, str):
            return _whole(await self._people(asked, request))
        done = await self._desk.authorise(who, request)
        if isinstance(done, Refusal):
            return _whole(await self._people(asked, text(done).message))
        return done

    async def _cancel(self, asked: _Asked, number: str) -> MatterReply | bytes:
        request = _request(CancelMatterRequest, asked.form, ("request_no", "note"))
        if isinstance(request, str):
            return _whole(await self._matter(asked, number, request))
        done = await self._desk.cancel(asked.who, number, request)
        if isinstance(done, Refusal):
            return _whole(await self._matter(asked, number, text(done).message))
        return done


def _request(
    shape: type[_Shape], form: Mapping[str, str], names: tuple[str, ...], **more: str
) -> _Shape | str:
    """A form as the request that a program would send; or what is wrong, for who wrote it."""
    told = {name: form[name] for name in names if form.get(name)} | more
    try:
        return msgspec.convert(told, shape)
    except msgspec.ValidationError as exc:
        return f"请检查“{_FIELDS_ZH.get(unread(exc).field, '填写内容')}”。"


def _whole(found: bytes | Refusal) -> bytes:
    """A page that says why not; where not even that can be shown, why not."""
    if isinstance(found, Refusal):
        return outside("无法办理", text(found).message)
    return found


def _form_of(body: bytes) -> dict[str, str] | None:
    """What a browser sends of a form; None where it is none."""
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, strict_parsing=True,
            max_num_fields=_FIELDS_MAX, errors="strict",
        )  # fmt: skip
    except ValueError:
        return None
    return {name: value.strip() for name, value in pairs}


def _request_no() -> str:
    return f"page-{secrets.token_hex(12)}"


def _shown(status: int, page: bytes) -> web.Response:
    headers = {
        "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": POLICY,
        "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }  # fmt: skip
    return web.Response(status=status, body=page, headers=headers)


def _refused(refusal: Refusal) -> web.Response:
    status = REFUSALS[refusal.code].http_status
    return _shown(status if status != 200 else 403, outside("无法显示", text(refusal).message))


def _moved(path: str) -> web.Response:
    headers = {"Location": path, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return web.Response(status=303, headers=headers)


def _styled(style: bytes) -> web.Response:
    headers = {
        "Content-Type": "text/css; charset=utf-8", "Cache-Control": "max-age=3600",
        "X-Content-Type-Options": "nosniff",
    }  # fmt: skip
    return web.Response(body=style, headers=headers)


def _style() -> bytes:
    return files("settlement.web").joinpath("my_assets", "my.css").read_bytes()
