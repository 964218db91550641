"""Compares the client's own book with the ledger: nothing lost, nothing doubled. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from loadtest.generator.tally import Book


class Booked(Struct, frozen=True, kw_only=True):
    """What the ledger holds of one institution."""

    settlements: int
    fees_fen: int


def compare_books(
    codes: Sequence[str], book: Book, before: Mapping[str, Booked], after: Mapping[str, Booked]
) -> list[str]:
    """Where the client's book and the ledger disagree, one sentence each; empty when they agree.

    What was acknowledged must be booked, count and fen. Beyond it the ledger may hold only what
    the client got no answer to.
    """
    nothing = Booked(settlements=0, fees_fen=0)
    differences: list[str] = []
    for index, code in enumerate(codes):
        first, last = before.get(code, nothing), after.get(code, nothing)
        count = last.settlements - first.settlements
        fees = last.fees_fen - first.fees_fen
        acknowledged, unknown = book.settlements[index], book.unknown[index]
        if not acknowledged <= count <= acknowledged + unknown:
            differences.append(
                f"{code}: {acknowledged} acknowledged (and {unknown} without an answer), "
                f"{count} in the ledger"
            )
        elif count == acknowledged and fees != book.fees_fen[index]:
            differences.append(
                f"{code}: {book.fees_fen[index]} fen acknowledged, {fees} fen in the ledger"
            )
    return differences
