"""Writes what pages for operators take from the code; a test holds the pages equal to it.

    python -m tests.tidy.operator_pages
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from settlement.doctor.findings import Code
from settlement.doctor.words import WORDS
from tests.tidy.tree import ROOT

_ZH = {"fault": "故障", "warning": "注意"}


def findings_table() -> str:
    """Every finding of `settlement doctor`."""
    lines = ["| code | | 说什么 what it says | 处理 what to do |", "|---|---|---|---|"]
    for code in Code:
        severity, zh, en, do_zh, do_en = (_cell(text) for text in WORDS[code])
        lines.append(f"| `{code}` | {_ZH[severity]} {severity} | {zh}<br>{en} | "
                     f"{do_zh}<br>{do_en} |")  # fmt: skip
    return "\n".join(lines)


PARTS: Mapping[tuple[str, str], Callable[[], str]] = {
    ("docs/operating/doctor.md", "findings"): findings_table,
}
"""By page and mark: what stands between `<!-- mark: … -->` and `<!-- end -->`."""


def page_with(page: str, mark: str, part: str) -> str:
    """The page with its part as the code has it now."""
    place = re.compile(rf"(<!-- {mark}:[^\n]*-->\n).*?(<!-- end -->)", re.DOTALL)
    made, count = place.subn(lambda found: f"{found[1]}{part}\n{found[2]}", page)
    assert count == 1, f"one place for {mark}"
    return made


def _cell(text: str) -> str:
    return re.sub(r"\{(\w+)\}", r"`\1`", text).replace("|", "\\|")


if __name__ == "__main__":
    for (path, mark), part in PARTS.items():
        file = ROOT / path
        file.write_text(page_with(file.read_text("utf-8"), mark, part()), "utf-8")
