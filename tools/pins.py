"""What the lock says: name, version, hashes and who wanted each package.

Reads the text that tools/lock.py writes, and nothing else: no index, no installed package.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
LEVELS: Mapping[str, str] = {"runtime": "requirements.txt", "dev": "requirements-dev.txt"}
_PIN = re.compile(r"(?P<name>[a-z0-9][a-z0-9.-]*)==(?P<version>[^\s;\\]+)")
_HASH = re.compile(r"--hash=sha256:(?P<digest>[0-9a-f]{64})")
_VIA = re.compile(r"#(?: via|  ) (?P<who>-r )?(?P<name>\S+)$")


class Pin(NamedTuple):
    """One package of the lock, with the hash of every file that may be installed of it."""

    name: str
    version: str
    sha256: tuple[str, ...]
    is_ours: bool
    """a `requirements*.in` names it"""
    wanted_by: tuple[str, ...]
    """packages of the lock that need it"""


def pins(level: str) -> list[Pin]:
    """The packages of a level (`runtime` or `dev`), by name; `dev` has only what it adds."""
    found = list(read((ROOT / LEVELS[level]).read_text("utf-8")))
    if level == "runtime":
        return found
    runtime = {pin.name for pin in pins("runtime")}
    return [pin for pin in found if pin.name not in runtime]


def read(text: str) -> Iterator[Pin]:
    """The pins of a compiled requirements file, in its order."""
    block: list[str] = []
    for line in [*text.splitlines(), "end"]:
        if line[:1].isalnum():
            if block:
                yield _pin(block)
            block = []
        block.append(line)


def _pin(block: list[str]) -> Pin:
    first = _PIN.match(block[0])
    if first is None:
        raise ValueError(f"no pin: {block[0]}")
    vias = [found for line in block[1:] if (found := _VIA.search(line))]
    return Pin(
        name=first["name"],
        version=first["version"],
        sha256=tuple(found["digest"] for line in block for found in _HASH.finditer(line)),
        is_ours=any(via["who"] for via in vias),
        wanted_by=tuple(via["name"] for via in vias if not via["who"]),
    )
