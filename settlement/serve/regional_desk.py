"""The actions of `settlement clear`, each opened on a data directory for one act."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Coroutine, Sequence
from datetime import date
from pathlib import Path

from msgspec import Struct

from settlement.elsewhere.regional_clearing import SIDES, Mark, Side
from settlement.elsewhere.regional_prepayment import PrepaidAct
from settlement.said import Said
from settlement.serve import regional_papers as papers
from settlement.serve import regional_paying as paying
from settlement.serve import regional_prepaid as prepaid
from settlement.serve import regional_reports as reports
from settlement.serve import regional_stating as stating
from settlement.serve import regional_taking as taking
from settlement.serve.regional_books import RegionalBooks, run
from settlement.serve.regional_files import keep_as_it_came
from settlement.serve.regional_marks import mark_cases
from settlement.serve.regional_periods import Found, acting, the_period
from settlement.who import Who

_MARKS = {"object": Mark.OBJECTED, "withdraw": Mark.WITHDRAWN, "postpone": Mark.POSTPONED}
_PREPAID_ACTS = {"in": PrepaidAct.IN, "back": PrepaidAct.BACK}


class Named(Struct, frozen=True, kw_only=True):
    """The period that an operator names; without a side, the one that there is."""

    month: date
    party: str
    side: Side | None


def who(parsed: argparse.Namespace) -> Who:
    """Who gives the command, and why."""
    return Who(actor=parsed.actor, reason=parsed.reason)


def named(parsed: argparse.Namespace) -> Named:
    """The period that a command is about."""
    side = None if parsed.side is None else SIDES[parsed.side]
    return Named(month=parsed.month, party=parsed.party, side=side)


def overview(data_dir: Path, month: date, *, as_json: bool) -> Said:
    """The month at a glance."""
    return run(data_dir, lambda books: reports.overview(books, month, as_json=as_json))


def state(data_dir: Path, month: date, party: str | None, who: Who, out: Path | None) -> Said:
    """State what others owe us."""
    return run(data_dir, lambda books: stating.state(books, month, party, who, out))


def take(data_dir: Path, month: date, path: Path, who: Who) -> Said:
    """Take a file of the other side."""
    try:
        sent = taking.Sent(name=path.name, content=path.read_bytes())
    except OSError as exc:
        return Said(1, f"{path} 读不出 | cannot be read: {exc.strerror}")

    async def act(books: RegionalBooks) -> Said:
        said = await taking.take(books, month, sent, who)
        return await keep_as_it_came(books, said, {sent.name: sent.content}, who)

    return run(data_dir, act)


def show(data_dir: Path, named: Named) -> Said:
    """A period with its steps and sums."""
    return run(data_dir, lambda books: on_period(books, named, reports.show))


def legs(data_dir: Path, named: Named, institution: str | None) -> Said:
    """The rows of a period."""

    async def read(books: RegionalBooks, found: Found) -> Said:
        return await reports.legs_csv(books, found, institution)

    return run(data_dir, lambda books: on_period(books, named, read))


def mark(
    data_dir: Path, named: Named, mark: str, cases: Sequence[str], *, months: int, who: Who
) -> Said:
    """Dispute, withdraw or postpone rows."""

    async def act(books: RegionalBooks, found: Found) -> Said:
        return await mark_cases(books, found, _MARKS[mark], cases, months=months, who=who)

    return run(data_dir, lambda books: acting_on(books, named, act))


def confirm(data_dir: Path, named: Named, who: Who) -> Said:
    """Confirm a period."""

    async def act(books: RegionalBooks, found: Found) -> Said:
        return await paying.confirm(books, found, who)

    return run(data_dir, lambda books: acting_on(books, named, act))


def answer(data_dir: Path, named: Named, out: Path) -> Said:
    """Write our answer to a statement."""

    async def write(books: RegionalBooks, found: Found) -> Said:
        if found.period.side is not Side.INSURANCE:
            return Said(1, "只有应付一方才答复 | only the side that pays answers")
        paths = await paying.answer_file(books, found, out)
        return Said(0, "\n".join(map(str, paths)))

    return run(data_dir, lambda books: on_period(books, named, write))


def send(data_dir: Path, named: Named, who: Who) -> Said:
    """Hand our papers of a period over by the wire."""

    async def act(books: RegionalBooks, found: Found) -> Said:
        return await papers.send(books, found, who)

    return run(data_dir, lambda books: acting_on(books, named, act))


def sent_and_received(data_dir: Path) -> Said:
    """Papers that went over the wire."""
    return run(data_dir, papers.listed)


def notify(data_dir: Path, named: Named, notice_no: str, amount_fen: int, who: Who) -> Said:
    """Keep a notice."""

    async def act(books: RegionalBooks, found: Found) -> Said:
        return await paying.notify(books, found, notice_no, amount_fen, who)

    return run(data_dir, lambda books: acting_on(books, named, act))


def settle(data_dir: Path, named: Named, voucher: str, *, confirm: bool, who: Who) -> Said:
    """The money moved: proposed by one, confirmed and booked by another."""

    async def act(books: RegionalBooks, found: Found) -> Said:
        one_of_two = paying.settle if confirm else paying.propose
        return await one_of_two(books, found, voucher, who)

    return run(data_dir, lambda books: acting_on(books, named, act))


def close(data_dir: Path, named: Named, who: Who) -> Said:
    """Close a period."""

    async def act(books: RegionalBooks, found: Found) -> Said:
        return await paying.close(books, found, who)

    return run(data_dir, lambda books: acting_on(books, named, act))


def prepay(
    data_dir: Path, named: Named, act: str, amount_fen: int, voucher: str, *, confirm: bool,
    who: Who,
) -> Said:  # fmt: skip
    """A quota, or money in advance."""
    side = Side.INSURANCE if named.side is None else named.side

    async def on_books(books: RegionalBooks) -> Said:
        async def once() -> Said:
            if act == "quota":
                return await prepaid.fix_quota(books, named.party, side, named.month.year, who)
            one_of_two = prepaid.move if confirm else prepaid.propose
            return await one_of_two(
                books, named.party, side, _PREPAID_ACTS[act], amount_fen, voucher, who
            )

        return await acting(books, named.party, once)

    return run(data_dir, on_books)


async def on_period(
    books: RegionalBooks, named: Named,
    read: Callable[[RegionalBooks, Found], Coroutine[None, None, Said]],
) -> Said:  # fmt: skip
    """Read the period that is named."""
    found = await the_period(books, named.party, named.month, named.side)
    return found if isinstance(found, Said) else await read(books, found)


async def acting_on(
    books: RegionalBooks, named: Named,
    act: Callable[[RegionalBooks, Found], Coroutine[None, None, Said]],
) -> Said:  # fmt: skip
    """One act on the period that is named."""
    return await acting(books, named.party, lambda: on_period(books, named, act))
