"""What the overload drill found: figures by phase, what was missed, and a page to read. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from msgspec import Struct

from loadtest.drills.overload_crowd import QUOTE, SALE, UNDO, Outcomes
from loadtest.generator.tally import Tally
from loadtest.report import Figure

GOODPUT_MIN = 0.9
AWAY_MS_MAX = 50.0
CITY_SERVED_MIN = 0.99


class Kind(Struct, frozen=True, kw_only=True):
    """One kind of request in a phase; times in milliseconds from when it was due."""

    asked: int
    done: int
    served: float
    over_share: int
    done_p50_ms: float
    done_p99_ms: float


class Phase(Struct, frozen=True, kw_only=True):
    """One open loop."""

    offered_per_s: float
    done_per_s: float
    away: int
    away_p50_ms: float
    away_p99_ms: float
    without_advice: int
    failed: int
    not_sent: int
    """due, and no connection of the client was free"""
    sent_late: int
    generator_cores: float
    """what the client took of the processors meanwhile, which the server did not have"""
    kinds: dict[str, Kind]

    @classmethod
    def of(cls, offered_per_s: float, tally: Tally, outcomes: Outcomes) -> Phase:
        """From what was counted. `done_per_s` is by the window alone; who waits at its end does
        not count."""
        away = outcomes.away()
        return cls(
            offered_per_s=round(offered_per_s, 1),
            done_per_s=round(outcomes.done_in_window / max(tally.window_seconds, 1e-9), 1),
            away=away.total,
            away_p50_ms=away.percentile_ms(50),
            away_p99_ms=away.percentile_ms(99),
            without_advice=sum(one.without_advice for one in outcomes.of.values()),
            failed=sum(one.failed for one in outcomes.of.values()) + tally.connection_errors,
            not_sent=tally.dropped,
            sent_late=tally.late,
            generator_cores=round(tally.generator_cores, 3),
            kinds={
                name: Kind(
                    asked=one.asked, done=one.done.total, served=round(one.served, 4),
                    over_share=one.over_share,
                    done_p50_ms=one.done.percentile_ms(50), done_p99_ms=one.done.percentile_ms(99),
                )
                for name, one in sorted(outcomes.of.items())
            },
        )  # fmt: skip

    def served(self, kind: str) -> float:
        """The share of a kind that was carried out."""
        return self.kinds[kind].served if kind in self.kinds else 0.0


class Came(Struct, kw_only=True):
    """What a run came to."""

    seed: int
    machine: dict[str, Figure] = {}
    commit: str = ""
    capacity_per_s: float = 0.0
    capacities_per_s: list[int] = []
    """before and after each overload, in turns"""
    capacity_generator_cores: float = 0.0
    """what the client took of the processors while the capacity was measured"""
    beyond: list[Phase] = []
    beyond_ratios: list[float] = []
    """what was carried out at 1.5 times the capacity, of the capacity measured around it, both for
    a processor that the client left to the server"""
    beyond_raw_ratios: list[float] = []
    """the same whatever the client took: it has half as many requests again to send and to read"""
    pace_per_s: int = 0
    capped: Phase | None = None
    alone: Phase | None = None
    looping: Phase | None = None
    dawdling: Phase | None = None
    acknowledged: int = 0
    unanswered: int = 0
    differences: list[str] = []
    verify_ok: bool = False


class Missed(Struct, frozen=True, kw_only=True):
    """A goal that was missed; `counts` is false for times, which a busy machine makes longer."""

    text: str
    counts: bool = True


def what_was_missed(came: Came) -> list[Missed]:
    """Each goal that was, books first."""
    found: list[tuple[bool, str, bool]] = [
        (not came.verify_ok, "the ledger does not verify", True),
        (bool(came.differences), f"books differ: {came.differences[:3]}", True),
        (not came.acknowledged, "nothing was settled", True),
    ]
    if came.beyond_ratios:  # a short form leaves it out, as its processors do other things
        ratio = statistics.median(came.beyond_ratios)
        text = f"goodput at 1.5 times the capacity is {ratio:.2f} of it"
        found.append((ratio < GOODPUT_MIN, text, True))
    phases = {
        "beyond the pace": came.capped, "city alone": came.alone, "beside a loop": came.looping,
        "beside dawdlers": came.dawdling,
    }  # fmt: skip
    for name, phase in phases.items():
        if phase is None:
            found.append((True, f"{name}: not measured", True))
            continue
        found.append((phase.failed > 0, f"{name}: {phase.failed} failed", True))
        found.append((phase.without_advice > 0, f"{name}: no Retry-After", True))
        late = f"{name}: p99 of who is turned away is {phase.away_p99_ms:.0f} ms"
        found.append((phase.away > 0 and phase.away_p99_ms > AWAY_MS_MAX, late, False))
    found += _of_the_capped(came)
    return [Missed(text=text, counts=counts) for is_so, text, counts in found if is_so]


def _of_the_capped(came: Came) -> list[tuple[bool, str, bool]]:
    found: list[tuple[bool, str, bool]] = []
    if came.capped is not None:
        share = came.capped.done_per_s / came.pace_per_s
        found.append((share < GOODPUT_MIN, f"goodput at a pace is {share:.2f} of it", True))
        undo, sale, quote = (came.capped.served(one) for one in (UNDO, SALE, QUOTE))
        in_order = undo > sale > quote
        found.append((not in_order, f"served: undo {undo}, sale {sale}, quote {quote}", True))
    for name, phase in (("a loop", came.looping), ("dawdlers", came.dawdling)):
        if phase is not None:
            served = phase.served(SALE)
            text = f"beside {name} {served:.3f} of the city is served"
            found.append((served < CITY_SERVED_MIN, text, True))
    return found


def printed(came: Came, missed: Sequence[Missed]) -> str:
    """A page."""
    lines = [
        f"capacity {came.capacity_per_s:,.0f} sales a second "
        f"({', '.join(map(str, came.capacities_per_s))}); at 1.5 times "
        f"{', '.join(f'{one:.2f}' for one in came.beyond_ratios) or 'not measured'} of it "
        f"(with the client {', '.join(f'{one:.2f}' for one in came.beyond_raw_ratios)}); "
        f"the client took {came.capacity_generator_cores:.2f} cores of it",
        f"pace of the capped server {came.pace_per_s} a second",
        "",
        f"{'phase':<24}{'kind':<8}{'asked':>8}{'served':>9}{'p50 ms':>9}{'p99 ms':>9}",
    ]
    phases = [
        *((f"1.5 times, round {n}", one) for n, one in enumerate(came.beyond, 1)),
        ("3 times the pace", came.capped), ("city alone", came.alone),
        ("beside a loop", came.looping), ("beside dawdlers", came.dawdling),
    ]  # fmt: skip
    for name, phase in phases:
        if phase is None:
            continue
        for kind, row in phase.kinds.items():
            lines.append(
                f"{name:<24}{kind:<8}{row.asked:>8}{row.served:>9.1%}"
                f"{row.done_p50_ms:>9.1f}{row.done_p99_ms:>9.1f}"
            )
        lines.append(
            f"{'':<24}{phase.offered_per_s:,.0f}/s offered, {phase.done_per_s:,.0f}/s done, "
            f"{phase.away:,} turned away in {phase.away_p50_ms:.1f} ms (p99 "
            f"{phase.away_p99_ms:.1f}), {phase.not_sent:,} not sent, "
            f"client {phase.generator_cores:.2f} cores"
        )
    verified = "the ledger verifies" if came.verify_ok else "THE LEDGER DOES NOT VERIFY"
    lines += [
        "",
        f"{came.acknowledged:,} sales acknowledged, {came.unanswered} without an answer, "
        f"{len(came.differences)} differences with what is booked; {verified}",
    ]
    lines += [f"{'MISSED' if one.counts else 'SLOW'}: {one.text}" for one in missed]
    passed = not any(one.counts for one in missed)
    lines.append(f"{'PASSED' if passed else 'FAILED'} (seed {came.seed})")
    return "\n".join(lines)


