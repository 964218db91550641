"""Ending what a day with another region differs in: one person proposes it with what was found out,
another ends it or sends the proposal back. Nothing is booked by it.

A case of a day is one matter, so all that is open of it is acted on together. What a later
comparison does not find any more ends by itself, whatever was proposed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Literal, assert_never

from settlement.elsewhere.regional_clearing import Side
from settlement.said import Said
from settlement.serve.regional_books import RegionalBooks
from settlement.serve.regional_periods import acting
from settlement.serve.regional_reconciling import compared_day
from settlement.storage import regional_differences as store
from settlement.storage.regional_differences import PROPOSED, SENT_BACK, ComparedDay, OfDay
from settlement.who import Who

EndingAct = Literal["propose", "send-back", "confirm"]
ROWS_MAX = 10_000


async def end(
    books: RegionalBooks, region: str, side: Side, day: date, act: EndingAct,
    cases: Sequence[str], who: Who,
) -> Said:  # fmt: skip
    """One act on some cases of a day: all of them or none."""
    if not cases:
        return Said(1, "没有选择明细 | no case is chosen")
    where = compared_day(books, region, side, day)

    async def once() -> Said:
        found = await store.differences_of(
            books.connection, where, cases=cases, limit=ROWS_MAX
        )
        chosen = [one for one in found if one.ended_at is None]
        missing = sorted(set(cases) - {one.case_no for one in chosen})
        if missing:
            return Said(1, f"没有未处理的 {'、'.join(missing)} | nothing open of that case")
        no = _refused(chosen, act, who)
        return no if no is not None else await _done(books, where, act, chosen, who)

    return await acting(books, region, once)


def _refused(chosen: Sequence[OfDay], act: EndingAct, who: Who) -> Said | None:
    """Why one of them cannot be acted on so."""
    for one in chosen:
        if act == "propose":
            if one.is_proposed:
                return Said(
                    1,
                    f"{one.case_no} 已由 {one.actor} 提出结束：{one.note} | its end is proposed "
                    f"already, by {one.actor}",
                )
            continue
        if not one.is_proposed:
            return Said(
                1, f"{one.case_no} 尚无人提出结束 | nobody has proposed its end yet"
            )
        if act == "confirm" and who.is_also(one.actor):
            return Said(
                1, f"须由 {who.actor} 以外的人确认 | somebody other than {who.actor} must confirm"
            )
    return None


async def _done(
    books: RegionalBooks, where: ComparedDay, act: EndingAct, chosen: Sequence[OfDay], who: Who
) -> Said:
    at, name = books.moment.at, f"{where.day} {books.name_of(where.region)}"
    match act:
        case "propose" | "send-back":
            kind = PROPOSED if act == "propose" else SENT_BACK
            await store.keep_steps(
                books.connection, where, kind, chosen, at=at, actor=who.actor, note=who.reason
            )
            if act == "propose":
                return Said(
                    0,
                    f"由 {who.actor} 提出 {name} 结束 {len(chosen)} 项差异，尚待另一人以 --confirm "
                    "确认 | proposed; another person ends them",
                )
            return Said(0, f"{name} 已退回 {len(chosen)} 项 | sent back")
        case "confirm":
            await store.end_named(
                books.connection, where, chosen, at=at, actor=who.actor, note=who.reason
            )
            proposers = "、".join(sorted({one.actor for one in chosen}))
            return Said(
                0,
                f"{name} 已处理 {len(chosen)} 项：{proposers} 提出，{who.actor} 确认 | ended",
            )
        case _:
            assert_never(act)
