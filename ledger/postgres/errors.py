"""What PostgreSQL says, in the ledger's words. Nothing of asyncpg leaves this folder.

A refusal by one of the ledger's own checks means that nothing was written; which entries are at
fault is worked out afterwards by reading (ledger/postgres/store.py), because a constraint names a
row, not every entry that led to it. Everything else is an exception that says whether a retry is
safe.
"""

from __future__ import annotations

import asyncpg

from ledger.rules import Outcome

JOURNAL_NOT_OPEN = "ML001"
DAY_CLOSED = "ML002"
DOES_NOT_FIT_PENDING = "ML003"
GUARDED_ACCOUNT_NOT_FOUND = "ML004"
LANE_OF_OTHER_JOURNAL = "ML005"

_OUTCOME_BY_STATE = {
    JOURNAL_NOT_OPEN: Outcome.JOURNAL_NOT_OPEN,
    DAY_CLOSED: Outcome.DAY_CLOSED,
    DOES_NOT_FIT_PENDING: Outcome.PENDING_NOT_FOUND,
    GUARDED_ACCOUNT_NOT_FOUND: Outcome.DEBIT_ACCOUNT_NOT_FOUND,
    LANE_OF_OTHER_JOURNAL: Outcome.LANE_OF_OTHER_JOURNAL,
}
_OUTCOME_BY_CONSTRAINT = {
    "entry_pkey": Outcome.EXISTS,
    "entry_id_positive": Outcome.ENTRY_ID_NOT_POSITIVE,
    "entry_amounts_positive": Outcome.AMOUNT_NOT_POSITIVE,
    "entry_hashes_are_sha256": Outcome.COMMITMENT_NOT_32_BYTES,
    "entry_resolves_a_pending": Outcome.PENDING_ID_MISSING,
    "entry_resolves_once": Outcome.PENDING_ALREADY_POSTED,
    "balance_never_negative": Outcome.EXCEEDS_BALANCE,
}


class LedgerError(Exception):
    """Something that is not a refusal."""


class OutcomeUnknown(LedgerError):  # noqa: N818  (it names a state)
    """The connection died while a block was being written: look up its entries before a retry."""


class InvariantViolated(LedgerError):  # noqa: N818
    """The database refused what the rules allow: our own mistake. Stop and alert."""


def outcome_of(error: asyncpg.PostgresError) -> Outcome | None:
    """The kind of refusal that an error of `ledger.append_block` stands for; None: no refusal.

    The first cause only, of the batch as a whole: enough to tell a refusal from a surprise.
    """
    if error.sqlstate in _OUTCOME_BY_STATE:
        return _OUTCOME_BY_STATE[error.sqlstate]
    constraint = getattr(error, "constraint_name", None)
    return _OUTCOME_BY_CONSTRAINT.get(constraint) if constraint else None
