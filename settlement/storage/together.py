"""Questions to the database that arrive together share a round trip.

A look-up of one key costs a round trip, two changes of process and a statement's start, whether it
asks for one key or for fifty. So whoever asks while a round trip is under way waits for the next
one, with everybody else who came meanwhile. Alone nobody waits; where many are served, round trips
follow each other less often, so that each is shared by more.
"""

from __future__ import annotations

import asyncio
from asyncio import sleep as rest
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from settlement.clock import monotonic

Question = TypeVar("Question")
Reply = TypeVar("Reply")


class Together(Generic[Question, Reply]):
    """`answer_all` gets the questions of one round trip and gives their replies, in order. `gap`
    says how many seconds after one round trip began the next one may begin."""

    def __init__(
        self, answer_all: Callable[[Sequence[Question]], Awaitable[Sequence[Reply]]], *,
        gap: Callable[[], float] = float,
    ) -> None:  # fmt: skip
        self._answer_all = answer_all
        self._gap = gap
        self._waiting: list[tuple[Question, asyncio.Future[Reply]]] = []
        self._task: asyncio.Task[None] | None = None

    async def ask(self, question: Question) -> Reply:
        """The reply; raises what `answer_all` raised for those who were asked with it."""
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, reply))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._serve())
        return await reply

    async def _serve(self) -> None:
        """Ask for everybody who has come by then, until nobody waits."""
        while self._waiting:
            began = monotonic()
            asked, self._waiting = self._waiting, []
            await self._answer(asked)
            left = self._gap() - (monotonic() - began)
            if left > 0:
                await rest(left)

    async def _answer(self, asked: Sequence[tuple[Question, asyncio.Future[Reply]]]) -> None:
        try:
            replies = await self._answer_all([question for question, _ in asked])
        except Exception as exc:
            for _, future in asked:
                if not future.done():
                    future.set_exception(exc)
            return
        for (_, future), reply in zip(asked, replies, strict=True):
            if not future.done():
                future.set_result(reply)
