"""What stops a load before it begins, or makes its result void: said in words, for people.

A load fills a database and takes a machine for itself. It goes to this machine only, unless whoever
starts it says that the target is theirs; it begins on an empty ledger, by a clock that is right,
with room on the disk.
"""

from __future__ import annotations

import http.client
import ipaddress
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from loadtest import messages
from loadtest.desk import CHINA_SECONDS_EAST, Desk
from loadtest.generator.unit import request_parts
from loadtest.world import World

CLOCK_SECONDS_MAX = 5.0
"""So far the server's clock may be from ours: more, and business days and signatures are off."""
BYTES_A_SETTLEMENT = 16 * 1024
"""Room that is asked for: tables, indexes, write-ahead log, the client's book, and some more."""
BYTES_AT_LEAST = 2 * 1024**3
BYTES_LOW = 256 * 1024**2
"""With less than this left a run is ended: a database must not be let run full for a figure."""
ANSWER_SECONDS_MAX = 30.0
_TIME = b"respond_time"


class LoadRefusedError(Exception):
    """The load does not begin; the text says why, and what to do."""


def check_target(url: str, *, is_mine: bool) -> tuple[str, int]:
    """Host and port of a target. Raises LoadRefusedError for anything but this machine, unless
    whoever asks says that it is theirs."""
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        raise LoadRefusedError(f"{url} is no address of a server, such as http://127.0.0.1:8080")
    if not is_mine and not _is_loopback(parts.hostname):
        raise LoadRefusedError(
            f"{parts.hostname} is not this machine. A load would fill its database and slow down "
            "everybody there. If it is yours, say so with --i-own-this-target."
        )
    return parts.hostname, parts.port or 80


def check_clean(*, is_dirty: bool) -> None:
    """Raises LoadRefusedError where the ledger has settlements of an earlier run."""
    if is_dirty:
        raise LoadRefusedError(
            "the ledger already has settlements: an old run's data, or somebody's work. The books "
            "could not be compared. Start the server on an empty data directory."
        )


def check_room(folder: Path, settlements: float) -> None:
    """Raises LoadRefusedError where the disk has not enough room for so many."""
    wanted = BYTES_AT_LEAST + int(settlements * BYTES_A_SETTLEMENT)
    free = shutil.disk_usage(folder).free
    if free < wanted:
        raise LoadRefusedError(
            f"the disk of {folder} has {free / 1e9:.1f} GB free, and about {settlements:,.0f} "
            f"settlements may take {wanted / 1e9:.1f} GB. Make room, or play less (--scale)."
        )


def check_clock(world: World, address: tuple[str, int]) -> float:
    """Asks for a person, and gives how many seconds the server's clock is ahead of ours. Raises
    LoadRefusedError where that is too far, or where no answer comes."""
    desk = Desk(
        world.institutions[0], index=0, region=world.region, host=f"{address[0]}:{address[1]}",
        from_second=int(time.time()) - 1,
    )  # fmt: skip
    parts = messages.parts_of(world.persons[0])
    asked = request_parts(desk.request("1101", messages.person_lookup(parts)))
    connection = http.client.HTTPConnection(*address, timeout=ANSWER_SECONDS_MAX)
    try:
        connection.request(asked.method, asked.path, asked.body, asked.headers)
        body = connection.getresponse().read()
    except (OSError, http.client.HTTPException) as exc:
        raise LoadRefusedError(f"no answer from {address[0]}:{address[1]}: {exc}") from exc
    finally:
        connection.close()
    told = messages.value_in(body, _TIME)
    if told is None:
        said = body[:200].decode("utf-8", "replace")
        raise LoadRefusedError(
            f"the server does not say what time it is: {said}. Where it refuses the time of the "
            "signature, one of the two clocks is wrong."
        )
    return judge_clock(told.strip(b'"').decode(), datetime.now(UTC))


def judge_clock(told: str, now: datetime) -> float:
    """Seconds that a respond_time (yyyyMMddHHmmssSSS, China's time) is ahead of now. Raises
    LoadRefusedError where they are too many."""
    theirs = datetime.strptime(told[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    theirs -= timedelta(seconds=CHINA_SECONDS_EAST)
    ahead = (theirs - now).total_seconds()
    if abs(ahead) > CLOCK_SECONDS_MAX:
        raise LoadRefusedError(
            f"the server's clock is {ahead:+.0f} s from this machine's. Business days, signatures "
            "and latencies would be wrong. Set both by NTP."
        )
    return ahead


class SteadyClock:
    """Tells whether somebody set the clock while a run went on."""

    def __init__(
        self, *, read_wall: Callable[[], float] = time.time,
        read_steady: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._wall, self._steady = read_wall, read_steady
        self._offset = read_wall() - read_steady()

    def complaint(self) -> str:
        """What to say; nothing where the clock went on as it should."""
        moved = self._wall() - self._steady() - self._offset
        if abs(moved) <= CLOCK_SECONDS_MAX:
            return ""
        return f"the clock was set while the load ran, by {moved:+.0f} s"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
