"""What is said of single rows of a stated month: objections, their withdrawal, postponement."""

from __future__ import annotations

from collections.abc import Sequence

from settlement.elsewhere.regional_clearing import STATE_ZH, Act, Mark, Side, month_after, settles
from settlement.elsewhere.regional_matching import Key
from settlement.elsewhere.regional_statements import month_text
from settlement.said import Said
from settlement.serve.regional_books import RegionalBooks
from settlement.serve.regional_periods import (
    Found,
    keep,
    name_of,
    refused,
    sums_of,
    sums_of_legs,
    text_of,
)
from settlement.storage import regional_clearing as store
from settlement.storage.regional_clearing import Leg, row_of
from settlement.who import Who

MARK_ZH = {Mark.OBJECTED: "提出异议", Mark.WITHDRAWN: "撤回异议", Mark.POSTPONED: "延期"}


async def mark_cases(
    books: RegionalBooks, found: Found, mark: Mark, cases: Sequence[str], *, months: int, who: Who
) -> Said:
    """Mark all rows of these cases, in the caller's transaction."""
    rows = [leg async for leg in store.legs_of(books.connection, found.place, case_nos=cases)]
    missing = sorted(set(cases) - {leg.case_no for leg in rows})
    if missing:
        return Said(
            1,
            f"{name_of(books, found)} 没有 {'、'.join(missing)} | no such case in that month",
        )
    return await _mark(books, found, mark, rows, months=months, who=who, reference="")


async def mark_rows(
    books: RegionalBooks, found: Found, mark: Mark, keys: frozenset[Key], *, months: int, who: Who,
    reference: str,
) -> Said:  # fmt: skip
    """Mark rows that are named with their sign."""
    cases = sorted({case_no for case_no, _ in keys})
    named = store.legs_of(books.connection, found.place, case_nos=cases)
    rows = [leg async for leg in named if leg.key in keys]
    if len(rows) < len(keys):
        missing = sorted({case_no for case_no, _ in keys - {leg.key for leg in rows}})
        return Said(
            1,
            f"{name_of(books, found)} 没有 {'、'.join(missing)} | no such row in that month",
        )
    return await _mark(books, found, mark, rows, months=months, who=who, reference=reference)


async def _mark(
    books: RegionalBooks, found: Found, mark: Mark, rows: list[Leg], *, months: int, who: Who,
    reference: str,
) -> Said:  # fmt: skip
    no = await _not_markable(books, found, mark, rows, months)
    if no is not None:
        return no
    before = (await sums_of(books.connection, found.place)).disputed.legs
    settled = sum(leg.mark is Mark.OBJECTED for leg in rows)
    act = Act.OBJECT if mark is Mark.OBJECTED else settles([mark], before - settled)
    no = refused(books, found, act)
    if no is not None:
        return no
    await store.keep_marks(
        books.connection, found.place, len(found.steps) + 1, mark, months=months,
        reason=who.reason, keys=[leg.key for leg in rows],
    )  # fmt: skip
    sums = sums_of_legs(rows)
    after = await keep(books, found, act, who, sums, reference=reference)
    until = ""
    if mark is Mark.POSTPONED:
        until = f"至 {month_text(month_after(found.period.month, months))}"
    return Said(
        0,
        f"{name_of(books, found)} {MARK_ZH[mark]}{until} {text_of(sums)}，现为"
        f"「{STATE_ZH[after.now.state]}」 | now {after.now.state.value}",
    )


async def _not_markable(
    books: RegionalBooks, found: Found, mark: Mark, rows: list[Leg], months: int
) -> Said | None:
    """Why one of the rows cannot be marked so."""
    for leg in rows:
        if leg.mark is Mark.POSTPONED:
            return Said(1, f"{leg.case_no} 已延期 | it is postponed already")
        if mark is Mark.OBJECTED and leg.mark is Mark.OBJECTED:
            return Said(1, f"{leg.case_no} 已有异议：{leg.said} | it is disputed already")
        if mark is Mark.WITHDRAWN and leg.mark is not Mark.OBJECTED:
            return Said(1, f"{leg.case_no} 没有异议 | there is no objection to it")
    match mark:
        case Mark.WITHDRAWN if found.period.side is Side.INSURANCE:
            return await _still_not_ours(books, rows)
        case Mark.POSTPONED:
            return await _postponed_enough(books, found, rows, months)
    return None


async def _still_not_ours(books: RegionalBooks, rows: list[Leg]) -> Said | None:
    """A row that our book does not have as it is claimed cannot be paid."""
    for leg in rows:
        ours = await store.rows_home(books.connection, leg.region, case_nos=[leg.case_no])
        if row_of(leg) not in [row for _, row in ours]:
            return Said(
                1,
                f"{leg.case_no} 在本区账上仍无此金额，不能撤回异议，可延期 | our book does not "
                "have it as it is claimed: postpone it instead",
            )
    return None


async def _postponed_enough(
    books: RegionalBooks, found: Found, rows: list[Leg], months: int
) -> Said | None:
    most = books.rules.postponed_months_max
    known = await store.stated_among(
        books.connection, found.place, [leg.case_no for leg in rows]
    )
    for leg in rows:
        before = known[leg.key].postponed
        if before + months > most:
            return Said(
                1,
                f"{leg.case_no} 已延期 {before} 个月，最多共 {most} 个月，须由就医地撤销原结算或由"
                "双方协商 | it was postponed before and the limit is reached: the region of "
                "treatment cancels it, or both agree",
            )
    return None
