"""Writes what is said of refusals in English from the page of error codes
(docs/reference/errors.md): settlement/refusal_causes.py, when each is given, and
settlement/refusal_remedies.py, what to do."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROW = re.compile(r"^\| `(\w+)` \| \d+ \| `\w+` \| .* \| (.*?) \| (.*?) \|$", re.MULTILINE)
HEAD = '''"""{what}, in English: for a programmer, beside the text for a cashier.

Made from docs/reference/errors.md by tools/causes.py; a tidy test keeps both equal.
"""

from __future__ import annotations

from collections.abc import Mapping

{name}: Mapping[str, str] = {{
'''


def main() -> None:
    """Write the modules."""
    rows = ROW.findall((ROOT / "docs/reference/errors.md").read_text("utf-8"))
    causes = {code: cause for code, cause, _ in rows}
    remedies = {code: remedy for code, _, remedy in rows}
    _write("refusal_causes", HEAD.format(what="What each refusal means", name="CAUSES"), causes)
    head = HEAD.format(what="What to do about each refusal", name="REMEDIES")
    _write("refusal_remedies", head, remedies)


def _write(module: str, head: str, texts: dict[str, str]) -> None:
    lines = [_entry(code, text) for code, text in texts.items()]
    (ROOT / f"settlement/{module}.py").write_text(head + "".join(lines) + "}\n", "utf-8")


def _entry(code: str, text: str) -> str:
    """One entry, its text in pieces that fit."""
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    line = f'    "{code}": "{quoted}",\n'
    if len(line) <= 100:
        return line
    pieces, rest = [], quoted
    while rest:
        cut = len(rest) if len(rest) <= 88 else rest.rfind(" ", 0, 88) + 1
        pieces.append(rest[:cut])
        rest = rest[cut:]
    body = "".join(f'        "{piece}"\n' for piece in pieces)
    return f'    "{code}": (\n{body}    ),\n'


if __name__ == "__main__":
    main()
