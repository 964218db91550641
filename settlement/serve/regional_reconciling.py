"""`settlement reconcile-regions`: a day with another region and the hub, three ways (三方对账).

Our rows come from the books, theirs and the hub's over the line (regional_lists.py) or from files.
What differs goes onto a worklist; what a later comparison does not find any more leaves it by
itself, but for what only the hub's rows could tell where they are not there. Nothing is booked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

import msgspec
from msgspec import Struct

from ledger.money import yuan_text
from protocol.hub.clearing import ClearingFile, DayList, HubRow
from settlement.elsewhere.regional_clearing import Side
from settlement.elsewhere.regional_matching import (
    CLASS_ZH,
    FINE,
    WITH_HUB,
    Class,
    Compared,
    Lists,
    Row,
    by_key,
    compare,
    totals,
)
from settlement.said import Said
from settlement.serve.regional_books import RegionalBooks
from settlement.serve.regional_periods import acting
from settlement.serve.regional_stating import written
from settlement.storage import regional_clearing as clearings
from settlement.storage import regional_differences as store
from settlement.storage.audits import Audited, keep_audit
from settlement.storage.regional_clearing import row_of
from settlement.who import Who

SHOWN_MAX = 200
ONE = timedelta(days=1)
_NOT_AGAIN = "再次对账时已一致"


class HubSays(Struct, frozen=True, kw_only=True):
    """What the hub says of a day and of those around it, or why it says nothing."""

    rows: tuple[Row, ...] | None = None
    around: tuple[Row, ...] | None = None
    """None where it told of the day alone"""
    why: str = ""
    asked: bool = True
    """over the line"""


NOT_ASKED = HubSays(asked=False)


class Told(Struct, frozen=True, kw_only=True):
    """What the others say of a day and of those around it."""

    region: str
    side: Side
    day: date
    theirs: tuple[Row, ...]
    theirs_around: tuple[Row, ...] = ()
    hub: HubSays = NOT_ASKED


def read_lists(books: RegionalBooks, day: date, files: Mapping[str, bytes]) -> Told | Said:
    """What is in the files of a comparison: the other region's of the day, perhaps of the days
    around it, and perhaps the hub's. Nothing is compared where one of them does not fit."""
    lists: list[DayList] = []
    for name, content in files.items():
        one = _read_list(name, content)
        if isinstance(one, Said):
            return one
        lists.append(one)
    between = {(one.treated, one.insured) for one in lists}
    if len(between) != 1 or books.region not in next(iter(between)):
        return Said(1, "这些清单不是本区与同一对方之间的 | they are not between us and one region")
    treated, insured = between.pop()
    region, side = (insured, Side.TREATMENT) if treated == books.region else (
        treated, Side.INSURANCE,
    )  # fmt: skip
    told_by = {(one.told_by, one.day) for one in lists}
    around = {day - ONE, day + ONE}
    hub_days = {one.day for one in lists if one.told_by == "hub"}
    if len(told_by) < len(lists) or not told_by <= {
        (who, on) for who in (region, "hub") for on in (day, *around)
    } or (region, day) not in told_by or (hub_days and day not in hub_days):  # fmt: skip
        return Said(
            1,
            f"须有对方 {region} {day} 的清单；可另有前后一天的和平台的，各一份 | one list of "
            "the other region for the day is needed; those of the days around it and the hub's may "
            "come with it",
        )
    rows = {(one.told_by, one.day): tuple(map(_row, one.rows)) for one in lists}
    return Told(
        region=region, side=side, day=day, theirs=rows[region, day],
        theirs_around=rows.get((region, day - ONE), ()) + rows.get((region, day + ONE), ()),
        hub=HubSays(
            asked=False, rows=rows.get(("hub", day)),
            around=rows.get(("hub", day - ONE), ()) + rows.get(("hub", day + ONE), ())
            if hub_days > {day} else None,
        ),
    )  # fmt: skip


def read_hub_list(
    books: RegionalBooks, region: str, day: date, name: str, content: bytes
) -> tuple[Row, ...] | Said:
    """What the hub has of a day of people of a region who were treated here."""
    one = _read_list(name, content)
    if isinstance(one, Said):
        return one
    if (one.told_by, one.treated, one.insured, one.day) != ("hub", books.region, region, day):
        return Said(
            1, f"{name} 不是平台关于 {region} {day} 的清单 | it is not the hub's list of that day"
        )
    return tuple(map(_row, one.rows))


async def reconcile(books: RegionalBooks, told: Told, who: Who) -> Said:
    """Compare a day, keep what differs, and say how the sums explain each other."""
    if told.region not in books.counterparts:
        return Said(1, f"{told.region} 未登记为对方统筹区 | it is no counterpart")
    ours = by_key(await our_rows(books, told.region, told.side, told.day, told.day + ONE))[0]
    around = [
        *await our_rows(books, told.region, told.side, told.day - ONE, told.day),
        *await our_rows(books, told.region, told.side, told.day + ONE, told.day + 2 * ONE),
    ]
    theirs, doubled = by_key(told.theirs)
    if doubled:
        cases = "、".join(sorted({case_no for case_no, _ in doubled}))
        return Said(
            1, f"对方清单中 {cases} 出现两次，未对账 | rows are there twice: nothing compared"
        )
    hub, hub_around = told.hub.rows, told.hub.around
    lists = Lists(
        ours=ours, theirs=theirs, hub=None if hub is None else by_key(hub)[0],
        ours_around=by_key(around)[0], theirs_around=by_key(told.theirs_around)[0],
        hub_around=None if hub_around is None else by_key(hub_around)[0],
    )  # fmt: skip
    compared = compare(lists)

    async def act() -> Said:
        return await _kept(books, told, lists, compared, who)

    return await acting(books, told.region, act)


