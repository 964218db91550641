"""`make drill-channels`, small: payments over channels that fail, and a gateway that is killed."""

from __future__ import annotations

from collections import Counter

from loadtest.drill_channels import Run, Settings, figures_of, run, table
from tests.kit.served import ROOT
from tests.services import embedded_environment, temporary_directory

SEED = 7
"""The drill itself takes another each time; what is dealt to whom still depends on who is first."""
PAYMENTS = 200
SHARE_PPM = 30_000
"""More than the drill's own: each kind shall happen now and then in so few."""
CONTRACT = (
    "operations", "acknowledged", "lost", "doubled", "unresolved", "books_equal", "verify_ok",
    "certainty_p99_s", "recovery_s", "seed",
)  # fmt: skip


def test_books_agree_after_faults_of_all_kinds_and_a_killed_gateway() -> None:
    settings = Settings(
        payments=PAYMENTS, tills=PAYMENTS, share_ppm=SHARE_PPM, persons=1_000,
        seed=SEED, impatient=1.0,
    )  # fmt: skip
    done = _done(settings)
    figures = figures_of(settings, done)
    told = "\n".join(table(figures))
    assert figures["passed"], told
    assert set(CONTRACT) <= set(figures)
    assert figures["acknowledged"] > PAYMENTS // 2, told
    assert done.rows_on_bills > 0, told
    for own in (figures["own_alone_ms"], figures["own_ms"]):
        assert isinstance(own, dict) and own["payments"] and own["leg_p50"], told
    assert done.shift.killed_pid is not None
    assert sum(sum(book.happened.values()) for book in done.books.values()) > 0
    channels = Counter(one.channel for one in done.shift.believed)
    assert all(channels[name] for name in done.books), told


def _done(settings: Settings) -> Run:
    with temporary_directory() as base:
        environment = {**embedded_environment(), "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
        return run(settings, base / "data", environment)
