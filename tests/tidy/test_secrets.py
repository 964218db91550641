"""No secret is in the tree: no private key, no token of a service, no password that is one.

Keys and passwords of tests and of the demonstration are public by design. Those that look like real
ones are listed here, by hash, each with its reason; a changed one is a finding again.
"""

from __future__ import annotations

import hashlib
import math
import re
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator

from tests.tidy.tree import Finding, expect_none, paths, text_files

KNOWN = {
    "d5d1957017cf7d42": "an institution of the demonstration, which shows it to everybody",
    "deb87fabd17715bb": "a token of an order in an example, counted up from 0",
    "9f9f5111f7b27a78": "a key of tests, counted up from 0",
    "919b85ce045b9127": "what an intruder of the tests signs with",
    "3eb1bd439947eb76": "a key of tests, counted up from 0",
}
"""The first 16 digits of the SHA-256 of what looks like a secret, and why it is none."""

FORBIDDEN_NAMES = re.compile(r"(\.(pem|key|p12|pfx|jks|keystore|kdbx)|(^|/)(id_[a-z0-9]+|\.env))$")
PRIVATE_KEY = re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----[^-]{64,}")
TOKEN_STARTS = (
    "AKIA", "AKID", "LTAI", "AIza", "gho_", "ghp_", "ghr_", "ghs_", "ghu_", "github_pat_", "glpat-",
    "xox", "k_live_", "eyJ",
)  # fmt: skip
TOKEN = re.compile(
    r"\b(?:AKIA[0-9A-Z]{16}|AKID[0-9A-Za-z]{32}|LTAI[0-9A-Za-z]{12,30}|AIza[0-9A-Za-z_-]{35}"
    r"|gh[oprsu]_[0-9A-Za-z]{36}|github_pat_[0-9A-Za-z_]{22,}|glpat-[0-9A-Za-z_-]{20}"
    r"|xox[abeoprs]-[0-9A-Za-z-]{10,}|[rs]k_live_[0-9A-Za-z]{16,}"
    r"|eyJ[0-9A-Za-z_-]{10,}\.eyJ[0-9A-Za-z_-]{10,}\.[0-9A-Za-z_-]{10,})"
)
IN_ADDRESS = re.compile(r"://[^\s/:@\"'{}<>]+:(?P<value>[^\s/@\"'{}<>$]{3,})@")
ASSIGNED = re.compile(r"[:=] ?b?(?P<quote>[\"']?)(?P<value>[0-9A-Za-z_+/=.!@#$%^&*-]{12,})")
NAMED_SO = re.compile(r"(password|passwd|secret|token|key|credential)s?[\"']?\s?$", re.IGNORECASE)
BASE64 = re.compile(r"\bMI[GHI][0-9A-Za-z+/]{60,}={0,2}")
CHANCE_BITS_MIN = 3.6
"""Of a character. Words have fewer; what a generator made of letters and digits has more."""


def secret_findings(path: str, text: str) -> Iterator[Finding]:
    """What looks like a secret; the secret itself is not repeated, only its hash."""
    for kind, start, value in _suspects(text, is_code=path.endswith(".py")):
        known = hashlib.sha256(value.encode()).hexdigest()[:16]
        if known not in KNOWN:
            yield Finding(path, text.count("\n", 0, start) + 1, f"{kind} (its hash: {known})")


def _suspects(text: str, *, is_code: bool) -> Iterator[tuple[str, int, str]]:
    if "PRIVATE KEY" in text:
        for found in PRIVATE_KEY.finditer(text):
            yield "a private key", found.start(), found[0]
    if any(start in text for start in TOKEN_STARTS):
        for found in TOKEN.finditer(text):
            yield "a token of a service", found.start(), found[0]
    for found in IN_ADDRESS.finditer(text):
        yield "a password in an address", found.start(), found["value"]
    for found in ASSIGNED.finditer(text):
        before = text[max(0, found.start() - 30) : found.start()]
        is_literal = bool(found["quote"]) or not is_code
        if is_literal and NAMED_SO.search(before) and is_random(found["value"]):
            yield "a password or token", found.start(), found["value"]
    for found in BASE64.finditer(text):
        if is_private_der(found[0]):
            yield "a private key in Base64", found.start(), found[0]


def is_random(value: str) -> bool:
    """Whether it has figures and letters in an order that words do not have."""
    if not re.search(r"\d", value) or not re.search(r"[A-Za-z]", value):
        return False
    counts = Counter(value).values()
    bits = -sum(count / len(value) * math.log2(count / len(value)) for count in counts)
    return bits >= CHANCE_BITS_MIN


def is_private_der(text: str) -> bool:
    """Whether it begins as PKCS#1, PKCS#8 and SEC 1 do: a sequence whose first member is a version
    number. Certificates and public keys begin with a sequence in a sequence."""
    head = b64decode(text[: len(text) // 4 * 4][:16])
    inside = 2 + (head[1] & 0x7F if head[1] & 0x80 else 0)
    return head[0] == 0x30 and head[inside : inside + 2] == b"\x02\x01" and head[inside + 2] < 2


def test_no_secret_is_in_the_tree() -> None:
    findings = [f for path, text in text_files() for f in secret_findings(path, text)]
    expect_none(findings, "Secrets (or list the hash in KNOWN, with the reason):")


def test_no_file_is_a_key_by_its_name() -> None:
    names = [Finding(p, 0, "the name of a key file") for p in paths() if FORBIDDEN_NAMES.search(p)]
    expect_none(names, "Key files:")


def test_checker_names_each_planted_breach() -> None:
    """Put together here, so that this file is not what it looks for."""
    chance, body = "q7Zt2mXw9LcR4vKp", "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC" * 4
    certificate = "MIIDazCCAlOgAwIBAgIUBzZzEXAMPLEp" * 4
    plants = {
        f"-----BEGIN {'PRIVATE'} KEY-----\n{body}\n": True,
        f"-----BEGIN EC {'PRIVATE'} KEY-----\n{body}\n": True,
        f"-----BEGIN PUBLIC KEY-----\n{certificate}\n": False,
        f'key = "{body}"': True,
        f'certificate = "{certificate}"': False,
        f"id: {'AK'}IA{'A1B2' * 4}": True,
        f"{'gh'}p_{'a1B2c3' * 6}": True,
        f"redis://user:{chance}@db/0": True,
        "redis://user:{password}@db/0": False,
        f'db_password = "{chance}"': True,
        f"API_KEY={chance}": True,
        f'"secret": "{chance}"': True,
        'password = "wrong-password-of-a-test"': False,
        'secret = "{secret}"': False,
        f'digest = "{chance}"': False,
    }
    assert {text: bool([*secret_findings("x.toml", text)]) for text in plants} == plants
    assert not [*secret_findings("x.py", f"key={chance}()")], "code that calls for one"
    names = {"deploy/server.key": True, "a/id_ed25519": True, ".env": True, "docs/keys.md": False}
    assert {name: bool(FORBIDDEN_NAMES.search(name)) for name in names} == names
