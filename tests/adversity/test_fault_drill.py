"""`make drill`, small: a gateway and PostgreSQL fail under load, and all books say the same."""

from __future__ import annotations

from random import Random

from msgspec.structs import replace

from loadtest.drill_faults import FORMS, run
from loadtest.drills.fault_list import GATEWAY_KILLED, GATEWAY_STOPPED, POSTGRES_STOPPED_AT_ONCE
from loadtest.drills.fault_report import figures_of, line_of, table
from tests.kit.served import ROOT
from tests.services import embedded_environment, temporary_directory

FAULTS = (GATEWAY_KILLED, POSTGRES_STOPPED_AT_ONCE, GATEWAY_STOPPED)
"""Of the form for a minute. Starting a server again takes most of the processor that a test may
have: that is left to `make drill FORM=minute`."""
CONTRACT = (
    "operations", "acknowledged", "lost", "doubled", "unresolved", "books_equal", "verify_ok",
    "certainty_p99_s", "recovery_s", "seed",
)  # fmt: skip


def test_books_agree_after_a_gateway_and_the_database_failed_under_load(rng: Random) -> None:
    seed = rng.randrange(10_000)
    settings = replace(FORMS["minute"], faults=FAULTS, afterwards=(), seed=seed)
    with temporary_directory() as base:
        environment = {**embedded_environment(), "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
        stages, skipped = run(settings, base, environment)
    figures = figures_of(stages, form="test", seed=seed, seconds=0.0)
    (stage,) = stages
    told = "\n".join([*map(line_of, stage.suffered), *table(figures)])
    assert figures["passed"] and not skipped, told
    assert set(CONTRACT) <= set(figures)
    assert {one.fault for one in stage.suffered} == {one.name for one in FAULTS}
    assert all(one.recovery_seconds is not None and one.audited for one in stage.suffered), told
    assert figures["acknowledged"] and not figures["refused"], told
