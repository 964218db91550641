"""Broken input from good: a few cuts, swaps, repetitions, and words that parsers trip over.

All chance comes from the generator that is handed in, so that a seed tells the same story again.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

LONG_BYTES = 64 * 1024
"""As long as anything is made: what a door takes of a notification or a form."""

WORDS: Sequence[bytes] = (
    *(b"[", b"]", b"{", b"}", b'"', b"\\", b",", b":", b";", b"=", b"&", b"%", b"`", b"\t"),
    *(b"\n", b"\r\n", b" ", b"\0", b"\x0b", b"\x85", b"\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80"),
    *(b"null", b"true", b"-", b"+", b".", b"0", b"1e5", b"1E-999999", b"NaN", b"Infinity"),
    *(b"9223372036854775808", b"-1", b"0.001", b"1" * 5_000, b"\\u0000", b"\\ud800", b"%ED%A0%80"),
    *(b"<xml>", b"</xml>", b"<![CDATA[", b"]]>", b"<a>", b"</a>", b"<?xml ", b"&amp;", b"<!DOC "),
    *(b"PK\x03\x04", b"PK\x05\x06", b"PK\x01\x02", b"\x1f\x8b", b"#--", b"#"),
    *("：1笔，".encode("gbk"), "：1笔，".encode(), b"a=1&", b"a"),
    *("测试甲".encode(), "测试甲".encode("gbk"), "🀄".encode(), "١٢".encode(), "１２".encode()),
    *(b"[[a]]", b'"""', b"'''", b"0001-01-01", b"9999-12-31", b"2026-02-30", b"24:00:00"),
)  # fmt: skip


def made(chance: Random, good: Sequence[bytes]) -> bytes:
    """One input: a good one, changed a few times."""
    content = chance.choice(good)
    for _ in range(chance.choice((1, 1, 1, 2, 2, 4, 8))):
        content = chance.choice(_CHANGES)(chance, content, good)[:LONG_BYTES]
    return content


def _flip(chance: Random, content: bytes, _: Sequence[bytes]) -> bytes:
    if not content:
        return chance.randbytes(1)
    at = chance.randrange(len(content))
    return content[:at] + bytes([content[at] ^ (1 << chance.randrange(8))]) + content[at + 1 :]


def _cut(chance: Random, content: bytes, _: Sequence[bytes]) -> bytes:
    begin, end = _piece(chance, content)
    return content[:begin] + content[end:]


def _end(chance: Random, content: bytes, _: Sequence[bytes]) -> bytes:
    return content[: chance.randrange(len(content) + 1)]


def _insert(chance: Random, content: bytes, _: Sequence[bytes]) -> bytes:
    at = chance.randrange(len(content) + 1)
    return content[:at] + chance.choice(WORDS) + content[at:]


def _replace(chance: Random, content: bytes, _: Sequence[bytes]) -> bytes:
    begin, end = _piece(chance, content)
    return content[:begin] + chance.choice(WORDS) + content[end:]


def _noise(chance: Random, content: bytes, _: Sequence[bytes]) -> bytes:
    begin, end = _piece(chance, content)
    return content[:begin] + chance.randbytes(min(end - begin, 16)) + content[end:]


def _splice(chance: Random, content: bytes, good: Sequence[bytes]) -> bytes:
    other = chance.choice(good)
    begin, end = _piece(chance, other)
    at = chance.randrange(len(content) + 1)
    return content[:at] + other[begin:end] + content[at:]


def _repeat(chance: Random, content: bytes, _: Sequence[bytes]) -> bytes:
    """A piece of it, or a word, over and over: what a parser reads twice is felt here."""
    begin, end = _piece(chance, content)
    piece = chance.choice(WORDS) if chance.random() < 0.5 else content[begin:end]
    room = LONG_BYTES - len(content)
    times = min(chance.choice((2, 10, 1_000, LONG_BYTES)), max(0, room) // max(1, len(piece)))
    return content[:begin] + piece * times + content[begin:]


def _piece(chance: Random, content: bytes) -> tuple[int, int]:
    begin = chance.randrange(len(content) + 1)
    return begin, min(len(content), begin + chance.choice((1, 2, 4, 8, 16, 64, 256, len(content))))


_CHANGES = (
    _flip, _flip, _cut, _end, _insert, _insert, _replace, _replace, _noise, _splice, _repeat,
)  # fmt: skip
