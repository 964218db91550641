"""Writes what is said of refusals in English from the page of error codes
(docs/reference/errors.md) to settlement/refusals_english.json: when each is given, what to do."""

from __future__ import annotations

import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROW = re.compile(r"^\| `(\w+)` \| \d+ \| `\w+` \| .* \| (.*?) \| (.*?) \|$", re.MULTILINE)


def main() -> None:
    """Write the file."""
    rows = ROW.findall((ROOT / "docs/reference/errors.md").read_text("utf-8"))
    texts = {code: {"cause": cause, "remedy": remedy} for code, cause, remedy in rows}
    written = json.dumps(texts, ensure_ascii=False, indent=1) + "\n"
    (ROOT / "settlement/refusals_english.json").write_text(written, "utf-8")


if __name__ == "__main__":
    main()
