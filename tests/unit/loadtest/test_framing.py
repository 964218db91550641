"""Finding the end of a reply, and refusing what is not one."""

from __future__ import annotations

import pytest

from loadtest.generator.framing import FramingError, body_of, reply_size, status_of

REPLY = b"HTTP/1.1 200 OK\r\nContent-Type: x\r\nContent-Length: 5\r\nServer: y\r\n\r\nhello"


@pytest.mark.parametrize("cut", range(len(REPLY)))
def test_a_reply_that_arrives_in_pieces_is_never_taken_for_whole(cut: int) -> None:
    assert reply_size(REPLY[:cut]) != cut or cut == 0


def test_a_whole_reply_is_recognised_with_status_and_body() -> None:
    assert reply_size(REPLY) == len(REPLY)
    assert status_of(REPLY) == 200
    assert body_of(REPLY) == b"hello"


def test_header_names_may_be_in_any_case() -> None:
    assert reply_size(REPLY.lower().replace(b"content-length: ", b"CONTENT-length:")) > 0


def test_a_reply_without_length_is_an_error_not_an_endless_wait() -> None:
    with pytest.raises(FramingError, match="without Content-Length"):
        reply_size(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")


def test_bytes_that_are_not_http_have_no_status() -> None:
    with pytest.raises(FramingError, match="not an HTTP reply"):
        status_of(b"SSH-2.0-something")
