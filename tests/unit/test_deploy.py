"""What deploy/ says of container and unit: nobody runs it, nothing but data is written.

No container is built here: where the tests run there may be no runtime for one.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.tidy.tree import ROOT

CONTAINER = ROOT / "deploy" / "container"
UNIT = ROOT / "deploy" / "systemd" / "settlement.service"


def stages() -> list[list[str]]:
    """The instructions of each stage, continued lines joined, without comments."""
    text = (CONTAINER / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    found: list[list[str]] = [[]]
    for line in lines:
        if line.startswith("FROM "):
            found.append([])
        found[-1].append(line)
    return found


def test_image_is_built_in_one_stage_and_run_in_another_by_nobody() -> None:
    _, build, final = stages()
    assert any("tools/environment.py runtime" in line for line in build), "hashes are checked"
    assert not any(line.startswith("RUN") for line in final), "nothing is installed where it runs"
    assert [line for line in final if line.startswith("USER")] == ["USER 65534:65534"]
    assert any(line.startswith("HEALTHCHECK") and "/readyz" in line for line in final)
    assert any(line.startswith('ENTRYPOINT ["/app/.venv/bin/settlement"]') for line in final)


def test_what_the_build_copies_is_there_and_is_let_in() -> None:
    copied = [
        name
        for line in stages()[1]
        if line.startswith("COPY")
        for name in line.split()[1:-1]
    ]
    assert all((ROOT / name).exists() for name in copied)
    ignored = (CONTAINER / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    assert {line[1:] for line in ignored if line.startswith("!")} == set(copied)
    assert "*" in ignored and "**/*.key" in ignored


def test_container_may_write_nothing_but_its_data() -> None:
    composed = yaml.safe_load((CONTAINER / "compose.yaml").read_text("utf-8"))
    [service] = composed["services"].values()
    assert service["read_only"] is True and service["user"] == "65534:65534"
    assert service["cap_drop"] == ["ALL"] and "privileged" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["volumes"] == ["data:/data"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    documented = (ROOT / "docs/operating/running.md").read_text("utf-8")
    assert all(f"`{name}`" in documented for name in service["environment"])


def test_unit_runs_as_nobody_in_particular_and_is_well_formed(tmp_path: Path) -> None:
    text = UNIT.read_text("utf-8")
    for line in ("DynamicUser=yes", "ProtectSystem=strict", "NoNewPrivileges=yes"):
        assert line in text.splitlines()
    assert re.search(r"^CapabilityBoundingSet=$", text, re.MULTILINE)
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("no systemd-analyze here")
    program = tmp_path / "settlement"
    program.write_text("#!/bin/sh\n", "utf-8")
    program.chmod(0o755)
    unit = tmp_path / "settlement.service"
    unit.write_text(text.replace("/opt/settlement/.venv/bin/settlement", str(program)), "utf-8")
    done = subprocess.run(
        [analyze, "verify", str(unit)], capture_output=True, text=True, check=False
    )
    assert "settlement.service" not in done.stderr, done.stderr
