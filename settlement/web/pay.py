"""The addresses of scan-to-pay, and where channels tell us (`/pay/…`, `/notify/…`).

Signed as NHSA requests are, with x-tif or CSB headers. Channels sign in their own ways, which
`settlement.channels` checks. Both come over plain connections as a rule, as what a counter asks
for and a channel tells is (`settlement/web/connection.py`); what is not plain comes here, too.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import partial

from aiohttp import web

from settlement.gate import Rank
from settlement.gateway import Caller, Overloaded, PayDesk, PayReply, Unavailable
from settlement.limits import Limits
from settlement.telemetry.metrics import Outcome
from settlement.telemetry.traces import TRACES
from settlement.web.authentication import Authenticator, Denied, Known
from settlement.web.entrance import Entrance
from settlement.web.exchange import Done
from settlement.web.reply import HttpReply, problem, too_large
from settlement.web.task_turn import TaskTurn, task_reply

PAY_SECONDS_MAX = 60.0
"""How long a counter is kept waiting at the very most: two batches and a channel's answer take less
than half of it, and what becomes of the money is certain after it."""
Body = Callable[[web.BaseRequest], Awaitable[bytes | None]]
Take = Callable[[bytes, Caller], Awaitable[PayReply]]
Act = Callable[[Mapping[str, str], bytes], Coroutine[object, object, HttpReply]]
_ORDER = r"(?P<order>[0-9A-Za-z_\-]{1,32})"
SCAN = "/pay/scan"
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
        """The reply to a request that is not plain, whose path begins with /pay/ or /notify/.
        Raises BodyNotWhole."""
        act = self._act(request.method, request.path)
        if isinstance(act, HttpReply):
            return act
        body = b"" if request.method == "GET" else await self._body(request)
        if body is None:
            return too_large(self._limits)
        headers = {name.lower(): value for name, value in request.headers.items()}
        return await task_reply(
            act(headers, body), what=request.path.split("/")[1],
            retry_after_seconds=self._limits.retry_after_seconds, seconds_max=PAY_SECONDS_MAX,
        )  # fmt: skip

    def start(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, done: Done
    ) -> TaskTurn | None:
        """The same for a plain connection: `done` gets the reply, perhaps before this returns;
        then it is None."""
        act = self._act(method, path)
        if isinstance(act, HttpReply):
            done(act)
            return None
        turn = TaskTurn(
            act(headers, body), done, what=path.split("/")[1],
            retry_after_seconds=self._limits.retry_after_seconds, seconds_max=PAY_SECONDS_MAX,
        )  # fmt: skip
        return turn

    def _act(self, method: str, path: str) -> Act | HttpReply:
        """What answers a request, by its method and path."""
        notified = _NOTIFY.fullmatch(path)
        if notified is not None:
            if method != "POST":
                return problem("METHOD_NOT_ALLOWED", params={"allow": "POST"})
            return partial(self._notified, notified["channel"], notified["merchant"])
        found = self._signed_act(path)
        if found is None:
            return problem("NOT_FOUND")
        wanted, take, rank = found
        if method != wanted:
            return problem("METHOD_NOT_ALLOWED", params={"allow": wanted})
        return partial(self._signed, take, rank)

    def _signed_act(self, path: str) -> tuple[str, Take, Rank] | None:
        """Method, what is done, and how urgent it is."""
        desk = self._desk
        if path == SCAN:
            return "POST", desk.scan, Rank.CLAIM
        for shape, take in (
            (_DEPOSIT, desk.deposit), (_VISIT, desk.visit), (_ADMISSION, desk.admission),
        ):  # fmt: skip
            if shape.fullmatch(path) is not None:
                return "POST", take, Rank.CLAIM
        if _ADMISSIONS.fullmatch(path) is not None:
            return "GET", lambda _, caller: desk.admissions(caller), Rank.CLAIM
        stay = _DEPOSITS.fullmatch(path)
        if stay is not None:
            number = stay["number"]
            return "GET", lambda _, caller: desk.deposits(number, caller), Rank.CLAIM
        found = _FIND.fullmatch(path)
        if found is not None:
            order = found["order"]
            return "GET", lambda _, caller: desk.find(order, caller), Rank.UNDO
        for shape, act, rank in (
            (_CANCEL, desk.cancel, Rank.UNDO), (_REFUND, desk.refund, Rank.UNDO),
            (_ADMIT, desk.admit, Rank.CLAIM), (_PHONE, desk.phone, Rank.CLAIM),
        ):  # fmt: skip
            found = shape.fullmatch(path)
            if found is not None:
                return "POST", partial(act, found["order"]), rank
        return None

    async def _signed(
        self, act: Take, rank: Rank, headers: Mapping[str, str], body: bytes
    ) -> HttpReply:
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
        self, known: Known, body: bytes, act: Take
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
        self, channel: str, merchant: str, headers: Mapping[str, str], body: bytes
    ) -> HttpReply:
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
