"""What a drill of faults calls lost, doubled, open or different is named where it is planted."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from loadtest.books import Amounts, InstitutionBooks, Row
from loadtest.drills.audit import Findings
from loadtest.drills.client_book import ClientBook, Entry, Outcome, read_book
from loadtest.drills.fault_audit import compare, compare_books
from loadtest.drills.fault_director import longest_gap, recovered
from loadtest.institution_client import Reply

PAID = Amounts(1_000, 600, 300, 100)
SALE = Entry(
    institution="P1", msgid="M1", infno="2102", psn_no="1", outcome=Outcome.DONE, setl_id="11",
    amounts=PAID,
)  # fmt: skip
SOLD = Row("P1", "M1", "11", 1, "", PAID)
CANCEL = Entry(
    institution="P1", msgid="M2", infno="2103", psn_no="1", outcome=Outcome.DONE, setl_id="12",
    undoes="11", amounts=Amounts(-1_000, -600, -300, -100),
)  # fmt: skip
CANCELLED = Row("P1", "M2", "12", 2, "11", Amounts(-1_000, -600, -300, -100))
REFUSED = replace(SALE, outcome=Outcome.REFUSED, setl_id="", amounts=None)
TAKEN_BACK = replace(REFUSED, outcome=Outcome.TAKEN_BACK, silences=1)
UNANSWERED = replace(REFUSED, outcome=Outcome.OPEN, silences=3)
REVERSED = Row("P1", "M3", "13", 3, "11", Amounts(-1_000, -600, -300, -100))
BOOKS = {
    "P1": InstitutionBooks(
        payable_funds_fen=600, payable_accounts_fen=300, receivable_funds_fen=600,
        receivable_accounts_fen=300, collected_fen=100,
    )
}  # fmt: skip


def found(entries: list[Entry], rows: list[Row]) -> Findings:
    return compare(entries, rows, {one.key: one for one in entries})


@pytest.mark.parametrize(
    ("entries", "rows"),
    [
        ([SALE], [SOLD]),
        ([SALE, CANCEL], [SOLD, CANCELLED]),
        ([REFUSED], []),
        ([TAKEN_BACK], []),
        ([TAKEN_BACK], [SOLD, REVERSED]),
    ],
)  # fmt: skip
def test_books_that_agree_have_no_findings(entries: list[Entry], rows: list[Row]) -> None:
    assert found(entries, rows).clean


@pytest.mark.parametrize(
    ("entries", "rows"),
    [
        ([SALE], []),
        ([SALE], [replace(SOLD, setl_id="99")]),
        ([SALE], [replace(SOLD, amounts=Amounts(1_000, 600, 299, 101))]),
        ([CANCEL], [replace(CANCELLED, undoes="99")]),
    ],
)  # fmt: skip
def test_answer_that_is_not_booked_as_it_was_given_is_lost(
    entries: list[Entry], rows: list[Row]
) -> None:
    findings = found(entries, rows)
    assert len(findings.lost) == 1 and not findings.doubled
    assert entries[0].msgid in findings.lost[0]


@pytest.mark.parametrize(
    ("entries", "rows"),
    [
        ([SALE], [SOLD, replace(SOLD, setl_id="14")]),
        ([REFUSED], [SOLD]),
        ([TAKEN_BACK], [SOLD]),
        ([], [SOLD]),
        ([SALE, CANCEL], [SOLD, CANCELLED, REVERSED]),
    ],
)  # fmt: skip
def test_what_is_booked_twice_or_for_nobody_is_named(entries: list[Entry], rows: list[Row]) -> None:
    findings = found(entries, rows)
    assert len(findings.doubled) == 1 and not findings.lost
    assert "M1" in findings.doubled[0] or "11" in findings.doubled[0]


def test_message_without_an_answer_is_unresolved() -> None:
    assert len(found([UNANSWERED], [SOLD]).unresolved) == 1


def test_ledger_that_is_a_fen_off_is_named_with_both_sums() -> None:
    assert compare_books([SALE], BOOKS, {"1": 300}) == []
    for name in InstitutionBooks.__struct_fields__:
        off = replace(BOOKS["P1"], **{name: getattr(BOOKS["P1"], name) + 1})
        (difference,) = compare_books([SALE], {"P1": off}, {"1": 300})
        assert difference.startswith("P1")
    (difference,) = compare_books([SALE], BOOKS, {"1": 299})
    assert "300" in difference and "299" in difference


def test_book_is_read_as_it_was_written_but_for_a_line_that_was_cut(tmp_path: Path) -> None:
    path = tmp_path / "book.jsonl"
    with ClientBook(path) as book:
        first = book.begin(replace(UNANSWERED, silences=0))
        book.begin(replace(UNANSWERED, msgid="M9", silences=0))
        book.heard(first, settled("11"))
        assert book.unknown == {("P1", "M9")}
    with path.open("ab") as file:
        file.write(b'{"institution":"P1","msg')
    entries = read_book(path)
    assert entries[("P1", "M1")] == replace(SALE, mdtrt_id="7")
    assert entries[("P1", "M9")].outcome is Outcome.OPEN


def test_second_answer_that_differs_is_trouble(tmp_path: Path) -> None:
    with ClientBook(tmp_path / "book.jsonl") as book:
        entry = book.begin(replace(UNANSWERED, silences=0))
        book.heard(entry, settled("11"))
        book.heard(entry, settled("11"))
        assert not entry.trouble
        book.heard(entry, settled("12"))
    assert entry.trouble and entry.setl_id == "11"
    assert found([entry], [SOLD]).differences


def test_recovery_ends_where_no_good_answer_is_missing_any_more() -> None:
    flowing = [(10.0 + n / 10, 10.1 + n / 10) for n in range(30)]
    assert recovered(flowing, 10.0) == pytest.approx(0.1)
    late = [(9.0, 10.05), (10.1, 10.2), *[(at + 5, done + 5) for at, done in flowing]]
    assert recovered(late, 10.0) == pytest.approx(5.1)
    assert recovered([(9.0, 10.05)], 10.0) is None
    assert longest_gap(late, 10.0, 18.0) == pytest.approx(4.9)


def settled(setl_id: str) -> Reply:
    info = {
        "setl_id": setl_id, "mdtrt_id": "7", "medfee_sumamt": "10.00", "fund_pay_sumamt": "6.00",
        "acct_pay": "3.00", "psn_cash_pay": "1.00",
    }  # fmt: skip
    return Reply(infcode=0, output={"setlinfo": info})
