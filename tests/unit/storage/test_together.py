"""Questions that arrive together are asked together, and each gets its own reply."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from settlement.storage.together import Together


class Oracle:
    """Answers in tens; holds its tongue while `open` is not set."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.heard = asyncio.Event()
        self.open = asyncio.Event()
        self.open.set()
        self.error: Exception | None = None

    async def answer_all(self, questions: Sequence[int]) -> list[int]:
        self.asked.append(list(questions))
        self.heard.set()
        await self.open.wait()
        if self.error is not None:
            raise self.error
        return [10 * one for one in questions]


async def test_who_comes_in_one_turn_shares_a_round_trip() -> None:
    oracle = Oracle()
    together = Together(oracle.answer_all)
    assert await asyncio.gather(*map(together.ask, range(5))) == [0, 10, 20, 30, 40]
    assert oracle.asked == [[0, 1, 2, 3, 4]]


async def test_who_comes_meanwhile_shares_the_next() -> None:
    oracle = Oracle()
    together = Together(oracle.answer_all)
    oracle.open.clear()
    first = asyncio.create_task(together.ask(1))
    await oracle.heard.wait()
    later = [asyncio.create_task(together.ask(n)) for n in (2, 3)]
    await asyncio.sleep(0)
    oracle.open.set()
    assert await asyncio.gather(first, *later) == [10, 20, 30]
    assert oracle.asked == [[1], [2, 3]]


async def test_a_failure_is_everybodys_and_the_next_are_asked_again() -> None:
    oracle = Oracle()
    together = Together(oracle.answer_all)
    oracle.error = ConnectionError("gone")
    failed = await asyncio.gather(*map(together.ask, (1, 2)), return_exceptions=True)
    assert [type(one) for one in failed] == [ConnectionError, ConnectionError]
    oracle.error = None
    assert await together.ask(3) == 30


async def test_who_gives_up_takes_nobody_along() -> None:
    oracle = Oracle()
    together = Together(oracle.answer_all)
    oracle.open.clear()
    given_up, waiting = (asyncio.create_task(together.ask(n)) for n in (1, 2))
    await oracle.heard.wait()
    given_up.cancel()
    oracle.open.set()
    assert await waiting == 20
    with pytest.raises(asyncio.CancelledError):
        await given_up


async def test_round_trips_follow_each_other_no_sooner_than_the_gap(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    oracle, rested = Oracle(), asyncio.Event()
    rests: list[float] = []

    async def rest(seconds: float) -> None:
        rests.append(seconds)
        await rested.wait()

    monkeypatch.setattr("settlement.storage.together.rest", rest)
    together = Together(oracle.answer_all, gap=lambda: 5.0)
    assert await together.ask(1) == 10
    later = [asyncio.create_task(together.ask(n)) for n in (2, 3)]
    await asyncio.sleep(0)
    assert oracle.asked == [[1]]
    assert 0 < rests[0] <= 5.0
    rested.set()
    assert await asyncio.gather(*later) == [20, 30]
    assert oracle.asked == [[1], [2, 3]]


async def test_alone_nobody_waits_for_a_gap() -> None:
    oracle = Oracle()
    together = Together(oracle.answer_all)
    for n in range(3):
        assert await together.ask(n) == 10 * n
    assert oracle.asked == [[0], [1], [2]]
