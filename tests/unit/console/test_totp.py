"""Codes by time, against the test values of RFC 6238 (appendix B, SHA-1)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from settlement.console import totp

KEY = b"12345678901234567890"


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ],
)
def test_codes_are_those_of_the_rfc(seconds: int, code: str) -> None:
    at = datetime.fromtimestamp(seconds, UTC)
    assert totp.code_of(KEY, totp.step_of(at)) == code
    assert totp.matching_step(KEY, f" {code} ", at) == seconds // 30


def test_code_of_a_clock_that_is_off_by_one_step_is_taken_and_no_further() -> None:
    at = datetime(2026, 3, 16, 2, 30, tzinfo=UTC)
    code = totp.code_of(KEY, totp.step_of(at))
    assert totp.matching_step(KEY, code, at + timedelta(seconds=30)) == totp.step_of(at)
    assert totp.matching_step(KEY, code, at - timedelta(seconds=30)) == totp.step_of(at)
    assert totp.matching_step(KEY, code, at + timedelta(seconds=60)) is None


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "２８７０８２"])
def test_what_is_no_code_matches_nothing(code: str) -> None:
    assert totp.matching_step(KEY, code, datetime.fromtimestamp(59, UTC)) is None


def test_qr_code_is_a_square_with_an_empty_border() -> None:
    side, path = totp.qr_path(totp.address_of(KEY, name="jing", issuer="Settlement"))
    places = [tuple(map(int, part.split("h")[0].split())) for part in path.split("M")[1:]]
    assert all(totp.BORDER <= x < side - totp.BORDER for x, _ in places)
    assert all(totp.BORDER <= y < side - totp.BORDER for _, y in places)
    assert (totp.BORDER, totp.BORDER) in places
