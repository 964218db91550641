"""The whole from seeds: a fixed set, a fresh one whose seeds are printed, and breaks that must be
found (tests/simulation/whole, ADR 0054)."""

from __future__ import annotations

import os
import random
import subprocess
import sys

import pytest

from tests.simulation.whole import __main__ as command
from tests.simulation.whole.mutations import (
    BREAKS,
    Break,
    keeps_the_year_of_what_is_undone,
)
from tests.simulation.whole.story import FAULTS, OPERATIONS, StoryBroken, play

FIXED = range(1, 7)
FRESH = 4
FOUND_WITHIN = 40
"""Seeds in which a break must be found; most are found in the first."""


@pytest.mark.parametrize("seed", FIXED)
def test_books_of_all_agree_after_a_story_that_is_always_the_same(seed: int) -> None:
    told = play(seed)
    assert told.operations >= 0.95 * OPERATIONS
    assert told.faults.total() >= FAULTS


def test_books_of_all_agree_after_a_fresh_story(rng: random.Random) -> None:
    for _ in range(FRESH):
        seed = rng.getrandbits(31)
        print(f"make simulate FROM={seed} SEEDS=1")
        play(seed)


def test_a_seed_tells_the_same_story_in_another_process() -> None:
    digest = play(3).digest
    again = subprocess.run(
        [sys.executable, "-m", "tests.simulation.whole", "--from", "3", "--seeds", "1"],
        env={**os.environ, "PYTHONHASHSEED": "7"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert again.stdout.strip().endswith(f"digest {digest}")


@pytest.mark.parametrize("wrong", BREAKS, ids=lambda one: one.__name__)
def test_simulation_finds_what_is_broken_on_purpose(
    monkeypatch: pytest.MonkeyPatch, wrong: Break
) -> None:
    wrong(monkeypatch)
    with pytest.raises(StoryBroken, match="make simulate FROM="):
        for seed in range(FOUND_WITHIN):
            play(seed)


def test_failing_seed_is_printed_with_its_step_its_invariant_and_what_plays_it_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keeps_the_year_of_what_is_undone(monkeypatch)
    assert command.main(["--from", "0", "--seeds", f"{FOUND_WITHIN}"]) == 1
    told = capsys.readouterr().out
    for what in ("seed", "step", "invariant", "replay     make simulate FROM="):
        assert what in told
