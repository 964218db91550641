"""Asks channels for their bills every morning and matches the days that they are of (ADR 0046).

Runs as the schema's owner in the importer's process: a bill of a million rows takes the better part
of a core. A step does some bills; what is due beyond them comes with the next one.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from settlement.books.bill import BillKind
from settlement.books.bill_schedule import (
    BillRules,
    asked_next,
    booked_between,
    days_asked,
    days_to_match,
    late_from,
)
from settlement.channels.port import Channel
from settlement.channels.registry import Tills
from settlement.clock import Clock, local_time, moment, system_clock
from settlement.finance import books as difference_books
from settlement.finance.bill_books import BillBooks, open_books
from settlement.finance.bill_fetch import Fetched, Wanted, expected, fetch_one
from settlement.finance.bill_import import Order
from settlement.finance.matching import Matched, match
from settlement.storage import bills as store
from settlement.storage import channel_rows as rows
from settlement.storage import reference
from settlement.storage.bills import Asked, BillKey
from settlement.storage.lease import PlainConnection
from settlement.storage.policies import load_policy_set
from settlement.telemetry.metrics import METRICS

logger = logging.getLogger("settlement.workers")

ORDER = Order(actor="settlement serve", reason="按计划取账单 | as planned", fetched=True)
AT_ONCE = 50
"""Bills of one step."""
NUMBERS_MIN = 2 * AT_ONCE
"""A step takes no more numbers than this."""
REST = timedelta(minutes=10)
BROKEN = "账单处理出错，见日志 | it could not be dealt with: see the log"


class Lack(Struct, frozen=True, kw_only=True):
    """A bill that is not here."""

    key: BillKey
    channel: Channel
    is_due: bool
    """to be asked for now"""
    is_overdue: bool
    """it should be here by now"""

    @property
    def is_late(self) -> bool:
        """It should be here, and was asked for since."""
        return self.is_overdue and not self.is_due


class BillRound:
    """The loop's step."""

    def __init__(self, tills: Tills, *, clock: Clock = system_clock) -> None:
        self._tills = tills
        self._clock = clock
        self._books: BillBooks | None = None
        self._rules = BillRules()
        self._rules_version = -1
        self._rests_until = datetime.min.replace(tzinfo=UTC)

    async def step(self, connection: PlainConnection) -> int:
        """Ask for what is due, match what came; how many bills were asked for."""
        installed = await reference.installation(connection)
        if installed is None or not self._tills.merchants():
            return 0
        rules = await self._read_rules(connection, installed.region)
        at = self._clock()
        since = local_time(await reference.installed_at(connection)).date()
        days = days_asked(since, at, rules)
        if not days:
            return 0
        books = await self._open(connection, at)
        due = [one for one in await self._lacking(books, days, rules, at) if one.is_due]
        for one in due[:AT_ONCE]:
            await self._fetch(books, one)
        lacking = await self._lacking(books, days, rules, at)
        METRICS.bills_late = sum(one.is_late for one in lacking)
        if rules.matched_by_themselves and at >= self._rests_until:
            await self._match(connection, days, lacking, at)
        return len(due[:AT_ONCE])

    def forget(self) -> None:
        """Show no late bills: another server looks for them."""
        METRICS.bills_late = 0

    async def _read_rules(self, connection: PlainConnection, region: str) -> BillRules:
        version = (await reference.versions(connection)).get("policies", 0)
        if version != self._rules_version:
            profile = (await load_policy_set(connection)).region(region)
            self._rules = BillRules() if profile is None else profile.bills
            self._rules_version = version
        return self._rules

    async def _open(self, connection: PlainConnection, at: datetime) -> BillBooks:
        """The books of the step before, now: each opening takes a block of numbers for good."""
        before = self._books
        if before is None or before.numbers.remaining < NUMBERS_MIN:
            self._books = await open_books(connection, self._tills, clock=lambda: at)
            return self._books
        closed = await reference.closed_through(connection)
        first = None if closed is None else closed + timedelta(days=1)
        now = moment(lambda: at, not_before=first)
        self._books = replace(before, connection=connection, moment=now)
        return self._books

    async def _lacking(
        self, books: BillBooks, days: Sequence[date], rules: BillRules, at: datetime
    ) -> list[Lack]:
        """Bills that are not here, those of the newest day first."""
        first, last = days[0], days[-1]
        there = await store.there_between(books.connection, first, last)
        tries = await store.tries_between(books.connection, first, last)
        return [
            Lack(
                key=key, channel=channel,
                is_overdue=at >= late_from(day, key.channel, rules),
                is_due=rules.fetched_by_themselves
                and at >= asked_next(day, key.channel, rules, tries.get(key)),
            )
            for day in reversed(days)
            for key, channel in expected(books, Wanted(day=day))
            if key not in there
        ]  # fmt: skip

    async def _fetch(self, books: BillBooks, lack: Lack) -> None:
        """One bill. Whatever is wrong with it, others go on; it is asked for again later."""
        key = lack.key
        nothing = lack.is_overdue and not await self._moved(books, key)
        try:
            fetched = await fetch_one(books, key, lack.channel, ORDER, nothing=nothing)
        except Exception as exc:
            METRICS.background_failures += 1
            extra = _about(key, "bill.failed")
            logger.error("a bill could not be dealt with", exc_info=exc, extra=extra)
            fetched = Fetched(key=key, said=BROKEN)
            await store.keep_asked(
                books.connection, Asked(key=key, at=books.moment.at, said=BROKEN)
            )
        METRICS.bills_fetched += len(fetched.taken)
        _log(fetched, lack)

    async def _moved(self, books: BillBooks, key: BillKey) -> bool:
        """Whether by our own books money moved at the merchant that this bill may have."""
        between = booked_between(key.day, key.channel)
        return await rows.moved(
            books.connection, key.channel, key.merchant, key.day, between, books.moment.at
        )

    async def _match(
        self, connection: PlainConnection, days: Sequence[date], lacking: Sequence[Lack],
        at: datetime,
    ) -> None:  # fmt: skip
        """Match the days whose bills of payments are all here, or late. What fails on our side is
        left alone for a while, so that bills are still fetched."""
        waiting = {
            one.key.day
            for one in lacking
            if one.key.kind is BillKind.TRADE and not one.is_late
        }
        files = await rows.files_counted(connection, days[0], days[-1])
        before = await rows.days_matched(connection, days[0], days[-1])
        for first, last in days_to_match(days, waiting, files, before):
            books = await difference_books.open_books(connection, clock=lambda: at)
            try:
                _log_matched(await match(books, first, last))
            except Exception as exc:
                METRICS.background_failures += 1
                self._rests_until = at + REST
                extra = {"event": "bills.match.failed", "first": f"{first}", "last": f"{last}"}
                logger.error("days could not be matched", exc_info=exc, extra=extra)
                return


def _log(fetched: Fetched, lack: Lack) -> None:
    if fetched.taken:
        logger.info("bill taken", extra=_about(fetched.key, "bill.taken"))
    elif lack.is_overdue:
        extra = {**_about(fetched.key, "bill.late"), "said": fetched.said}
        logger.warning("a bill of a channel is late", extra=extra)


def _log_matched(matched: Matched) -> None:
    extra = {
        "event": "bills.matched", "first": f"{matched.first}", "last": f"{matched.last}",
        "steps": matched.new, "explained": matched.is_explained,
    }  # fmt: skip
    level = logging.INFO if matched.is_explained else logging.ERROR
    logger.log(level, "days matched with bills of channels", extra=extra)


def _about(key: BillKey, event: str) -> dict[str, str]:
    return {
        "event": event, "channel": key.channel, "merchant": key.merchant, "day": f"{key.day}",
        "kind": key.kind.value,
    }  # fmt: skip
