"""Plans of cases: what is sealed comes back, and one that is kept open is never another's."""

from __future__ import annotations

import pytest

from settlement.committed import erased
from settlement.keyring import ErasedError, Keyring, UndecipherableError, new_material
from settlement.usecases import remote_payloads
from settlement.usecases.remote_payloads import Plan, forget_plan, open_plan, seal_plan
from tests.unit.usecases.builders import LANE, a_view
from tests.unit.usecases.home_builders import (
    CHANGSHA,
    a_hub_case,
    a_world_of_regions,
    decide,
    translator,
)

CASE_NO = 2611_0003_0000_1000_001
KEYRING = Keyring((new_material(1),))


def a_plan() -> Plan:
    """Some case with a settlement's row and detail."""
    world, case = a_world_of_regions(), a_hub_case()
    command = translator(world).share(case, CHANGSHA, quote=False)
    effects = decide(command, a_view("310", balance_fen=50_000, used_fen=0), world).effects
    assert effects is not None
    assert effects.settlement is not None
    assert effects.detail is not None
    return Plan(
        question=case, settlement=effects.settlement, detail=effects.detail, events=(), traces=(),
        message_key=bytes(16), fingerprint=b"",
    )  # fmt: skip


def opened_anew(sealed: bytes, keyring: Keyring = KEYRING, *, case_no: int = CASE_NO) -> Plan:
    """As a process reads it that has not put the case itself."""
    forget_plan(sealed, LANE, case_no)
    return open_plan(sealed, keyring, LANE, case_no)


def test_plan_comes_back_whether_it_was_kept_open_or_not() -> None:
    plan = a_plan()
    sealed = seal_plan(plan, KEYRING, LANE, CASE_NO)
    assert open_plan(sealed, KEYRING, LANE, CASE_NO) is plan
    again = opened_anew(sealed)
    assert again == plan
    assert open_plan(bytes(bytearray(sealed)), KEYRING, LANE, CASE_NO) is again


def test_plan_of_another_case_or_of_changed_bytes_is_not_the_one_kept_open() -> None:
    sealed = seal_plan(a_plan(), KEYRING, LANE, CASE_NO)
    with pytest.raises(UndecipherableError):
        open_plan(sealed, KEYRING, LANE, CASE_NO + 1)
    with pytest.raises(UndecipherableError):
        open_plan(sealed[:-1] + bytes([sealed[-1] ^ 1]), KEYRING, LANE, CASE_NO)
    with pytest.raises(ErasedError):
        open_plan(erased(sealed), KEYRING, LANE, CASE_NO)


def test_few_plans_are_kept_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_payloads, "_LATELY", kept := {})
    monkeypatch.setattr(remote_payloads, "_LATELY_MAX", 3)
    plan = a_plan()
    for number in range(5):
        seal_plan(plan, KEYRING, LANE, number)
    assert [case_no for _, _, case_no in kept] == [2, 3, 4]
