"""All metrics, declared in one place, counted with plain integers, shown for all processes at once.

The hot path adds to attributes; nothing else happens there. Each process writes its numbers to a
small file now and then (`publish`), and whichever process is asked for /metrics adds the files up.
A process that starts again continues its predecessor's counters, so that they never fall. What only
a query can tell is counted by the background process (`settlement/workers/census.py`). Labels are
transaction codes and closed sets, never a person, an institution or free text.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum
from pathlib import Path

import msgspec
from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.core import Metric

from ledger.money import BASIS_POINTS
from settlement.clock import monotonic
from settlement.telemetry.numbers import Numbers, Pool, Sample, Tally
from settlement.telemetry.resources import disk_samples, process_samples
from settlement.telemetry.summing import Declared, Page

logger = logging.getLogger("settlement.telemetry")


class Outcome(IntEnum):
    """How a request ended; the value is its place in the counters."""

    OK = 0
    REFUSED = 1
    UNREADABLE = 2
    UNAUTHENTICATED = 3
    OVERLOADED = 4
    UNAVAILABLE = 5


IN_BODY = "in_body"
"""Label of requests whose address names no transaction."""
TURNED_AWAY = "settlement_turned_away_total"
PAPERS_REFUSED = "settlement_region_papers_refused_total"
RESOURCES_SECONDS = 5.0
INFNOS_MAX = 128
"""More different transaction codes than this are counted as `other`: strangers may invent them."""

SECONDS_BOUNDS = (
    0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0,
)  # fmt: skip
CERTAINTY_BOUNDS = (
    0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 45.0, 60.0, 120.0, 300.0, 900.0,
)  # fmt: skip
OWN_BOUNDS = (
    0.0005, 0.00075, 0.001, 0.00125, 0.0015, 0.00175, 0.002, 0.00225, 0.0025, 0.003, 0.0035, 0.004,
    0.005, 0.006, 0.008, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
)  # fmt: skip
"""Finer: what counts is whether the middle is below two milliseconds."""
SIZE_BOUNDS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


# fmt: off
DECLARED = (
    Counter("settlement_requests_total",
            "NHSA requests answered, by transaction and how they ended.",
            ["infno", "outcome"], registry=None),
    Histogram("settlement_request_seconds",
              "From the last byte of a request to its answer, by transaction.", ["infno"],
              registry=None),
    Gauge("settlement_requests_in_flight", "Requests being answered now.", registry=None),
    Gauge("settlement_admission_places",
          "Requests of institutions that may be answered at the same time: fewer while what is in "
          "waits too long.", registry=None),
    Counter("settlement_turned_away_total",
            "Requests of institutions that were turned away for want of room, by what goes first "
            "(undo, claim, quote), and whether their institution held far more places than others "
            "(share) or not (full).", ["rank", "reason"], registry=None),
    Gauge("settlement_connections_open", "Connections of senders that are open.", registry=None),
    Counter("settlement_connections_cut_total",
            "Connections that were cut: their request or its head did not arrive in time, they did "
            "not read their answers, they were idle for too long, or there were too many.",
            registry=None),
    Histogram("settlement_batch_items_count",
              "Items written together in one batch (one transaction, one block).", registry=None),
    Histogram("settlement_journal_wait_seconds",
              "How long an item waited for its journal's next batch.", registry=None),
    Histogram("settlement_batch_read_seconds",
              "Database time of a batch: reading what it is decided on.", registry=None),
    Histogram("settlement_batch_decide_seconds",
              "Processor time of a batch: deciding it. Nothing else happens in the process "
              "meanwhile.", registry=None),
    Histogram("settlement_batch_write_seconds",
              "Database time of a batch: writing it, from sending it to the answer after the "
              "commit.", registry=None),
    Counter("settlement_batch_recomputed_total",
            "Items computed again because what they had read was changed meanwhile.",
            registry=None),
    Counter("settlement_messages_replayed_total",
            "Resent messages that got their first answer again.", registry=None),
    Counter("settlement_messages_conflicting_total",
            "Messages refused because their msgid was used with other content.", registry=None),
    Counter("settlement_messages_duplicate_across_lanes_total",
            "Message ids found under two persons afterwards; look at each of them.",
            registry=None),
    Counter("settlement_hub_broken_total",
            "Questions of other regions that break an identity or contradict what was booked.",
            registry=None),
    Counter("settlement_nonce_folds_total", "Round trips to Redis for nonces.", registry=None),
    Counter("settlement_nonces_unshared_total",
            "Requests let through without asking Redis about their nonce.", registry=None),
    Gauge("settlement_journal_queue_items",
          "Items waiting for their journal's next batch.", registry=None),
    Counter("settlement_ledger_folded_blocks_total",
            "Blocks whose deltas were folded into balances.", registry=None),
    Histogram("settlement_payment_certainty_seconds",
              "From the first byte of a payment to its verdict, where the payer had nothing to "
              "confirm.", registry=None),
    Histogram("settlement_payment_confirmed_seconds",
              "The same where the payer had to confirm: their own time is in it.", registry=None),
    Histogram("settlement_channel_call_seconds",
              "Own time of a payment at its channel: from the commit of what is held to the "
              "channel's answer, read and checked, without the wait for it.", registry=None),
    Histogram("settlement_channel_leg_seconds",
              "The same until what the channel said is committed: all that a channel leg adds to a "
              "sale but the wait.", registry=None),
    Counter("settlement_payment_alarms_total",
            "What channels said that contradicts what is booked; look at each in the log.",
            registry=None),
    Counter("settlement_region_alarms_total",
            "Answers of other regions that do not add up, or contradict what is booked; look at "
            "each in the log.", registry=None),
    Counter("settlement_notices_delivered_total",
            "Notices of the outbox that their receivers took.", registry=None),
    Counter("settlement_notices_failed_total",
            "Attempts to deliver a notice that failed and will be repeated.", registry=None),
    Histogram("settlement_notice_seconds",
              "From the commit that owes a notice to its delivery.", registry=None),
    Gauge("settlement_notices_owed", "Notices of the outbox that are not delivered.",
          registry=None),
    Gauge("settlement_notices_overdue",
          "1 while a notice has been owed for more than ten minutes.", registry=None),
    Counter("settlement_hub_asked_total", "Questions that were sent to other regions.",
            registry=None),
    Counter("settlement_hub_unanswered_total",
            "Questions to other regions of which nobody knows yet what became of them.",
            registry=None),
    Counter("settlement_hub_answered_total", "Questions of other regions that were answered.",
            registry=None),
    Counter("settlement_hub_worthless_total",
            "Messages of other regions that were not proved, and had no effect.", registry=None),
    Counter("settlement_hub_alarms_total",
            "Those of them that no honest sender makes; look at each in the log.", registry=None),
    Counter("settlement_bills_fetched_total",
            "Bills of payment channels that were fetched and taken as planned.", registry=None),
    Gauge("settlement_bills_late",
          "Bills of payment channels that should be here and are not.", registry=None),
    Counter("settlement_background_failures_total",
            "Runs of a background loop that failed and will be tried again.", registry=None),
    Gauge("settlement_processes", "Processes whose numbers are in here.", registry=None),
    Gauge("settlement_reference_behind",
          "Gateway processes that have not made sure within five seconds that what they have in "
          "force is the newest: of stop switches (switches), of all reference data (all).",
          ["part"], registry=None),
    Gauge("settlement_pool_connections",
          "Connections beside the settle path that gateways may have, by what they are for.",
          ["pool"], registry=None),
    Gauge("settlement_pool_busy_connections", "Those of them that are in use.", ["pool"],
          registry=None),
    Counter("settlement_pool_uses_total", "How often one of them was used.", ["pool"],
            registry=None),
    Counter("settlement_pool_waited_seconds_total", "What was waited for a free one.", ["pool"],
            registry=None),
    Histogram("settlement_loop_lag_seconds",
              "How much later than asked for the event loop of a gateway came to something, "
              "measured four times a second.", registry=None),
    Gauge("settlement_process_resident_bytes", "Memory of a process.", ["process"],
          registry=None),
    Counter("settlement_process_cpu_seconds_total",
            "Processor time of a process since it was started.", ["process"], registry=None),
    Gauge("settlement_process_open_files", "Files and sockets that a process has open.",
          ["process"], registry=None),
    Gauge("settlement_process_open_files_max", "How many it may have.", ["process"],
          registry=None),
    Counter("settlement_process_starts_total",
            "Starts of a process since the server was started: above 1, it died.", ["process"],
            registry=None),
    Gauge("settlement_disk_free_bytes", "Free space of the disk of DATA_DIR.", registry=None),
    Gauge("settlement_disk_size_bytes", "Size of that disk.", registry=None),
    Gauge("settlement_in_doubt",
          "What is not at its end: payments over channels (payment), those that wait for somebody "
          "of ours (by_hand), mobile orders (mobile), cases of people insured elsewhere (remote), "
          "what is under way between relatives (family).",
          ["what"], registry=None),
    Gauge("settlement_in_doubt_oldest_seconds", "Since when the oldest of it; 0 where none is.",
          ["what"], registry=None),
    Gauge("settlement_differences_open",
          "Differences that somebody has to deal with: with payment channels (channel), with other "
          "regions (region).", ["party", "class"], registry=None),
    Gauge("settlement_fund_paid_today_fen",
          "What a fund has paid on the running day (China time), less what was taken back.",
          ["fund"], registry=None),
    Gauge("settlement_channel_collected_today_fen",
          "What was collected over a payment channel on the running day.", ["channel"],
          registry=None),
    Gauge("settlement_channel_returned_today_fen", "What was given back over it.", ["channel"],
          registry=None),
    Gauge("settlement_region_comparisons_late",
          "Days that should have been compared with a region and were not.", registry=None),
    Gauge("settlement_region_comparisons_two_way",
          "Days of the last week that were compared with a region and not with the hub, which has "
          "a certificate.", registry=None),
    Counter("settlement_region_papers_refused_total",
            "Papers of cleared months over the wire that were put aside: ours by other regions, or "
            "not known to their programs (ours), theirs by us (theirs).", ["whose"],
            registry=None),
    Gauge("settlement_prepaid_use_ratio",
          "How much of a prepayment is in use: what is owed for care and not paid yet, of what "
          "lies there (ours) or here (theirs) in advance.", ["region", "whose"], registry=None),
    Gauge("settlement_prepaid_alarm",
          "How urgent that is: 0 not, 1 yellow, 2 red.", ["region", "whose"], registry=None),
    Gauge("settlement_day_closings_due", "Business days that are over and not closed.",
          registry=None),
    Gauge("settlement_database_bytes", "Size of the database.", registry=None),
    Gauge("settlement_database_connections", "Connections to the database server.",
          registry=None),
    Gauge("settlement_database_connections_max", "How many it allows.", registry=None),
)
"""What operators see (docs/reference/metrics.md). These objects only declare; nothing counts in
them, because observing one costs more than all our own counting of a request."""
# fmt: on


def declared() -> Iterator[Metric]:
    """Name, kind and meaning of each metric; the counters' names without `_total`."""
    for metric in DECLARED:
        yield from metric.describe()


