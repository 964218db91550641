"""Waiting in virtual time: nobody sleeps, the loop moves its clock (whole/loop.py)."""

from __future__ import annotations

import asyncio


async def passes(seconds: float) -> None:
    """So much time of the loop passes."""
    loop = asyncio.get_running_loop()
    passed = loop.create_future()
    timer = loop.call_later(seconds, _is_over, passed)
    try:
        await passed
    finally:
        timer.cancel()


def _is_over(passed: asyncio.Future[None]) -> None:
    if not passed.done():
        passed.set_result(None)
