"""A line of paper: it answers what a test wrote down, in order, and remembers what was sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from settlement.client import (
    Came,
    FileStore,
    Institution,
    Lost,
    MemoryStore,
    NotSent,
    Operator,
    Patience,
    Patient,
)
from settlement.client.wire import Passage

AT = datetime(2026, 11, 25, 1, 2, 3, tzinfo=UTC)
CODE, PAASID, SECRET = "P99999900001", "test-paasid", "test-secret"
PATIENT = Patient(
    psn_no="99999900000000000001", psn_name="测试一", certno="999999198001010001",
    mdtrt_cert_no="999999198001010001",
)  # fmt: skip


class PaperWire:
    """See the module."""

    def __init__(self, *passages: Passage) -> None:
        self._passages = list(passages)
        self.sent: list[tuple[str, dict[str, object], dict[str, str]]] = []

    async def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Passage:
        self.sent.append((path, json.loads(body), dict(headers)))
        return self._passages.pop(0)

    async def get(self, path: str) -> Passage:
        return self._passages.pop(0)

    async def close(self) -> None:
        pass

    @property
    def infnos(self) -> list[object]:
        """What was sent, by transaction."""
        return [envelope["infno"] for _, envelope, _ in self.sent]

    @property
    def msgids(self) -> list[object]:
        """The ids that were sent."""
        return [envelope["msgid"] for _, envelope, _ in self.sent]


class PaperTime:
    """A clock that only pauses move."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.pauses: list[float] = []

    def monotonic(self) -> float:
        return self.seconds

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.seconds += seconds


def institution(
    wire: PaperWire, *, time: PaperTime | None = None, patience: Patience | None = None,
    numbers: FileStore | MemoryStore | None = None,
) -> Institution:  # fmt: skip
    """A pharmacy on a paper line, its clock standing at `AT`."""
    time = time or PaperTime()
    return Institution(
        "http://test", CODE, PAASID, SECRET, operator=Operator(code="0001", name="测试员"),
        numbers=numbers, patience=patience or Patience(deadline_seconds=3.0), wire=wire,
        clock=lambda: AT, read_monotonic=time.monotonic, pause=time.pause,
    )  # fmt: skip


def good(output: object = None, warn_msg: str = "") -> Came:
    """Carried out."""
    return _came(200, {"infcode": 0, "warn_msg": warn_msg, "output": output or {}})


def bad(code: str, retry: str = "never", field: str = "") -> Came:
    """Refused in the envelope."""
    told = {"infcode": -1, "err_msg": code, "err_code": code, "err_field": field, "retry": retry}
    return _came(200, told)


def problem(status: int, code: str, retry: str, after: float | None = None) -> Came:
    """Refused at the door."""
    told = {"code": status, "message": code, "err_code": code, "retry": retry}
    return _came(status, told, after)


def _came(status: int, told: object, after: float | None = None) -> Came:
    return Came(status=status, body=json.dumps(told).encode(), retry_after_seconds=after)


DOWN, LOST = NotSent("refused"), Lost("timeout")
HTML = Came(status=502, body=b"<html>Bad Gateway</html>")
LATER = problem(503, "OVERLOADED", "later", 1.0)
IN_DOUBT = problem(503, "OUTCOME_UNKNOWN", "same_msgid")
