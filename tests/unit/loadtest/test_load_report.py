"""What limits, how many machines, and a page that stands alone; void is said first."""

from __future__ import annotations

import pytest

from loadtest.drills.audit import Findings
from loadtest.generator.counts import Counts
from loadtest.load import charts, pages, sizing
from loadtest.load.audit import Audited, unaudited
from loadtest.load.figures import growth_of, report_of, resources_of
from loadtest.load.presets import Period, preset_named
from loadtest.load.run import Plan, Played, why_void
from loadtest.load.steady import steadiness
from loadtest.load.watch import Sample
from loadtest.server import Verdict

MACHINE = {"cores": "2"}


def _sample(at: float, cpu: float, stored: int) -> Sample:
    return Sample(
        at_seconds=at, cpu_seconds={"gateway": cpu, "postgres": cpu / 2, "generator": cpu / 4},
        private_bytes={"gateway": 1 << 28}, busy_seconds=2 * cpu, waiting_seconds=0.0,
        free_bytes=10**10, tables={"settlement": stored, "entry": 2 * stored},
    )  # fmt: skip


SAMPLES = [_sample(0.0, 10.0, 1_000), _sample(2.0, 11.0, 2_000), _sample(4.0, 12.0, 201_000)]


def _played(*, settled: int = 100, findings: Findings | None = None, ok: bool = True) -> Played:
    counts = Counts(seconds=4.0, stretches=2)
    counts.kinds["pharmacy"] = settled
    for number in range(settled):
        counts.of("2102").done += 1
        counts.at(number % 4).settled += 1
        counts.answered("2102", number % 4, 1_000 * (number + 1))
    audited = Audited(
        findings=findings or Findings(), lines={"settled": settled}, acknowledged_fen=12_345,
        verdict=Verdict(ok=ok, journals=1, entries=settled, first_bad=None if ok else "block 7"),
        paid_by_fen={"fund": 12_345}, refusals={},
    )  # fmt: skip
    return Played(
        plan=Plan(preset=preset_named("dongguan"), period=Period.HOUR, seconds=4.0),
        counts=counts, samples=SAMPLES, seconds=4.0, audited=audited,
        void=why_void(counts, audited),
    )  # fmt: skip


def test_processor_time_and_growth_are_shared_out_among_settlements() -> None:
    used = resources_of(SAMPLES, settled=100, cores=2)
    assert used.cpu_us_per_settlement == {"gateway": 20_000, "postgres": 10_000, "generator": 5_000}
    assert used.server_cpu_us_per_settlement == 30_000, "clients are not the server's"
    assert (used.busy_mean, used.others_mean, used.server_mean) == (0.5, 0.062, 0.375)
    grown = growth_of(SAMPLES, settled=100)
    assert grown.bytes_per_settlement == 6_000 and list(grown.by_table) == ["entry", "settlement"]


def test_machines_are_counted_for_the_fullest_hour_with_something_to_spare() -> None:
    city, province, country = sizing.sizes(cpu_us=1_200, cores=2, bytes_each=3_000)
    assert city.one_carries_per_s == 1_000.0, "three fifths of two processors"
    assert (city.machines, province.machines) == (1, 1)
    assert country.machines == 1 and 800 < country.busiest_per_s < 1_000
    assert sizing.sizes(cpu_us=12_000, cores=2, bytes_each=3_000)[2].machines == 9
    assert 54 < city.stored_gb_a_year < 56
    assert not sizing.sizes(cpu_us=0, cores=2, bytes_each=0)


def test_what_limits_is_said_and_so_is_who_else_used_the_machine() -> None:
    counts = Counts(seconds=4.0, stretches=2)
    free = sizing.what_limits(
        counts, points_p99=20, busy_most=0.3, waiting_most=0, others_mean=0, server_mean=0.28,
        by_kind={"gateway": 9},
    )  # fmt: skip
    assert free == ["nothing: the processors were 30% busy in the fullest twenty seconds"]
    counts.of("2102").dropped = 3
    full = sizing.what_limits(
        counts, points_p99=450, busy_most=0.99, waiting_most=0.4, others_mean=0.2,
        server_mean=0.1, by_kind={"gateway": 9, "postgres": 20},
    )  # fmt: skip
    told = ("postgres", "the disk", "3 customers", "450 ms", "others used 20%", "itself used 10%")
    assert len(full) == len(told) and all(one in said for one, said in zip(told, full, strict=True))


def test_a_run_whose_books_differ_is_void_and_says_so_first() -> None:
    played = _played(findings=Findings(lost=["P1 m1: lost", "P1 m2: lost"]), ok=False)
    assert played.void == ["the hash chains do not verify: block 7", "lost: P1 m1: lost (and 1)"]
    report = report_of(played, machine=MACHINE, commit="c", started_at="t", runner="lean")
    assert report.void
    for page in (pages.html(report), pages.markdown(report)):
        assert page.index("作废 VOID") < page.index("block 7") < page.index("结算 settlements")


def test_a_run_in_which_nothing_was_settled_is_void() -> None:
    assert "nothing was settled" in _played(settled=0).void[0]


def test_the_page_asks_nobody_for_anything_and_escapes_what_it_was_told() -> None:
    played = _played()
    played.counts.refusals["2102 <b>"] += 1
    report = report_of(played, machine=MACHINE, commit="c", started_at="t", runner="lean")
    page = pages.html(report)
    assert not report.void and "有效 VALID" in page and "&lt;b&gt;" in page and "<b>" not in page
    assert "http" not in page and "src=" not in page and "<script" not in page
    assert report.settled_per_s == 25.0 and report.latency_ms.p50 == 50.175


def test_a_run_at_one_rate_says_whether_its_last_third_was_like_the_one_before() -> None:
    counts = Counts(seconds=600.0, stretches=120)
    for one in counts.stretches:
        one.settled = 10
    samples = [_sample(10.0 * number, number + max(number - 40, 0), 1) for number in range(61)]
    told = steadiness(counts.stretches, samples, seconds=600.0, not_the_servers=("generator",))
    assert told is not None and (told.settled, told.private_bytes) == (1.0, 1.0)
    assert told.cpu_per_settlement == pytest.approx(2.0, rel=0.02), "twice as much since 400 s"
    short = steadiness(counts.stretches, samples, seconds=60.0, not_the_servers=())
    assert short is None


def test_charts_end_at_a_round_number_and_never_below_what_they_show() -> None:
    for most, top in ((0.0, 1.0), (1.9, 2.0), (206.0, 250.0), (1_000.0, 1_000.0), (5_300.0, 6e3)):
        assert charts.nice(most) == top


def test_a_run_that_could_not_be_audited_is_void() -> None:
    audited = unaudited("could not write to file: No space left on device")
    said = why_void(Counts(seconds=1.0, stretches=1), audited)
    assert not audited.is_clean and any("No space left on device" in one for one in said)
