"""Signatures, message ids and times: small pure functions of the envelope's surroundings."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from datetime import date, datetime, time

import pytest

from protocol.nhsa import msgid, signing, times


def test_tif_signature_covers_timestamp_secret_nonce_timestamp() -> None:
    expected = hashlib.sha256(b"1700000000secretnonce1700000000").hexdigest()
    assert signing.tif_signature("1700000000", "secret", "nonce") == expected
    facts = {"timestamp": "1700000000", "secret": "secret", "nonce": "nonce"}
    assert signing.tif_verified(**facts, signature=expected)
    assert signing.tif_verified(**facts, signature=expected.upper())
    assert not signing.tif_verified(**facts, signature=expected[:-1])
    assert not signing.tif_verified(**facts, signature="签名")


def test_csb_signature_sorts_headers_and_leaves_itself_out() -> None:
    headers = {
        "_api_version": "1.0",
        "_api_name": "2102",
        "_api_timestamp": "1700000000000",
        "_api_access_key": "ak",
    }
    text = b"_api_access_key=ak&_api_name=2102&_api_timestamp=1700000000000&_api_version=1.0"
    expected = b64encode(hmac.new(b"sk", text, "sha1").digest()).decode()
    assert tuple(sorted(headers)) == signing.CSB_SIGNED_HEADERS
    assert signing.csb_signature({**headers, "_api_signature": "x"}, "sk") == expected
    assert signing.csb_verified(headers, secret="sk", signature=expected)
    assert not signing.csb_verified(headers, secret="other", signature=expected)


@pytest.mark.parametrize(
    ("timestamp", "fresh"),
    [
        ("1700000000", True),
        ("1700000300", True),
        ("1699999700", True),
        ("1700000301", False),
        ("1699999699", False),
        ("", False),
        ("-1", False),
        ("1.7e9", False),
        ("١٧٠٠٠٠٠٠٠٠", False),
        ("9" * 400, False),
    ],
)
def test_tif_window_is_five_minutes_either_side(timestamp: str, fresh: bool) -> None:
    assert signing.tif_in_window(timestamp, now_seconds=1_700_000_000) is fresh


@pytest.mark.parametrize(
    ("timestamp", "fresh"),
    [("1700001800000", True), ("1700001800001", False), ("1700000000", False)],
)
def test_csb_window_is_half_an_hour_in_milliseconds(timestamp: str, fresh: bool) -> None:
    assert signing.csb_in_window(timestamp, now_seconds=1_700_000_000) is fresh


def test_message_id_is_read_in_three_parts() -> None:
    parsed = msgid.parse("H99990000001202611231000000042")
    seconds = int((datetime(2026, 11, 23, 10) - datetime(1970, 1, 1)).total_seconds())
    assert parsed == msgid.MessageId(
        institution_code="H99990000001", sent_at_seconds=seconds, sequence="0042"
    )


@pytest.mark.parametrize(
    "text", ["", "M1", "H9999000000120261323100000", "H999900000012026W4711000000042", "x" * 30]
)
def test_message_id_of_another_shape_has_no_time(text: str) -> None:
    assert msgid.sent_at(text) is None
    assert msgid.parse(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23T10:00:00",
        "2026-W47-1 10:00:00",
        "20261123T100000.000",
        "2026-11-23 10:00+08",
        "2026-11-23 10+08:00",
        "2026-11-23 10-08:00",
        "2026-11-23 10:00:0Z",
        "2026-11-23 1000:000",
        "2026-11-23 24:00:00",
        "2026-11-23 10:00:0",
        "2026-11-23",
        "",
    ],
)
def test_only_the_printed_shape_of_a_datetime_is_read(text: str) -> None:
    with pytest.raises(ValueError):
        times.parse_datetime(text)


def test_dates_and_moments() -> None:
    assert times.parse_datetime("2026-11-23 10:00:00") == datetime(2026, 11, 23, 10)
    assert times.parse_date("2026-11-23") == date(2026, 11, 23)
    assert times.parse_moment("2026-11-23") == datetime(2026, 11, 23)
    assert times.parse_moment("2026-11-23", at=times.DAY_END).time() == time(23, 59, 59)
    for text in ("20261123", "2026-W47-1", "2026-11-32"):
        with pytest.raises(ValueError):
            times.parse_date(text)


def test_formats() -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, 6_000)
    assert times.format_datetime(at) == "2026-01-02 03:04:05"
    assert times.format_date(at.date()) == "2026-01-02"
    assert times.compact_seconds(at) == "20260102030405"
    assert times.compact_millis(at) == "20260102030405006"
