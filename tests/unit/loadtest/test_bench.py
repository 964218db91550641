"""What the bench concludes from its windows."""

from __future__ import annotations

from loadtest import attach, bench
from loadtest.generator.tally import Tally
from loadtest.server import Verdict
from loadtest.stage import Costs


def window(rate: int, refused: int = 0) -> Tally:
    return Tally(units=rate * 2, window_seconds=2.0, refused=refused)


def windows() -> bench.Windows:
    return bench.Windows(
        echo=[window(20_000), window(10_000), window(20_000)],
        oneshot=[window(rate) for rate in (9_000, 11_000, 4_000, 6_000, 12_000, 8_000)],
        hot=[window(9_500), window(4_750), window(9_500)],
        hot_persons=[window(9_000), window(4_500), window(9_000)],
        visits=[window(1_500), window(1_700), window(1_600)],
        tpcb_per_s=[2_500.0, 1_250.0, 2_500.0],
        alone=[window(10_000)],
        while_verifying=[window(9_000)],
        open_loop=[window(1_000)],
    )


def test_rates_are_medians_and_ratios_are_of_the_same_round() -> None:
    figures = bench.rates(windows())
    assert figures["oneshot_per_s"] == 8_500
    assert figures["echo_per_s"] == 20_000
    assert figures["ratio_echo"] == 0.5
    assert figures["ratio_tpcb"] == 4.0
    assert figures["hot_cold_ratio"] == 0.95
    assert figures["hot_persons_ratio"] == 0.9
    assert figures["settle_during_verify_ratio"] == 0.9
    assert figures["visits_per_s"] == 1_600


def test_every_key_that_others_read_is_there() -> None:
    figures = bench.rates(windows()) | bench.costs(Costs())
    figures |= bench.proof(
        Verdict(ok=True, journals=2, entries=1, seconds=1.0),
        attach.Volume(entries=1, transfers=5),
    )
    assert figures.keys() >= {
        *("oneshot_per_s", "oneshot_p50_ms", "oneshot_p99_ms", "echo_per_s", "tpcb_per_s"),
        *("ratio_echo", "ratio_tpcb", "visits_per_s", "open_loop_1000", "hot_cold_ratio"),
        *("hot_persons_ratio", "settle_during_verify_ratio", "cpu_us_per_settlement"),
        *("bytes_per_settlement", "wal_bytes_per_settlement", "verify_per_s", "journals"),
        *("transfers_per_settlement", "verify_ok"),
    }


def test_costs_are_per_settlement() -> None:
    figures = bench.costs(
        Costs(
            cpu_seconds={"gateway": 0.5},
            cpu_units=10_000,
            stored_bytes=30_000_000,
            wal_bytes=40_000_000,
            settlements=12_000,
            entries=12_000,
            transfers=49_200,
        )
    )
    assert figures["cpu_us_per_settlement"] == {"gateway": 50.0}
    assert figures["bytes_per_settlement"] == 2_500
    assert figures["wal_bytes_per_settlement"] == 3_333
    assert figures["transfers_per_settlement"] == 4.1


def test_a_window_with_errors_is_named() -> None:
    taken = windows()
    taken.hot.append(window(9_000, refused=3))
    (trouble,) = taken.troubles()
    assert trouble.startswith("hot #3: 3 refused")
