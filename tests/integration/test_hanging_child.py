"""A process that hangs is killed and started again; one that lives is left alone."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Iterator

import pytest

from settlement.serve.config import WorkerConfig
from settlement.serve.keeper import Child
from tests.kit.waiting import SECONDS_MAX

pytestmark = pytest.mark.asyncio

SILENT_SECONDS_MAX = 4


class Log(logging.Handler):
    """What the supervisor says of its children: event, place, exit status."""

    def __init__(self) -> None:
        super().__init__()
        self._said: asyncio.Queue[tuple[str, str, int | None]] = asyncio.Queue()

    def emit(self, record: logging.LogRecord) -> None:
        told = vars(record)
        self._said.put_nowait((told["event"], told["place"], told.get("status")))

    async def next(self) -> tuple[str, str, int | None]:
        """The next thing it says."""
        async with asyncio.timeout(SECONDS_MAX):
            return await self._said.get()


@pytest.fixture
def log() -> Iterator[Log]:
    logger, heard = logging.getLogger("settlement.serve"), Log()
    former = logger.level
    logger.addHandler(heard)
    logger.setLevel(logging.INFO)
    yield heard
    logger.setLevel(former)
    logger.removeHandler(heard)


def a_child(place: str) -> Child:
    """One that `tests.kit.hanging_child` knows."""
    config = WorkerConfig(
        place=place, index=0, workers=1, host="", port=0, app_dsn="", redis_url="", data_dir="",
        run_dir="", demo=False, journals=None,
    )  # fmt: skip
    return Child(
        "tests.kit.hanging_child", config, start_seconds=SECONDS_MAX,
        silent_seconds_max=SILENT_SECONDS_MAX,
    )  # fmt: skip


async def test_child_that_hangs_is_killed_and_started_again(log: Log) -> None:
    child = a_child("hangs")
    await child.start()
    keeping = asyncio.create_task(child.keep())
    try:
        said = [await log.next() for _ in range(4)]
    finally:
        keeping.cancel()
        await child.stop(0.0, asyncio.Event())  # it hangs again, and cannot obey
    assert said == [
        ("child.started", "hangs", None), ("child.hung", "hangs", None),
        ("child.died", "hangs", -signal.SIGKILL), ("child.started", "hangs", None),
    ]  # fmt: skip


async def test_child_that_lives_is_left_alone_and_seen_to_die(log: Log) -> None:
    """It lives beside one that hangs, until that one was killed: that is long enough."""
    hanging, living = a_child("hangs"), a_child("lives")
    await asyncio.gather(hanging.start(), living.start())
    keeping = [asyncio.create_task(one.keep()) for one in (hanging, living)]
    said = []
    try:
        while not said or said[-1][0] != "child.hung":
            said.append(await log.next())
        living.terminate()
        while said[-1] != ("child.died", "lives", 0):
            said.append(await log.next())
    finally:
        for one in keeping:
            one.cancel()
        await asyncio.gather(hanging.stop(0.0, asyncio.Event()), living.stop(10, asyncio.Event()))
    assert {place for event, place, _ in said if event == "child.hung"} == {"hangs"}