def labels() -> Mapping[str, tuple[str, ...]]:
    """The labels of each metric, by the name that `declared` has for it."""
    return {
        described.name: tuple(metric._labelnames)
        for metric in DECLARED
        for described in metric.describe()
    }


class Metrics:
    """The counters of this process. Add to the attributes; they are plain integers."""

    __slots__ = (
        "admission_places", "background_failures", "batch_decide_seconds", "batch_items",
        "batch_read_seconds",
        "batch_recomputed", "batch_write_seconds", "bills_fetched", "bills_late", "census",
        "census_at", "channel_call", "channel_leg", "conflicting",
        "connections_cut", "connections_open",
        "duplicate_across_lanes", "folded_blocks",
        "hub_alarms", "hub_answered", "hub_asked", "hub_broken", "hub_unanswered",
        "hub_worthless", "in_flight", "journal_wait", "loop_lag", "nonce_degraded", "nonce_folds",
        "notice_seconds",
        "notices_delivered", "notices_failed", "notices_overdue", "notices_owed",
        "papers_refused", "payment_alarms", "payment_certainty", "payment_confirmed", "pools",
        "prepaid",
        "queue_depth", "reference_at", "region_alarms", "region_days_late", "region_days_two_way",
        "replayed",
        "request_seconds", "requests", "starts", "switches_at", "turned_away",
    )  # fmt: skip

    def __init__(self) -> None:
        self.requests: dict[str, list[int]] = {}
        self.request_seconds: dict[str, Tally] = {}
        self.batch_items = Tally(SIZE_BOUNDS)
        self.journal_wait = Tally(SECONDS_BOUNDS)
        self.batch_read_seconds = Tally(SECONDS_BOUNDS)
        self.batch_decide_seconds = Tally(SECONDS_BOUNDS)
        self.batch_write_seconds = Tally(SECONDS_BOUNDS)
        self.payment_certainty = Tally(CERTAINTY_BOUNDS)
        self.payment_confirmed = Tally(CERTAINTY_BOUNDS)
        self.channel_call = Tally(OWN_BOUNDS)
        self.channel_leg = Tally(OWN_BOUNDS)
        self.payment_alarms = 0
        self.region_alarms = 0
        self.notice_seconds = Tally(CERTAINTY_BOUNDS)
        self.notices_delivered = 0
        self.notices_failed = 0
        self.notices_owed = 0
        self.notices_overdue = 0
        self.hub_asked = 0
        self.hub_unanswered = 0
        self.hub_answered = 0
        self.hub_worthless = 0
        self.hub_alarms = 0
        self.in_flight = 0
        self.admission_places = 0
        self.turned_away: dict[tuple[str, ...], int] = {}
        """by rank and reason, of which whoever turns away knows which there are"""
        self.connections_open = 0
        self.connections_cut = 0
        self.queue_depth = 0
        self.batch_recomputed = 0
        self.replayed = 0
        self.conflicting = 0
        self.duplicate_across_lanes = 0
        self.hub_broken = 0
        self.nonce_folds = 0
        self.nonce_degraded = 0
        self.folded_blocks = 0
        self.bills_fetched = 0
        self.bills_late = 0
        self.region_days_late = 0
        self.region_days_two_way = 0
        self.papers_refused: dict[tuple[str, ...], int] = {("ours",): 0, ("theirs",): 0}
        """of cleared months, by whose they are"""
        self.prepaid: dict[tuple[str, str], tuple[int, int]] = {}
        """use in basis points and urgency of prepayments, by region and whose money it is"""
        self.background_failures = 0
        self.loop_lag = Tally(SECONDS_BOUNDS)
        self.pools: dict[str, Pool] = {}
        self.census: dict[str, list[Sample]] = {}
        self.census_at: float | None = None
        self.starts = 1
        self.switches_at: float | None = None
        self.reference_at: float | None = None

    def request_ended(self, infno: str | None, outcome: Outcome, seconds: float) -> None:
        """Count one request."""
        name = infno or IN_BODY
        counts = self.requests.get(name)
        if counts is None:
            name, counts = self._new(name)
        counts[outcome] += 1
        self.request_seconds[name].observe(seconds)

    def pool(self, name: str) -> Pool:
        """The connections of a name; they are counted together."""
        return self.pools.setdefault(name, Pool())

    def counted(self, census: dict[str, list[Sample]], at: float) -> None:
        """What was counted for all processes of all servers, and when (monotonic)."""
        self.census, self.census_at = census, at

    def numbers(self) -> Numbers:
        """All of them now."""
        return Numbers(
            pid=os.getpid(),
            requests=self.requests,
            request_seconds={
                infno: (tally.counts, tally.total) for infno, tally in self.request_seconds.items()
            },
            histograms={
                name: (tally.counts, tally.total)
                for name, attribute in _HISTOGRAMS.items()
                for tally in (getattr(self, attribute),)
            },
            counters={name: getattr(self, attribute) for name, attribute in _COUNTERS.items()},
            gauges={name: getattr(self, attribute) for name, attribute in _GAUGES.items()},
            samples=self._samples(),
            census=self.census,
            census_at=self.census_at,
            starts=self.starts,
            switches_at=self.switches_at,
            reference_at=self.reference_at,
        )

    def _samples(self) -> dict[str, list[Sample]]:
        samples: dict[str, list[Sample]] = {
            name: [((pool,), getattr(use, field)) for pool, use in self.pools.items()]
            for name, field in _POOLS.items()
        }
        samples[TURNED_AWAY] = list(self.turned_away.items())
        samples[PAPERS_REFUSED] = list(self.papers_refused.items())
        samples["settlement_prepaid_use_ratio"] = [
            (which, use_bp / BASIS_POINTS) for which, (use_bp, _) in self.prepaid.items()
        ]
        samples["settlement_prepaid_alarm"] = [
            (which, urgency) for which, (_, urgency) in self.prepaid.items()
        ]
        return samples

    def resume(self, before: Numbers) -> None:
        """Continue the counters of the process that had this place before."""
        self.starts = before.starts + 1
        self.requests = {infno: list(counts) for infno, counts in before.requests.items()}
        self.request_seconds = {infno: Tally(SECONDS_BOUNDS) for infno in self.requests}
        for infno, tally in self.request_seconds.items():
            tally.resume(before.request_seconds.get(infno, ([], 0.0)))
        for name, attribute in _COUNTERS.items():
            setattr(self, attribute, before.counters.get(name, 0))
        for name, attribute in _HISTOGRAMS.items():
            getattr(self, attribute).resume(before.histograms.get(name, ([], 0.0)))
        for name, use in self.pools.items():
            _resume_pool(use, name, before)
        for labels, count in before.samples.get(TURNED_AWAY, ()):
            self.turned_away[labels] = int(count)
        for labels, count in before.samples.get(PAPERS_REFUSED, ()):
            self.papers_refused[labels] = int(count)

    def _new(self, infno: str) -> tuple[str, list[int]]:
        if len(self.requests) >= INFNOS_MAX:
            infno = "other"
        self.request_seconds.setdefault(infno, Tally(SECONDS_BOUNDS))
        return infno, self.requests.setdefault(infno, [0] * len(Outcome))


