"""Holds the client's book against what a server booked: nothing lost, nothing twice. Pure.

What was answered is booked once, as it was answered, to the fen. What was refused or taken back is
not. Nothing is booked that nobody asked for, and nothing is open. In the end the ledger's accounts
say of every institution, and of every person, what the client's book says.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from loadtest.books import InstitutionBooks, Row, Sums, compare_sums
from loadtest.drills.audit import Findings
from loadtest.drills.client_book import Entry, Key, Outcome

REVERSED = 3
"""`kind` of a row that 2601 booked; its message is no entry of the client's book."""


def compare(
    entries: Iterable[Entry], rows: Sequence[Row], known: Mapping[Key, Entry]
) -> Findings:
    """Entries whose rows are all among `rows`; `known` is the whole book, for rows of others."""
    findings = Findings()
    by_key: dict[Key, list[Row]] = defaultdict(list)
    for row in rows:
        by_key[row.key].append(row)
    undone = {row.undoes for row in rows if row.undoes}
    for entry in entries:
        _entry_is_booked(entry, by_key.get(entry.key, []), undone, findings)
    for key, booked in by_key.items():
        if key not in known and any(row.kind != REVERSED for row in booked):
            findings.doubled.append(f"{_named(key)} is booked, and nobody sent it")
    twice = Counter(row.undoes for row in rows if row.undoes)
    findings.doubled += [
        f"{setl_id} was undone {times} times" for setl_id, times in twice.items() if times > 1
    ]
    return findings


def compare_books(
    entries: Iterable[Entry], institutions: Mapping[str, InstitutionBooks],
    persons_spent_fen: Mapping[str, int],
) -> list[str]:  # fmt: skip
    """Where the client's sums and the ledger's accounts differ, one sentence each.

    Each institution: what the agency owes it, what it says it is owed, what it collected. Each
    person: what their account paid.
    """
    sums = Sums()
    for entry in entries:
        if entry.outcome is Outcome.DONE and entry.amounts is not None:
            sums.add(entry.institution, entry.psn_no, entry.amounts)
    return compare_sums(sums, institutions, persons_spent_fen)


def _entry_is_booked(
    entry: Entry, rows: Sequence[Row], undone: set[str], findings: Findings
) -> None:
    named = _named(entry.key)
    if entry.trouble:
        findings.differences.append(f"{named}: {entry.trouble}")
    if len(rows) > 1:
        findings.doubled.append(f"{named} is booked {len(rows)} times")
        return
    match entry.outcome:
        case Outcome.OPEN:
            findings.unresolved.append(f"{named}: no answer to {entry.silences} messages")
        case Outcome.REFUSED:
            if rows:
                findings.doubled.append(f"{named} was refused, and is booked")
        case Outcome.TAKEN_BACK:
            if rows and rows[0].setl_id not in undone:
                findings.doubled.append(f"{named} was taken back, and stands")
        case Outcome.DONE:
            _answer_is_booked(entry, rows, findings)


def _answer_is_booked(entry: Entry, rows: Sequence[Row], findings: Findings) -> None:
    named = _named(entry.key)
    if not rows:
        findings.lost.append(f"{named} was answered with {entry.setl_id}, and is not booked")
        return
    (row,) = rows
    told = (entry.setl_id, entry.undoes, entry.amounts)
    booked = (row.setl_id, row.undoes, row.amounts)
    if told != booked:
        findings.lost.append(f"{named} was answered {told}, booked is {booked}")


def _named(key: Key) -> str:
    return f"{key[0]} {key[1]}"
