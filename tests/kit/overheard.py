"""What the suite's processes write down: nobody's name, identity number or secret is in it.

A served town's processes write into a file that is read when the town is left, and their metrics
are asked for; what is logged in the test's own process passes a handler that formats it as a served
process would. So every test of the suite is one of this.
"""

from __future__ import annotations

import logging
import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from settlement.telemetry.logs import JsonFormatter, says_more

PERSONAL = {
    "a name": re.compile(r"测试[甲乙丙丁A-Z]\d*(?!\w)"),
    "an identity number": re.compile(r"(?<!\d)(?:999999|000000)(?:19|20)\d{9}[\dXx](?!\d)"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a password in an address": re.compile(r"\w+://[^\s:/@\"]+:[^\s:/@\"*]+@"),
}
"""What is personal or secret by its form; names and numbers of tests look like these."""
SHOWN = 300


def personal_in(text: str, secrets: Iterable[str] = ()) -> list[str]:
    """What is in a text and should not be, each with what stands around it."""
    found = []
    for what, pattern in PERSONAL.items():
        for one in pattern.finditer(text):
            around = text[max(one.start() - SHOWN, 0) : one.end() + SHOWN]
            found.append(f"{what}, {one[0]!r}: …{around}…")
    found += [f"a secret: {secret[:2]}…" for secret in secrets if secret and secret in text]
    return found


class Overheard(logging.Handler):
    """Hears what this process logs, as a server would write it."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter("test"))
        self.addFilter(says_more)
        self._found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Called by logging."""
        if record.name.startswith(("settlement", "ledger", "protocol", "aiohttp", "asyncpg")):
            self._found += personal_in(self.format(record))

    def taken(self) -> list[str]:
        """What was heard since the last time."""
        found, self._found = self._found, []
        return found


@contextmanager
def written_down(path: Path) -> Iterator[IO[bytes]]:
    """Where a server's processes write to; shown as ever, once the server has ended."""
    with path.open("wb") as file:
        yield file
    with path.open("r", encoding="utf-8", errors="replace") as said:
        shutil.copyfileobj(said, sys.stderr)
