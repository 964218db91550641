"""The node of drug trace codes, where a region has a name of its own for it."""

from __future__ import annotations

import pytest

from protocol.nhsa.traces import TRACE_NODE, as_named, as_printed

CASES = [
    # infno, body,                                     what is read
    ("2204", b'{"trac": [1]}',                         b'{"durg_trac_info": [1]}'),
    ("2301", b'{"a": 1,"trac" :[]}',                   b'{"a": 1,"durg_trac_info":[]}'),
    ("2301", b'{"memo": "trac"}',                      b'{"memo": "trac"}'),
    ("2301", rb'{"memo": "\"trac\": x"}',              rb'{"memo": "\"trac\": x"}'),
    ("2301", b'{"trace": 1, "xtrac": 2}',              b'{"trace": 1, "xtrac": 2}'),
    ("2102", b'{"trac": [1]}',                         b'{"trac": [1]}'),
]  # fmt: skip


@pytest.mark.parametrize(("infno", "body", "read"), CASES)
def test_message_is_read_as_if_it_had_the_printed_name(
    infno: str, body: bytes, read: bytes
) -> None:
    assert as_printed(infno, body, "trac") == read
    assert as_printed(infno, body, TRACE_NODE) is body


def test_refusal_names_the_field_as_the_sender_does() -> None:
    path = f"input.feedetail[0].{TRACE_NODE}[1].trdn_flag"
    assert as_named("2204", path, "trac") == "input.feedetail[0].trac[1].trdn_flag"
    assert as_named("2102", path, "trac") == path
    assert as_named("2204", None, "trac") is None
