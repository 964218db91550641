"""A download whose writer fails is no whole file; one that nobody reads leaves no writer behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime

import msgspec
import pytest
import pytest_asyncio

from settlement.books.monthly_statement import StatementAsked
from settlement.console.downloads import STATEMENTS, Download, DownloadBrokenError
from settlement.finance.statement_files import Kind
from settlement.finance.statement_job import Job
from tests.kit import population
from tests.kit.town import Town, a_town
from tests.services import FreshDatabase

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(database: FreshDatabase) -> AsyncIterator[Town]:
    """A town of its own."""
    async with a_town(database) as town:
        yield town


def job(dsn: str, *, institution: str = population.PHARMACY.code) -> bytes:
    """The details of a month."""
    asked = StatementAsked(scope=None, institution=institution, month=date(2026, 10, 1))
    at = datetime(2026, 11, 1, tzinfo=UTC)
    return msgspec.json.encode(Job(dsn=dsn, asked=asked, kind=Kind.CSV, by="测试", at=at))


async def test_writer_without_a_database_breaks_off() -> None:
    nowhere = job("postgresql://nobody@127.0.0.1:9/nothing")
    download = Download(STATEMENTS, nowhere, asyncio.Semaphore(1))
    with pytest.raises(DownloadBrokenError):
        [piece async for piece in download.pieces()]


async def test_writer_that_finds_nobody_breaks_off(town: Town) -> None:
    download = Download(STATEMENTS, job(town.app_dsn, institution="X"), asyncio.Semaphore(1))
    with pytest.raises(DownloadBrokenError, match="ended with 3"):
        [piece async for piece in download.pieces()]


async def test_reader_that_goes_away_frees_the_turn(town: Town) -> None:
    turns = asyncio.Semaphore(1)
    pieces = Download(STATEMENTS, job(town.app_dsn), turns).pieces()
    assert (await anext(pieces)).startswith(b"\xef\xbb\xbf")
    assert turns.locked()
    await pieces.aclose()
    assert not turns.locked()
    again = Download(STATEMENTS, job(town.app_dsn), turns).pieces()
    assert b"".join([piece async for piece in again]).count(b"\r\n") == 1
