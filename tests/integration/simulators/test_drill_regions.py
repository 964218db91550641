"""`make drill-regions`, small: care in another region over a hub that fails, one region down."""

from __future__ import annotations

from loadtest.drill_regions import Run, Settings, figures_of, run, table
from tests.kit.served import ROOT
from tests.services import embedded_environment, temporary_directory

SEED = 7
CASES = 150
SHARE_PPM = 60_000
"""More than the drill's own: each kind shall happen now and then in so few."""
DOWN_SECONDS = 3.0
CONTRACT = (
    "operations", "acknowledged", "lost", "doubled", "unresolved", "books_equal", "verify_ok",
    "certainty_p50_s", "certainty_p99_s", "recovery_s", "seed", "passed",
)  # fmt: skip


def test_both_ledgers_and_the_hub_agree_after_faults_and_a_region_that_was_down() -> None:
    settings = Settings(
        cases=CASES, counters=40, share_ppm=SHARE_PPM, persons=400, seed=SEED,
        down_seconds=DOWN_SECONDS,
    )  # fmt: skip
    done = _done(settings)
    figures = figures_of(settings, done)
    told = "\n".join(table(figures))
    assert figures["passed"], told
    assert list(figures)[: len(CONTRACT)] == list(CONTRACT)
    assert sum(one.stands for one in done.believed) > CASES // 2, told
    assert sum(done.happened.values()) > 0
    assert any(one.was_unclear for one in done.believed), told
    assert len(done.hub.totals) == 2, "people of each region are treated in the other one"


def _done(settings: Settings) -> Run:
    with temporary_directory() as base:
        environment = {**embedded_environment(), "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
        return run(settings, base, environment)
