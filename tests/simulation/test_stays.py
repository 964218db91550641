"""Thousands of stays with deposits that come, are used and go back in any order: nothing is used
twice, nothing is lost, and the books say what the stay says (tests/simulation/stays.py)."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from settlement import deposit
from tests.simulation.stays import play

STAYS = 400
FEW = 200


def test_what_was_paid_in_is_used_or_gone_back_or_left(rng: random.Random) -> None:
    told: Counter[str] = Counter()
    for _ in range(STAYS):
        told.update(line.partition(" ")[2] for line in play(rng.getrandbits(32)).told)
    done = Counter(line.split()[0] for line, n in told.items() for _ in range(n) if "done" in line)
    for what in ("HoldDeposit", "SettleStay", "HoldStay", "Cancel", "TakeBack", "Report"):
        assert done[what] > STAYS / 10, done


def test_simulation_notices_when_an_undone_settlement_keeps_deposits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    used = deposit._use

    def keeps(deposits: dict[int, deposit.Deposit], parts: object, sign: int) -> None:
        if sign > 0:
            used(deposits, parts, sign)  # type: ignore[arg-type]

    monkeypatch.setattr(deposit, "_use", keeps)
    with pytest.raises(AssertionError, match="--seed"):
        for seed in range(FEW):
            play(seed)
