"""Writes settlement/refusal_causes.py from the page of error codes (docs/reference/errors.md)."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROW = re.compile(r"^\| `(\w+)` \| \d+ \| `\w+` \| .* \| (.*?) \|$", re.MULTILINE)
HEAD = '''"""What each refusal means, in English: for a programmer, beside the text for a cashier.

Made from docs/reference/errors.md by tools/causes.py; a tidy test keeps both equal.
"""

from __future__ import annotations

from collections.abc import Mapping

CAUSES: Mapping[str, str] = {
'''


def main() -> None:
    """Write the module."""
    rows = ROW.findall((ROOT / "docs/reference/errors.md").read_text("utf-8"))
    lines = [_entry(code, cause) for code, cause in rows]
    text = HEAD + "".join(lines) + "}\n"
    (ROOT / "settlement/refusal_causes.py").write_text(text, "utf-8")


def _entry(code: str, cause: str) -> str:
    """One entry, its text in pieces that fit."""
    quoted = cause.replace("\\", "\\\\").replace('"', '\\"')
    line = f'    "{code}": "{quoted}",\n'
    if len(line) <= 100:
        return line
    pieces, rest = [], quoted
    while rest:
        cut = len(rest) if len(rest) <= 84 else rest.rfind(" ", 0, 84) + 1
        pieces.append(rest[:cut])
        rest = rest[cut:]
    body = "".join(f'        "{piece}"\n' for piece in pieces)
    return f'    "{code}": (\n{body}    ),\n'


if __name__ == "__main__":
    main()
