"""Who asks at `/my`: a token of the city's app, or what a browser kept of one (ADR 0034).

A token is used once. A browser shows one in the address it is sent to and gets a session for it, in
a cookie that scripts cannot read; forms carry a key that only a page of ours knows.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable

from aiohttp import web
from msgspec import Struct
from msgspec.structs import replace

from settlement.clock import Clock
from settlement.gateway import CredentialFact
from settlement.people import my_token
from settlement.people.my_gateway import PersonDesk, Who
from settlement.people.my_session import SESSION_SECONDS
from settlement.refusal import Refusal
from settlement.web.nonces import Nonces

COOKIE = "my_session"
_BEARER = "Bearer "


class Entered(Struct, frozen=True):
    """Somebody was let in: who, and through which app's key."""

    who: Who
    access_key: str


class MyAccess:
    """Checks tokens and sessions with the gateway's credentials."""

    def __init__(
        self, desk: PersonDesk, credential: Callable[[str], CredentialFact | None],
        nonces: Nonces, clock: Clock,
    ) -> None:  # fmt: skip
        self._desk = desk
        self._credential = credential
        self._nonces = nonces
        self._clock = clock

    async def by_header(self, request: web.BaseRequest) -> Entered | Refusal:
        """Whom the token in the header names."""
        told = request.headers.get("Authorization", "")
        if not told.startswith(_BEARER):
            return Refusal(code="APP_TOKEN_MISSING")
        return await self.by_token(told.removeprefix(_BEARER))

    async def by_token(self, text: str) -> Entered | Refusal:
        """Whom a token names; it is used up."""
        token = my_token.taken_apart(text)
        if token is None:
            return Refusal(code="APP_TOKEN_WRONG")
        app = self._app(token.access_key)
        if isinstance(app, Refusal):
            return app
        fact, name = app
        fault = my_token.fault_of(token, fact.secret, int(self._clock().timestamp()))
        if fault is not None:
            return Refusal(code=fault)
        # A nonce may come again with the same body; so that none comes twice, no two are the same.
        fresh = self._nonces.check(token.access_key, f"my/{token.claims.jti}", os.urandom(16))
        if fresh is False or (fresh is not True and not await fresh):
            return Refusal(code="APP_TOKEN_USED")
        person_no: str | None = token.claims.sub
        if token.claims.certno:
            person_no = await self._desk.person_with(token.claims.certno)
        if not person_no:
            return Refusal(code="PERSON_UNKNOWN", field="certno")
        return Entered(Who(by=person_no, app=name, person_no=person_no), token.access_key)

    def by_cookie(self, request: web.BaseRequest) -> Entered | Refusal:
        """Whom the browser was kept for; it ends when its app is stopped."""
        kept = request.cookies.get(COOKIE, "")
        found = self._desk.session(kept) if kept else None
        if found is None:
            return Refusal(code="APP_TOKEN_MISSING")
        who, access_key = found
        app = self._app(access_key)
        return app if isinstance(app, Refusal) else Entered(who, access_key)

    def form_key(self, request: web.BaseRequest) -> str:
        """What the forms of this browser's pages carry."""
        return self._desk.form_key(request.cookies.get(COOKIE, ""))

    def is_own_form(self, request: web.BaseRequest, key: str) -> bool:
        """Whether a form is of a page of ours."""
        return hmac.compare_digest(self.form_key(request).encode(), key.encode())

    def keep(self, response: web.Response, entered: Entered) -> None:
        """Let the browser keep who was let in."""
        response.set_cookie(
            COOKIE, self._desk.begin_session(entered.who, entered.access_key), path="/my",
            max_age=SESSION_SECONDS, httponly=True, samesite="Lax", secure=True,
        )  # fmt: skip

    def _app(self, access_key: str) -> tuple[CredentialFact, str] | Refusal:
        fact = self._credential(access_key)
        name = "" if fact is None else my_token.app_of(fact.institution_code)
        if fact is None or not name or fact.suspended:
            return Refusal(code="APP_UNKNOWN")
        return fact, name


def acting_for(entered: Entered, person_no: str) -> Who:
    """The same person, about somebody else where one is named."""
    return replace(entered.who, person_no=person_no) if person_no else entered.who
