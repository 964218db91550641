"""Pages that teach by doing: whoever does what a page says sees what it shows.

Each fenced block says in its info string what it is:

    toml FILE               sections of a policy file; each begins with a line `# ---- TITLE`. One
                            whose title the file has already takes its place, a new one goes to the
                            end, or with `before=TITLE` before another
    toml FILE fault         the same, until the next command has been run
    json FILE               a case
    sh run                  a command that the reader types
    json answer             what it prints; … stands for anything, layout does not count
    text answer             the same
"""

from __future__ import annotations

import io
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import Struct

from settlement.cli import main

COMMAND = ".venv/bin/settlement"
FENCE = re.compile(r"^```(.*)\n((?s:.*?))^```$", re.MULTILINE)
SECTION = re.compile(r"^# ---- (.+)\n(?s:.*?)(?=^# ---- |\Z)", re.MULTILINE)


class Block(Struct, frozen=True):
    """One fenced block: where it is, what its info string says, what is in it."""

    line: int
    words: tuple[str, ...]
    text: str


class Ran(Struct, frozen=True):
    """A command of the page, what it shows and what came."""

    line: int
    shown: str
    came: str


def blocks_of(page: str) -> list[Block]:
    """The fenced blocks of a page, in their order."""
    return [
        Block(page.count("\n", 0, match.start()) + 1, tuple(match[1].split()), match[2])
        for match in FENCE.finditer(page)
    ]


def placed(file: str, sections: str, before: str) -> str:
    """A file after its reader has put some sections in."""
    parts = titled(file)
    for title, text in titled(sections).items():
        at = list(parts).index(before) if before and title not in parts else len(parts)
        rest = list(parts.items())[at:]
        parts = {**dict(list(parts.items())[:at]), title: text, **dict(rest)}
    return "\n\n".join(parts.values()) + "\n"


def titled(file: str) -> dict[str, str]:
    """The sections of a file by their titles."""
    return {match[1]: match[0].rstrip() for match in SECTION.finditer(file)}


def is_shown(shown: str, came: str) -> bool:
    """Whether this is what the page shows, as far as it shows it."""
    parts = [re.escape(re.sub(r"\s", "", part)) for part in shown.split("…")]
    return re.fullmatch(".*".join(parts), re.sub(r"\s", "", came)) is not None


def played(page: str, directory: Path) -> Iterator[Ran]:
    """Do what a page says in a directory, block by block."""
    blocks = blocks_of(page)
    fault: dict[Path, str] = {}
    for block, following in zip(blocks, [*blocks[1:], Block(0, (), "")], strict=True):
        match block.words:
            case ("toml", name, *rest):
                path = directory / name
                file = path.read_text("utf-8") if path.exists() else ""
                if rest == ["fault"]:
                    fault[path] = file
                before = "".join(rest).partition("before=")[2]
                path.write_text(placed(file, block.text, before), "utf-8")
            case ("sh", "run"):
                assert following.words[1:] == ("answer",), f"line {block.line}: no answer follows"
                yield Ran(block.line, following.text, typed(block.text))
                while fault:
                    path, file = fault.popitem()
                    path.write_text(file, "utf-8")
            case ("json" | "text", "answer"):
                continue
            case ("json", name):
                (directory / name).write_text(block.text, "utf-8")
            case _:
                raise AssertionError(f"line {block.line}: what is {' '.join(block.words)!r}?")


def typed(line: str) -> str:
    """What a command prints, on whichever of its two outputs."""
    command, _, case = line.partition("<")
    words = shlex.split(command)
    assert words[0] == COMMAND, f"the reader has no {words[0]}"
    out = io.StringIO()
    typed_in = io.BytesIO(Path(case.strip()).read_bytes() if case else b"")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "stdin", io.TextIOWrapper(typed_in))
        patched.setattr(sys, "stdout", out)
        patched.setattr(sys, "stderr", out)
        main(words[1:])
    return out.getvalue()
