"""A statement of the other side that does not add up, is of another month, or says a row twice."""

from __future__ import annotations

from datetime import UTC, date, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from protocol.hub.clearing import ClearingFile, ClearingRow, ClearingStatement
from settlement.elsewhere.regional_statements import Place, faults_of, make_statement

MONTH = date(2026, 11, 1)
HERE = Place(
    month=MONTH, own=frozenset({"441900", "440000"}), creditors=frozenset({"430100", "430200"})
)


def leg(case_no: str, fund: int = 600, *, reversal: bool = False, scheme: str = "310",
        on: date = date(2026, 11, 3)) -> ClearingRow:  # fmt: skip
    """A row of 10.00 yuan."""
    sign = -1 if reversal else 1
    return ClearingRow(
        case_no=case_no, reversal=reversal, insured_region="441900", institution="H99999900001",
        clearing_type="21", scheme=scheme, settled_on=on, total_fen=sign * 1_000,
        fund_fen=sign * fund, account_fen=sign * 100,
    )  # fmt: skip


def statement(*rows: ClearingRow) -> ClearingStatement:
    """Of November, by Changsha."""
    return make_statement(
        rows, statement_no="430100-440000-202611", month=MONTH, creditor="430100", debtor="440000",
        stated_at=datetime(2026, 12, 8, 1, 0, tzinfo=UTC),
    )  # fmt: skip


GOOD = statement(leg("1"), leg("2", 500), leg("1", reversal=True), leg("3", scheme="390"))


def test_a_statement_that_we_make_has_no_faults_and_survives_its_file() -> None:
    assert faults_of(GOOD, HERE) == []
    read = msgspec.json.decode(msgspec.json.encode(GOOD), type=ClearingFile)
    assert read == GOOD


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"month": "2026-10"}, "not 2026-11"),
        ({"statement_no": "1"}, "does not begin with the creditor's code"),
        ({"debtor": "450000"}, "is not us"),
        ({"creditor": "510100"}, "no counterpart of ours"),
        ({"total_fen": GOOD.total_fen + 1}, "the total is not the sum of the rows"),
        ({"legs": GOOD.legs + 1}, "the total is not the sum of the rows"),
        ({"groups": GOOD.groups[:1]}, "group 441900/21/390 is not the sum of its rows"),
        ({"groups": (*GOOD.groups, GOOD.groups[0])}, "group 441900/21/310 is there twice"),
        ({"rows": (*GOOD.rows, GOOD.rows[0])}, "row 5 repeats case 1"),
        ({"rows": (*GOOD.rows[:3], leg("3", scheme="390", on=date(2026, 12, 1)))},
         "row 4 is of 2026-12-01, after the month"),
        ({"rows": (*GOOD.rows[:3], leg("3", 901, scheme="390"))}, "row 4 break an identity"),
        ({"rows": (*GOOD.rows[:3], leg("3", -1, scheme="390"))}, "row 4 break an identity"),
    ],
)  # fmt: skip
def test_each_fault_is_said(changed: dict[str, object], said: str) -> None:
    found = faults_of(structs.replace(GOOD, **changed), HERE)
    assert any(said in fault for fault in found), found


@given(
    st.lists(st.tuples(st.integers(0, 900), st.booleans()), max_size=30),
    st.integers(-10, 10).filter(bool), st.integers(0, 29),
)  # fmt: skip
def test_one_fen_more_in_any_row_is_found(
    told: list[tuple[int, bool]], fen: int, place: int
) -> None:
    rows = [leg(str(n), fund, reversal=back) for n, (fund, back) in enumerate(told)]
    made = statement(*rows)
    assert faults_of(made, HERE) == []
    if place < len(rows):
        other = structs.replace(rows[place], fund_fen=rows[place].fund_fen + fen)
        tampered = structs.replace(
            made, rows=(*made.rows[:place], other, *made.rows[place + 1 :])
        )
        assert faults_of(tampered, HERE)


def test_an_unknown_field_or_a_wrong_month_text_is_no_statement() -> None:
    text = msgspec.json.encode(GOOD).decode()
    with pytest.raises(msgspec.ValidationError, match="unknown field"):
        msgspec.json.decode(text.replace('"legs"', '"more":1,"legs"', 1), type=ClearingFile)
    for month in ("2026-13", "2026-11\\n", "0000-01", "1999-12", "9999-12"):
        with pytest.raises(msgspec.ValidationError, match=r"\$.month"):
            told = text.replace('"month":"2026-11"', f'"month":"{month}"', 1)
            msgspec.json.decode(told, type=ClearingFile)
