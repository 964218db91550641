"""What is wrong with a file, said so that whoever made it can correct it.

A fault names row and column, what stands there, and what is expected, in Chinese and English.
Personal values are masked: reports are printed, mailed and kept.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

FAULTS_SHOWN_MAX = 200


class FileError(ValueError):
    """The file as a whole cannot be read; the text says why, in both languages."""


class Told(Struct, frozen=True, gc=False):
    """One thing in both languages."""

    zh: str
    en: str


class Fault(Struct, frozen=True, kw_only=True, gc=False):
    """One thing that is wrong. Rows are counted as a person sees them: the header is row 1."""

    row: int
    column: str
    problem: Told
    expected: Told | None = None

    def __str__(self) -> str:
        zh, en = self.problem.zh, self.problem.en
        if self.expected is not None:
            zh, en = f"{zh}；应为{self.expected.zh}", f"{en}; expected {self.expected.en}"
        return f"第 {self.row} 行 {self.column}：{zh} | row {self.row}, {self.column}: {en}"


def faults_text(faults: Sequence[Fault]) -> str:
    """The list for people, in the order of the file; of very many only the first."""
    ordered = sorted(faults, key=lambda fault: (fault.row, fault.column))
    lines = [str(fault) for fault in ordered[:FAULTS_SHOWN_MAX]]
    left = len(ordered) - len(lines)
    if left:
        lines.append(f"……另有 {left} 处 | and {left} more")
    return "\n".join(lines)
