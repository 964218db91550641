"""The faults of a drill, by name: what is done, and what ends it. Nothing is judged here.

A fault is a context: entered, the harm is done; left, it is over. What is killed stays killed, and
whoever has to bring it back does; what is stopped, cut or slowed is let go when the drill says so.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial

from msgspec import Struct

from loadtest.drills.fault_scene import LOOK_SECONDS, Part, Scene
from loadtest.drills.orders import CHANNELS
from loadtest.drills.small_disk import SmallDisk
from loadtest.drills.wrong_clock import set_clock

SLOW_SECONDS = 0.02
"""What every piece takes longer on a slow line, in each direction."""
_Harm = Callable[[Scene], AbstractAsyncContextManager[None]]


class Fault(Struct, frozen=True, kw_only=True):
    """One thing that happens to a server."""

    name: str
    harm: _Harm
    lasts: bool
    """until it is let go; else it is done at once and for good"""
    recovery_seconds_max: float | None = None
    """the figure asked for: from the harm to the first good answer"""


@asynccontextmanager
async def _killed(part: Part, number: signal.Signals, scene: Scene) -> AsyncIterator[None]:
    if part is Part.SUPERVISOR:
        await scene.kill_supervisor()
    else:
        await scene.send(part, number)
    yield


@asynccontextmanager
async def _stopped(part: Part, scene: Scene) -> AsyncIterator[None]:
    """SIGSTOP, and SIGCONT to the same processes."""
    with scene.let_go_afterwards(await scene.send(part, signal.SIGSTOP)):
        yield


@asynccontextmanager
async def _postgres_cut(scene: Scene) -> AsyncIterator[None]:
    async with scene.line_to_postgres() as line:
        await line.cut()
        yield


@asynccontextmanager
async def _postgres_silent(scene: Scene) -> AsyncIterator[None]:
    async with scene.line_to_postgres() as line:
        line.silence()
        yield
        await line.mend()


@asynccontextmanager
async def _postgres_slow(scene: Scene) -> AsyncIterator[None]:
    async with scene.line_to_postgres() as line:
        line.slow(SLOW_SECONDS)
        yield


@asynccontextmanager
async def _redis_cut(scene: Scene) -> AsyncIterator[None]:
    async with scene.line_to_redis() as line:
        await line.cut()
        yield


@asynccontextmanager
async def _redis_slow(scene: Scene) -> AsyncIterator[None]:
    async with scene.line_to_redis() as line:
        line.slow(SLOW_SECONDS)
        yield


@asynccontextmanager
async def _channels_broken(scene: Scene) -> AsyncIterator[None]:
    async with scene.failing_channels(CHANNELS):
        yield


def disk_full(disk: SmallDisk) -> Fault:
    """Not a byte is left, also where something is given back meanwhile."""

    @asynccontextmanager
    async def harm(scene: Scene) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            await asyncio.to_thread(disk.fill)
            scene.hurt_at = time.monotonic()
            filling = group.create_task(_keep_full(disk))
            yield
            filling.cancel()
        disk.free()

    return Fault(name="disk full", harm=harm, lasts=True)


async def _keep_full(disk: SmallDisk) -> None:
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        await asyncio.to_thread(disk.fill)


def clock_wrong(seconds: int) -> Fault:
    """The clock of one gateway of a server that lets it be set (`wrong_clock.py`)."""

    @asynccontextmanager
    async def harm(scene: Scene) -> AsyncIterator[None]:
        set_clock(scene.server.data_dir, "gateway-0", seconds)
        scene.hurt_at = time.monotonic()
        yield
        set_clock(scene.server.data_dir, "gateway-0", 0)

    return Fault(name=f"gateway's clock {seconds:+d} s", harm=harm, lasts=True)


def _kill(
    part: Part, number: signal.Signals = signal.SIGKILL, *, what: str = "kill -9", at_most:
    float | None = None,
) -> Fault:  # fmt: skip
    return Fault(
        name=f"{part} {what}", harm=partial(_killed, part, number), lasts=False,
        recovery_seconds_max=at_most,
    )  # fmt: skip


def _stop(part: Part) -> Fault:
    return Fault(name=f"{part} stopped", harm=partial(_stopped, part), lasts=True)


GATEWAY_KILLED = _kill(Part.GATEWAY, at_most=1.0)
POSTGRES_STOPPED_AT_ONCE = _kill(
    Part.POSTGRES, signal.SIGQUIT, what="immediate stop", at_most=10.0
)
BACKEND_KILLED = _kill(Part.BACKEND, at_most=10.0)
GATEWAY_STOPPED = _stop(Part.GATEWAY)
WITH_CHANNELS = (
    GATEWAY_KILLED,
    _kill(Part.BACKGROUND),
    _kill(Part.IMPORTER),
    _kill(Part.CONSOLE),
    POSTGRES_STOPPED_AT_ONCE,
    _kill(Part.POSTGRES, at_most=10.0),
    BACKEND_KILLED,
    _kill(Part.REDIS),
    GATEWAY_STOPPED,
    _stop(Part.BACKGROUND),
    _stop(Part.IMPORTER),
    _stop(Part.CONSOLE),
    _stop(Part.POSTGRES),
    _stop(Part.BACKEND),
    _stop(Part.REDIS),
    _stop(Part.SIMULATORS),
    _stop(Part.SUPERVISOR),
    Fault(name="line to PostgreSQL cut", harm=_postgres_cut, lasts=True),
    Fault(name="line to PostgreSQL silent", harm=_postgres_silent, lasts=True),
    Fault(name="line to PostgreSQL slow", harm=_postgres_slow, lasts=True),
    Fault(name="line to Redis cut", harm=_redis_cut, lasts=True),
    Fault(name="line to Redis slow", harm=_redis_slow, lasts=True),
    Fault(name="channels broken", harm=_channels_broken, lasts=True),
)
"""Everything that simulated channels survive: they forget their books when they end."""
SUPERVISOR_KILLED = _kill(Part.SUPERVISOR)
AFTER_CHANNELS = (_kill(Part.SIMULATORS), SUPERVISOR_KILLED)
BRIEF = (
    GATEWAY_KILLED, POSTGRES_STOPPED_AT_ONCE, BACKEND_KILLED, _kill(Part.REDIS), GATEWAY_STOPPED,
)  # fmt: skip
"""Those of the form for CI, before the supervisor."""