def _resume_pool(use: Pool, name: str, before: Numbers) -> None:
    shown = {metric: dict(before.samples.get(metric, ())) for metric in _POOLS}
    use.uses += int(shown["settlement_pool_uses_total"].get((name,), 0))
    use.waited_seconds += shown["settlement_pool_waited_seconds_total"].get((name,), 0)


_COUNTERS = {
    "settlement_batch_recomputed_total": "batch_recomputed",
    "settlement_messages_replayed_total": "replayed",
    "settlement_messages_conflicting_total": "conflicting",
    "settlement_messages_duplicate_across_lanes_total": "duplicate_across_lanes",
    "settlement_hub_broken_total": "hub_broken",
    "settlement_nonce_folds_total": "nonce_folds",
    "settlement_nonces_unshared_total": "nonce_degraded",
    "settlement_ledger_folded_blocks_total": "folded_blocks",
    "settlement_bills_fetched_total": "bills_fetched",
    "settlement_background_failures_total": "background_failures",
    "settlement_hub_asked_total": "hub_asked",
    "settlement_hub_unanswered_total": "hub_unanswered",
    "settlement_hub_answered_total": "hub_answered",
    "settlement_hub_worthless_total": "hub_worthless",
    "settlement_hub_alarms_total": "hub_alarms",
    "settlement_payment_alarms_total": "payment_alarms",
    "settlement_region_alarms_total": "region_alarms",
    "settlement_notices_delivered_total": "notices_delivered",
    "settlement_notices_failed_total": "notices_failed",
    "settlement_connections_cut_total": "connections_cut",
}
_GAUGES = {
    "settlement_requests_in_flight": "in_flight",
    "settlement_admission_places": "admission_places",
    "settlement_connections_open": "connections_open",
    "settlement_journal_queue_items": "queue_depth",
    "settlement_notices_owed": "notices_owed",
    "settlement_notices_overdue": "notices_overdue",
    "settlement_bills_late": "bills_late",
    "settlement_region_comparisons_late": "region_days_late",
    "settlement_region_comparisons_two_way": "region_days_two_way",
}
_HISTOGRAMS = {
    "settlement_batch_items_count": "batch_items",
    "settlement_journal_wait_seconds": "journal_wait",
    "settlement_batch_read_seconds": "batch_read_seconds",
    "settlement_batch_decide_seconds": "batch_decide_seconds",
    "settlement_batch_write_seconds": "batch_write_seconds",
    "settlement_payment_certainty_seconds": "payment_certainty",
    "settlement_payment_confirmed_seconds": "payment_confirmed",
    "settlement_channel_call_seconds": "channel_call",
    "settlement_channel_leg_seconds": "channel_leg",
    "settlement_notice_seconds": "notice_seconds",
    "settlement_loop_lag_seconds": "loop_lag",
}
_POOLS = {
    "settlement_pool_connections": "size",
    "settlement_pool_busy_connections": "busy",
    "settlement_pool_uses_total": "uses",
    "settlement_pool_waited_seconds_total": "waited_seconds",
}
_BOUNDS: dict[str, tuple[float, ...]] = {
    "settlement_request_seconds": SECONDS_BOUNDS,
    "settlement_batch_items_count": SIZE_BOUNDS,
    "settlement_journal_wait_seconds": SECONDS_BOUNDS,
    "settlement_batch_read_seconds": SECONDS_BOUNDS,
    "settlement_batch_decide_seconds": SECONDS_BOUNDS,
    "settlement_batch_write_seconds": SECONDS_BOUNDS,
    "settlement_loop_lag_seconds": SECONDS_BOUNDS,
    "settlement_payment_certainty_seconds": CERTAINTY_BOUNDS,
    "settlement_payment_confirmed_seconds": CERTAINTY_BOUNDS,
    "settlement_channel_call_seconds": OWN_BOUNDS,
    "settlement_channel_leg_seconds": OWN_BOUNDS,
    "settlement_notice_seconds": CERTAINTY_BOUNDS,
}

