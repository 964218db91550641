"""A day with another region, of which something differs: one person proposes to end it with what
was found out, another ends it or sends the proposal back. Nothing is booked.
"""

from __future__ import annotations

from datetime import date

from settlement.clock import local_time
from settlement.console.asking import Answer
from settlement.console.ordering import Order, have_done, resumed
from settlement.console.regional_act_pages import NO_CASES, cases_in
from settlement.console.regional_pages import ROWS_MAX
from settlement.console.visits import Visit
from settlement.console.words import Words
from settlement.elsewhere.regional_clearing import SIDES
from settlement.finance.errand_tasks import RegionDayTask
from settlement.lanes import lane_of
from settlement.serve.regional_ending import EndingAct
from settlement.storage import reference
from settlement.storage import regional_differences as store
from settlement.storage.regional_differences import ComparedDay
from settlement.who import Who

TITLE = Words("地区间对账差异", "Differences with another region")
MISSING = Words("这一天与该区没有差异。", "Nothing differs with that region on that day.")
SHOWN_MAX = 200
ACTS: dict[EndingAct, Words] = {
    "propose": Words("提出结束差异", "propose to end differences"),
    "send-back": Words("退回结束差异", "send a proposal back"),
    "confirm": Words("确认结束差异", "end differences"),
}


async def day(visit: Visit) -> Answer:
    """What differs on a day, and how it ended."""
    visit = resumed(visit)
    where = _where(visit)
    if where is None:
        return visit.page("message.html", MISSING, status=404, words=MISSING)
    async with visit.desk.reading() as connection:
        rows = await store.differences_of(connection, where, limit=SHOWN_MAX + 1)
        counterparts = await reference.counterparts(connection)
    if not rows:
        return visit.page("message.html", MISSING, status=404, words=MISSING)
    shown = rows[:SHOWN_MAX]
    known = counterparts.get(where.region)
    open_rows = [one for one in shown if one.ended_at is None]
    return visit.page(
        "region_day.html", TITLE, where=where, side=visit.parts[2], rows=shown,
        more=len(rows) > SHOWN_MAX, name="" if known is None else known.name,
        boxes={one.case_no for one in open_rows[:ROWS_MAX]},
        own={
            one.case_no for one in open_rows
            if one.is_proposed and Who(actor=visit.who.name, reason="").is_also(one.actor)
        },
        has_open=any(not one.is_proposed for one in open_rows),
        has_proposed=any(one.is_proposed for one in open_rows),
        age=(local_time(visit.at).date() - where.day).days,
    )  # fmt: skip


async def propose(visit: Visit) -> Answer:
    """Somebody found out what it was."""
    return await _act(visit, "propose")


async def send_back(visit: Visit) -> Answer:
    """That does not explain it."""
    return await _act(visit, "send-back")


async def confirm(visit: Visit) -> Answer:
    """Another one ends it."""
    return await _act(visit, "confirm")


async def _act(visit: Visit, act: EndingAct) -> Answer:
    where, cases = _where(visit), cases_in(visit)
    if where is None:
        return visit.page("message.html", MISSING, status=404, words=MISSING)
    if not cases:
        return await day(visit.again(NO_CASES))
    told, region, side = visit.parts
    return await have_done(visit, Order(
        task=RegionDayTask(
            region=region, side=where.side, day=where.day, act=act, cases=cases
        ),
        title=Words(f"{told} {region} {ACTS[act].zh}", f"{told} {region}: {ACTS[act].en}"),
        action=f"console.region-day-{act}", subject=f"region day {told} {region} {side}",
        back=f"/console/regions/days/{told}/{region}/{side}", again=day, is_short=True,
    ))  # fmt: skip


def _where(visit: Visit) -> ComparedDay | None:
    told, region, side = visit.parts
    try:
        asked = date.fromisoformat(told)
    except ValueError:
        return None
    return ComparedDay(
        lane=lane_of(region, visit.desk.lanes), region=region, side=SIDES[side], day=asked
    )
