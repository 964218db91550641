"""The client's book against the ledger's rows and the channels' books: every wrong fen is found."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from loadtest.attach import Clearing
from loadtest.books import Amounts, Row
from loadtest.drills.audit import Findings
from loadtest.drills.simulators import ChannelBooks
from loadtest.load.audit import add_up, compare_channels, compare_rows
from loadtest.load.book import Line, LoadBook, What, read_book
from loadtest.simulators.channel_book import BookEntry, Movement

SALE = Line(
    what=What.SETTLED, institution="P1", msgid="m1", psn_no="1", setl_id="11", total_fen=1_000,
    fund_fen=600, account_fen=300, cash_fen=100,
)  # fmt: skip
BACK = Line(
    what=What.UNDONE, institution="P1", msgid="m2", psn_no="1", setl_id="12", undoes="11",
    total_fen=-1_000, fund_fen=-600, account_fen=-300, cash_fen=-100,
)  # fmt: skip
SCAN = Line(
    what=What.SETTLED, institution="P2", msgid="o1", psn_no="2", setl_id="21", total_fen=500,
    fund_fen=200, cash_fen=300, channel="wechat", reference="w1",
)  # fmt: skip
ROW = Row("P1", "m1", "11", 1, "", Amounts(1_000, 600, 300, 100))
BACK_ROW = Row("P1", "m2", "12", 2, "11", Amounts(-1_000, -600, -300, -100))


async def _compared(path: Path, lines: Sequence[Line], rows: Sequence[Row]) -> Findings:
    with LoadBook(path) as book:
        for line in lines:
            book.write(line)

    async def booked() -> AsyncIterator[Row]:
        for row in rows:
            yield row

    findings = Findings()
    told = add_up(read_book(path), findings)
    await compare_rows(told.marks, booked(), path, findings)
    return findings


async def test_equal_books_have_no_findings(tmp_path: Path) -> None:
    assert (await _compared(tmp_path / "book", [SALE, BACK], [ROW, BACK_ROW])).clean


async def test_an_answer_that_is_not_booked_is_named(tmp_path: Path) -> None:
    findings = await _compared(tmp_path / "book", [SALE, BACK], [BACK_ROW])
    assert findings.lost == ["P1 m1: 11 was answered, and is not booked so"]


async def test_what_is_booked_twice_or_was_never_answered_is_named(tmp_path: Path) -> None:
    other = Row("P1", "m9", "19", 1, "", ROW.amounts)
    findings = await _compared(tmp_path / "book", [SALE], [ROW, ROW, other])
    assert len(findings.doubled) == 2 and "twice" in findings.doubled[0]
    assert "P1 m9: 19 is booked though it was never answered so" in findings.doubled


async def test_one_fen_between_answer_and_row_is_found_on_both_sides(tmp_path: Path) -> None:
    moved = Row("P1", "m1", "11", 1, "", Amounts(1_000, 601, 299, 100))
    findings = await _compared(tmp_path / "book", [SALE], [moved])
    assert findings.lost and findings.doubled


async def test_unknown_and_wrong_answers_are_findings_and_refusals_are_not(tmp_path: Path) -> None:
    lines = [
        Line(what=What.UNKNOWN, institution="P1", msgid="m3", said="no answer"),
        Line(what=What.WRONG, institution="P1", msgid="m4", said="two answers"),
        Line(what=What.REFUSED, institution="P1", msgid="m5", said="no"),
    ]
    findings = await _compared(tmp_path / "book", lines, [])
    assert findings.unresolved == ["P1 m3: no answer"]
    assert findings.differences == ["P1 m4: two answers"] and not findings.lost


def _channel(*entries: BookEntry, net_fen: int) -> dict[str, ChannelBooks]:
    return {"wechat": ChannelBooks(net_fen, {}, list(entries), {})}


def _paid(reference: str, fen: int) -> BookEntry:
    return BookEntry(
        seq=1, at=datetime(2026, 11, 26, tzinfo=UTC), day="2026-11-26", movement=Movement.PAID,
        merchant_no="m", order_no=f"n{reference}", reference=reference, amount_fen=fen,
    )  # fmt: skip


def _channels(books: dict[str, ChannelBooks], kept_fen: int) -> list[str]:
    findings = Findings()
    told = add_up([SALE, SCAN], findings)
    ledger = Clearing(kept_fen={"wechat": kept_fen}, collecting_fen=0, to_return_fen=0)
    compare_channels(told.kept_fen, books, ledger, findings)
    return findings.differences


def test_a_channel_that_kept_what_tills_were_told_agrees() -> None:
    assert not _channels(_channel(_paid("w1", 300), net_fen=300), 300)


def test_a_payment_that_no_till_knows_and_a_ledger_that_is_short_are_found() -> None:
    books = _channel(_paid("w1", 300), _paid("w2", 40), net_fen=340)
    assert _channels(books, 300) == [
        "wechat: the ledger has 300 fen, its book 340",
        "wechat w2: it keeps 40 fen, the tills know of 0",
    ]


def test_what_a_channel_collected_is_not_in_the_institutions_own_custody() -> None:
    told = add_up([SALE, BACK, SCAN], Findings())
    assert (told.sums.cash["P1"], told.sums.cash["P2"], told.sums.funds["P2"]) == (0, 0, 200)
    assert told.paid_by_fen["wechat"] == 300 and told.acknowledged_fen == 1_500
