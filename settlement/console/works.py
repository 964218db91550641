"""What people ordered (办理事项), watched from here: long work in a process of its own, short work
in this one.

The console remembers what runs and what lately ended; what it did is in the database. Two processes
at a time run, and never two works about the same thing. A work that is cancelled, or whose console
ends, gives up what it had not committed; ordered again it goes on from what is there.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from datetime import datetime

import msgspec
from msgspec import Struct

from settlement.console.words import Words
from settlement.finance.errand_job import Ended, Line, Progress
from settlement.finance.errands import Errand, perform
from settlement.said import UNUSABLE, Said

logger = logging.getLogger("settlement.console")

COMMAND = ("-m", "settlement.finance.errand_job")
AT_ONCE = 2
HERE_SECONDS = 10.0
"""What is short takes no longer, or is given up."""
KEPT_MAX = 50
GIVE_UP_SECONDS = 10.0
_DECODE = msgspec.json.Decoder(Line).decode
LOST = Said(
    UNUSABLE,
    "办理进程中断，未完成的部分没有写入；请查看后重新办理 | its process ended early; what was not "
    "finished was not kept: look, and order it again",
)
CANCELLED = Said(
    1, "已取消，未完成的部分没有写入 | cancelled; what was not finished was not kept"
)


class Work(Struct, kw_only=True, eq=False):
    """One of them."""

    number: int
    title: Words
    subject: str
    """what it is about, as the audit says"""
    by: str
    began_at: datetime
    back: str
    """the page that it was ordered on"""
    typed: Mapping[str, str] = {}
    """what was typed into its form, for whoever has to order it again"""
    apart: bool = True
    """whether a process of its own does it"""
    done: int = 0
    whole: int = 0
    said: Said | None = None
    """what it came to"""
    cancelled_by: str = ""
    ended: asyncio.Event = msgspec.field(default_factory=asyncio.Event)

    @property
    def percent(self) -> int:
        """How far it is; 0 until it says so."""
        return 100 * self.done // self.whole if self.whole else 0


class Works:
    """See the module; `close` once."""

    def __init__(self) -> None:
        self._works: dict[int, Work] = {}
        self._processes: dict[int, Process] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._last = 0

    def all_of(self) -> list[Work]:
        """All that are remembered, the newest first."""
        return sorted(self._works.values(), key=lambda one: -one.number)

    def find(self, number: int) -> Work | None:
        """The work of this number."""
        return self._works.get(number)

    def last_of(self, subject: str) -> Work | None:
        """The newest about a thing."""
        return next((one for one in self.all_of() if one.subject == subject), None)

    def in_the_way(self, subject: str, *, apart: bool = True) -> Work | None:
        """What must end before another about the same thing may begin, or before one more process
        may."""
        running = [one for one in self._works.values() if one.said is None]
        same = next((one for one in running if one.subject == subject), None)
        others = [one for one in running if one.apart]
        return same or (others[0] if apart and len(others) >= AT_ONCE else None)

    def start(
        self, errand: Errand, *, title: Words, subject: str, back: str,
        typed: Mapping[str, str] | None = None, apart: bool = True,
    ) -> Work:  # fmt: skip
        """Begin; ask `in_the_way` first, without waiting in between."""
        self._last += 1
        work = Work(
            number=self._last, title=title, subject=subject, by=errand.actor,
            began_at=errand.at, back=back, typed=typed or {},
            apart=apart,
        )  # fmt: skip
        self._works[work.number] = work
        self._forget()
        task = asyncio.get_running_loop().create_task(self._run(work, errand))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return work

    async def wait(self, work: Work, seconds: float) -> None:
        """Until it has ended, or so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await work.ended.wait()

    async def cancel(self, work: Work, by: str) -> bool:
        """Have it given up; False where it had ended by then."""
        process = self._processes.get(work.number)
        if work.said is not None or process is None:
            return False
        work.cancelled_by = by
        await _give_up(process)
        await work.ended.wait()
        return work.said is CANCELLED

    async def close(self) -> None:
        """Give up what runs."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _forget(self) -> None:
        ended = [number for number, one in self._works.items() if one.said is not None]
        for number in ended[: max(len(self._works) - KEPT_MAX, 0)]:
            del self._works[number]

    async def _run(self, work: Work, errand: Errand) -> None:
        said = LOST
        try:
            said = await (
                self._watched(work, errand) if work.apart else self._here(work, errand)
            )
        except TimeoutError:
            logger.warning("a short work took long", extra={"event": "console.failed"})
        except Exception as exc:
            logger.error("a work failed", exc_info=exc, extra={"event": "console.broken"})
        finally:
            work.said = CANCELLED if said is LOST and work.cancelled_by else said
            self._processes.pop(work.number, None)
            work.ended.set()

    async def _here(self, work: Work, errand: Errand) -> Said:
        def tell(done: int, whole: int) -> None:
            work.done, work.whole = done, whole

        async with asyncio.timeout(HERE_SECONDS):
            return await perform(errand, tell)

    async def _watched(self, work: Work, errand: Errand) -> Said:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *COMMAND, stdin=PIPE, stdout=PIPE
        )
        self._processes[work.number] = process
        try:
            if process.stdin is None or process.stdout is None:
                return LOST
            process.stdin.write(msgspec.json.encode(errand) + b"\n")
            said = LOST
            async for line in process.stdout:
                match _DECODE(line):
                    case Progress(done, whole):
                        work.done, work.whole = done, whole
                    case Ended(said):
                        pass
            return said
        finally:
            await _give_up(process)


async def _give_up(process: Process) -> None:
    """The end of its stdin tells it; one that does not listen is killed."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(GIVE_UP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
