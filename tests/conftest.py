"""What every tier shares: the order of the tiers, their marks, and one printed seed.

The servers are those of tests/services.py, one of each for a whole process of the run, started when
first asked for. Worlds and towns are fixtures of the tier that needs them.
"""

from __future__ import annotations

import logging
import os
import random
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.kit.overheard import Overheard

pytest_plugins = ("tests.services",)

HERE = Path(__file__).resolve().parent
TIERS = (
    "tidy",
    "unit",
    "contract",
    "integration",
    "concurrency",
    "adversity",
    "simulation",
    "acceptance",
    "browser",
)
OVERHEARD = Overheard()
SEED_VARIABLE = "SETTLEMENT_TEST_SEED"
SEED = int(os.environ.get(SEED_VARIABLE) or secrets.randbelow(2**32))
os.environ[SEED_VARIABLE] = str(SEED)
"""Where the run is several processes (pytest -n), each of them finds the printed one."""

# No deadline: a loaded two-core machine is slow now and then, and that is not what we test here.
settings.register_profile(
    "settlement",
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("settlement")


def pytest_configure(config: pytest.Config) -> None:
    """Each tier is a mark as well, so that `pytest -m "unit or contract"` works."""
    logging.getLogger().addHandler(OVERHEARD)
    for tier in TIERS:
        config.addinivalue_line("markers", f"{tier}: the tests under tests/{tier}")


def pytest_report_header(config: pytest.Config) -> str:
    """The seed of everything random, to run a failure again."""
    return f"seed: {SEED_VARIABLE}={SEED}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark by folder and run the cheap tiers first: the first failure is the simplest one."""
    for item in items:
        if (tier := _tier(item)) is not None:
            item.add_marker(tier)
    items.sort(key=lambda item: TIERS.index(_tier(item) or TIERS[-1]))


@pytest.fixture(autouse=True)
def _nothing_personal_is_logged() -> Iterator[None]:
    """Whatever a test does, what is logged meanwhile names nobody and gives no secret away."""
    yield
    assert OVERHEARD.taken() == []


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> random.Random:
    """Random numbers that depend on the printed seed and the test's name, not on its neighbours."""
    return random.Random(f"{SEED}:{request.node.nodeid}")


def _tier(item: pytest.Item) -> str | None:
    if not item.path.is_relative_to(HERE):
        return None
    folder = item.path.relative_to(HERE).parts[0]
    return folder if folder in TIERS else None
