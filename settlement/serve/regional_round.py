"""Compares each day with the regions that insure and with the hub, every morning; hands over and
takes the papers of cleared months; and looks at prepayments.

The step of a loop that runs as the schema's owner in the importer's process. What others owe us is
compared by us, what we owe them by them (regional_asking.py). A step asks some regions; what is due
beyond them comes with the next one. A hub that does not tell holds up nothing: the day is compared
without it, and again when it may tell.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from msgspec.structs import replace

from settlement.clock import Clock, local_time, moment, system_clock
from settlement.elsewhere.regional_clearing import Side
from settlement.elsewhere.regional_prepayment import Alarm
from settlement.elsewhere.regional_schedule import (
    NEVER_SILENT,
    Silence,
    days_compared,
    is_due,
    is_late,
    lacks_hub,
    silent_again,
)
from settlement.region.hub import HubLine
from settlement.region.hub_config import hub_file, read_hub
from settlement.said import Said
from settlement.serve.hub_office import HubOffice
from settlement.serve.regional_asking import AT_A_TIME, all_that_insure
from settlement.serve.regional_books import RegionalBooks, open_books
from settlement.serve.regional_lists import ask_both, heard, hub_is_known, unasked_hub
from settlement.serve.regional_papers import Key, decide, hand_over, is_anything_to_send
from settlement.serve.regional_prepaid import prepaid_parties, standing_of
from settlement.serve.regional_reconciling import HubSays, Told, reconcile
from settlement.storage import reference
from settlement.storage import regional_differences as store
from settlement.storage.keyfile import key_file, load_keyring
from settlement.storage.lease import PlainConnection
from settlement.storage.policies import load_policy_set
from settlement.telemetry.metrics import METRICS
from settlement.who import Who

logger = logging.getLogger("settlement.workers")

OpenLine = Callable[[], AbstractAsyncContextManager[HubLine]]
BY_ITSELF = Who(actor="settlement serve", reason="按计划对账 | as planned")
LOOKS_EVERY = timedelta(minutes=5)
"""How often it is looked at what is due, and at prepayments."""
URGENCY = {Alarm.NONE: 0, Alarm.YELLOW: 1, Alarm.RED: 2}
_WHOSE = {Side.TREATMENT: "theirs", Side.INSURANCE: "ours"}
_AT_ONCE = datetime.min.replace(tzinfo=UTC)
Due = list[tuple[str, date]]


class RegionRound:
    """The loop's step. `open_line` opens the way to other regions; None where there is none."""

    def __init__(self, open_line: OpenLine | None, *, clock: Clock = system_clock) -> None:
        self._open_line = open_line
        self._clock = clock
        self._looks_at = _AT_ONCE
        self._books: RegionalBooks | None = None
        self._silent: dict[str, Silence] = {}
        self._unread: dict[Key, int] = {}
        self._hub_known = False
        self._hub_silent: Silence | None = None
        self._hub_said = ""
        """why it told nothing, as far as that was said"""

    async def step(self, connection: PlainConnection) -> int:
        """Do what is due; how many days of regions were compared, and papers ended."""
        at = self._clock()
        if at < self._looks_at or await reference.installation(connection) is None:
            return 0
        if not await reference.counterparts(connection):
            self._looks_at = at + LOOKS_EVERY
            return 0
        books = await self._open(connection, at)
        await _look_at_prepayments(books)
        decided = await decide(books)
        decided += await self._hand_over(books)
        rules = books.rules.compared
        if self._open_line is None or not rules.by_themselves:
            self._looks_at = at + LOOKS_EVERY
            return decided
        due = await self._due(books, at)
        done = 0
        if due:
            async with self._open_line() as line:
                done = await self._compare(books, line, due[:AT_A_TIME], at)
        if len(due) <= AT_A_TIME:
            self._looks_at = at + LOOKS_EVERY
        await self._due(books, at)
        return done + decided

    def forget(self) -> None:
        """Show neither late days nor prepayments: another server looks at them."""
        METRICS.region_days_late = METRICS.region_days_two_way = 0
        METRICS.prepaid = {}
        self._looks_at = _AT_ONCE

    async def _hand_over(self, books: RegionalBooks) -> int:
        """Papers of cleared months; the line is opened where there is one to be handed over."""
        if self._open_line is None or not await is_anything_to_send(books):
            return 0
        async with self._open_line() as line:
            return await hand_over(books, line, self._unread)

    async def _due(self, books: RegionalBooks, at: datetime) -> Due:
        """Regions and days that are to be compared now; those that are late are counted."""
        since = local_time(await reference.installed_at(books.connection)).date()
        days = days_compared(since, at)
        if not days:
            return []
        last = await store.comparisons(books.connection, Side.TREATMENT, days[-1])
        pairs = [(region, day) for day in days for region in all_that_insure(books)]
        rules = books.rules.compared
        METRICS.region_days_late = sum(
            is_late(day, at, rules, last.get((region, day))) for region, day in pairs
        )
        self._hub_known = await hub_is_known(books)
        hub = {
            region: None if unasked_hub(books, region, known=self._hub_known) else
            self._hub_silent or NEVER_SILENT
            for region, _ in pairs
        }  # fmt: skip
        METRICS.region_days_two_way = sum(
            hub[region] is not None and lacks_hub(day, at, last.get((region, day)))
            for region, day in pairs
        )
        return [
            (region, day)
            for region, day in pairs
            if is_due(
                day, at, rules, last.get((region, day)), self._silent.get(region), hub[region]
            )
        ]

    async def _compare(
        self, books: RegionalBooks, line: HubLine, due: Due, at: datetime
    ) -> int:
        """Ask them all, then compare one after the other; how many told."""
        run_no = secrets.token_hex(8)
        asked = [
            ask_both(
                line, books, region, day, correlation=f"{run_no}-{region}-{day:%Y%m%d}",
                hub=unasked_hub(books, region, known=self._hub_known),
            )
            for region, day in due
        ]  # fmt: skip
        told_of = await asyncio.gather(*asked)
        self._hear_hub([told.hub for told in told_of if isinstance(told, Told)], at)
        silent = set()
        for (region, day), told in zip(due, told_of, strict=True):
            said = told if isinstance(told, Said) else await reconcile(books, told, BY_ITSELF)
            if said.status:
                silent.add(region)
            _log(region, day, said)
        for region in {region for region, _ in due} - silent:
            self._silent.pop(region, None)
        for region in silent:
            self._silent[region] = silent_again(self._silent.get(region), at)
        return sum(region not in silent for region, _ in due)

    def _hear_hub(self, says: Sequence[HubSays], at: datetime) -> None:
        """When it is asked again; why it told nothing, or cannot be asked, is logged once."""
        why = heard(says)
        if why is not None:
            self._hub_silent = silent_again(self._hub_silent, at) if why else None
        elif says and not self._hub_known:
            why = says[0].why
        else:
            return
        if why != self._hub_said:
            event = "region.hub.silent" if why else "region.hub.told"
            logger.log(
                logging.WARNING if why else logging.INFO, "days are compared with the hub, or not",
                extra={"event": event, "said": why},
            )  # fmt: skip
        self._hub_said = why

    async def _open(self, connection: PlainConnection, at: datetime) -> RegionalBooks:
        """The books, now. Opening them takes numbers for good, and nothing is numbered here: they
        are opened once, and what people change is read anew."""
        now = moment(lambda: at)
        if self._books is None:
            self._books = await open_books(connection, clock=lambda: at)
        profile = (await load_policy_set(connection)).region(self._books.region)
        self._books = replace(
            self._books, connection=connection, moment=now,
            counterparts=await reference.counterparts(connection),
            rules=self._books.rules if profile is None else profile.regional,
        )  # fmt: skip
        return self._books


