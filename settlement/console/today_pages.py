"""今日: what was settled and paid today, what is in doubt, refreshed while somebody looks; and the
switch between the two languages."""

from __future__ import annotations

from msgspec import Struct

from settlement.books.difference_states import UNDER_WAY, State
from settlement.console.asking import ROOT, Answer, Cookie, redirect, set_cookie
from settlement.console.rights import Right
from settlement.console.today import Figures
from settlement.console.visits import Visit
from settlement.console.words import Words
from settlement.storage import census, console_cases, differences
from settlement.storage.lease import PlainConnection

TITLE = Words("今日", "Today")
YEAR_SECONDS = 31_536_000
BAR_HEIGHT = 88


class Differing(Struct, frozen=True, kw_only=True):
    """Differences that nobody has ended."""

    open: int
    """with channels and institutions"""
    proposed: int
    """of all those that wait for a second person"""
    of_regions: int


async def today(visit: Visit) -> Answer:
    """The whole page, or with ?part=live the part that changes."""
    figures = await _figures(visit)
    async with visit.desk.reading() as connection:
        doubt = await console_cases.doubt(connection, visit.scope)
        owed = await console_cases.undelivered(connection, visit.scope, limit=1)
        differing = await _differing(connection, visit)
    template = "today_live.html" if visit.asked.query.get("part") == "live" else "today.html"
    most = max(*figures.hours, 1)
    return visit.page(
        template, TITLE, figures=figures, doubt=doubt, owed=owed[0].owed if owed else 0,
        owed_since=owed[0].told_at if owed else None,
        differing=differing,
        bars=[round(BAR_HEIGHT * count / most) for count in figures.hours], bar_height=BAR_HEIGHT,
        outcomes=visit.desk.today.outcomes() if visit.scope is None else [],
    )  # fmt: skip


async def set_language(visit: Visit) -> Answer:
    """Keep the language in a cookie and go back to the page."""
    chosen = "en" if visit.asked.form.get("to") == "en" else "zh"
    back = visit.asked.form.get("back", ROOT)
    if not back.startswith(ROOT) or "\\" in back or "//" in back:
        back = ROOT
    cookie = set_cookie(visit.asked, Cookie.LANGUAGE, chosen, seconds=YEAR_SECONDS)
    return redirect(back).with_headers(("Set-Cookie", cookie))


async def _differing(connection: PlainConnection, visit: Visit) -> Differing | None:
    """What is on the worklist; None for whoever may not see it."""
    if not visit.may(Right.DIFFERENCES):
        return None
    counted = await differences.counted(connection, visit.scope)
    regions, proposed = 0, sum(one.rows for one in counted if one.state is State.PROPOSED)
    if visit.scope is None:
        regions = sum((await census.region_differences(connection)).values())
        proposed += await census.region_differences_proposed(connection)
    return Differing(
        open=sum(one.rows for one in counted if one.state in UNDER_WAY), proposed=proposed,
        of_regions=regions,
    )


async def _figures(visit: Visit) -> Figures:
    base = None
    if visit.scope is not None:
        async with visit.desk.reading() as connection:
            (own,) = await console_cases.institutions(connection, visit.scope, "", limit=1)
        base = own.account_base
    return await visit.desk.today.figures(visit.at, institution=visit.scope, base=base)
