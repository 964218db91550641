"""The shell of somebody of the agency, beside a town's database: commands as they are typed."""

from __future__ import annotations

import asyncio
import csv
import io
import os
import shlex
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

import msgspec

from ledger.postgres.shape import Shape
from settlement.cli import main
from settlement.embedded.external import APP_VARIABLE, OWNER_VARIABLE
from settlement.embedded.services import Services
from settlement.storage.keyfile import KEY_FILE_VARIABLE
from tests.kit.town import Town, a_town
from tests.services import FreshDatabase, chosen_environment

TRANSCRIPT = "SETTLEMENT_TEST_TRANSCRIPT"
"""A file that the session is also written to, to be read or put into the page."""


class Office:
    """See the module."""

    def __init__(self, town: Town, environment: dict[str, str], folder: Path) -> None:
        self.town = town
        self.folder = folder
        self._environment = environment
        self._transcript = os.environ.get(TRANSCRIPT)

    async def type(self, line: str, status: int = 0) -> str:
        """What a command prints; its status must be as expected."""
        words = shlex.split(line.replace("FOLDER", str(self.folder)))
        ended, printed = await asyncio.to_thread(typed, words, self._environment)
        assert ended == status, printed
        self._write(f"$ settlement {line}\n{printed}\n")
        return printed

    def _write(self, text: str) -> None:
        if self._transcript:
            with open(self._transcript, "a", encoding="utf-8") as file:
                file.write(text.replace(f"{self.folder}/", "").replace("FOLDER/", ""))

    def send(self, name: str, text: str) -> None:
        """A file comes."""
        (self.folder / name).write_text(text, encoding="utf-8")

    def rows(self, pattern: str) -> list[dict[str, str]]:
        """The rows of the newest file of such a name."""
        path = sorted(self.folder.glob(pattern))[-1]
        return list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"))))


def typed(words: list[str], environment: dict[str, str]) -> tuple[int, str]:
    """A command in this process, which has everything imported already: status, and what it
    prints. Others run beside it only where they neither print nor read the environment."""
    printed = io.StringIO()
    with patch.dict(os.environ, environment), redirect_stdout(printed), redirect_stderr(printed):
        try:
            status = main(words)
        except SystemExit as exc:  # argparse does not like the words
            status = int(exc.code or 0)
    return status, printed.getvalue()


@asynccontextmanager
async def an_office(
    services: Services, database: FreshDatabase, folder: Path
) -> AsyncIterator[Office]:
    """A town with a shell; the keys of its names lie in a file."""
    async with a_town(database, shape=Shape.ONE_MACHINE) as town:
        keys = folder / "keys"
        keys.write_bytes(msgspec.json.encode([town.key_material]))
        environment = {
            **chosen_environment(services, database), KEY_FILE_VARIABLE: str(keys),
            OWNER_VARIABLE: database.owner_dsn, APP_VARIABLE: database.app_dsn,
        }  # fmt: skip
        yield Office(town, environment, folder)
