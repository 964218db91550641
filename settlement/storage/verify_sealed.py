"""What only the keys can tell: people's rows and steps of payments are as they were written.

A person's identity is sealed with account, region, memberships and relatives
(settlement/person.py); a step of a payment has a keyed digest (payments/payment_rows.py). Both
belong to no entry: people are imported, and many steps book nothing (ADR 0061). Filings are held
against what was filed.
"""

from __future__ import annotations

import binascii
from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby

from asyncpg import Connection, Record

from ledger.audit import BadEntry
from ledger.postgres.queries import load
from settlement.keyring import Keyring, UndecipherableError
from settlement.payments.payment_rows import step_digest
from settlement.person import person_record
from settlement.storage.queries import SQL_DIRECTORY
from settlement.usecases.filing_payloads import open_list

_QUERIES = load(SQL_DIRECTORY / "verify.sql")
_PAGE = 2_000
"""Rows at a time: other connections of the process go on in between."""


async def bad_sealed(
    connection: Connection[Record], lane: int, journal: int, keyring: Keyring
) -> BadEntry | None:
    """The first of one lane that is not as it was sealed."""
    bad = await _bad_persons(connection, lane, journal, keyring)
    if bad is None:
        bad = await _bad_steps(connection, lane, journal, keyring)
    if bad is None:
        bad = await _bad_filings(connection, lane, journal, keyring)
    return bad


async def _bad_persons(
    connection: Connection[Record], lane: int, journal: int, keyring: Keyring
) -> BadEntry | None:
    after = ""
    while rows := await connection.fetch(_QUERIES["persons"], lane, after, _PAGE):
        for after, account, home_region, enrolments, family, version, identity in rows:
            record = person_record(
                lane, after, account=account, home_region=home_region, enrolments=enrolments,
                family=family,
            )  # fmt: skip
            try:
                keyring.open(identity, record, version)
            except UndecipherableError:
                return BadEntry(
                    journal=journal, lane=lane,
                    what=f"identity, account, memberships or relatives of person …{after[-4:]} "
                    "were changed",
                )  # fmt: skip
    return None


async def _bad_steps(
    connection: Connection[Record], lane: int, journal: int, keyring: Keyring
) -> BadEntry | None:
    """The first payment whose steps are not those that were written, as far as the last of each is
    known: the entries say that (`bad_payment_ends`)."""
    after, step_no = 0, 0
    while rows := await connection.fetch(_QUERIES["payment_steps"], lane, after, step_no, _PAGE):
        for number, event_no, told, digest in rows:
            expected = step_no + 1 if number == after else 1
            after, step_no = number, event_no
            if event_no != expected or step_digest(told, keyring) != digest:
                became = "is missing" if event_no != expected else "was changed"
                return BadEntry(
                    journal=journal, lane=lane, entry_id=number,
                    what=f"step {expected} of the payment {became}",
                )  # fmt: skip
    return None


async def _bad_filings(
    connection: Connection[Record], lane: int, journal: int, keyring: Keyring
) -> BadEntry | None:
    rows = await connection.fetch(_QUERIES["filings"], lane)
    for person_no, group in groupby(rows, lambda row: str(row["psn_no"])):
        if not _filings_hold(list(group), lane, person_no, keyring):
            return BadEntry(
                journal=journal, lane=lane,
                what=f"filings of person …{person_no[-4:]} are not those that stand",
            )  # fmt: skip
    return None


def _filings_hold(rows: Sequence[Record], lane: int, person_no: str, keyring: Keyring) -> bool:
    """Whether a person carries what was filed, up to where it was taken back."""
    try:
        carried = open_list(rows[0]["filings"], lane, person_no, keyring)
    except (UndecipherableError, binascii.Error):
        return False
    standing = []
    for row in rows:
        begins_on, ends_on, withdrawn_on = row["begins_on"], row["ends_on"], row["withdrawn_on"]
        if row["filing_no"] is None or (withdrawn_on is not None and withdrawn_on <= begins_on):
            continue
        if withdrawn_on is not None and (ends_on is None or ends_on >= withdrawn_on):
            ends_on = withdrawn_on - timedelta(days=1)
        standing.append((row["filing_no"], row["kind"], begins_on, ends_on))
    found = [(f.filing_no, int(f.kind), f.begins_on, f.ends_on) for f in carried]
    return sorted(found) == standing
