"""Orders about other regions: they reach a process of their own unchanged, and only trials keep
nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime

import msgspec
import pytest

from settlement.elsewhere.regional_clearing import Side
from settlement.finance.errand_tasks import (
    Clearing,
    PrepaidTask,
    RegionDayTask,
    RegionStateTask,
    RegionTakeTask,
    RegionTask,
)
from settlement.finance.errands import Errand, Place
from settlement.finance.regional_errands import keeps

MONTH, HUNAN = date(2026, 12, 1), "430000"
#   what is ordered, whether it is kept
TASKS: list[tuple[Clearing, bool]] = [
    (RegionStateTask(month=MONTH, party=None, keep=True), True),
    (RegionStateTask(month=MONTH, party=HUNAN, keep=False), False),
    (RegionTakeTask(month=MONTH, file="0" * 64, keep=True), True),
    (RegionTakeTask(month=MONTH, file="0" * 64, keep=False), False),
    (RegionTask(month=MONTH, party=HUNAN, side=Side.TREATMENT, act="object", seen=1,
                cases=("430100-1",)), True),
    (RegionTask(month=MONTH, party=HUNAN, side=Side.INSURANCE, act="notify", seen=4,
                reference="F1", amount_fen=-2_250), True),
    (PrepaidTask(party=HUNAN, side=Side.INSURANCE, act="quota", year=2027, keep=False), False),
    (PrepaidTask(party=HUNAN, side=Side.INSURANCE, act="in", amount_fen=1, confirm=True), True),
    (RegionDayTask(region="430100", side=Side.TREATMENT, day=MONTH, act="confirm",
                   cases=("430100-1",)), True),
]  # fmt: skip


@pytest.mark.parametrize(("task", "kept"), TASKS)
def test_order_arrives_as_it_was_sent_and_only_a_trial_keeps_nothing(
    task: Clearing, kept: bool
) -> None:
    errand = Errand(
        place=Place(owner_dsn="o", app_dsn="a", data_dir="d"), task=task, actor="jing",
        reason="测试", at=datetime(2027, 1, 8, tzinfo=UTC),
    )  # fmt: skip
    arrived = msgspec.json.decode(msgspec.json.encode(errand), type=Errand)
    assert arrived == errand
    assert keeps(task) is kept
