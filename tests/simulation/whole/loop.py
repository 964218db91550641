"""An event loop in which time passes only when nobody has anything left to do.

What is ready runs in the order in which it became so, and timers ring in the order of their times,
so a story depends on its seed alone.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

T = TypeVar("T")
_RESOLUTION_SECONDS = 1e-6


class EverybodyWaitsError(AssertionError):
    """Nothing is ready and no timer runs: something waits for ever."""


class _Passing(selectors.BaseSelector):
    """Waits for no file: so much time passes instead."""

    def __init__(self) -> None:
        self.now = 0.0
        self._keys: dict[Any, selectors.SelectorKey] = {}

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = self._keys[fileobj] = selectors.SelectorKey(fileobj, 0, events, data)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._keys.pop(fileobj)

    def select(
        self, timeout: float | None = None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise EverybodyWaitsError("everybody waits for somebody else")
        if timeout > 0:
            self.now += timeout
        return []

    def get_key(self, fileobj: Any) -> selectors.SelectorKey:
        return self._keys[fileobj]

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._keys


class VirtualLoop(asyncio.SelectorEventLoop):
    """See the module."""

    def __init__(self) -> None:
        self._passing = _Passing()
        super().__init__(self._passing)
        self._clock_resolution = _RESOLUTION_SECONDS

    def time(self) -> float:
        """Seconds since the story began."""
        return self._passing.now

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Any, *args: Any
    ) -> asyncio.Future[Any]:
        """What a thread would do is done at once."""
        done = self.create_future()
        done.set_result(func(*args))
        return done


def play(story: Coroutine[Any, Any, T], loop: VirtualLoop) -> T:
    """Run a story to its end; whatever is still under way then is dropped."""
    try:
        return loop.run_until_complete(story)
    finally:
        loop.set_exception_handler(lambda *_: None)
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.wait(left, timeout=1.0))
        loop.close()
