"""The corpus, fresh broken input, and long input, on every parser: nothing but declared refusals.

`make fuzz` does the same for as long as wanted. A parser has no effect but its value, so a partial
one could only be something that it keeps: what is read twice is read the same.
"""

from __future__ import annotations

from random import Random

import pytest

from tests.unit.fuzz.corpus import FILE_BYTES_MAX, FOLDER, corpus_of
from tests.unit.fuzz.making import LONG_BYTES, WORDS, made
from tests.unit.fuzz.parsers import PARSERS, Parser
from tests.unit.fuzz.trying import LIMIT_LOOPS, Outcome, loop, tried, work

FRESH = 30
"""Inputs of each parser in a run of the CI."""


def faults_of(parser: Parser, contents: list[bytes]) -> list[tuple[bytes, str]]:
    """What of these is not as declared, or slow."""
    seconds = loop()
    outcomes = [(content, tried(parser, content, loop_seconds=seconds)) for content in contents]
    return [(content[:300], one.fault) for content, one in outcomes if one.fault]


@pytest.mark.parametrize("name", PARSERS)
def test_kept_input_is_read_or_refused_and_the_same_again(name: str) -> None:
    kept, seconds = corpus_of(name), loop()
    assert any(key.startswith("good-") for key in kept), "run `python -m tests.unit.fuzz.seeds`"
    for key, content in kept.items():
        first = tried(PARSERS[name], content, loop_seconds=seconds)
        assert first == Outcome(first.said), key
        assert tried(PARSERS[name], content, loop_seconds=seconds) == first, key


@pytest.mark.parametrize("name", PARSERS)
def test_broken_input_is_refused_as_declared(name: str, rng: Random) -> None:
    good = list(corpus_of(name).values())
    assert not faults_of(PARSERS[name], [made(rng, good) for _ in range(FRESH)])


@pytest.mark.parametrize("name", PARSERS)
def test_long_input_takes_no_longer_than_its_length(name: str, rng: Random) -> None:
    """A word over and over, alone and in the middle of a good input, 64 KB in all."""
    good = list(corpus_of(name).values())
    words = rng.sample(WORDS, 8)
    alone = [word * (LONG_BYTES // len(word)) for word in words]
    within = [_inflated(rng, rng.choice(good), word) for word in words]
    assert not faults_of(PARSERS[name], alone + within)


def _inflated(chance: Random, good: bytes, word: bytes) -> bytes:
    at = chance.randrange(len(good) + 1)
    return good[:at] + word * ((LONG_BYTES - len(good)) // len(word)) + good[at:]


SLOW = [
    ("institutions-toml", b"[[a" + b".b" * 20_000 + b"]]\n"),
    ("policy", b"[a" + b".b" * 20_000 + b"]\n"),
    ("wechat-v2", b" " * LONG_BYTES + b"x"),
    ("wechat-v2", b"<xml>%b%b</xml>" % (b"".join(b"<a%d/>" % n for n in range(7_000)), b" " * 900)),
    ("wechat-authorization", b"WECHATPAY2-SHA256-RSA2048 " + b"a" * LONG_BYTES),
    ("persons", b"}\n" * (LONG_BYTES // 2)),
    ("bill", "#支付宝业务明细查询\r\n#账号：".encode("gbk") + b"[" * LONG_BYTES),
]
CRASHED = [
    *((name, b"a = " + b"1" * 5_000) for name in ("policy", "institutions-toml")),
    *((name, b"a = " + b"[" * 60_000) for name in ("policy", "institutions-toml")),
    ("onecode", b'{"x":' + b"[" * 100_000),
    ("evoucher", b'{"x":' + b"[" * 100_000),
    ("hub-message", b'{"x":' + b"[" * 100_000 + b',"signature":"' + b"A" * 86 + b'"}'),
    ("wechat-answer", b'{"appid":"\xff"}'),
    ("wechat-certificates", b"[" * 100_000),
    ("console", b"a=1\0settlement_console=\xff"),
]


@pytest.mark.parametrize(("name", "content"), SLOW + CRASHED)
def test_finding_stays_repaired(name: str, content: bytes) -> None:
    """Those that are too long for the corpus."""
    assert not faults_of(PARSERS[name], [content])


def test_corpus_is_small_and_of_known_parsers() -> None:
    assert {folder.name for folder in FOLDER.iterdir()} == set(PARSERS)
    sizes = {path: path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()}
    assert {path.suffix for path in sizes} == {".bin"}
    assert max(sizes.values()) <= FILE_BYTES_MAX


def _slow(body: bytes) -> None:
    for _ in range(2 * LIMIT_LOOPS if body == b"slow" else 0):
        work()


def test_checker_names_each_planted_breach() -> None:
    assert not faults_of(Parser(bytes.decode, (UnicodeDecodeError,)), [b"\xff"])
    [(_, crash)] = faults_of(Parser(bytes.decode), [b"\xff", b"x"])
    assert "UnicodeDecodeError" in crash
    [(content, slow)] = faults_of(Parser(_slow), [b"slow", b"x"])
    assert content == b"slow" and slow.startswith("slow")
