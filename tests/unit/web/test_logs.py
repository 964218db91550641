"""Log lines are JSON, carry an event, and never carry a person whole."""

from __future__ import annotations

import json
import logging

import pytest

from settlement.telemetry.logs import JsonFormatter


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
