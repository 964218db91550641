"""Self-service for programs (`/my/v1/…`): JSON, under a token of the city's app."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TypeVar

import msgspec
from aiohttp import web
from msgspec import Struct

from protocol.my import (
    AuthorisationRequest,
    CancelMatterRequest,
    FilingRequest,
    RefusedReply,
    ReimbursementRequest,
    TransferRequest,
)
from settlement.gateway import Overloaded, Unavailable
from settlement.limits import Limits
from settlement.people.matter_states import MatterKind
from settlement.people.my_gateway import PersonDesk, Who
from settlement.refusal import Refusal
from settlement.refusals import REFUSALS, text
from settlement.unreadable import unread
from settlement.web.my_access import MyAccess, acting_for
from settlement.web.reply import HttpReply, problem, too_large

ROOT = "/my/v1/"
Body = Callable[[web.BaseRequest], Awaitable[bytes | None]]
Said = Struct | Refusal
_MATTER = re.compile(r"matters/(?P<number>[0-9]{1,20})", re.ASCII)
_CANCEL = re.compile(r"matters/(?P<number>[0-9]{1,20})/cancel", re.ASCII)
_SETTLEMENT = re.compile(r"settlements/(?P<number>[0-9]{1,20})", re.ASCII)
_PERSON = re.compile(r"[0-9A-Za-z]{0,30}", re.ASCII)
_Shape = TypeVar("_Shape", bound=Struct)
_ENCODE = msgspec.json.Encoder().encode


class MyApi:
    """Answers everything under /my/v1/."""

    def __init__(self, desk: PersonDesk, access: MyAccess, body: Body, limits: Limits) -> None:
        self._access = access
        self._body = body
        self._limits = limits
        self._desk = desk
        filings, transfers = (MatterKind.OFF_SITE,), (
            MatterKind.TRANSFER_OUT, MatterKind.TRANSFER_IN,
        )  # fmt: skip
        self._shows: Mapping[str, Callable[[Who], Awaitable[Said]]] = {
            "status": desk.status,
            "filings": lambda who: desk.matters(who, *filings),
            "transfers": lambda who: desk.matters(who, *transfers),
            "reimbursements": desk.reimbursements,
            "settlements": desk.settlements,
            "account": desk.account,
            "authorisations": desk.authorisations,
        }
        self._takes: Mapping[str, Callable[[Who, bytes], Awaitable[Said]]] = {
            "filings": partial(_done, FilingRequest, desk.file),
            "transfers": partial(_done, TransferRequest, desk.transfer),
            "reimbursements": partial(_done, ReimbursementRequest, desk.tell_papers),
            "authorisations": partial(_done, AuthorisationRequest, desk.authorise),
        }

    async def answer(self, request: web.BaseRequest) -> HttpReply:
        """The reply to a request whose path begins so."""
        place = request.path.removeprefix(ROOT)
        show, take = self._show(place), self._take(place)
        if show is None and take is None:
            return problem("NOT_FOUND")
        act = show if request.method == "GET" else take if request.method == "POST" else None
        if act is None:
            allow = ", ".join(
                name for name, one in (("GET", show), ("POST", take)) if one is not None
            )
            return problem("METHOD_NOT_ALLOWED", params={"allow": allow})
        body = b"" if request.method == "GET" else await self._body(request)
        if body is None:
            return too_large(self._limits)
        try:
            entered = await self._access.by_header(request)
            if isinstance(entered, Refusal):
                return problem(entered.code)
            about = request.query.get("for", "")
            if not _PERSON.fullmatch(about):
                return _said(Refusal(code="NOT_AUTHORISED", field="for"))
            return _said(await act(acting_for(entered, about), body))
        except Overloaded as exc:
            return problem("OVERLOADED", seconds=exc.seconds)
        except Unavailable as exc:
            code = "UNAVAILABLE" if exc.retry == "later" else "OUTCOME_UNKNOWN"
            return problem(code, seconds=exc.seconds)

    def _show(self, place: str) -> Callable[[Who, bytes], Awaitable[Said]] | None:
        listed = self._shows.get(place)
        if listed is not None:
            return lambda who, _: listed(who)
        matter, settlement = _MATTER.fullmatch(place), _SETTLEMENT.fullmatch(place)
        if matter is not None:
            return lambda who, _: self._desk.matter(who, matter["number"])
        if settlement is not None:
            return lambda who, _: self._desk.settlement(who, settlement["number"])
        return None

    def _take(self, place: str) -> Callable[[Who, bytes], Awaitable[Said]] | None:
        cancel = _CANCEL.fullmatch(place)
        if cancel is None:
            return self._takes.get(place)

        def act(who: Who, request: CancelMatterRequest) -> Awaitable[Said]:
            return self._desk.cancel(who, cancel["number"], request)

        return partial(_done, CancelMatterRequest, act)


async def _done(
    shape: type[_Shape], act: Callable[[Who, _Shape], Awaitable[Said]], who: Who, body: bytes
) -> Said:
    try:
        request = msgspec.json.decode(body, type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
        found = unread(exc)
        return Refusal(
            code="MY_REQUEST_UNREADABLE", field=found.field or None, params={"found": found.text}
        )
    return await act(who, request)


def _said(reply: Said) -> HttpReply:
    """What stands, or why not: a refusal of the insurance's rules is an answer like others."""
    if not isinstance(reply, Refusal):
        return HttpReply(200, _ENCODE(reply))
    row, said = REFUSALS[reply.code], text(reply)
    content = RefusedReply(
        err_code=reply.code, message=said.message, field=reply.field or "", retry=said.retry
    )
    return HttpReply(row.http_status, _ENCODE(content))
