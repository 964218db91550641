"""The command line: help is instant and complete, wrong usage is told in words."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from settlement.cli import main
from settlement.cli.parser import SUBJECTS
from settlement.console import words
from settlement.intake.order import CUT_OVER, KINDS
from settlement.said import UNUSABLE
from settlement.serve.operations import suspend

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    "command",
    [
        "serve",
        "verify",
        "readjudication",
        "stored",
        "traces",
        "notices",
        "story",
        "suspend",
        "resume",
        "approve-cancel",
        "withdraw-approval",
        "keys",
        "token",
        "payments",
        "regions",
    ],
)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert "--data-dir" in capsys.readouterr().out


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_kind_of_import_explains_itself(
    kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["import", kind, "--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert "--preview" in told and "--data-dir" in told
    assert ("--whole" in told) == (kind not in CUT_OVER)
    assert ("--confirm" in told) == (kind in CUT_OVER)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["serve", "--port", "70000"], "whole number from 0 to 65535"),
        (["serve", "--workers", "0"], "whole number from 1"),
        (["suspend", "doctor", "x", "--reason", "y"], "invalid choice"),
        (["suspend", "person", "x"], "--reason"),
        (["import", "items", "x.csv"], "--reason"),
        (["import", "items", "x", "--reason", "y", "--whole", "--skip-bad"], "not allowed with"),
        (["approve-cancel", "123", "--reason", "y"], "19 digits"),
        (["payments", "show", "123"], "19 digits"),
        (["payments", "retry", "2611000300001000001"], "--reason"),
        (["payments", "retry", "2611000300001000001", "--reason", "r"], "--actor"),
        (["payments", "given-back", "2611000300001000001", "--reason", " "], "it says nothing"),
        (["payments", "lose", "2611000300001000001"], "invalid choice"),
        (["stored", "--since", "yesterday"], "no date like 2026-11-01"),
        (["policy"], "ACTION"),
        ([], "COMMAND"),
    ],
)
def test_wrong_usage_is_told(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "title"), [([], "benefit-policy/2"), (["--region"], "region-profile/1")]
)
def test_schema_of_policy_files_is_printed(
    arguments: list[str], title: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["policy", "schema", *arguments]) == 0
    assert json.loads(capsys.readouterr().out)["title"].endswith(title)


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys, settlement.cli\n"
        "print([m for m in ('aiohttp', 'asyncpg', 'uvloop', 'msgspec') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.strip() == "[]"


def test_whatever_a_switch_may_stop_is_stopped_by_command_and_page() -> None:
    schema = ROOT / "settlement/storage/sql/schema/10-reference.sql"
    checked = re.search(r"check\s+\(subject_kind in \(([^)]+)\)\)", schema.read_text())
    assert checked is not None
    kinds = set(re.findall(r"'(\w+)'", checked[1]))
    assert kinds == set(SUBJECTS) == set(words.SUBJECTS)


def test_channel_that_there_is_not_is_not_stopped(tmp_path: Path) -> None:
    said = suspend(
        tmp_path, kind="channel", subject="weixin", reason="y", actor="z", suspended=True
    )
    assert said.status == UNUSABLE
    assert "wechat, alipay, unionpay, onecode" in said.text
