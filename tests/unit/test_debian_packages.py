"""Installing packages for tests starts no service on the machine, and leaves its rules alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import debian


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Instead of /usr/sbin/policy-rc.d; apt-get only says whether services may start."""
    file = tmp_path / "policy-rc.d"
    monkeypatch.setattr(debian, "POLICY", file)
    return file


@pytest.mark.parametrize("theirs", [None, "#!/bin/sh\nexit 0\n"])
def test_services_are_forbidden_while_packages_come_unless_the_machine_has_a_rule(
    policy: Path, monkeypatch: pytest.MonkeyPatch, theirs: str | None
) -> None:
    if theirs is not None:
        policy.write_text(theirs)
    seen: list[str] = []

    def apt_get(command: tuple[str, ...]) -> bool:
        seen.append(policy.read_text())
        return command[-1] == "etcd-server"

    monkeypatch.setattr(debian, "_ran", apt_get)
    assert debian.install(["patroni", "etcd-server"])
    assert seen == [theirs or "#!/bin/sh\nexit 101\n"]
    assert (policy.read_text() if policy.exists() else None) == theirs


def test_lists_of_packages_are_fetched_where_they_are_not_known(
    policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def apt_get(command: tuple[str, ...]) -> bool:
        asked.append(command[1])
        return "update" in asked

    monkeypatch.setattr(debian, "_ran", apt_get)
    assert debian.install(["patroni"])
    assert asked == ["install", "update", "install"]
    assert not policy.exists()
