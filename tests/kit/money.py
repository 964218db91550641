"""Finance staff of a town: files of money in, and the two people whom they need."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from msgspec import Struct

from settlement.books.money_in import State, Subject
from settlement.finance import money_booking as booking
from settlement.finance import money_files as taking
from settlement.finance.money_books import MoneyBooks, open_books
from settlement.finance.money_files import Sent
from settlement.said import Said
from settlement.storage import money as store
from settlement.storage.money import MoneyFile
from settlement.who import Who
from tests.kit.importing import Cells
from tests.kit.town import Town

CHEN, LIN = Who(actor="测试会计甲", reason="月度划拨"), Who(actor="测试复核乙", reason="复核")


class Treasury(Struct, frozen=True, kw_only=True):
    """Where files of money come in; they lie in `directory`."""

    town: Town
    directory: Path

    async def books(self) -> MoneyBooks:
        """The books, as a command opens them."""
        return await open_books(self.town.owner, self.town.owner_dsn, clock=self.town.clock)

    def sent(
        self, subject: Subject, rows: Sequence[Cells], *, month: date = date(2026, 11, 1),
        name: str = "money.csv",
    ) -> Sent:  # fmt: skip
        """Rows as a CSV file."""
        path = self.directory / name
        names = list(dict.fromkeys(name for row in rows for name in row))
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(rows)
        return Sent(path=path, subject=subject, month=month)

    async def preview(self, sent: Sent) -> Said:
        """What a file would book."""
        return await taking.preview(await self.books(), sent)

    async def propose(self, sent: Sent, who: Who = CHEN) -> Said:
        """Take a file in."""
        return await taking.propose(await self.books(), sent, who)

    async def newest(self, subject: Subject) -> MoneyFile:
        """The file that came last."""
        books = await self.books()
        return (await store.files(books.connection, subject))[0]

    async def confirm(self, file: MoneyFile, who: Who = LIN) -> Said:
        """Confirm a file and book it."""
        return await booking.confirm(await self.books(), file.subject, file.file_no, who)

    async def reject(self, file: MoneyFile, who: Who = LIN) -> Said:
        """Reject a file."""
        return await booking.reject(await self.books(), file.subject, file.file_no, who)

    async def show(self, file: MoneyFile) -> Said:
        """What became of a file."""
        return await booking.show(await self.books(), file.subject, file.file_no)

    async def book(self, sent: Sent) -> MoneyFile:
        """Propose a file and confirm it."""
        proposed = await self.propose(sent)
        assert proposed.status == 0, proposed.text
        confirmed = await self.confirm(await self.newest(sent.subject))
        assert confirmed.status == 0, confirmed.text
        file = await self.newest(sent.subject)
        assert file.state is State.BOOKED
        return file