async def our_rows(
    books: RegionalBooks, region: str, side: Side, since: date, before: date
) -> list[Row]:
    """Our rows of some days with a region."""
    if side is Side.INSURANCE:
        rows = await clearings.rows_home(
            books.connection, region, since=since, before=before
        )
        return [row for _, row in rows]
    bundles = clearings.candidates(
        books.connection, since=since, before=before, beginning=region
    )
    return [row_of(one.leg) async for bundle in bundles for one in bundle]


async def write_list(
    books: RegionalBooks, region: str, side: Side, day: date, out: Path
) -> Said:
    """Our rows of a day as a file for the other side."""
    rows = await our_rows(books, region, side, day, day + ONE)
    pair = (books.region, region) if side is Side.TREATMENT else (region, books.region)
    told = DayList(
        told_by=books.region, treated=pair[0], insured=pair[1], day=day,
        rows=tuple(
            HubRow(
                case_no=row.case_no, reversal=row.reversal, total_fen=row.total_fen,
                fund_fen=row.fund_fen, account_fen=row.account_fen,
            )
            for row in rows
        ),
    )  # fmt: skip
    return Said(0, str(written(out, f"{pair[0]}-{pair[1]}-{day:%Y%m%d}-{books.region}", told)))


async def worklist(books: RegionalBooks) -> Said:
    """What nobody has ended, the oldest first, with its age."""
    rows = await store.open_differences(books.connection, SHOWN_MAX)
    if not rows:
        return Said(0, "异地对账没有未处理的差异 | nothing differs")
    lines = ["未处理差异 day, age in days, region, side, class, case, ours, theirs, hub (yuan)"]
    for one in rows:
        age = (books.moment.local.date() - one.day).days
        lines.append(
            f"{one.day}  {age} 天  {books.name_of(one.region)}  {one.side.zh}  "
            f"{CLASS_ZH[one.found]}  {one.case_no}{'（负）' if one.reversal else ''}  "
            f"{_yuan(one.ours_fen)}  {_yuan(one.theirs_fen)}  {_yuan(one.hub_fen)}"
            f"{f'  {one.proposer} 已提出结束，待复核' if one.proposer else ''}"
        )
    return Said(0, "\n".join(lines))


async def _kept(
    books: RegionalBooks, told: Told, lists: Lists, compared: Sequence[Compared], who: Who
) -> Said:
    differing = [one for one in compared if one.found not in FINE]
    where = compared_day(books, told.region, told.side, told.day)
    await store.keep_differences(books.connection, where, differing, books.moment.at)
    gone = await store.end_differences(
        books.connection, where, at=books.moment.at, actor=who.actor, note=_NOT_AGAIN,
        but=differing, of=set(Class) - WITH_HUB if lists.hub is None else set(Class),
    )  # fmt: skip
    counted = store.Counted(
        ours=len(lists.ours), theirs=len(lists.theirs),
        hub=None if lists.hub is None else len(lists.hub), differing=len(differing),
    )  # fmt: skip
    await store.keep_comparison(
        books.connection, where, counted, at=books.moment.at, actor=who.actor
    )
    sums = totals(lists, compared)
    name = f"{told.day} {books.name_of(told.region)} {told.side.zh}"
    lines = [
        f"{name} 对账：本方 {len(lists.ours)} 笔 {yuan_text(sums.ours_fen)} 元，对方 "
        f"{len(lists.theirs)} 笔 {yuan_text(sums.theirs_fen)} 元，平台 "
        f"{_hub_text(told.hub, lists)}"
    ]
    for found, (count, fen) in sorted(sums.by_class.items()):
        lines.append(f"  {CLASS_ZH[found]} {count} 笔，本方多 {yuan_text(fen)} 元 | {found}")
    if gone:
        lines.append(f"  此前差异 {len(gone)} 项已消除")
    lines.append(
        "  全部一致 | everything agrees" if not differing
        else f"  差异 {len(differing)} 项已列入清单（settlement reconcile-regions） | on the list"
    )  # fmt: skip
    await keep_audit(
        books.connection,
        Audited(
            at=books.moment.at, actor=who.actor, action="reconcile-region",
            subject=f"region {told.region} {told.side.zh} {told.day}",
            note=f"{who.reason}：{len(compared)} 笔，差异 {len(differing)} 项",
        ),
    )  # fmt: skip
    return Said(0, "\n".join(lines))


def _hub_text(hub: HubSays, lists: Lists) -> str:
    """How many rows the hub has; where it told nothing, that only two sides were compared."""
    if lists.hub is not None:
        owed_fen = sum(one.owed_fen for one in lists.hub.values())
        return f"{len(lists.hub)} 笔 {yuan_text(owed_fen)} 元"
    return f"未取，两方对账{f'：{hub.why}' if hub.why else ''} | without the hub"


def _read_list(name: str, content: bytes) -> DayList | Said:
    try:
        one = msgspec.json.decode(content, type=ClearingFile)
    except msgspec.MsgspecError as exc:
        return Said(1, f"{name} 不是清单 | no list of a day: {exc}")
    if not isinstance(one, DayList):
        return Said(1, f"{name} 是清算表，不是日清单 | it is no list of a day")
    return one


def compared_day(
    books: RegionalBooks, region: str, side: Side, day: date
) -> store.ComparedDay:
    """Which comparison it is, with its lane."""
    return store.ComparedDay(lane=books.lane_of(region), region=region, side=side, day=day)


def _row(told: HubRow) -> Row:
    return Row(
        case_no=told.case_no, reversal=told.reversal, total_fen=told.total_fen,
        fund_fen=told.fund_fen, account_fen=told.account_fen,
    )  # fmt: skip


def _yuan(fen: int | None) -> str:
    return "-" if fen is None else yuan_text(fen)
