"""Works that race each other: one begins, the others so many turns of the event loop later.

The turns are those of the loop that also carries the works, so they are no measure of time: what
decides a race on an idle machine may decide nothing on a busy one. Therefore they are of all
lengths, and the longest lasts until a work has its answer: where each of two is given that start
once, both ends of their race are met, whatever else the machine does.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from itertools import cycle, islice
from typing import TypeVar

from settlement.serve.service import Service
from tests.kit.counter import Message
from tests.kit.reply import Reply

UNTIL_ANSWERED = 2**31
"""More turns than anybody waits for: the others begin as soon as one has its answer."""
TURNS = (0, 1, 4, 16, 32, 64, 128, 256, 512, 1024, UNTIL_ANSWERED)
"""How late a work may be: on an idle machine a race of messages is decided between 1 and 1,024."""

Start = Sequence[int]
"""How late each of the works is; one of them is not."""
T = TypeVar("T")


def starts(rng: random.Random, rounds: int) -> list[Start]:
    """One for each round of a race of two: each of them late by all there is alike often, in an
    order drawn by chance."""
    kinds = [start for turns in TURNS for start in ((0, turns), (turns, 0))]
    assert rounds >= len(kinds), "too few rounds to give each of them every start"
    dealt = list(islice(cycle(kinds), rounds))
    rng.shuffle(dealt)
    return dealt


async def together(
    rng: random.Random, *works: Callable[[], Awaitable[T]], start: Start | None = None
) -> list[T]:
    """What each says; without a start, one begins and the others are late by chance."""
    late = start or _drawn(rng, len(works))
    said: dict[int, T] = {}

    async def do(which: int) -> None:
        turns = late[which]
        while turns and not said:
            turns -= 1
            await asyncio.sleep(0)
        said[which] = await works[which]()

    async with asyncio.TaskGroup() as group:
        for which in rng.sample(range(len(works)), len(works)):
            group.create_task(do(which))
    return [said[which] for which in range(len(works))]


async def race(
    rng: random.Random, workers: list[Service], *messages: Message, start: Start | None = None
) -> list[Reply]:
    """The answers to messages, each sent through a worker of its own."""
    places = rng.sample(workers, len(messages))
    sent = (partial(message.to, at) for message, at in zip(messages, places, strict=True))
    return await together(rng, *sent, start=start)


def _drawn(rng: random.Random, count: int) -> Start:
    late = [0, *rng.choices(TURNS, k=count - 1)]
    rng.shuffle(late)
    return late
