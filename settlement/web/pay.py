"""The addresses of scan-to-pay, and where channels tell us (`/pay/…`, `/notify/…`).

Signed as NHSA requests are, with x-tif or CSB headers. Channels sign in their own ways, which
`settlement.channels` checks.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from functools import partial

from aiohttp import web

from settlement.gate import Rank
from settlement.gateway import Caller, Overloaded, PayDesk, PayReply, Unavailable
from settlement.limits import Limits
from settlement.telemetry.metrics import Outcome
from settlement.telemetry.traces import TRACES
from settlement.web.authentication import Authenticator, Denied, Known
from settlement.web.entrance import Entrance
from settlement.web.reply import HttpReply, problem, too_large

Body = Callable[[web.BaseRequest], Awaitable[bytes | None]]
_ORDER = r"(?P<order>[0-9A-Za-z_\-]{1,32})"
_SCAN = re.compile(r"/pay/scan", re.ASCII)
_DEPOSIT = re.compile(r"/pay/deposit", re.ASCII)
_VISIT = re.compile(r"/pay/visit", re.ASCII)
_ADMISSION = re.compile(r"/pay/admission", re.ASCII)
_ADMISSIONS = re.compile(r"/pay/admissions", re.ASCII)
_DEPOSITS = re.compile(r"/pay/deposits/(?P<number>[0-9]{1,30})", re.ASCII)
_FIND = re.compile(rf"/pay/{_ORDER}", re.ASCII)
_CANCEL = re.compile(rf"/pay/{_ORDER}/cancel", re.ASCII)
_REFUND = re.compile(rf"/pay/{_ORDER}/refund", re.ASCII)
_PHONE = re.compile(rf"/pay/{_ORDER}/phone", re.ASCII)
_ADMIT = re.compile(rf"/pay/{_ORDER}/admit", re.ASCII)
_NOTIFY = re.compile(r"/notify/(?P<channel>[a-z]{1,16})/(?P<merchant>[0-9A-Za-z]{1,32})", re.ASCII)


class PayPages:
    """Answers everything under /pay and /notify."""

    def __init__(
        self, desk: PayDesk, authenticator: Authenticator, body: Body, limits: Limits,
        entrance: Entrance,
    ) -> None:  # fmt: skip
        self._desk = desk
        self._limits = limits
        self._identify = authenticator.identify
        self._grant = authenticator.grant
        self._body = body
        self._entrance = entrance

    async def answer(self, request: web.BaseRequest) -> HttpReply:
        """The reply to a request whose path begins with /pay/ or /notify/."""
        path = request.path
        notified = _NOTIFY.fullmatch(path)
        if notified is not None:
            return await self._notified(request, notified["channel"], notified["merchant"])
        if _SCAN.fullmatch(path) is not None:
            return await self._signed(request, "POST", self._desk.scan)
        for shape, take in (
            (_DEPOSIT, self._desk.deposit), (_VISIT, self._desk.visit),
            (_ADMISSION, self._desk.admission),
        ):  # fmt: skip
            if shape.fullmatch(path) is not None:
                return await self._signed(request, "POST", take)
        if _ADMISSIONS.fullmatch(path) is not None:
            return await self._signed(
                request, "GET", lambda _, caller: self._desk.admissions(caller)
            )
        stay = _DEPOSITS.fullmatch(path)
        if stay is not None:
            number = stay["number"]
            return await self._signed(
                request, "GET", lambda _, caller: self._desk.deposits(number, caller)
            )
        found = _FIND.fullmatch(path)
        if found is not None:
            order = found["order"]
            return await self._signed(
                request, "GET", lambda _, caller: self._desk.find(order, caller), Rank.UNDO
            )
        for shape, act, rank in (
            (_CANCEL, self._desk.cancel, Rank.UNDO), (_REFUND, self._desk.refund, Rank.UNDO),
            (_ADMIT, self._desk.admit, Rank.CLAIM), (_PHONE, self._desk.phone, Rank.CLAIM),
        ):  # fmt: skip
            found = shape.fullmatch(path)
            if found is not None:
                return await self._signed(request, "POST", partial(act, found["order"]), rank)
        return problem("NOT_FOUND")

    async def _signed(
        self,
        request: web.BaseRequest,
        method: str,
        act: Callable[[bytes, Caller], Awaitable[PayReply]],
        rank: Rank = Rank.CLAIM,
    ) -> HttpReply:
        if request.method != method:
            return problem("METHOD_NOT_ALLOWED", params={"allow": method})
        body = b"" if method == "GET" else await self._body(request)
        if body is None:
            return too_large(self._limits)
        headers = {name.lower(): value for name, value in request.headers.items()}
        known = self._identify(headers)
        if isinstance(known, Denied):
            return problem(known.code, params=known.params)
        institution = known.caller.institution_code
        away = self._entrance.admit(institution, rank)
        if away is not None:
            return away
        trace = TRACES.pick("pay", body, institution) if TRACES.is_on else None
        outcome = Outcome.UNAVAILABLE
        try:
            reply = await self._admitted(known, body, act)
            if reply.status < 500:
                outcome = Outcome.OK if reply.status == 200 else Outcome.REFUSED
            return reply
        finally:
            self._entrance.leave(institution)
            if trace is not None:
                TRACES.end(trace, outcome)

    async def _admitted(
        self, known: Known, body: bytes, act: Callable[[bytes, Caller], Awaitable[PayReply]]
    ) -> HttpReply:
        granted = self._grant(known, body)
        if isinstance(granted, Denied):
            return problem(granted.code, params=granted.params)
        if granted.nonce is not None and not await granted.nonce:
            return problem("NONCE_REUSED")
        try:
            reply = await act(body, granted.caller)
        except Overloaded as exc:
            return problem("OVERLOADED", seconds=exc.seconds)
        except Unavailable as exc:
            code = "UNAVAILABLE" if exc.retry == "later" else "OUTCOME_UNKNOWN"
            return problem(code, seconds=exc.seconds)
        return HttpReply(reply.status, reply.body)

    async def _notified(
        self, request: web.BaseRequest, channel: str, merchant: str
    ) -> HttpReply:
        if request.method != "POST":
            return problem("METHOD_NOT_ALLOWED", params={"allow": "POST"})
        body = await self._body(request)
        if body is None:
            return too_large(self._limits)
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            said = await self._desk.notified(channel, merchant, headers, body)
        except Overloaded as exc:
            return problem("OVERLOADED", seconds=exc.seconds)
        except Unavailable as exc:
            return problem("UNAVAILABLE", seconds=exc.seconds)
        if said is None:
            return problem("NOT_FOUND")
        status, content, media = said
        return HttpReply(status, content, media=media)
