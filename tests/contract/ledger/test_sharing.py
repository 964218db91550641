"""Work that is shared out over connections rests where others append blocks, so long that all of
them together take what one alone would; and not for blocks of its own."""

from __future__ import annotations

from typing import cast

import pytest

from ledger.postgres import pace
from settlement.storage.lease import PlainConnection
from settlement.storage.sharing import share_out

PIECES, WORK_SECONDS = 4, 1.0


class Clock:
    """Time that passes by working and by resting only."""

    def __init__(self) -> None:
        self.now = 0.0
        self.rests: list[float] = []

    async def sleep(self, seconds: float) -> None:
        """A rest."""
        self.rests.append(seconds)
        self.now += seconds


class Ledger:
    """Says how many blocks there are: those of others come by the clock, own ones with pieces."""

    def __init__(self, clock: Clock, per_second: float) -> None:
        self._clock = clock
        self._per_second = per_second
        self.own = 0

    async def fetchval(self, _statement: str) -> int:
        """All blocks."""
        return int(self._clock.now * self._per_second) + self.own


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """In place of the machine's."""
    clock = Clock()
    monkeypatch.setattr(pace.time, "perf_counter", lambda: clock.now)
    monkeypatch.setattr(pace.asyncio, "sleep", clock.sleep)
    return clock


async def shared_out(clock: Clock, ledger: Ledger, connections: int, own: int = 0) -> list[int]:
    """Some pieces of a second each; those that were done."""
    done: list[int] = []

    async def work(_: PlainConnection, piece: int) -> None:
        clock.now += WORK_SECONDS
        ledger.own += own
        done.append(piece)

    lines = [cast("PlainConnection", ledger)] * connections
    await share_out(lines, range(PIECES), work, own_blocks=lambda: ledger.own)
    return done


@pytest.mark.parametrize(("connections", "rest"), [(1, 9.0), (2, 19.0)])
async def test_busy_ledger_is_left_to_others(clock: Clock, connections: int, rest: float) -> None:
    done = await shared_out(clock, Ledger(clock, 100.0), connections)
    assert sorted(done) == list(range(PIECES))
    assert len(clock.rests) == PIECES, "after the first one, too"
    assert all(one >= rest * WORK_SECONDS for one in clock.rests)


async def test_quiet_ledger_and_own_blocks_are_no_reason_to_rest(clock: Clock) -> None:
    assert len(await shared_out(clock, Ledger(clock, 1.0), 1, own=500)) == PIECES
    assert clock.rests == []
