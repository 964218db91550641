"""Is a counter's book the server's? Every settlement by 5203, every person by 5201."""

from __future__ import annotations

from collections.abc import Iterable

from loadtest.simulators.book import Book, Entry
from settlement.client import Done, Institution, Settlement

_BEGIN, _END = "2000-01-01 00:00:00", "2099-12-31 23:59:59"
CARE_TYPES = ("11", "21", "41")


async def differences(institution: Institution, books: Iterable[Book]) -> list[str]:
    """Each difference in words, none where all the books of an institution agree with it."""
    books = list(books)
    entries = [entry for book in books for entry in book.settlements()]
    found = [said for entry in entries if (said := await _difference(institution, entry))]
    found += [f"{one} is open" for book in books for one in book.open_messages()]
    for psn_no, believed in _shown(books).items():
        told = await _shown_by_server(institution, psn_no)
        if told != believed:
            found.append(f"{psn_no}: the server has {sorted(told)}, the book {sorted(believed)}")
    return found


def _shown(books: Iterable[Book]) -> dict[str, set[str]]:
    """By person the settlements that 5201 should show: those that stand."""
    shown: dict[str, set[str]] = {}
    for book in books:
        standing = book.standing()
        for entry in book.entries.values():
            numbers = shown.setdefault(entry.message.psn_no, set())
            if entry.settled is not None and entry.settled.setl_id in standing:
                numbers.add(entry.settled.setl_id)
    return shown


async def _difference(institution: Institution, entry: Entry) -> str | None:
    believed = entry.settled
    if believed is None:
        return None
    told = await institution.settlement(
        psn_no=entry.message.psn_no, mdtrt_id=believed.mdtrt_id, setl_id=believed.setl_id
    )
    if not isinstance(told, Done):
        return f"{believed.setl_id}: {told}"
    if amounts(told.settlement) != amounts(believed):
        return f"{believed.setl_id}: the server has {told.settlement}, the book {believed}"
    return None


def amounts(settled: Settlement) -> tuple[int, int, int, int]:
    """What both sides must have alike; hosp_part_amt is not in every answer."""
    return settled.total_fen, settled.fund_fen, settled.account_fen, settled.cash_fen


async def _shown_by_server(institution: Institution, psn_no: str) -> set[str]:
    found: set[str] = set()
    for care_type in CARE_TYPES:
        told = await institution.visits(psn_no, begin=_BEGIN, end=_END, care_type=care_type)
        if isinstance(told, Done):
            found |= {str(row["setl_id"]) for row in told.rows("mdtrtinfo") if row["setl_id"]}
    return found
