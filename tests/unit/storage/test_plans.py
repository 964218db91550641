"""Query plans are made anew often while a session is young, seldom later."""

from __future__ import annotations

import pytest

from settlement.storage import journal
from settlement.storage.journal import PLANS_KEPT_SECONDS_MAX, PlanAge


def test_plans_live_twice_as_long_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(journal, "monotonic", lambda: now)
    plans = PlanAge()
    renewed = []
    for tenth in range(700):
        now = 100.0 + tenth / 10
        if plans.are_old():
            renewed.append(round(now - 100))
    assert renewed == [1, 3, 7, 15, 31, 63]


def test_plans_never_live_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(journal, "monotonic", lambda: now)
    plans = PlanAge()
    for _ in range(50):
        now += PLANS_KEPT_SECONDS_MAX
        assert plans.are_old()
        assert not plans.are_old()
