"""`settlement reconcile-regions`: a day with another region and the hub, three ways (三方对账).

Our rows come from the books, theirs from a file or through the hub, the hub's from a file. What
differs goes onto a worklist; what a later comparison does not find any more leaves it by itself.
Nothing is booked here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

import msgspec
from msgspec import Struct

from ledger.money import yuan_text
from protocol.hub.clearing import ClearingFile, DayList, HubRow
from protocol.hub.messages import Kind, ReconcileAsked, ReconcileTold, RowTold
from settlement.region.hub import HubLine
from settlement.regional_clearing import Side
from settlement.regional_matching import (
    CLASS_ZH,
    FINE,
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
PAGES_MAX = 10_000
ONE = timedelta(days=1)
ANSWER_SECONDS = 10.0
_NOT_AGAIN = "再次对账时已一致"


class Told(Struct, frozen=True, kw_only=True):
    """What the others say of a day and of those around it."""

    region: str
    side: Side
    day: date
    theirs: tuple[Row, ...]
    theirs_around: tuple[Row, ...] = ()
    hub: tuple[Row, ...] | None = None


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
    if len(told_by) < len(lists) or not told_by <= {
        *((region, day + n * ONE) for n in (-1, 0, 1)), ("hub", day)
    } or (region, day) not in told_by:  # fmt: skip
        return Said(
            1,
            f"须有对方 {region} {day} 的清单；可另有前后一天的和平台当日的，各一份 | one list of "
            "the other region for the day is needed; those of the days around it and the hub's may "
            "come with it",
        )
    rows = {(one.told_by, one.day): tuple(map(_row, one.rows)) for one in lists}
    return Told(
        region=region, side=side, day=day, theirs=rows[region, day],
        theirs_around=rows.get((region, day - ONE), ()) + rows.get((region, day + ONE), ()),
        hub=rows.get(("hub", day)),
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


async def ask_rows(
    line: HubLine, region: str, day: date, *, correlation: str
) -> tuple[Row, ...] | Said:
    """What another region that insures says of a day, page by page."""
    rows: list[Row] = []
    after = ""
    for page in range(PAGES_MAX):
        told = await line.ask(
            region, Kind.RECONCILE, ReconcileAsked(day=day, after=after),
            correlation=f"{correlation}-{page}", seconds=ANSWER_SECONDS,
        )  # fmt: skip
        if not isinstance(told, ReconcileTold) or told.day != day:
            text = getattr(told, "text", "另一天的答复 | an answer about another day")
            return Said(1, f"{region} {day} 没有得到清单 | no rows were told: {text}")
        rows += [_told_row(row) for row in told.rows]
        if not told.more:
            return tuple(rows)
        if not told.rows or told.rows[-1].settlement_no == after:
            return Said(1, f"{region} 的清单没有进展 | its pages do not go on")
        after = told.rows[-1].settlement_no
    return Said(1, f"{region} 的清单超过 {PAGES_MAX} 页 | too many pages")


async def ask_lists(line: HubLine, region: str, day: date, *, correlation: str) -> Told | Said:
    """The rows of a day and of those around it, through the hub, where we treated."""
    days: dict[int, tuple[Row, ...]] = {}
    for n in (-1, 0, 1):
        rows = await ask_rows(line, region, day + n * ONE, correlation=f"{correlation}-{n + 1}")
        if isinstance(rows, Said):
            return rows
        days[n] = rows
    return Told(
        region=region, side=Side.TREATMENT, day=day, theirs=days[0],
        theirs_around=days[-1] + days[1],
    )  # fmt: skip


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
    lists = Lists(
        ours=ours, theirs=theirs, hub=None if told.hub is None else by_key(told.hub)[0],
        ours_around=by_key(around)[0], theirs_around=by_key(told.theirs_around)[0],
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
        but=differing,
    )  # fmt: skip
    counted = store.Counted(
        ours=len(lists.ours), theirs=len(lists.theirs), differing=len(differing)
    )
    await store.keep_comparison(
        books.connection, where, counted, at=books.moment.at, actor=who.actor
    )
    sums = totals(lists, compared)
    name = f"{told.day} {books.name_of(told.region)} {told.side.zh}"
    lines = [
        f"{name} 对账：本方 {len(lists.ours)} 笔 {yuan_text(sums.ours_fen)} 元，对方 "
        f"{len(lists.theirs)} 笔 {yuan_text(sums.theirs_fen)} 元，平台 "
        f"{'未取' if lists.hub is None else f'{len(lists.hub)} 笔'}"
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


def _told_row(told: RowTold) -> Row:
    return Row(
        case_no=told.case_no, reversal=told.reversal, total_fen=told.total_fen,
        fund_fen=told.fund_fen, account_fen=told.account_fen,
    )  # fmt: skip


def _yuan(fen: int | None) -> str:
    return "-" if fen is None else yuan_text(fen)
