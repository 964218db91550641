"""What a drill of faults says in the end: figures to write down, a table for people. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from loadtest.drills.audit import Findings
from loadtest.drills.client_book import Entry
from loadtest.drills.fault_director import Suffered
from loadtest.drills.mixed_load import Pulse
from loadtest.drills.till import Believed
from loadtest.report import Figure

SHOWN_MAX = 10
HEAD = (
    f"{'fault':<26} {'held s':>7} {'recovery s':>10} {'whole s':>8} {'errors':>7} "
    f"{'window s':>9} {'gap s':>7} {'good':>7} {'audited':>8}"
)


class StageDone(Struct, frozen=True, kw_only=True):
    """What one server and its load left."""

    name: str
    suffered: Sequence[Suffered]
    findings: Findings
    """of the whole book at the end"""
    at_channels: Findings
    pulse: Pulse
    outcomes: Mapping[str, int]
    believed: Sequence[Believed]

    @property
    def is_clean(self) -> bool:
        """Everything fits."""
        turns = all(one.is_clean for one in self.suffered)
        return turns and self.findings.clean and self.at_channels.clean


def outcomes_of(entries: Iterable[Entry]) -> dict[str, int]:
    """How many messages ended in which way, and how many had to be sent again."""
    counts = Counter[str]()
    for entry in entries:
        counts[entry.outcome.value] += 1
        counts["resent"] += entry.silences > 0
    return dict(counts)


def figures_of(
    stages: Sequence[StageDone], *, form: str, seed: int, seconds: float,
    skipped: Sequence[str] = (),
) -> dict[str, Figure]:  # fmt: skip
    """What is written down. The first names are the contract's."""
    suffered = [one for stage in stages for one in stage.suffered]
    believed = [one for stage in stages for one in stage.believed]
    outcomes = Counter[str]()
    for stage in stages:
        outcomes.update(stage.outcomes)
    findings = [one for stage in stages for one in (stage.findings, stage.at_channels)]
    findings += [one.findings for one in suffered]
    missed = [one.fault for one in suffered if not one.in_time]
    acknowledged = outcomes["done"] + sum(one.status == "settled" for one in believed)
    certain = sorted(
        one.certain_seconds
        for one in believed
        if one.channel and not one.confirmed and one.certain_seconds is not None
    )
    return {
        "operations": sum(stage.pulse.messages for stage in stages)
        + sum(one.requests for one in believed),
        "acknowledged": acknowledged,
        "lost": len({text for one in findings for text in one.lost}),
        "doubled": len({text for one in findings for text in one.doubled}),
        "unresolved": len({text for one in findings for text in one.unresolved}),
        "books_equal": not any(one.differences for one in findings),
        "verify_ok": all(one.verified is not False for one in suffered),
        "verifications": sum(one.verified is not None for one in suffered) + len(stages),
        "certainty_p99_s": _percentile(certain, 99),
        "recovery_s": {
            one.fault: _rounded(one.recovery_seconds) for one in suffered
        },
        "seed": seed,
        "form": form,
        "passed": all(stage.is_clean for stage in stages) and acknowledged > 0,
        "missed": missed,
        "resent": outcomes["resent"],
        "taken_back": outcomes["taken_back"],
        "refused": outcomes["refused"],
        "scan_to_pay": len(believed),
        "units": dict(sum((stage.pulse.units for stage in stages), Counter[str]())),
        "refusals": dict(sum((stage.pulse.refusals for stage in stages), Counter[str]())),
        "turned_away": sum(stage.pulse.turned_away for stage in stages),
        "seconds": round(seconds, 1),
        "skipped": list(skipped),
        "faults": {f"{number}. {one.fault}": _fault(one) for number, one in enumerate(suffered, 1)},
        "findings": [
            text
            for one in findings
            for text in (*one.lost, *one.doubled, *one.unresolved, *one.differences)
        ][: 10 * SHOWN_MAX],
    }  # fmt: skip


def line_of(one: Suffered) -> str:
    """A fault's line of the table."""
    marks = "" if one.is_clean else "  WRONG"
    if not one.in_time:
        marks += f"  LATE (asked: {one.recovery_seconds_max} s)"
    return (
        f"{one.fault:<26} {one.held_seconds:>7.1f} {_shown(one.recovery_seconds):>10} "
        f"{_shown(one.whole_seconds):>8} {one.errors:>7} {one.error_window_seconds:>9.2f} "
        f"{one.gap_seconds:>7.2f} {one.good:>7} {one.audited:>8}{marks}"
    )


def table(figures: Mapping[str, Figure]) -> list[str]:
    """For the terminal, after the lines of the faults."""
    lines = [""]
    left_out = ("machine", "findings", "faults", "recovery_s")
    for name, value in figures.items():
        if name in left_out:
            continue
        if isinstance(value, dict):
            value = ", ".join(f"{key} {shown}" for key, shown in value.items())
        if isinstance(value, list):
            value = ", ".join(value) or "none"
        lines.append(f"{name:<16} {value}")
    findings = figures["findings"]
    if isinstance(findings, list):
        lines += [f"  {one}" for one in findings[:SHOWN_MAX]]
    verdict = "PASSED" if figures["passed"] else "FAILED: the books do not say the same"
    return [*lines, f"{verdict} (seed {figures['seed']})"]


def _fault(one: Suffered) -> dict[str, Figure]:
    return {
        "held_s": one.held_seconds,
        "recovery_s": _rounded(one.recovery_seconds),
        "asked_s": one.recovery_seconds_max,
        "whole_s": _rounded(one.whole_seconds),
        "error_window_s": _rounded(one.error_window_seconds),
        "errors": one.errors,
        "kinds": dict[str, Figure](one.kinds),
        "gap_s": _rounded(one.gap_seconds),
        "good": one.good,
        "audited": one.audited,
        "lost": len(one.findings.lost),
        "doubled": len(one.findings.doubled),
        "unresolved": len(one.findings.unresolved),
        "verify_ok": one.verified,
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def _shown(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds:.2f}"


def _percentile(ordered: Sequence[float], percent: float) -> float | None:
    if not ordered:
        return None
    return round(ordered[min(int(len(ordered) * percent / 100), len(ordered) - 1)], 3)
