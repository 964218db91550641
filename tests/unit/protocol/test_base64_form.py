"""What is quoted in a quick way is quoted as in the general one."""

from __future__ import annotations

from base64 import b64encode
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.base64_form import quoted


@given(st.one_of(st.text(st.characters(codec="utf-8")), st.text("aZ09+/=- \r\n")))
def test_any_text_is_quoted_as_in_the_general_way(text: str) -> None:
    assert quoted(text) == quote_plus(text)


@pytest.mark.parametrize(
    "text", [b64encode(bytes(range(256))).decode(), "-----BEGIN CERTIFICATE-----\r\nAA+/==\r\n"]
)
def test_signatures_and_certificates_are(text: str) -> None:
    assert quoted(text) == quote_plus(text) != text