METRICS = Metrics()
"""This process's own."""


class Board:
    """Where the processes of one server show each other their numbers: one file a place."""

    def __init__(self, directory: Path, place: str, *, looks_at_disk: bool = False) -> None:
        """One process of a server looks at the disk that the directory lies on."""
        self._directory = directory
        self._place = place
        self._looks_at_disk = looks_at_disk
        self._resources: dict[str, list[Sample]] = {}
        self._looked_at: float | None = None
        self._file = directory / f"metrics-{place}.json"
        self._failed = False
        directory.mkdir(parents=True, exist_ok=True)

    def resume(self) -> None:
        """Take over what an earlier process in this place had counted."""
        if self._file.exists():
            METRICS.resume(_read(self._file))

    def publish(self) -> None:
        """Show the numbers; whoever reads sees all of the old ones or all of the new ones.

        Where they cannot be written (a full disk) the old ones stay: nobody stops serving for that.
        """
        partial = self._file.with_suffix(".partial")
        try:
            numbers = METRICS.numbers()
            numbers.samples |= self._used()
            partial.write_bytes(msgspec.json.encode(numbers))
            partial.rename(self._file)
        except OSError as exc:
            if not self._failed:
                extra = {"event": "metrics.publish.failed", "reason": str(exc)}
                logger.warning("metrics cannot be published", extra=extra)
            self._failed = True
        else:
            self._failed = False

    def render(self) -> bytes:
        """The numbers of all processes in the Prometheus text format."""
        self.publish()
        return render(published(self._directory))

    def _used(self) -> dict[str, list[Sample]]:
        """What the process uses, looked at now and then: thousands of sockets take a while."""
        now = monotonic()
        if self._looked_at is None or now - self._looked_at >= RESOURCES_SECONDS:
            self._looked_at = now
            self._resources = process_samples(self._place, starts=METRICS.starts)
            if self._looks_at_disk:
                self._resources |= disk_samples(self._directory)
        return self._resources


def published(directory: Path) -> list[Numbers]:
    """What the processes of a server have shown, each one's last."""
    return [_read(file) for file in sorted(directory.glob("metrics-*.json"))]


def render(processes: Sequence[Numbers]) -> bytes:
    """Numbers of processes, added up, in the Prometheus text format."""
    names = labels()
    each = [
        Declared(metric=one, labels=names[one.name], bounds=_BOUNDS.get(one.name, ()))
        for one in declared()
    ]
    outcomes = [outcome.name.lower() for outcome in Outcome]
    return Page(processes, outcomes=outcomes, now=monotonic()).text(each).encode()


def _read(file: Path) -> Numbers:
    return msgspec.json.decode(file.read_bytes(), type=Numbers)

