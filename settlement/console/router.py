"""From a request to its answer: session, right, form token, page; the same way for every address.

Guards first, cheapest first. What an address needs is in routes.py, what a role may in rights.py.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from datetime import timedelta

import msgspec
from msgspec.structs import replace

from settlement.console import sign_in
from settlement.console.asking import (
    ROOT,
    SAFETY,
    Answer,
    Asked,
    Cookie,
    is_foreign,
    redirect,
)
from settlement.console.choosing import with_codes
from settlement.console.desk import Desk
from settlement.console.rights import Right, may
from settlement.console.routes import ROUTES, Route
from settlement.console.visits import Draft, Visit, Visitor, is_same, without_secrets
from settlement.console.words import Words
from settlement.keyring import UndecipherableError
from settlement.storage import console_users as users
from settlement.storage.errors import StorageError
from settlement.storage.lease import PlainConnection

logger = logging.getLogger("settlement.console")

IDLE_MAX = timedelta(minutes=20)
SESSION_MAX = timedelta(hours=10)
TOUCH_AFTER = timedelta(seconds=30)
TIDY_AFTER = timedelta(minutes=5)
ASSET = re.compile(r"/console/assets/([a-z_]{1,32}\.(?:css|js|svg))", re.ASCII)

NOT_FOUND = Words("没有这个页面", "There is no such page")
NOT_ALLOWED = Words("您没有这项权限", "You may not do this")
OUT_OF_DATE = Words(
    "页面已过期。请核对下面的内容后重新提交。",
    "This page was out of date. Please check what it says and submit it again.",
)
FOREIGN = Words("请求来自其他网站，未处理", "This request came from another site; nothing was done")
TOO_MUCH = Words("内容过多，未处理", "That is too much; nothing was done")
BROKEN = Words("暂时无法处理，请稍后再试", "This cannot be answered now; please try again later")


class Router:
    """See the module."""

    def __init__(self, desk: Desk, routes: Sequence[Route] = ROUTES) -> None:
        self._desk = desk
        self._routes = [(re.compile(one.pattern, re.ASCII), one) for one in routes]
        self._tidied_at = desk.clock() - TIDY_AFTER

    async def answer(self, asked: Asked) -> Answer:
        """The answer to any request below /console/."""
        asset = ASSET.fullmatch(asked.path)
        if asset is not None:
            return self._asset(asset.group(1))
        at = self._desk.clock()
        language = "en" if asked.cookies.get(Cookie.LANGUAGE) == "en" else "zh"
        visit = Visit(asked=asked, desk=self._desk, at=at, language=language)
        try:
            await self._desk.open()
            answer = await self._answer(visit)
        except StorageError as exc:
            extra = {"event": "console.failed", "path": _shape(asked.path)}
            logger.warning("no answer from the database", exc_info=exc, extra=extra)
            answer = visit.page("message.html", BROKEN, status=503, words=BROKEN)
        return answer.with_headers(*SAFETY.items(), ("Cache-Control", "no-store"))

    async def _answer(self, visit: Visit) -> Answer:
        asked = visit.asked
        if asked.path == "/console":
            return redirect(ROOT)
        if asked.method == "POST" and is_foreign(asked):
            return visit.page("message.html", FOREIGN, status=403, words=FOREIGN)
        visit = replace(visit, visitor=await self._visitor(visit))
        found = self._find(asked.method, asked.path)
        if found is None:
            return visit.page("message.html", NOT_FOUND, status=404, words=NOT_FOUND)
        route, parts = found
        told = await self._with_fields(replace(visit, parts=parts), route)
        if told is None:
            return visit.page("message.html", TOO_MUCH, status=413, words=TOO_MUCH)
        visit, asked = told, told.asked
        if route.right is Right.ANYBODY:
            return await route.handler(visit)
        if visit.visitor is None:
            return self._ask_to_sign_in(visit, route)
        if visit.visitor.must_change and not route.before_change:
            return redirect("/console/password")
        if not may(visit.visitor.role, route.right):
            await visit.note("console.denied", f"{asked.method} {_shape(asked.path)}")
            return visit.page("message.html", NOT_ALLOWED, status=403, words=NOT_ALLOWED)
        visit = await with_codes(visit)
        if asked.method == "POST":
            return await self._post(visit, route)
        return await self._get(visit, route)

    async def _with_fields(self, visit: Visit, route: Route) -> Visit | None:
        """What was typed into a form that brings a file; None where that is too much, or the
        address takes none. The file is read for nobody but who is, or just was, signed in."""
        arrival = visit.asked.arrival
        if arrival is None:
            return visit
        fields = await arrival.fields() if route.takes_file else None
        if fields is None:
            return None
        known = visit.unseal(fields.get("kept_for", ""), b"user") is not None
        arrival.is_welcome = visit.visitor is not None or known
        return replace(visit, asked=replace(visit.asked, form=fields))

    async def _get(self, visit: Visit, route: Route) -> Answer:
        """A page; what was typed before the session ended is in its form again."""
        who = visit.who
        if who.draft is not None and who.draft.page == visit.asked.path:
            visit = replace(visit, typed=who.draft.typed)
            async with self._desk.writing() as connection:
                await users.drop_draft(connection, sign_in.token_hash(who.token))
        return await route.handler(visit)

    async def _post(self, visit: Visit, route: Route) -> Answer:
        """An action, where the form is one of this session's."""
        if is_same(visit.asked.form.get("csrf", ""), visit.csrf):
            return await route.handler(visit)
        await visit.note("console.form-refused", f"POST {_shape(visit.asked.path)}")
        page = self._find("GET", route.page_of(visit.asked.path))
        if page is None or not may(visit.who.role, page[0].right):
            return visit.page("message.html", OUT_OF_DATE, status=403, words=OUT_OF_DATE)
        again = replace(visit.again(OUT_OF_DATE), parts=page[1])
        return replace(await page[0].handler(again), status=403)

    def _ask_to_sign_in(self, visit: Visit, route: Route) -> Answer:
        """Nobody is signed in, or not any more: what was typed goes along."""
        asked = visit.asked
        if asked.method != "POST":
            return redirect("/console/sign-in")
        claimed = visit.unseal(asked.form.get("kept_for", ""), b"user")
        typed = without_secrets(asked.form)
        if claimed is None or not typed:
            return sign_in.sign_in_page(visit, kept="", problem=sign_in.FIRST, status=401)
        page = route.page_of(asked.path)
        kept = sign_in.keep_typed(visit, claimed.decode(), page, typed)
        return sign_in.sign_in_page(visit, kept=kept, problem=sign_in.ENDED, status=401)

    async def _visitor(self, visit: Visit) -> Visitor | None:
        """Who is signed in, where the session is still good."""
        token = visit.asked.cookies.get(Cookie.SESSION, "")
        if not token:
            return None
        hashed = sign_in.token_hash(token)
        async with self._desk.reading() as connection:
            stored = await users.find_session(connection, hashed)
        if stored is None or stored.locked:
            return None
        if visit.age(stored.seen_at) >= IDLE_MAX or visit.age(stored.started_at) >= SESSION_MAX:
            return None
        if visit.age(stored.seen_at) > TOUCH_AFTER and not _is_refresh(visit.asked):
            async with self._desk.writing() as connection:
                await users.touch_session(connection, hashed, at=visit.at)
                await self._tidy(connection, visit)
        return sign_in.visitor_of(stored, token, self._draft(stored, token))

    async def _tidy(self, connection: PlainConnection, visit: Visit) -> None:
        """Sessions that are over go, now and then."""
        if visit.at - self._tidied_at < TIDY_AFTER:
            return
        self._tidied_at = visit.at
        await users.drop_sessions(
            connection, started_before=visit.at - SESSION_MAX, seen_before=visit.at - IDLE_MAX
        )

    def _draft(self, stored: users.StoredSession, token: str) -> Draft | None:
        if stored.draft is None:
            return None
        try:
            opened = self._desk.keyring.open(
                stored.draft, sign_in.draft_record(token), stored.draft_version
            )
        except UndecipherableError:
            return None
        return msgspec.json.decode(opened, type=Draft)

    def _find(self, method: str, path: str) -> tuple[Route, tuple[str, ...]] | None:
        for pattern, route in self._routes:
            match = pattern.fullmatch(path) if route.method == method else None
            if match is not None:
                return route, match.groups()
        return None

    def _asset(self, name: str) -> Answer:
        found = self._desk.asset(name)
        if found is None:
            return Answer(status=404, headers=tuple(SAFETY.items()))
        body, media = found
        kept = ("Cache-Control", "public, max-age=31536000, immutable")
        return Answer(body=body, media=media, headers=(*SAFETY.items(), kept))


def _is_refresh(asked: Asked) -> bool:
    """What a page asks by itself keeps no session alive."""
    return asked.query.get("part") == "live"


def _shape(path: str) -> str:
    """A path without what may be somebody's number."""
    return re.sub(r"/[0-9A-Za-z_-]{9,}", "/…", path[:200])
