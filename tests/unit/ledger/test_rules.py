"""The rules in order of precedence: each row breaks its own rule and, where it can, all later ones.

The table has the order of `Outcome`, so the two can be compared by eye.
"""

from __future__ import annotations

import pytest

from ledger.entry import NOTHING, Entry, EntryKind, Transfer
from ledger.rules import Outcome, check, judge
from ledger.view import Snapshot

JOURNAL, LANE, OTHER_LANE = 1, 0, 1
FUND, SHOP, CASH, NOWHERE, LOST = 1, 2, 3, 98, 99
PERSON, STRANGER = 10**12 + 1, 10**12 + 2
S, P, T, V = EntryKind.SINGLE, EntryKind.PENDING, EntryKind.POST, EntryKind.VOID
FULL = NOTHING


def entry(
    entry_id: int, kind: EntryKind, legs: list[tuple[int, int, int]], pending: int | None = None,
    commitment: bytes = FULL, lane: int = LANE, code: int = 7,
) -> Entry:  # fmt: skip
    return Entry(
        lane=lane, entry_id=entry_id, kind=kind, code=code, pending_id=pending,
        transfers=tuple(Transfer(*leg) for leg in legs), commitment=commitment,
    )  # fmt: skip


HELD = [(PERSON, SHOP, 50), (FUND, SHOP, 9)]
BOOKED = (
    entry(5, S, [(FUND, SHOP, 3)]),
    entry(6, P, HELD),
    entry(7, P, HELD),
    entry(8, T, HELD, 7),
    entry(9, P, HELD),
    entry(10, V, HELD, 9),
)


def snapshot() -> Snapshot:
    """Lane 0 in journal 1; 100 fen in the account of the one person; `BOOKED` is there."""
    return Snapshot(
        guarded_owner="agency",
        journals={LANE: JOURNAL, OTHER_LANE: 2},
        owners={FUND: "agency", SHOP: "agency", CASH: "hospital"},
        entries={(e.lane, e.entry_id): e for e in BOOKED},
        resolutions={(LANE, 7): T, (LANE, 9): V},
        spendable={(LANE, PERSON): 100},
    )


