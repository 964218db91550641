"""What can go wrong while a server is being looked after, in words that a person can act on.

A server tells its own story in a log that few people read; `explain_log` turns the stories that
operators meet into one sentence with the next step. It knows texts only, no files and no process.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

DISK_FULL = (
    "the disk is full. Free some space (logs and backups first, never files inside postgres/) "
    "and start again; nothing that was answered is lost"
)
LOG_EXPLANATIONS: tuple[tuple[str, str], ...] = (
    (
        r"No space left on device|could not extend file|Disk quota exceeded",
        DISK_FULL,
    ),
    (
        r"could not map anonymous shared memory|could not create shared memory segment"
        r"|could not resize shared memory segment|Cannot allocate memory",
        "the machine does not give the server the memory it asks for. Raise the memory limit of "
        "this machine or container, or lower SETTLEMENT_POSTGRES_SHARED_BUFFERS",
    ),
    (
        r"pre-existing shared memory block",
        "processes of a killed server still hold its memory. Wait until they have gone and start "
        "again",
    ),
    (
        r"database files are incompatible with server|was initialized by PostgreSQL version",
        "the data was made by another version of PostgreSQL. Use the release of this program that "
        "made it, or export there and import here",
    ),
    (
        r"could not locate a valid checkpoint record|PANIC|invalid checkpoint record",
        "the data is damaged. Leave the directory as it is, and restore a backup into a new one",
    ),
    (
        r"could not look up effective user ID",
        "this user has no entry in the user database, which initdb demands. In a container, start "
        "it with a user that its image knows",
    ),
    (
        r"Permission denied|has invalid permissions|has wrong ownership",
        "the server may not read or write its own files. Check the owner of the data directory",
    ),
    (
        r"unrecognized configuration parameter|invalid value for parameter"
        r"|contains errors|requires a numeric value|outside the valid range",
        "a setting is not understood. Check the SETTLEMENT_POSTGRES_… variables",
    ),
)
"""Pattern and sentence, the likelier cause first: a full disk also ends in a PANIC."""


class ServiceError(Exception):
    """A server cannot be used. The message says what is wrong and what to do next."""


class DiskFullError(ServiceError):
    """No space is left. The same thing works again once some is free."""


def failure(message: str, *, log: str) -> ServiceError:
    """The error with this message, of the kind that the server's log tells."""
    return (DiskFullError if explain_log(log) == DISK_FULL else ServiceError)(message)


@contextmanager
def explained(action: str) -> Iterator[None]:
    """Turn what the operating system refuses into a ServiceError: `action` could not be done."""
    try:
        yield
    except OSError as exc:
        known = explain_log(str(exc))
        reason = str(exc) if known is None else f"{known} ({exc})"
        raise failure(f"{action} failed: {reason}.", log=str(exc)) from exc


def explain_log(text: str) -> str | None:
    """The sentence for the first known cause found in a server's log, None when there is none."""
    for pattern, sentence in LOG_EXPLANATIONS:
        if re.search(pattern, text):
            return sentence
    return None
