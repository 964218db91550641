"""Booking files of money in: confirmed by a second person, then entry by entry, each one commit.

What is to be booked is in the rows from the beginning, with the number of its entry. So a booking
that was cut short goes on with the entries that are not there, and none is booked twice. Whoever
settles meanwhile comes first: between two batches the booking rests (ledger/postgres/pace.py).
"""

from __future__ import annotations

from ledger.money import yuan_text
from ledger.postgres.pace import Pace
from settlement.books.money_in import AFTER, NAMES, Act, Source, State, Subject
from settlement.clock import local_time
from settlement.finance.money_books import MoneyBooks, by_journal, share_out
from settlement.finance.money_files import told_of
from settlement.said import Said
from settlement.storage import money as store
from settlement.storage.lease import PlainConnection
from settlement.storage.money import MoneyFile
from settlement.storage.reference_import import audit
from settlement.who import Who

LEFT_SHOWN_MAX = 50


async def find(books: MoneyBooks, subject: Subject, file_no: int) -> MoneyFile | None:
    """The file of this number."""
    for file in await store.files(books.connection, subject):
        if file.file_no == file_no:
            return file
    return None


async def confirm(books: MoneyBooks, subject: Subject, file_no: int, who: Who) -> Said:
    """A second person confirms a file, and it is booked; one that was confirmed goes on."""
    file = await find(books, subject, file_no)
    if file is None:
        return _unknown(subject, file_no)
    if file.state is State.BOOKED:
        return Said(0, f"{told_of(file)}\n已全部入账，未再写入 | booked; nothing more was written")
    if file.state is State.PROPOSED:
        if who.is_also(file.proposer):
            return Said(
                1, f"须由 {file.proposer} 以外的人确认 | somebody other than {file.proposer} must "
                "confirm",
            )  # fmt: skip
        file = await _step(books, file, Act.CONFIRM, who)
    if file.state is not State.CONFIRMED:
        return Said(1, f"{told_of(file)}\n不能确认 | cannot be confirmed")
    await _book(books, file)
    file = await _step(books, file, Act.BOOK, who)
    return Said(0, f"{told_of(file)}\n{await _what_is_left(books, file)}")


async def reject(books: MoneyBooks, subject: Subject, file_no: int, who: Who) -> Said:
    """A file is not to be booked: the proposer, too, may say so."""
    file = await find(books, subject, file_no)
    if file is None:
        return _unknown(subject, file_no)
    if (file.state, Act.REJECT) not in AFTER:
        return Said(1, f"{told_of(file)}\n不能否决 | cannot be rejected")
    return Said(0, told_of(await _step(books, file, Act.REJECT, who)))


async def show(books: MoneyBooks, subject: Subject, file_no: int) -> Said:
    """A file with its steps, how far it is booked, and what found too little."""
    file = await find(books, subject, file_no)
    if file is None:
        return _unknown(subject, file_no)
    booked = 0
    for lane in sorted(books.journal_of):
        booked += await store.booked_rows(books.connection, file, lane)
    steps = [
        f"  {step.step_no}  {local_time(step.at):%Y-%m-%d %H:%M}  {step.act.name.lower()}  "
        f"{step.actor}  {step.reason}"
        for step in file.steps
    ]
    lines = [told_of(file), file.totals, *steps, f"已入账 booked {booked} / {file.row_count}"]
    return Said(0, "\n".join([*lines, *await _left_lines(books, file)]))


async def _step(books: MoneyBooks, file: MoneyFile, act: Act, who: Who) -> MoneyFile:
    """The next step, and its row of the audit."""
    async with books.connection.transaction():
        file = await store.keep_step(
            books.connection, file, act, at=books.moment.at, actor=who.actor, reason=who.reason
        )
        await audit(
            books.connection, at=books.moment.at, actor=who.actor,
            action=f"money-{act.name.lower()}", subject=f"{file.file_no} sha256:{file.digest}",
            note=who.reason,
        )  # fmt: skip
    return file


async def _book(books: MoneyBooks, file: MoneyFile) -> None:
    """Every entry that is not booked yet."""
    own_blocks = 0

    async def of_lane(connection: PlainConnection, lane: int, pace: Pace) -> None:
        nonlocal own_blocks
        for entry_id in await store.unbooked(connection, file, lane):
            await store.book(
                connection, lane=lane, entry_id=entry_id, journal=books.journal_of[lane],
                shape=books.shape, moment=books.moment,
            )  # fmt: skip
            own_blocks += 1
            await pace.rest(connection)

    await share_out(books, by_journal(books), of_lane, lambda: own_blocks)


async def _what_is_left(books: MoneyBooks, file: MoneyFile) -> str:
    lines = await _left_lines(books, file)
    return "\n".join(["全部入账 | all booked", *lines])


async def _left_lines(books: MoneyBooks, file: MoneyFile) -> list[str]:
    """Rows that found too little: claw-backs whose rest is owed, and withdrawals that were not
    made."""
    found = []
    for lane in sorted(books.journal_of):
        found += await store.left_of(books.connection, file, lane)
    lines = [
        f"  第 {row} 行 row {row} …{person[-4:]} {NAMES[source][1]} {yuan_text(fen)}："
        + (
            f"扣回 {yuan_text(taken.taken_fen)}，应收 {yuan_text(taken.owed_fen)} | rest owed"
            if source is Source.CLAWED_BACK
            else "余额不足，未入账 | too little was there, nothing moved"
        )
        for row, person, source, fen, taken in sorted(found, key=lambda one: one[0])
    ]
    more = len(lines) - LEFT_SHOWN_MAX
    return lines if more <= 0 else [*lines[:LEFT_SHOWN_MAX], f"  ……另有 {more} 行 | more"]


def _unknown(subject: Subject, file_no: int) -> Said:
    return Said(1, f"没有{subject.zh}文件 {file_no} | there is no such file")