async def _look_at_prepayments(books: RegionalBooks) -> None:
    """Tell operators how much is in use; the log says when one becomes urgent."""
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for party, side in await prepaid_parties(books):
        _, use = await standing_of(books, party, side)
        which = party, _WHOSE[side]
        found[which] = use.rate_bp, URGENCY[use.alarm]
        if URGENCY[use.alarm] > METRICS.prepaid.get(which, (0, 0))[1]:
            extra = {
                "event": "region.prepayment.low", "region": party, "whose": which[1],
                "alarm": use.alarm.value, "use_bp": use.rate_bp, "top_up_fen": use.top_up_fen,
            }  # fmt: skip
            logger.warning("a prepayment is nearly used up", extra=extra)
    METRICS.prepaid = found


def over_the_hub(
    data_dir: Path, owner_dsn: str, environment: Mapping[str, str] = os.environ
) -> OpenLine | None:
    """The way to other regions of a data directory; None where there is no hub. Raises
    HubConfigError, KeyFileError."""
    settings = read_hub(hub_file(data_dir, environment))
    if settings is None:
        return None
    keyring = load_keyring(key_file(data_dir / "secrets", environment))

    @asynccontextmanager
    async def opened() -> AsyncIterator[HubLine]:
        office = await HubOffice.open(
            settings, dsn=owner_dsn, keyring=keyring, clock=system_clock
        )
        try:
            yield office.line
        finally:
            await office.stop()

    return opened


def _log(region: str, day: date, said: Said) -> None:
    extra = {"event": "region.compared", "region": region, "day": f"{day}", "said": said.text}
    if said.status:
        extra["event"] = "region.silent"
        logger.warning("a region did not tell its rows of a day", extra=extra)
    else:
        logger.info("a day was compared with a region", extra=extra)
