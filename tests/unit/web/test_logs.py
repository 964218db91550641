"""Log lines are JSON, carry an event, and never carry a person whole."""

from __future__ import annotations

import json
import logging

import pytest
from aiohttp.http_exceptions import BadHttpMessage

from settlement.telemetry.logs import JsonFormatter, says_more


def line(message: str, **extra: object) -> dict[str, object]:
    record = logging.makeLogRecord({"msg": message, "levelname": "INFO", **extra})
    decoded: dict[str, object] = json.loads(JsonFormatter("gateway-0").format(record))
    return decoded


def test_line_carries_event_and_fields() -> None:
    written = line("answered", event="request.completed", infno="2102", milliseconds=3)
    assert written["event"] == "request.completed"
    assert written["process"] == "gateway-0"
    assert (written["infno"], written["milliseconds"]) == ("2102", 3)


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        ("psn_name", "测试甲", "测**"),
        ("certno", "000000190001010017", "000*************17"),
        ("certno", "1234567", "*******"),
        ("token", "abcdefgh", "ab…(8)"),
        ("secret", "abc", "***"),
        ("infno", "2102", "2102"),
    ],
)
def test_personal_data_is_masked_by_field(field: str, value: str, shown: str) -> None:
    assert line("x", **{field: value})[field] == shown


def test_error_is_written_with_its_trace() -> None:
    try:
        raise RuntimeError("a bug")
    except RuntimeError as exc:
        written = line("failed", exc_info=(type(exc), exc, exc.__traceback__))
    assert written["error"] == "RuntimeError"
    assert "a bug" in str(written["trace"])


SAID = [
    # what an exception says,                                      what is written of it
    ("violates check\nDETAIL:  Failing row contains (1, 测试甲, (2)).",
     "violates check\nDETAIL:  Failing row contains …."),
    ("duplicate key\nDETAIL:  Key (lane, psn_no)=(3, 4419) already exists.",
     "duplicate key\nDETAIL:  Key (lane, psn_no)=… already exists."),
    ("invalid input for query argument $2: '测试甲' (expected int)",
     "invalid input for query argument $2: …"),
    ("no such person: 999999199001010017", "no such person: 999*************17"),
    ("settlement 2611000100001000001 failed", "settlement 2611000100001000001 failed"),
]  # fmt: skip


@pytest.mark.parametrize(("said", "shown"), SAID)
def test_values_that_an_exception_repeats_are_not_written(said: str, shown: str) -> None:
    error = RuntimeError(said)
    written = line(said, exc_info=(RuntimeError, error, None))
    assert written["message"] == shown
    assert str(written["trace"]) == f"RuntimeError: {shown}\n"


def test_strangers_do_not_fill_the_log_with_requests_that_are_none() -> None:
    error = BadHttpMessage("Authorization: Bearer secret")
    refused = logging.makeLogRecord({"exc_info": (BadHttpMessage, error, None)})
    broken = logging.makeLogRecord({"exc_info": (RuntimeError, RuntimeError("a bug"), None)})
    assert not says_more(refused)
    assert says_more(broken) and says_more(logging.makeLogRecord({}))
