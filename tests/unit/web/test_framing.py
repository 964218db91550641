"""Which requests are plain, and that nothing ambiguous ever is."""

from __future__ import annotations

import pytest

from settlement.web.framing import Head, Verdict, parse_head

HEAD_MAX = 16_384
PLAIN = (
    b"POST /hsa/hgs/2102 HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n"
    b"X-Tif-Nonce: aB+/=\r\n\r\n{}"
)


def changed(old: bytes, new: bytes) -> bytes:
    assert old in PLAIN
    return PLAIN.replace(old, new)


def test_plain_request_is_read() -> None:
    head = parse_head(PLAIN, HEAD_MAX)
    assert isinstance(head, Head)
    assert head.infno == "2102"
    assert head.headers["x-tif-nonce"] == "aB+/="
    assert PLAIN[head.body_at :] == b"{}"
    assert (head.body_bytes, head.keep_alive) == (2, True)


@pytest.mark.parametrize(
    ("path", "infno"),
    [(b"/hsa/hgs", None), (b"/hsa/hgs/", None), (b"/hsa/hgs/2203A", "2203A")],
)
def test_address_names_the_transaction_or_leaves_it_to_the_body(
    path: bytes, infno: str | None
) -> None:
    head = parse_head(changed(b"/hsa/hgs/2102", path), HEAD_MAX)
    assert isinstance(head, Head)
    assert head.infno == infno


def test_every_beginning_of_a_plain_head_is_waited_for() -> None:
    end = PLAIN.index(b"\r\n\r\n") + 4
    verdicts = {parse_head(PLAIN[:size], HEAD_MAX) for size in range(1, end)}
    assert verdicts == {Verdict.INCOMPLETE}


def test_connection_close_is_heeded() -> None:
    head = parse_head(changed(b"Host: h", b"Host: h\r\nConnection: close"), HEAD_MAX)
    assert isinstance(head, Head)
    assert not head.keep_alive


def test_what_the_hub_forwards_is_plain_and_names_no_transaction() -> None:
    head = parse_head(changed(b"/hsa/hgs/2102", b"/hub/v1/messages"), HEAD_MAX)
    assert isinstance(head, Head)
    assert (head.is_hub, head.infno) == (True, None)
    usual = parse_head(PLAIN, HEAD_MAX)
    assert isinstance(usual, Head)
    assert not usual.is_hub
    other = changed(b"/hsa/hgs/2102", b"/hub/v1/messages/1")
    assert parse_head(other, HEAD_MAX) is Verdict.GENERAL


@pytest.mark.parametrize(
    "line",
    [
        (b"POST", b"/pay/scan"), (b"POST", b"/pay/T-1_a/cancel"),
        (b"POST", b"/notify/unionpay/777290058110048"),
    ],
)  # fmt: skip
def test_what_counters_ask_and_channels_tell_is_plain(line: tuple[bytes, bytes]) -> None:
    method, path = line
    head = parse_head(changed(b"POST /hsa/hgs/2102", b" ".join(line)), HEAD_MAX)
    assert isinstance(head, Head)
    assert (head.infno, head.pay) == (None, (method.decode(), path.decode()))
    assert head.body_bytes == 2


def test_question_about_an_order_is_plain_where_it_has_no_body() -> None:
    line = b"GET /pay/T0001 HTTP/1.1\r\nHost: h\r\n"
    head = parse_head(line + b"\r\n", HEAD_MAX)
    assert isinstance(head, Head)
    assert (head.pay, head.body_bytes) == (("GET", "/pay/T0001"), 0)
    empty = parse_head(line + b"Content-Length: 0\r\n\r\n", HEAD_MAX)
    assert isinstance(empty, Head), "many clients say so of every request"
    assert (empty.pay, empty.body_bytes) == (head.pay, 0)
    assert parse_head(line + b"Content-Length: 2\r\n\r\n{}", HEAD_MAX) is Verdict.GENERAL
    assert parse_head(line[:8], HEAD_MAX) is Verdict.INCOMPLETE


@pytest.mark.parametrize(
    "request_bytes",
    [
        changed(b"/hsa/hgs/2102", b"/pay/scan?x=1"),
        changed(b"/hsa/hgs/2102", b"/pay/%73can"),
        changed(b"/hsa/hgs/2102", b"/pay/../hsa"),
        changed(b"POST /hsa/hgs/2102", b"GET /notify/wechat/1"),
        changed(b"POST", b"GET"),
        changed(b"POST", b"post"),
        changed(b"HTTP/1.1", b"HTTP/1.0"),
        changed(b"/hsa/hgs/2102", b"/hsa/hgs/2102?x=1"),
        changed(b"/hsa/hgs/2102", b"/hsa/hgs/../x"),
        changed(b"/hsa/hgs/2102", b"/hsa/hgs/toolong"),
        changed(b"Host: h\r\n", b""),
        changed(b"Host: h", b"Host: h\r\nTransfer-Encoding: chunked"),
        changed(b"Host: h", b"Host: h\r\nTransfer-Encoding : chunked"),
        changed(b"Host: h", b"Host: h\r\nContent-Encoding: gzip"),
        changed(b"Host: h", b"Host: h\r\nExpect: 100-continue"),
        changed(b"Host: h", b"Host: h\r\nUpgrade: h2c"),
        changed(b"Host: h", b"Host: h\r\nConnection: upgrade"),
        changed(b"Host: h", b"Host: h\r\nContent-Length: 3"),
        changed(b"Host: h", b"Host: h\r\nno colon"),
        changed(b"Host: h", b"Host: h\r\n folded"),
        changed(b"Host: h", b"Host: h\nContent-Length: 3"),
        changed(b"Host: h", b"Host: h\rX: y"),
        changed(b"Host: h", b"Host: h\x00"),
        changed(b"Content-Length: 2", b"Content-Length: +2"),
        changed(b"Content-Length: 2", b"Content-Length: 2, 2"),
        changed(b"Content-Length: 2", b"Content-Length: 0x2"),
        changed(b"Content-Length: 2\r\n", b""),
        b"\r\n" + PLAIN,
        b"POST /other HTTP/1.1\r\n",
        b"\x16\x03\x01",
    ],
)
def test_anything_ambiguous_goes_to_the_general_parser(request_bytes: bytes) -> None:
    assert parse_head(request_bytes, HEAD_MAX) is Verdict.GENERAL


def test_endless_head_is_not_waited_for() -> None:
    assert parse_head(PLAIN[:40] + b"x" * HEAD_MAX, HEAD_MAX) is Verdict.GENERAL
