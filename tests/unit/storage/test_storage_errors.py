"""What the driver raises, in our words: the outcome of what was in flight hangs on it."""

from __future__ import annotations

import asyncpg
import pytest

from settlement.storage.errors import (
    AlreadyWrittenError,
    DatabaseRefusedError,
    LostConnectionError,
    StorageError,
    translate,
)


@pytest.mark.parametrize(
    ("raised", "meant"),
    [
        (ConnectionResetError(),                         LostConnectionError),
        (TimeoutError(),                                 LostConnectionError),
        (asyncpg.InterfaceError("connection is closed"), LostConnectionError),
        (asyncpg.InternalClientError("cannot switch"),   LostConnectionError),
        (asyncpg.AdminShutdownError("terminating"),      LostConnectionError),
        (asyncpg.ReadOnlySQLTransactionError("a standby"), LostConnectionError),
        (asyncpg.UniqueViolationError("message_pkey"),   AlreadyWrittenError),
        (asyncpg.CheckViolationError("add up"),          DatabaseRefusedError),
    ],
)  # fmt: skip
def test_driver_exceptions_become_ours(raised: Exception, meant: type[StorageError]) -> None:
    assert type(translate(raised)) is meant


def test_what_is_no_database_matter_is_left_alone() -> None:
    assert translate(ZeroDivisionError()) is None
