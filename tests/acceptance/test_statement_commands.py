"""`settlement statement`, `sheet` and `sheet-check` as they are typed beside a server."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from settlement.clock import local_time, system_clock
from settlement.embedded.services import Services
from tests.kit.command import settlement
from tests.kit.population import CLASS_A, CLASS_B, CLASS_C, PHARMACY, some
from tests.kit.served import ServedTown, a_served_town
from tests.services import FreshDatabase, chosen_environment

pytestmark = pytest.mark.asyncio(loop_scope="module")

WHO = ("--actor", "测试操作员")


class Shell:
    """Of the machine that the server runs on, after a sale and a cancel."""

    def __init__(self, town: ServedTown, environment: dict[str, str], folder: Path) -> None:
        self._town = town
        self._environment = environment
        self.folder = folder
        self.month = f"{local_time(system_clock()):%Y-%m}"
        self.sold = self.cancelled = ""

    async def do_business(self) -> None:
        """Two sales, one of which is taken back."""
        pharmacy = self._town.pharmacy
        sold = await pharmacy.sell(
            self._town.someone(), some(CLASS_A), some(CLASS_B), some(CLASS_C)
        )
        cancelled = await pharmacy.sell(self._town.someone(), some(CLASS_A))
        await pharmacy.send(pharmacy.cancel(cancelled))
        self.sold, self.cancelled = sold.setl_id, cancelled.setl_id

    async def type(self, *arguments: str) -> tuple[int, str]:
        """Exit status and what was printed."""
        line = [*arguments, "--data-dir", str(self._town.data)]
        ran = await asyncio.to_thread(settlement, line, self._environment)
        assert "Traceback" not in ran.stderr, ran.stderr
        return ran.returncode, ran.stdout + ran.stderr

    async def statement(self, *arguments: str, institution: str = PHARMACY.code) -> tuple[int, str]:
        """A statement into a folder of its own."""
        return await self.type(
            "statement", "--institution", institution, "--month", self.month,
            "--out", str(self.folder / "out"), *arguments, *WHO,
        )  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shell(
    services: Services, database: FreshDatabase, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Shell]:
    """The shell beside a served town."""
    environment = chosen_environment(services, database)
    async with a_served_town(environment, workers=1) as town:
        shell = Shell(town, environment, tmp_path_factory.mktemp("sheets"))
        await shell.do_business()
        yield shell


async def test_month_is_written_in_every_form(shell: Shell) -> None:
    for form, count, mark in (("csv", 4, b"\xef\xbb\xbf"), ("xlsx", 1, b"PK"), ("pdf", 1, b"%PDF")):
        status, text = await shell.statement("--format", form)
        assert status == 0, text
        paths = [Path(line) for line in text.splitlines()]
        assert len(paths) == count
        assert all(path.read_bytes().startswith(mark) for path in paths)
    assert not list(shell.folder.glob("out/*.part"))
    details = shell.folder / "out" / f"statement-{PHARMACY.code}-{shell.month}-details.csv"
    assert shell.sold in details.read_text("utf-8") and len(details.read_bytes().splitlines()) == 4


async def test_unknown_institution_and_month_are_refused(shell: Shell) -> None:
    assert (await shell.statement(institution="H99999999999"))[0] == 1
    status, text = await shell.type(
        "statement", "--institution", "X", "--month", "2026-13", "--out", "x"
    )
    assert status == 2 and "no month like 2026-10" in text
    (shell.folder / "file").write_text("")
    status, text = await shell.type(
        "statement", "--institution", PHARMACY.code, "--month", shell.month,
        "--out", str(shell.folder / "file"), *WHO,
    )  # fmt: skip
    assert status == 1 and "cannot be written" in text


async def test_sheet_is_printed_counted_and_checked(shell: Shell) -> None:
    for count in (1, 2):
        paper = shell.folder / f"sheet-{count}.pdf"
        status, text = await shell.type("sheet", shell.sold, "--out", str(paper), *WHO)
        assert status == 0 and f"第 {count} 次打印" in text, text
        assert paper.read_bytes().startswith(b"%PDF")
    found = re.search(r"code (\S+)", text)
    assert found is not None
    status, text = await shell.type("sheet-check", shell.sold, found.group(1).lower())
    assert status == 0 and "相符" in text and "settlement stands" in text, text
    assert (await shell.type("sheet-check", shell.cancelled, found.group(1)))[0] == 1
    status, text = await shell.type("sheet", shell.cancelled, "--out", str(paper), *WHO)
    found = re.search(r"code (\S+)", text)
    assert found is not None
    status, text = await shell.type("sheet-check", shell.cancelled, found.group(1))
    assert status == 0 and "不再有效" in text


async def test_sheet_of_nothing_is_refused(shell: Shell) -> None:
    unknown = "2611000100001000001"
    assert (await shell.type("sheet", unknown, "--out", str(shell.folder / "x"), *WHO))[0] == 1
    assert (await shell.type("sheet-check", unknown, "2222"))[0] == 1
    assert (await shell.type("sheet", "12", "--out", "x"))[0] == 2