SHORT = b"short"
WORST = [(LOST, LOST, 0)]
TABLE = (
    # entry                                                   outcome
    (entry(0, T, [], None, SHORT, lane=7),                    "LANE_UNKNOWN"),
    (entry(0, T, [], None, SHORT, lane=OTHER_LANE),           "LANE_OF_OTHER_JOURNAL"),
    (entry(0, T, [], None, SHORT),                            "ENTRY_ID_NOT_POSITIVE"),
    (entry(5, T, [], None, SHORT),                            "NO_TRANSFERS"),
    (entry(5, T, WORST, None, SHORT),                         "AMOUNT_NOT_POSITIVE"),
    (entry(5, T, [(LOST, LOST, -1)], None, SHORT),            "AMOUNT_NOT_POSITIVE"),
    (entry(5, T, [(LOST, LOST, 1)], None, SHORT),             "ACCOUNTS_EQUAL"),
    (entry(5, T, [(LOST, NOWHERE, 1)], None, SHORT),          "COMMITMENT_NOT_32_BYTES"),
    (entry(5, T, [(LOST, NOWHERE, 1)]),                       "PENDING_ID_MISSING"),
    (entry(5, S, [(LOST, NOWHERE, 1)], 7),                    "PENDING_ID_NOT_ALLOWED"),
    (entry(5, T, [(LOST, NOWHERE, 1)], 7),                    "DEBIT_ACCOUNT_NOT_FOUND"),
    (entry(5, T, [(STRANGER, NOWHERE, 1)], 7),                "DEBIT_ACCOUNT_NOT_FOUND"),
    (entry(5, T, [(CASH, NOWHERE, 1)], 7),                    "CREDIT_ACCOUNT_NOT_FOUND"),
    (entry(5, T, [(CASH, FUND, 1)], 7),                       "OWNERS_DIFFER"),
    (entry(5, T, [(CASH, PERSON, 1)], 7),                     "OWNERS_DIFFER"),
    (entry(5, T, [(FUND, SHOP, 4)], 7, code=8),               "EXISTS_WITH_DIFFERENT_KIND"),
    (entry(5, S, [(FUND, SHOP, 4)], code=8),                  "EXISTS_WITH_DIFFERENT_CODE"),
    (entry(8, T, [(FUND, SHOP, 4)], 9),                       "EXISTS_WITH_DIFFERENT_PENDING_ID"),
    (entry(5, S, [(FUND, SHOP, 4)], commitment=b"x" * 32),    "EXISTS_WITH_DIFFERENT_TRANSFERS"),
    (entry(5, S, [(FUND, SHOP, 3)], commitment=b"x" * 32),    "EXISTS_WITH_DIFFERENT_COMMITMENT"),
    (entry(5, S, [(FUND, SHOP, 3)]),                          "EXISTS"),
    (entry(8, T, HELD, 7),                                    "EXISTS"),
    (entry(11, T, [(FUND, SHOP, 999)], 77),                   "PENDING_NOT_FOUND"),
    (entry(11, T, [(FUND, SHOP, 999)], 5),                    "PENDING_NOT_PENDING"),
    (entry(11, T, [(FUND, SHOP, 999)], 7),                    "PENDING_ALREADY_POSTED"),
    (entry(11, V, [(FUND, SHOP, 999)], 9),                    "PENDING_ALREADY_VOIDED"),
    (entry(11, T, [(FUND, SHOP, 999)], 6),                    "DIFFERENT_ACCOUNTS_THAN_PENDING"),
    (entry(11, T, list(reversed(HELD)), 6),                   "DIFFERENT_ACCOUNTS_THAN_PENDING"),
    (entry(11, V, [(PERSON, SHOP, 51), (FUND, SHOP, 8)], 6),  "EXCEEDS_PENDING_AMOUNT"),
    (entry(11, V, [(PERSON, SHOP, 49), (FUND, SHOP, 9)], 6),  "VOIDS_DIFFERENT_AMOUNT"),
    (entry(11, S, [(PERSON, SHOP, 101)]),                     "EXCEEDS_BALANCE"),
    (entry(11, P, [(PERSON, SHOP, 60), (PERSON, FUND, 41)]),  "EXCEEDS_BALANCE"),
    (entry(11, S, [(PERSON, SHOP, 100)]),                     "OK"),
    (entry(11, P, [(PERSON, SHOP, 60), (PERSON, FUND, 40)]),  "OK"),
    (entry(11, T, [(PERSON, SHOP, 50), (FUND, SHOP, 1)], 6),  "OK"),
    (entry(11, V, HELD, 6),                                   "OK"),
)  # fmt: skip


@pytest.mark.parametrize(("entry", "outcome"), TABLE)
def test_the_first_rule_broken_is_the_outcome(entry: Entry, outcome: str) -> None:
    assert check(JOURNAL, entry, snapshot()) is Outcome[outcome]


def test_the_table_has_every_outcome_in_order_of_precedence() -> None:
    in_table = [Outcome[name] for _, name in TABLE if name != "OK"]
    batch_level = [Outcome.JOURNAL_NOT_OPEN, Outcome.DAY_CLOSED]
    assert in_table == sorted(in_table)
    assert {*in_table, *batch_level, Outcome.OK} == set(Outcome)


def test_entries_of_a_batch_see_those_before_them() -> None:
    batch = [
        entry(11, S, [(PERSON, SHOP, 70)]),
        entry(12, S, [(PERSON, SHOP, 70)]),
        entry(11, S, [(PERSON, SHOP, 70)]),
        entry(13, P, [(PERSON, SHOP, 30)]),
        entry(14, V, [(PERSON, SHOP, 30)], 13),
        entry(15, T, [(PERSON, SHOP, 30)], 13),
        entry(16, S, [(PERSON, SHOP, 30)]),
    ]
    assert judge(JOURNAL, batch, snapshot()) == (
        (1, Outcome.EXCEEDS_BALANCE),
        (2, Outcome.EXISTS),
        (5, Outcome.PENDING_ALREADY_VOIDED),
    )
