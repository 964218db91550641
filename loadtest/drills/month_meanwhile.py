"""What the close of a month does, again and again, beside who settles.

`python -m loadtest.drills.month_meanwhile DATA_DIR 2026-10 match` does one part of it on the
database of a running server until it is ended, as operators' commands do: each piece is a short
transaction, so it may be ended at any moment. Nothing is kept of the month's steps.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from pathlib import Path
from types import TracebackType

from loadtest.drills import month_city
from loadtest.drills.month import Month
from settlement.books.sealing import Span, seal_of
from settlement.finance import institutions
from settlement.finance.books import Books, open_books
from settlement.finance.matching import match
from settlement.finance.months import report_of
from settlement.finance.office import Office, open_office
from settlement.serve.acts import connected
from settlement.storage import channel_rows, seals
from settlement.storage.lease import PlainConnection, connection_for


class Closing:
    """One connection more beside that of the books, as the commands have."""

    def __init__(
        self, books: Books, office: Office, beside: PlainConnection, month: Month
    ) -> None:
        self._books = books
        self._office = office
        self._beside = [beside]
        self._month = month

    async def list_ours(self) -> None:
        """Our side is listed anew."""
        first, last = self._month.first, self._month.last
        await month_city.forget_listing(self._books.connection, first, last)
        await channel_rows.list_days(
            self._books.connection, first, last, self._books.moment.at, beside=self._beside
        )

    async def match(self) -> None:
        """With the bills of channels."""
        await match(self._books, self._month.first, self._month.last, beside=self._beside)

    async def match_institutions(self) -> None:
        """With the files of institutions."""
        await institutions.match(
            self._books, self._month.first, self._month.last, beside=self._beside
        )

    async def close(self) -> None:
        """The report that two people sign, and the seals of everybody, which are not kept."""
        await report_of(self._office, self._month.first)
        span = Span(begins_on=self._month.first, ends_on=self._month.last)
        leaves = await seals.leaves_of_span(self._office.connection, span)
        if isinstance(leaves, str):
            raise RuntimeError(leaves)
        for root in await seals.roots_at_rest(self._office.connection, leaves):
            month_city.KEY.sign(seal_of(self._office.home.region, span, root))


PARTS: dict[str, Callable[[Closing], Awaitable[None]]] = {
    "list": Closing.list_ours, "match": Closing.match,
    "institutions": Closing.match_institutions, "close": Closing.close,
}  # fmt: skip


class Meanwhile:
    """A part that goes on in a process of its own, until left."""

    def __init__(self, data_dir: Path, month: Month, part: str) -> None:
        self._command = [
            sys.executable, "-m", "loadtest.drills.month_meanwhile", str(data_dir),
            f"{month.first:%Y-%m}", part,
        ]  # fmt: skip
        self.broken = False

    def __enter__(self) -> Meanwhile:
        self._process = subprocess.Popen(  # noqa: S603 - our own command line
            self._command, stdout=subprocess.PIPE
        )
        if self._process.stdout is not None:
            self._process.stdout.readline()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.broken = self._process.poll() is not None
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


async def go_on(data_dir: Path, month: Month, part: str) -> None:
    """Until ended."""
    async with connected(data_dir, "drill-closing") as (database, connection):
        books = await open_books(connection, dsn=database.owner_dsn)
        office = await open_office(connection, database.app_dsn, data_dir)
        async with connection_for(database.owner_dsn, "drill-beside") as beside:
            closing = Closing(books, office, beside, month)
            sys.stdout.write("at work\n")
            sys.stdout.flush()
            while True:
                await PARTS[part](closing)


def main(arguments: Sequence[str] | None = None) -> None:
    """Until ended."""
    parser = argparse.ArgumentParser(description="Do a part of a month's close, again and again.")
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("month", type=lambda text: date.fromisoformat(f"{text}-01"))
    parser.add_argument("part", choices=tuple(PARTS))
    parsed = parser.parse_args(arguments)
    asyncio.run(go_on(parsed.data_dir, Month(first=parsed.month), parsed.part))


if __name__ == "__main__":
    main()
