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
SYSTEMD = ROOT / "deploy" / "systemd"
UNIT = SYSTEMD / "settlement.service"


def page(name: str) -> str:
    """A page for operators."""
    return (ROOT / "docs" / "operating" / name).read_text("utf-8")


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
    data, profiles = service["volumes"]
    assert data == "data:/data" and profiles.endswith(":/profiles:ro")
    given = service["environment"]
    assert given["SETTLEMENT_REGION"] == "${SETTLEMENT_REGION:-441900}"
    assert given["SETTLEMENT_PROFILE"] == "${SETTLEMENT_PROFILE:-}", "as without one"
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    documented = (ROOT / "docs/operating/running.md").read_text("utf-8")
    assert all(f"`{name}`" in documented for name in service["environment"])


def test_unit_runs_as_a_user_of_its_own_who_may_write_data_and_backups() -> None:
    """The user outlasts a run: whoever owns the data directory is the one whom commands obey."""
    lines = UNIT.read_text("utf-8").splitlines()
    for line in ("User=settlement", "ProtectSystem=strict", "NoNewPrivileges=yes"):
        assert line in lines
    assert "CapabilityBoundingSet=" in lines
    assert not any(line.startswith("DynamicUser") for line in lines)
    assert "StateDirectory=settlement" in lines
    [start] = [line for line in lines if line.startswith("ExecStart=")]
    assert start.endswith("--data-dir /var/lib/settlement")
    [store] = re.findall(r"^    settlement backup enable --to (\S+)", page("backups.md"), re.M)
    assert f"ReadWritePaths=-{store}" in lines
    made = (SYSTEMD / "sysusers.conf").read_text("utf-8").splitlines()[-1]
    assert re.fullmatch(r'u settlement - ".+" /var/lib/settlement', made)


def test_commands_run_as_the_service_does(tmp_path: Path) -> None:
    kept, shown = tmp_path / "environment", tmp_path / "runuser"
    kept.write_text('# ours\nSETTLEMENT_DATABASE_URL="postgresql://a:b@c/d?x=1&y=2"\n', "utf-8")
    shown.write_text('#!/bin/sh\necho "$SETTLEMENT_DATABASE_URL" "$@"\n', "utf-8")
    shown.chmod(0o755)
    text = (SYSTEMD / "settlement").read_text("utf-8")
    assert text.count("/etc/settlement/environment") == 2
    script = text.replace("/etc/settlement/environment", str(kept))
    for there in (True, False):
        done = subprocess.run(
            ["/bin/sh", "-c", script, "settlement", "verify", "--data-dir", "/a b"],
            capture_output=True, text=True, check=True,
            env={"PATH": f"{tmp_path}:/bin", "SETTLEMENT_DATABASE_URL": ""},
        )  # fmt: skip
        url = "postgresql://a:b@c/d?x=1&y=2" if there else ""
        program = "/opt/settlement/.venv/bin/settlement"
        said = f"{url} -u settlement -- {program} verify --data-dir /a b\n"
        assert done.stdout == said
        kept.unlink(missing_ok=True)


def test_pages_send_nobody_to_root_where_only_the_owner_may() -> None:
    assert "or as root" not in page("doctor.md")
    assert "`deploy/systemd/settlement`" in page("running.md")


def test_unit_is_well_formed(tmp_path: Path) -> None:
    text = UNIT.read_text("utf-8")
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
