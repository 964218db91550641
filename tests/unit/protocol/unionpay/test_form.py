"""Forms on the way there and back, and what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.unionpay.form import (
    FIELDS_MAX,
    FormError,
    answer_body,
    answer_fields,
    form_body,
    form_fields,
)

NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9]{0,12}", fullmatch=True)


@given(st.dictionaries(NAMES, st.text(st.characters(codec="utf-8")), min_size=1, max_size=20))
def test_a_form_comes_back_as_it_was(fields: dict[str, str]) -> None:
    assert form_fields(form_body(fields)) == fields


PLAIN = st.text(st.characters(codec="utf-8", exclude_characters="&"), max_size=40).filter(
    lambda value: value[:1] not in ("{", "[") and value == value.strip()
)


@given(st.dictionaries(NAMES, PLAIN, min_size=1, max_size=20))
def test_an_answer_comes_back_as_it_was(fields: dict[str, str]) -> None:
    body = answer_body(fields)
    assert answer_fields(body) == fields
    assert answer_fields(b"{" + body + b"}") == fields


def test_answer_is_not_decoded() -> None:
    body = b"signature=a+b/c==&respMsg=100%25&empty=&signPubKeyCert=-----BEGIN\r\nAA==\r\n-----END"
    assert answer_fields(body) == {
        "signature": "a+b/c==",
        "respMsg": "100%25",
        "empty": "",
        "signPubKeyCert": "-----BEGIN\r\nAA==\r\n-----END",
    }


def test_ampersand_inside_brackets_belongs_to_the_value() -> None:
    body = "a={x=1&y=2}&b=[p&q]r&c=成功[0000000]&d={open&e=1".encode()
    assert answer_fields(body) == {
        "a": "{x=1&y=2}", "b": "[p&q]r", "c": "成功[0000000]", "d": "{open", "e": "1",
    }  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><head><title>502 Bad Gateway</title></head></html>",
        b"respCode",
        b"respCode=00&",
        b"respCode=00&&merId=1",
        b"=00",
        b"resp code=00",
        b"respCode=00&respCode=03",
        b"respCode=\xff",
        b"a=1&" * FIELDS_MAX + b"b=1",
    ],
)
def test_what_is_no_answer_is_refused(body: bytes) -> None:
    if body.endswith(b"00&"):
        assert answer_fields(body) == {"respCode": "00"}, "a last & closes, as in the SDK"
        return
    with pytest.raises(FormError):
        answer_fields(body)


@pytest.mark.parametrize(
    "body",
    [b"", b"respCode", b"respCode=00&respCode=03", "respMsg=成功".encode(), b"a b=1", b"x=%ff"],
)
def test_what_is_no_form_is_refused(body: bytes) -> None:
    with pytest.raises(FormError):
        form_fields(body)
