"""The client's book against the ledger."""

from __future__ import annotations

import pytest

from loadtest.books import Booked, compare_books
from loadtest.generator.tally import Book

CODES = ["P1", "P2"]
BEFORE = {"P1": Booked(settlements=10, fees_fen=1_000)}


def book(*, unknown: int = 0) -> Book:
    result = Book(2)
    result.settlements[0], result.fees_fen[0], result.unknown[0] = 5, 500, unknown
    return result


@pytest.mark.parametrize(
    ("settlements", "fees_fen", "unknown", "agrees"),
    [
        pytest.param(15, 1_500, 0, True, id="all acknowledged are booked"),
        pytest.param(14, 1_400, 0, False, id="one acknowledged is lost"),
        pytest.param(16, 1_600, 0, False, id="one is booked twice"),
        pytest.param(15, 1_501, 0, False, id="one fen too much"),
        pytest.param(16, 1_600, 1, True, id="one without an answer was booked"),
        pytest.param(15, 1_500, 1, True, id="one without an answer was not booked"),
        pytest.param(17, 1_700, 1, False, id="more booked than was ever sent"),
    ],
)
def test_differences_are_found(settlements: int, fees_fen: int, unknown: int, agrees: bool) -> None:
    after = {"P1": Booked(settlements=settlements, fees_fen=fees_fen)}
    assert (compare_books(CODES, book(unknown=unknown), BEFORE, after) == []) is agrees


def test_a_difference_names_the_institution() -> None:
    after = {"P1": Booked(settlements=15, fees_fen=1_500), "P2": Booked(settlements=1, fees_fen=1)}
    assert compare_books(CODES, book(), BEFORE, after) == [
        "P2: 0 acknowledged (and 0 without an answer), 1 in the ledger"
    ]
