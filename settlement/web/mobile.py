"""The addresses of the mobile-payment centre: `/org/local/api/hos/…` for institutions and
`/org/local/api/wallet/…` for wallets. Signed inside the body; headers say nothing."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from aiohttp import web

from protocol.nhsa.errors import WireError
from settlement.gateway import MobileCentre, NotYours, Overloaded, PayReply, Unavailable
from settlement.limits import Limits
from settlement.web.reply import HttpReply, problem, too_large

ROOT = "/org/local/api/"
_PATH = re.compile(r"/org/local/api/(?P<whose>hos|wallet)/(?P<operation>[A-Za-z_]{1,32})", re.ASCII)
Body = Callable[[web.BaseRequest], Awaitable[bytes | None]]


class MobilePages:
    """Answers everything under /org/local/api/."""

    def __init__(self, centre: MobileCentre, body: Body, limits: Limits) -> None:
        self._centre = centre
        self._body = body
        self._limits = limits

    async def answer(self, request: web.BaseRequest) -> HttpReply:
        """The reply to a request whose path begins so."""
        found = _PATH.fullmatch(request.path)
        if found is None:
            return problem("NOT_FOUND")
        if request.method != "POST":
            return problem("METHOD_NOT_ALLOWED", params={"allow": "POST"})
        body = await self._body(request)
        if body is None:
            return too_large(self._limits)
        act = self._centre.institution if found["whose"] == "hos" else self._centre.wallet
        try:
            reply: PayReply | None = await act(found["operation"], body)
        except NotYours as exc:
            return problem(exc.code, message=exc.message)
        except WireError as exc:
            return problem(exc.code.value, params={**exc.params})
        except Overloaded as exc:
            return problem("OVERLOADED", seconds=exc.seconds)
        except Unavailable as exc:
            code = "UNAVAILABLE" if exc.retry == "later" else "OUTCOME_UNKNOWN"
            return problem(code, seconds=exc.seconds)
        return problem("NOT_FOUND") if reply is None else HttpReply(reply.status, reply.body)
