"""Writing institutions and catalogue items of a file, and the audit of every import.

Reference data is in no lane. It is written in one transaction that tells every process.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec
from asyncpg import Connection, Record

from ledger.account import Account
from settlement import chart
from settlement.catalogue import Item
from settlement.elsewhere.counterpart import Counterpart
from settlement.institution import Institution
from settlement.intake.institutions import Given
from settlement.keyring import Keyring
from settlement.staff import Staff, Staffing, staffing_of
from settlement.storage import reference
from settlement.storage.queries import REFERENCE

_ENCODE = msgspec.json.Encoder().encode
ITEMS_AT_ONCE = 5_000


async def audit(
    connection: Connection[Record], *, at: datetime, actor: str, action: str, subject: str,
    note: str,
) -> None:  # fmt: skip
    """Record what an operator did."""
    await connection.execute(REFERENCE["audit"], at, actor, action, subject, note)


async def items_by_code(connection: Connection[Record]) -> Mapping[str, tuple[Item, ...]]:
    """Every version of every item."""
    found: dict[str, list[Item]] = {}
    for item in await reference.catalogue_items(connection):
        found.setdefault(item.code, []).append(item)
    return {code: tuple(items) for code, items in found.items()}


async def keep_items(connection: Connection[Record], items: Sequence[Item]) -> None:
    """Write versions, new and changed, and tell every process; in the caller's transaction."""
    for first in range(0, len(items), ITEMS_AT_ONCE):
        some = items[first : first + ITEMS_AT_ONCE]
        await connection.execute(
            REFERENCE["keep_items"],
            [item.code for item in some],
            [item.effective_from for item in some],
            [item.effective_to for item in some],
            [item.name for item in some],
            [item.list_type for item in some],
            [item.item_class for item in some],
            [item.charge_kind for item in some],
            [item.self_pay_bp for item in some],
            [_ENCODE(item.ceiling_e6 or {}).decode() for item in some],
            [_ENCODE(item.self_pay_bp_by_scheme or {}).decode() for item in some],
        )
    if items:
        await connection.execute(REFERENCE["bump"], "catalogue")


async def keep_staff(connection: Connection[Record], terms: Sequence[Staff]) -> None:
    """Write terms of staff and tell every process; in the caller's transaction."""
    for first in range(0, len(terms), ITEMS_AT_ONCE):
        some = terms[first : first + ITEMS_AT_ONCE]
        await connection.execute(
            REFERENCE["keep_staff"],
            [term.institution for term in some],
            [term.code for term in some],
            [term.effective_from for term in some],
            [term.effective_to for term in some],
            [term.kind.value for term in some],
            [term.name for term in some],
        )
    if terms:
        await connection.execute(REFERENCE["bump"], "staff")


async def staff_by_key(connection: Connection[Record]) -> Staffing:
    """Every term, by institution and code."""
    return staffing_of([term async for some in reference.staff_terms(connection) for term in some])


async def keep_institutions(
    connection: Connection[Record], keyring: Keyring, institutions: Sequence[Institution],
    credentials: Sequence[Given],
) -> None:  # fmt: skip
    """Write institutions, their accounts and credentials, and tell every process; in the caller's
    transaction."""
    for one in institutions:
        await connection.execute(
            REFERENCE["keep_institution"], one.code, one.account_base, one.agreement_from,
            one.agreement_to, one.suspended, one.name, one.kind.value, one.region,
            one.hospital_level, one.deductible_level, one.ceiling_level, sorted(one.care_types),
            one.off_site,
        )  # fmt: skip
        for account in chart.institution_accounts(one.code, one.name, one.account_base):
            await _open_account(connection, account)
    for given in credentials:
        record = reference.credential_record(given.access_key)
        sealed = keyring.seal(given.secret.encode(), record)
        await connection.execute(
            REFERENCE["keep_credential"], given.access_key, given.institution, keyring.version,
            sealed,
        )  # fmt: skip
    if institutions or credentials:
        await connection.execute(REFERENCE["bump"], "institutions")


async def keep_counterparts(
    connection: Connection[Record], counterparts: Sequence[Counterpart]
) -> None:
    """Write other regions and their accounts, and tell every process; in the caller's
    transaction."""
    for one in counterparts:
        await connection.execute(
            REFERENCE["keep_counterpart"], one.region, one.name, one.account_base, one.active,
            one.route,
        )  # fmt: skip
        for account in chart.region_accounts(one.region, one.name, one.account_base):
            await _open_account(connection, account)
    if counterparts:
        await connection.execute(REFERENCE["bump"], "counterparts")


async def open_agency_accounts(connection: Connection[Record]) -> None:
    """The agency's accounts for personal accounts, unless they are there."""
    await open_accounts(connection, chart.agency_accounts())


async def open_accounts(connection: Connection[Record], accounts: Iterable[Account]) -> None:
    """These accounts, unless they are there."""
    for account in accounts:
        await _open_account(connection, account)


async def _open_account(connection: Connection[Record], account: Account) -> None:
    await connection.execute(
        REFERENCE["open_account"], account.number, account.owner, account.code, account.name,
        account.debit_normal,
    )  # fmt: skip
