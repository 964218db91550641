"""Just enough HTTP/1.1 to find the end of a reply and read its status. Pure: bytes in, facts out.

Replies must carry Content-Length (chunked coding is not understood, and said so).
"""

from __future__ import annotations

HEAD_END = b"\r\n\r\n"
LENGTH_FIELD = b"\r\nContent-Length: "
ACCEPTED = b'"infcode":0'
STATUS_OK = 200


class FramingError(Exception):
    """The peer sent something that is not an HTTP/1.1 reply with a Content-Length."""


def reply_size(data: bytes) -> int:
    """Bytes of the reply that `data` begins with, head included; 0 while the head is incomplete."""
    head_end = data.find(HEAD_END)
    if head_end < 0:
        return 0
    at = data.find(LENGTH_FIELD, 0, head_end)
    if at < 0:
        return _reply_size_any_case(data[: head_end + 2], head_end)
    start = at + len(LENGTH_FIELD)
    return head_end + 4 + int(data[start : data.find(b"\r", start)])


def status_of(data: bytes) -> int:
    """The status code of a reply whose head is complete."""
    if not data.startswith(b"HTTP/1.") or not data[9:12].isdigit():
        raise FramingError(f"not an HTTP reply: {data[:40]!r}")
    return int(data[9:12])


def body_of(data: bytes) -> bytes:
    """The body of a complete reply."""
    return data[data.find(HEAD_END) + 4 :]


def _reply_size_any_case(head: bytes, head_end: int) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return head_end + 4 + int(value)
    raise FramingError(f"a reply without Content-Length: {head[:200]!r}")
