"""Where the machine of a server reaches it, whatever address it listens on."""

from __future__ import annotations

import pytest

from settlement.serve.config import url_of


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8080"),
        ("0.0.0.0", "http://127.0.0.1:8080"),  # noqa: S104
        ("::", "http://127.0.0.1:8080"),
        ("::1", "http://[::1]:8080"),
        ("127.0.0.2", "http://127.0.0.2:8080"),
    ],
)
def test_server_is_reached_where_it_listens(host: str, url: str) -> None:
    assert url_of(host, 8080) == url
