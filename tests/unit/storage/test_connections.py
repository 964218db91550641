"""The count of a server's connections has everybody who opens one."""

from __future__ import annotations

import re
from pathlib import Path

from settlement.console import desk as console
from settlement.keyring import KeyMaterial, Keyring
from settlement.serve import hub_desk, mobile, my, paying
from settlement.storage import connect
from settlement.storage.connections import (
    LOOPS,
    OF_A_GATEWAY,
    OF_A_SERVER,
    connections_at_most,
    connections_held,
)
from settlement.workers.registry import all_loops

SETTLEMENT = Path(__file__).resolve().parents[3] / "settlement"
KEPT = re.compile(
    r"(?:Reconnecting|Several|LookedUpFirst)\(\s*[\w.]+,\s*(?:\"(settlement-[\w-]+)\"|(\w+_NAME))"
    r"|connection=\"(settlement-[\w-]+)\"|connection_for\([^)]*\"(settlement-[\w-]+)\""
)
FOR_A_MOMENT = {
    "settlement-operator", "settlement-verify-archive", "settlement-paper",
    "settlement-statement", "settlement-import", "settlement-matching", "settlement-importer",
}  # fmt: skip
"""Of commands, of an import and of jobs that people wait for; counted by server or not at all."""


def opened() -> set[str]:
    """Names under which the programs of a server open connections."""
    found = set()
    for path in SETTLEMENT.rglob("*.py"):
        if "demo" in path.parts or "doctor" in path.parts:
            continue
        for name, constant, errand, moment in KEPT.findall(path.read_text("utf-8")):
            found.add(name or errand or moment or getattr(connect, constant))
    return found


def test_everybody_who_opens_a_connection_is_counted() -> None:
    names = opened()
    assert len(names) > 15
    assert names - FOR_A_MOMENT == set(OF_A_GATEWAY)


def test_counts_are_those_of_the_programs() -> None:
    for name, count in (
        ("settlement-payments", paying.SIDE_CONNECTIONS),
        ("settlement-mobile", mobile.SIDE_CONNECTIONS),
        ("settlement-my", my.SIDE_CONNECTIONS),
        ("settlement-hub", hub_desk.SIDE_CONNECTIONS + 1),
    ):
        assert OF_A_GATEWAY[name] == count
    assert OF_A_SERVER["settlement-console"] == console.READERS + console.WRITERS


def test_loops_are_all_of_them() -> None:
    key = KeyMaterial(version=1, encryption=bytes(32), lookup=bytes(32))
    assert len(all_loops(Keyring((key,)))) == LOOPS


def test_more_processes_and_journals_need_more() -> None:
    assert connections_held(workers=2, journals=1) < connections_at_most(workers=2, journals=1)
    assert connections_at_most(workers=2, journals=1) <= 100
    assert connections_held(workers=2, journals=4) - connections_held(workers=2, journals=1) == 6
