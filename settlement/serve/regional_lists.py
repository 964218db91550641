"""What others say of a day over the line: a region that insures of its rows, the hub of its book.

Both are asked page by page for the day and for those around it. A region that does not tell leaves
nothing to compare with; a hub that does not tell leaves two sides of three, and the reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import date
from http import HTTPStatus

from msgspec.structs import replace

from protocol.hub.certificates import HUB
from protocol.hub.messages import (
    KIND_UNKNOWN,
    BookAsked,
    BookRow,
    BookTold,
    Kind,
    ReconcileAsked,
    ReconcileTold,
    Refused,
    RowTold,
)
from protocol.hub.messages import (
    Told as Answer,
)
from settlement.elsewhere.regional_clearing import Side
from settlement.elsewhere.regional_matching import Row, by_key
from settlement.region.hub import HubLine, NoAnswer
from settlement.said import Said
from settlement.serve.regional_books import RegionalBooks
from settlement.serve.regional_reconciling import ONE, HubSays, Told
from settlement.storage import hub as hub_store

PAGES_MAX = 10_000
ANSWER_SECONDS = 10.0
_UNCERTIFIED = HubSays(why="未登记平台的证书 | the hub has no certificate here", asked=False)
_ANOTHER_HUB = HubSays(
    why="该统筹区经另一平台到达 | another hub leads to that region", asked=False
)
_NOT_TAKEN = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND})


async def hub_is_known(books: RegionalBooks) -> bool:
    """Whether the hub can be asked for its book: it has a certificate."""
    return await hub_store.is_certified(books.connection, HUB)


def unasked_hub(books: RegionalBooks, region: str, *, known: bool) -> HubSays | None:
    """Why the hub is not asked about a region; None where it is."""
    if not known:
        return _UNCERTIFIED
    return _ANOTHER_HUB if books.counterparts[region].route else None


def heard(says: Iterable[HubSays]) -> str | None:
    """Why the hub told nothing of something; empty where it told of all that it was asked about;
    None where it was not asked."""
    asked = [one for one in says if one.asked]
    if not asked:
        return None
    return next((one.why for one in asked if one.rows is None), "")


async def ask_both(
    line: HubLine, books: RegionalBooks, region: str, day: date, *, correlation: str,
    hub: HubSays | None,
) -> Told | Said:  # fmt: skip
    """What a region and the hub have of a day on which we treated its people; `hub` is what is
    known of the hub's rows already."""
    if hub is not None:
        told = await ask_lists(line, region, day, correlation=correlation)
        return told if isinstance(told, Said) else replace(told, hub=hub)
    told, says = await asyncio.gather(
        ask_lists(line, region, day, correlation=correlation),
        ask_hub(line, books.region, region, day, correlation=f"{correlation}-hub"),
    )
    return told if isinstance(told, Said) else replace(told, hub=says)


async def ask_lists(line: HubLine, region: str, day: date, *, correlation: str) -> Told | Said:
    """The rows of a day and of those around it, through the hub, where we treated."""
    days: dict[int, tuple[Row, ...]] = {}
    for n in (-1, 0, 1):
        rows = await _ask_rows(line, region, day + n * ONE, correlation=f"{correlation}-{n + 1}")
        if isinstance(rows, Said):
            return rows
        days[n] = rows
    return Told(
        region=region, side=Side.TREATMENT, day=day, theirs=days[0],
        theirs_around=days[-1] + days[1],
    )  # fmt: skip


async def ask_hub(
    line: HubLine, treated: str, insured: str, day: date, *, correlation: str
) -> HubSays:
    """What the hub's book has of a day between two regions, and of the days around it."""
    days: dict[int, tuple[Row, ...]] = {}
    for n in (-1, 0, 1):
        asked = BookAsked(day=day + n * ONE, treated=treated, insured=insured, after=0)
        rows = await _ask_book(line, asked, correlation=f"{correlation}-{n + 1}")
        if isinstance(rows, str):
            return HubSays(why=rows)
        days[n] = rows
    return HubSays(rows=days[0], around=days[-1] + days[1])


async def _ask_rows(
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
        rows += [_row(row) for row in told.rows]
        if not told.more:
            return tuple(rows)
        if not told.rows or told.rows[-1].settlement_no == after:
            return Said(1, f"{region} 的清单没有进展 | its pages do not go on")
        after = told.rows[-1].settlement_no
    return Said(1, f"{region} 的清单超过 {PAGES_MAX} 页 | too many pages")


async def _ask_book(
    line: HubLine, asked: BookAsked, *, correlation: str
) -> tuple[Row, ...] | str:
    """The hub's rows of a day, page by page, or why there are none to be had."""
    rows: list[Row] = []
    for page in range(PAGES_MAX):
        told = await line.ask(
            HUB, Kind.BOOK, asked, correlation=f"{correlation}-{page}", seconds=ANSWER_SECONDS
        )
        if not isinstance(told, BookTold):
            return _why(told)
        numbers = [asked.after, *(row.number for row in told.rows)]
        if (told.day, told.treated, told.insured) != (asked.day, asked.treated, asked.insured):
            return "平台答复的是另一清单 | it told of another day or other regions"
        if sorted(set(numbers)) != numbers or (told.more and not told.rows):
            return "平台清单没有进展 | its pages do not go on"
        rows += [_row(row) for row in told.rows]
        if not told.more:
            doubled = by_key(rows)[1]
            return f"平台清单中 {doubled[0][0]} 出现两次 | a row is there twice" if doubled else (
                tuple(rows)
            )
        asked = replace(asked, after=numbers[-1])
    return f"平台清单超过 {PAGES_MAX} 页 | too many pages"


def _why(told: Answer | Refused | NoAnswer) -> str:
    match told:
        case Refused(code=code) if code == KIND_UNKNOWN:
            return "平台不识别此问题 | it does not know the question"
        case NoAnswer() if told.status in _NOT_TAKEN:
            return f"平台不受理此问题（{told.text}） | it does not take the question: an older hub?"
        case Refused() | NoAnswer():
            return f"平台未答复（{told.text}） | it did not tell"
    return "平台答非所问 | it told something else"


def _row(told: RowTold | BookRow) -> Row:
    return Row(
        case_no=told.case_no, reversal=told.reversal, total_fen=told.total_fen,
        fund_fen=told.fund_fen, account_fen=told.account_fen,
    )  # fmt: skip
