"""What an import would change, or has changed, for the person who orders it."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, field

SAMPLES_MAX = 20


class Sample(Struct, frozen=True, gc=False):
    """One change: its row in the file (0 where the file leaves it out), whom or what, and how."""

    row: int
    whom: str
    fields: tuple[str, ...]


class Counts(Struct, kw_only=True):
    """How many of each."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    missing: int = 0
    """in force, but a whole file leaves them out: they end"""
    skipped: int = 0
    """rows or persons at fault that were left out"""
    samples: list[Sample] = field(default_factory=list)

    def sample(self, samples: Sequence[Sample]) -> None:
        """Keep the first few."""
        self.samples += samples[: SAMPLES_MAX - len(self.samples)]

    def short(self) -> str:
        """For the audit."""
        told = f"new {self.new}, changed {self.changed}, unchanged {self.unchanged}"
        return f"{told}, missing {self.missing}, skipped {self.skipped}"


def preview_text(counts: Counts, *, whole: bool) -> str:
    """The counts and the first changes."""
    lines = [
        f"新增 new {counts.new}，变更 changed {counts.changed}，"
        f"不变 unchanged {counts.unchanged}"
        + (f"，缺少（将终止）missing, would end {counts.missing}" if whole else "")
        + (f"，跳过 skipped {counts.skipped}" if counts.skipped else "")
    ]
    if counts.samples:
        lines.append("变更 changes" + ("（前 20 项 the first 20）" if _more(counts) else ""))
    for sample in counts.samples:
        where = f"第 {sample.row} 行 row {sample.row}" if sample.row else "缺少 missing"
        lines.append(f"  {where}  {sample.whom}")
        lines += [f"      {each}" for each in sample.fields]
    return "\n".join(lines)


def _more(counts: Counts) -> bool:
    return counts.changed + counts.missing > len(counts.samples)
