"""What the database says, in our words: one mapping from driver exceptions to ours.

Nothing above settlement/storage sees an asyncpg type.
"""

from __future__ import annotations

import asyncpg


class StorageError(Exception):
    """Base: the database did not do what was asked."""


class LostConnectionError(StorageError):
    """The connection is gone or was never there; what was in flight is unknown."""


class BusinessDayClosedError(StorageError):
    """The batch's business day takes no more blocks; nothing was written."""


class JournalClosedError(StorageError):
    """The journal takes no more blocks (their number was changed); nothing was written."""


class AlreadyWrittenError(StorageError):
    """A key of the batch exists already: another process was first; nothing was written."""


class StaleFactsError(AlreadyWrittenError):
    """A person of the batch changed since they were read; nothing was written."""


class DatabaseRefusedError(StorageError):
    """The batch cannot be written as it is: our own rules let something through."""


_CONNECTION_GONE = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,  # this server was demoted; another takes what is written
    asyncpg.InternalClientError,  # the driver lost track: a session was killed while it sent
    ConnectionError,
    TimeoutError,
    OSError,
)


def translate(exc: BaseException) -> StorageError | None:
    """The storage error a driver exception means; None where it is no database matter."""
    match exc:
        case asyncpg.UniqueViolationError():
            return AlreadyWrittenError(str(exc))
        case asyncpg.PostgresError(sqlstate="MS001"):
            return StaleFactsError(str(exc))
        case asyncpg.PostgresError(sqlstate="ML001"):
            return JournalClosedError(str(exc))
        case asyncpg.PostgresError(sqlstate="ML002"):
            return BusinessDayClosedError(str(exc))
        case _ if isinstance(exc, _CONNECTION_GONE):
            return LostConnectionError(f"{type(exc).__name__}: {exc}")
        case asyncpg.PostgresError():
            return DatabaseRefusedError(f"{exc.sqlstate}: {exc}")
    return None
