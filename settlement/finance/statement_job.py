"""A download of a statement in a process of its own (`python -m settlement.finance.statement_job`).

A large month takes seconds of processor time. Here they are taken at a low priority and from no
page of the console; whoever stops reading ends it. What to write comes as JSON on stdin, because a
login has no place in a command line; the bytes of the file go to stdout and nothing else does.
"""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import datetime

import msgspec
from msgspec import Struct

from settlement.books.monthly_statement import StatementAsked
from settlement.finance.statement_files import Kind, stream_statement
from settlement.finance.statement_xlsx import TooLongError
from settlement.storage.lease import connection_for
from settlement.telemetry.private_memory import keep_memory_private

NOBODY, TOO_LONG = 3, 4
"""Exit status where there is no such institution, and where Excel cannot hold the month."""
NICENESS = 10


class Job(Struct, frozen=True, kw_only=True):
    """What is wanted, and where it is read."""

    dsn: str
    asked: StatementAsked
    kind: Kind
    by: str
    at: datetime


async def do(job: Job) -> int:
    """Write it; the exit status."""
    async with connection_for(job.dsn, "settlement-statement") as connection:
        try:
            found = await stream_statement(
                connection, job.asked, job.kind, sys.stdout.buffer, by=job.by, at=job.at
            )
        except TooLongError:
            return TOO_LONG
    return 0 if found else NOBODY


def main() -> int:
    """Read the job and do it. A reader that went away is no failure."""
    keep_memory_private()
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    os.nice(NICENESS)
    try:
        return asyncio.run(do(job))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


if __name__ == "__main__":
    raise SystemExit(main())
