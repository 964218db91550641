"""What `settlement verify --json` prints is read strictly."""

from __future__ import annotations

import pytest

from loadtest.server import ServerError, read_verdict


def test_a_good_verdict_needs_ok_and_exit_status_zero() -> None:
    printed = b'{"ok":true,"journals":2,"entries":10,"first_bad":null}'
    good = read_verdict(printed, 0, b"", 1.5)
    assert (good.ok, good.journals, good.entries, good.first_bad) == (True, 2, 10, None)
    assert not read_verdict(printed, 1, b"", 1.5).ok


def test_a_bad_verdict_names_the_place() -> None:
    printed = b'{"ok":false,"journals":[1,2],"entries":10,"first_bad":{"block":3}}'
    bad = read_verdict(printed, 1, b"", 1.5)
    assert (bad.ok, bad.journals) == (False, 2)
    assert bad.first_bad is not None
    assert "3" in bad.first_bad


def test_no_json_is_an_error_that_quotes_what_was_said() -> None:
    with pytest.raises(ServerError, match="no database"):
        read_verdict(b"", 2, b"no database here", 0.1)
