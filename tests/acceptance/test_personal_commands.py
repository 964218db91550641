"""`settlement personal` and `settlement rekey` as they are typed beside a server that settles."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from settlement.embedded.services import Services
from settlement.storage.keyfile import read_materials
from tests.kit.command import settlement
from tests.kit.population import CLASS_A, some
from tests.kit.served import ROOT, ServedTown, a_served_town
from tests.services import FreshDatabase, chosen_environment

pytestmark = pytest.mark.asyncio(loop_scope="module")
WHO = ("--reason", "测试〔2026〕1号", "--actor", "测试经办甲")


class Shell:
    """Of the machine that the server runs on."""

    def __init__(self, town: ServedTown, environment: dict[str, str]) -> None:
        self.town = town
        self.environment = environment

    async def type(self, *arguments: str) -> tuple[int, str]:
        """Exit status and what was printed."""
        line = [*arguments, "--data-dir", str(self.town.data)]
        ran = await asyncio.to_thread(settlement, line, self.environment)
        assert "Traceback" not in ran.stderr, ran.stderr
        return ran.returncode, ran.stdout + ran.stderr

    async def kill_at_first_word(self, *arguments: str) -> None:
        """Begin a command, and end it with SIGKILL when it says how far it is."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "settlement.cli", *arguments, "--data-dir", str(self.town.data),
            env={**self.environment, "PYTHONPATH": str(ROOT)}, stderr=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        assert process.stderr is not None
        assert await process.stderr.readline()
        os.kill(process.pid, signal.SIGKILL)
        assert await process.wait() == -signal.SIGKILL


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shell(services: Services, database: FreshDatabase) -> AsyncIterator[Shell]:
    """The shell beside a served town."""
    environment = chosen_environment(services, database)
    async with a_served_town(environment, workers=1) as town:
        yield Shell(town, environment)


async def test_key_is_changed_while_the_server_settles_and_the_command_is_killed(
    shell: Shell,
) -> None:
    who = shell.town.someone()
    assert (await shell.town.pharmacy.sell(who, some(CLASS_A, 2))).infcode == 0
    assert (await shell.type("rekey", "use", *WHO))[0] == 2, "there is none yet"
    for action in ("add", "use"):
        status, text = await shell.type("rekey", action, *WHO)
        assert status == 0, text
    assert (await shell.type("rekey", "retire", *WHO))[0] == 1
    await shell.kill_at_first_word("rekey", "run")
    assert (await shell.town.pharmacy.sell(who, some(CLASS_A, 1))).infcode == 0
    status, text = await shell.type("rekey", "run")
    assert (status, "everything is under it" in text) == (0, True), text
    status, text = await shell.type("rekey", "retire", *WHO)
    assert status == 0, text
    status, text = await shell.type("rekey", "status")
    assert "密钥 2 启用" in text and "密钥 1" not in text
    assert (await shell.town.pharmacy.sell(who, some(CLASS_A, 3))).infcode == 0
    assert (await shell.type("verify"))[0] == 0
    shell.town.keyring.renew(read_materials(shell.town.data / "secrets" / "keys.json"))


async def test_copy_is_for_nobody_else_to_read(shell: Shell, tmp_path: Path) -> None:
    who = shell.town.someone()
    assert (await shell.town.pharmacy.sell(who, some(CLASS_A, 2))).infcode == 0
    status, text = await shell.type(
        "personal", "export", who.number, "--to", str(tmp_path / "copy"), *WHO
    )
    assert status == 0, text
    assert who.number not in text
    told = json.loads((tmp_path / "copy" / "personal-data.json").read_text())
    assert told["identity"]["name"] == who.insured.identity.name
    assert "结算明细（1 项）" in (tmp_path / "copy" / "personal-data.txt").read_text()
    modes = [path.stat().st_mode & 0o077 for path in (tmp_path / "copy").iterdir()]
    assert modes == [0, 0]


async def test_young_lines_are_kept_and_the_reason_is_said(shell: Shell) -> None:
    who = shell.town.someone()
    assert (await shell.town.pharmacy.sell(who, some(CLASS_A, 2))).infcode == 0
    status, text = await shell.type("personal", "erase", who.number, *WHO)
    assert (status, "按规定保存 30 年" in text) == (1, True), text
    status, text = await shell.type("personal", "expire", "--preview", *WHO)
    assert (status, "0 人" in text) == (0, True), text
