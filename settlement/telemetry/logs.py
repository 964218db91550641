"""Structured logs: one JSON object a line on stderr, with an `event` that tools can match.

A record is a short fixed message plus fields given as `extra`. Fields that carry personal data are
masked by their name before anything is written, whoever logs them. What an exception says was
written by others: rows and values that a database repeats in it are left out, and so is whatever
looks like an identity number.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

MASKED = "*"


def mask_name(name: str) -> str:
    """测试甲 → 测**: the first character only."""
    return name[:1] + MASKED * max(len(name) - 1, 2) if name else ""


def mask_number(number: str) -> str:
    """An identity or card number: the first 3 and the last 2 characters."""
    if len(number) < 8:
        return MASKED * len(number)
    return number[:3] + MASKED * (len(number) - 5) + number[-2:]


def mask_code(code: str) -> str:
    """A payment code, token or key: its length and the first 2 characters."""
    return f"{code[:2]}…({len(code)})" if len(code) > 4 else MASKED * len(code)


MASKS: dict[str, Callable[[str], str]] = {
    "psn_name": mask_name,
    "name": mask_name,
    "opter_name": mask_name,
    "certno": mask_number,
    "certificate_no": mask_number,
    "mdtrt_cert_no": mask_number,
    "card_no": mask_number,
    "psn_no": mask_number,
    "person_no": mask_number,
    "card_sn": mask_code,
    "token": mask_code,
    "secret": mask_code,
    "password": mask_code,
    "access_key": mask_code,
    "pay_code": mask_code,
}
"""Field name → how it is written. A field not in here is written as it is."""

_REPEATED = re.compile(
    r"(Failing row contains |Key \([^)\n]*\)=)\(.*?\)(?=[.\n ]|$)"
    r"|(invalid input for query argument \$\d+: ).*?(?=\n|$)",
    re.DOTALL,
)
"""Where a database, or its driver, repeats what it was given."""
_IDENTITY = re.compile(r"(?<![0-9A-Za-z])[0-9]{17}[0-9Xx](?![0-9A-Za-z])")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """A log record as one line of JSON."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """Called by logging."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": getattr(record, "event", record.name),
            "message": without_values(record.getMessage()),
            "process": self._process,
            "pid": os.getpid(),
        }
        for name, value in vars(record).items():
            if name not in _STANDARD and name != "event":
                line[name] = masked(name, value)
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = type(record.exc_info[1]).__name__
            trace = "".join(traceback.format_exception(record.exc_info[1]))
            line["trace"] = without_values(trace)
        return msgspec.json.encode(line, enc_hook=str).decode()


def without_values(text: str) -> str:
    """What an exception says, without the values that it says it of."""
    kept = _REPEATED.sub(lambda found: f"{found[1] or found[2]}…", text)
    return _IDENTITY.sub(lambda found: mask_number(found[0]), kept)


def says_more(record: logging.LogRecord) -> bool:
    """A filter: False of what a stranger can have written as often as they like. The parser's
    complaint of a request that is no HTTP repeats the line that it could not read."""
    error = record.exc_info[1] if record.exc_info else None
    return error is None or not type(error).__module__.startswith("aiohttp.http_exceptions")


def masked(name: str, value: object) -> object:
    """A field's value as it may be written."""
    mask = MASKS.get(name)
    return value if mask is None or value is None else mask(str(value))


def configure(process: str, level: str = "INFO") -> None:
    """Send all logs of this process to stderr; `process` is its role, as `gateway-0`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(process))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    # aiohttp's own loggers say what concerns their library; requests are counted, not logged.
    logging.getLogger("aiohttp").setLevel(logging.WARNING)
    logging.getLogger("aiohttp.server").addFilter(says_more)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
