"""What a load says in the end, as figures: rates, latencies, errors, resources, growth. Pure.

Written to build/load.json as they are; the pages for people (`page`, `markdown`) show the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TypeVar

from msgspec import Struct

from loadtest.generator.counts import ByName, Stretch
from loadtest.generator.histogram import Histogram
from loadtest.load import sizing
from loadtest.load.audit import Audited
from loadtest.load.presets import Pace
from loadtest.load.run import Played
from loadtest.load.sizing import Size
from loadtest.load.steady import Steady, steadiness
from loadtest.load.watch import GENERATOR, NEIGHBOUR, Sample

Number = TypeVar("Number", int, float)
SIMULATORS = "simulators"
NOT_THE_SERVERS = (GENERATOR, SIMULATORS, NEIGHBOUR)
"""What a real site has elsewhere: its clients, its payment channels, other regions and the hub."""


class Latency(Struct, frozen=True, kw_only=True):
    """Milliseconds from the intended time to the answer."""

    p50: float
    p90: float
    p99: float
    p999: float
    longest: float


class Transaction(Struct, frozen=True, kw_only=True):
    """One transaction of the interface."""

    done: int
    refused: int
    """answered, and not done: a refusal, or a payer who must still confirm"""
    errors: int
    broken: int
    dropped: int
    latency_ms: Latency


class Point(Struct, frozen=True, kw_only=True):
    """One stretch of the run."""

    at_seconds: float
    arrived: int
    settled: int
    failed: int
    dropped: int
    p50_ms: float
    p99_ms: float


class Use(Struct, frozen=True, kw_only=True):
    """Of the machine between two samples."""

    at_seconds: float
    cores: dict[str, float]
    """processors kept busy, by kind of process"""
    others: float
    """by everybody else on the machine"""
    waiting: float
    """idle, while somebody waited for the disk"""
    private_mib: dict[str, float]


class Resources(Struct, frozen=True, kw_only=True):
    """What the run took of the machine."""

    cores: int
    cpu_us_per_settlement: dict[str, int]
    server_cpu_us_per_settlement: int
    """without clients and simulated channels"""
    busy_mean: float
    """share of all processors, whoever used them"""
    busy_most: float
    """the same over the fullest twenty seconds"""
    others_mean: float
    """share that was used by what has nothing to do with the run"""
    server_mean: float
    """share that the server itself used"""
    waiting_most: float
    private_mib_most: dict[str, int]
    free_gb_least: float
    use: list[Use]


class Growth(Struct, frozen=True, kw_only=True):
    """Of tables with their indexes."""

    bytes_per_settlement: int
    by_table: dict[str, int]
    """bytes a settlement, the largest first"""
    stored_mb: list[tuple[float, float]]
    """seconds, and all tables"""


class AuditTold(Struct, frozen=True, kw_only=True):
    """What the audit found."""

    books_equal: bool
    verify_ok: bool
    entries: int
    verify_seconds: float
    answered: dict[str, int]
    acknowledged_fen: int
    paid_by_fen: dict[str, int]
    refusals: dict[str, int]
    lost: list[str]
    doubled: list[str]
    unresolved: list[str]
    differences: list[str]


class Report(Struct, frozen=True, kw_only=True):
    """Everything."""

    void: bool
    why: list[str]
    """why it does not count"""
    preset: str
    chinese: str
    source: str
    period: str
    season: str
    pace: str
    """`life` or `even`, see `presets.Pace`"""
    scale: float
    seed: int
    runner: str
    compression: float
    """how many times faster than life"""
    seconds: float
    machine: dict[str, str]
    commit: str
    started_at: str
    expected: int | None
    """settlements; not known where people think before they go on"""
    settled: int
    undone: int
    customers: dict[str, int]
    settled_per_s: float
    settled_per_s_most: float
    messages: int
    messages_per_s: float
    latency_ms: Latency
    transactions: dict[str, Transaction]
    failed: int
    dropped: int
    late: int
    refusals: dict[str, int]
    complaints: list[str]
    resources: Resources
    growth: Growth
    steady: Steady | None
    """of a run at one rate that was long enough"""
    limits: list[str]
    sizes: list[Size]
    audit: AuditTold
    points: list[Point]


def report_of(
    played: Played, *, machine: Mapping[str, str], commit: str, started_at: str, runner: str
) -> Report:
    """All figures of a load."""
    plan, counts, audited = played.plan, played.counts, played.audited
    seconds = max(played.seconds, 1e-9)
    points = _points(counts.stretches, plan.seconds)
    length = plan.seconds / len(points)
    settled_most = max((one.settled for one in points), default=0) / length
    resources = resources_of(
        played.samples, settled=audited.settled, cores=int(machine.get("cores", "1"))
    )
    growth = growth_of(played.samples, settled=audited.settled)
    return Report(
        void=bool(played.void), why=played.void, preset=plan.preset.name,
        chinese=plan.preset.chinese, source=plan.preset.source, period=plan.period.value,
        season=plan.season.value, pace=plan.pace.value, scale=plan.scale, seed=plan.seed,
        runner=runner,
        compression=round(len(plan.hours) * 3600 / plan.seconds, 1), seconds=round(seconds, 1),
        machine=dict(machine), commit=commit, started_at=started_at,
        expected=round(plan.expected) if runner == "lean" else None, settled=audited.settled,
        undone=audited.lines.get("undone", 0),
        customers={str(kind): number for kind, number in counts.kinds.items()},
        settled_per_s=round(audited.settled / seconds, 1),
        settled_per_s_most=round(settled_most, 1), messages=counts.messages,
        messages_per_s=round(counts.messages / seconds, 1), latency_ms=latency(counts.latency),
        transactions={name: _transaction(counts.names[name]) for name in sorted(counts.names)},
        failed=counts.failed, dropped=counts.dropped, late=counts.late,
        refusals=dict(counts.refusals.most_common(20)), complaints=counts.complaints,
        resources=resources, growth=growth, steady=_steady(played),
        limits=sizing.what_limits(
            counts, points_p99=max((one.p99_ms for one in points), default=0.0),
            busy_most=resources.busy_most, waiting_most=resources.waiting_most,
            others_mean=resources.others_mean, server_mean=resources.server_mean,
            by_kind=_of_server(resources.cpu_us_per_settlement),
        ),
        sizes=sizing.sizes(
            cpu_us=resources.server_cpu_us_per_settlement, cores=resources.cores,
            bytes_each=growth.bytes_per_settlement,
        ),
        audit=_audit(audited), points=points,
    )  # fmt: skip


def _steady(played: Played) -> Steady | None:
    if played.plan.pace is not Pace.EVEN:
        return None
    return steadiness(
        played.counts.stretches, played.samples, seconds=played.plan.seconds,
        not_the_servers=NOT_THE_SERVERS,
    )  # fmt: skip


def latency(histogram: Histogram) -> Latency:
    """In milliseconds."""
    return Latency(
        p50=histogram.percentile_ms(50), p90=histogram.percentile_ms(90),
        p99=histogram.percentile_ms(99), p999=histogram.percentile_ms(99.9),
        longest=histogram.percentile_ms(100),
    )  # fmt: skip


def resources_of(samples: Sequence[Sample], *, settled: int, cores: int) -> Resources:
    """Differences of neighbouring samples, and of the first and the last one."""
    use = [_use(one, other) for one, other in pairwise(samples)]
    count = max(settled, 1)
    spent: dict[str, int] = {}
    if samples:
        first, last = samples[0], samples[-1]
        spent = {
            kind: round((value - first.cpu_seconds.get(kind, 0.0)) * 1e6 / count)
            for kind, value in last.cpu_seconds.items()
        }
    busy = [(sum(one.cores.values()) + one.others) / cores for one in use]
    window = min(10, len(busy)) or 1
    most = [sum(busy[at : at + window]) / window for at in range(len(busy) - window + 1)]
    waiting = [one.waiting / cores for one in use]
    kinds = {kind for one in samples for kind in one.private_bytes}
    return Resources(
        cores=cores, cpu_us_per_settlement=spent,
        server_cpu_us_per_settlement=sum(_of_server(spent).values()),
        busy_mean=_mean(busy), busy_most=round(max(most, default=0.0), 3),
        others_mean=_mean([one.others / cores for one in use]),
        server_mean=_mean([sum(_of_server(one.cores).values()) / cores for one in use]),
        waiting_most=round(max(waiting, default=0.0), 3),
        private_mib_most={
            kind: max(one.private_bytes.get(kind, 0) for one in samples) >> 20
            for kind in sorted(kinds)
        },
        free_gb_least=round(min((one.free_bytes for one in samples), default=0) / 1e9, 1),
        use=use,
    )  # fmt: skip


def growth_of(samples: Sequence[Sample], *, settled: int) -> Growth:
    """From the first look at the tables to the last one."""
    looks = [one for one in samples if one.tables]
    if not looks or not settled:
        return Growth(bytes_per_settlement=0, by_table={}, stored_mb=[])
    first, last = looks[0].tables, looks[-1].tables
    grown = {name: (value - first.get(name, 0)) // settled for name, value in last.items()}
    ordered = dict(sorted(grown.items(), key=lambda one: -one[1]))
    whole = sum(last.values()) - sum(first.values())
    return Growth(
        bytes_per_settlement=whole // settled,
        by_table={name: value for name, value in ordered.items() if value > 0},
        stored_mb=[
            (round(one.at_seconds, 1), round(sum(one.tables.values()) / 1e6, 1)) for one in looks
        ],
    )  # fmt: skip


def _use(before: Sample, after: Sample) -> Use:
    seconds = max(after.at_seconds - before.at_seconds, 1e-9)
    cores = {
        kind: round((value - before.cpu_seconds.get(kind, 0.0)) / seconds, 3)
        for kind, value in after.cpu_seconds.items()
    }
    busy = (after.busy_seconds - before.busy_seconds) / seconds
    return Use(
        at_seconds=round(after.at_seconds, 1), cores=cores,
        others=round(max(busy - sum(cores.values()), 0.0), 3),
        waiting=round((after.waiting_seconds - before.waiting_seconds) / seconds, 3),
        private_mib={
            kind: round(value / 2**20, 1) for kind, value in after.private_bytes.items()
        },
    )  # fmt: skip


def _points(stretches: Sequence[Stretch], seconds: float) -> list[Point]:
    return [
        Point(
            at_seconds=round((place + 0.5) * seconds / len(stretches), 2), arrived=one.arrived,
            settled=one.settled, failed=one.failed, dropped=one.dropped,
            p50_ms=one.latency.percentile_ms(50), p99_ms=one.latency.percentile_ms(99),
        )
        for place, one in enumerate(stretches)
    ]  # fmt: skip


def _transaction(one: ByName) -> Transaction:
    return Transaction(
        done=one.done, refused=one.refused, errors=one.errors, broken=one.broken,
        dropped=one.dropped, latency_ms=latency(one.latency),
    )  # fmt: skip


def _audit(audited: Audited) -> AuditTold:
    findings = audited.findings
    return AuditTold(
        books_equal=findings.clean, verify_ok=audited.verdict.ok, entries=audited.verdict.entries,
        verify_seconds=round(audited.verdict.seconds, 1), answered=dict(audited.lines),
        acknowledged_fen=audited.acknowledged_fen, paid_by_fen=dict(audited.paid_by_fen),
        refusals=dict(audited.refusals), lost=findings.lost, doubled=findings.doubled,
        unresolved=findings.unresolved, differences=findings.differences,
    )  # fmt: skip


def _of_server(by_kind: Mapping[str, Number]) -> dict[str, Number]:
    return {kind: value for kind, value in by_kind.items() if kind not in NOT_THE_SERVERS}


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / len(values), 3) if values else 0.0

