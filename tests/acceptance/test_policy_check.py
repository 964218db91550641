"""Somebody who writes a policy is told in which file and line, and what to correct."""

from __future__ import annotations

from pathlib import Path

from settlement.policy.loader import shipped_files
from tests.kit.command import settlement

NAME = "dongguan-demo-employee.toml"
SHIPPED = shipped_files()[NAME].decode()


def test_check_names_file_line_and_what_to_correct(tmp_path: Path) -> None:
    file = tmp_path / NAME
    file.write_text(SHIPPED.replace('  ["3", 8500],\n', ""))
    ran = settlement(["policy", "check", str(file)])
    assert ran.returncode == 1
    assert f"{NAME} 第 " in ran.stdout and "ratios_bp.inpatient" in ran.stdout
    assert "没有一行适用于 level = 3" in ran.stdout
    file.write_text(SHIPPED)
    ran = settlement(["policy", "check", str(file)])
    assert (ran.returncode, "通过" in ran.stdout) == (0, True), ran.stderr
