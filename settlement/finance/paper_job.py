"""A paper of finance as a download, in a process of its own (`python -m
settlement.finance.paper_job`): proofs, published seals, reports.

What is wanted comes as JSON on stdin, its bytes go to stdout and nothing else does. It reads as the
application, which may change nothing there, at a low priority; whoever stops reading ends it.
"""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import date, datetime
from pathlib import Path
from typing import assert_never

import msgspec
from msgspec import Struct

from settlement.finance.errands import clock_from
from settlement.finance.months import report_of
from settlement.finance.office import open_office
from settlement.finance.proofs import proof_of, published
from settlement.month_report import report_bytes
from settlement.said import Said
from settlement.storage.lease import connection_for

NICENESS = 10
NOT_THERE = 3
"""Exit status where there is no such paper; whoever asked was told so before."""


class Seals(Struct, frozen=True, kw_only=True, tag="seals"):
    """The seals of a month, as they are published."""

    month: date


class Report(Struct, frozen=True, kw_only=True, tag="report"):
    """The report that a month is closed by."""

    month: date


class Proof(Struct, frozen=True, kw_only=True, tag="proof"):
    """What an institution checks its month by."""

    month: date
    institution: str


Paper = Seals | Report | Proof


class PaperJob(Struct, frozen=True, kw_only=True):
    """What is wanted, and where it is read."""

    dsn: str
    data_dir: str
    paper: Paper
    at: datetime


async def write(job: PaperJob) -> bytes | Said:
    """The paper; or why there is none."""
    async with connection_for(job.dsn, "settlement-paper") as connection:
        office = await open_office(
            connection, job.dsn, Path(job.data_dir), clock=clock_from(job.at)
        )
        paper = job.paper
        match paper:
            case Seals():
                found = await published(office, paper.month)
                return found if isinstance(found, Said) else found[0]
            case Report():
                return report_bytes(await report_of(office, paper.month))
            case Proof():
                proof = await proof_of(office, paper.institution, paper.month, None)
                return proof if isinstance(proof, Said) else msgspec.json.encode(proof)
            case _:
                assert_never(paper)


def main() -> int:
    """Read the job and do it. A reader that went away is no failure."""
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=PaperJob)
    os.nice(NICENESS)
    found = asyncio.run(write(job))
    if isinstance(found, Said):
        return NOT_THERE
    try:
        sys.stdout.buffer.write(found)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
