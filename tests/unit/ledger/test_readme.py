"""The example of ledger/README.md does what its comments say."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

README = Path(__file__).parents[3] / "ledger" / "README.md"
_EXAMPLE = re.compile(r"```python\n(?P<code>.*?)```", re.DOTALL)


def test_example_says_what_its_comments_promise(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = _EXAMPLE.search(README.read_text("utf-8"))
    assert found is not None
    example = tmp_path / "first_look.py"
    example.write_text(found["code"], "utf-8")
    runpy.run_path(str(example))
    booked, refused, balance, is_balanced, first_bad = capsys.readouterr().out.splitlines()
    assert booked.startswith("Appended(block_no=1, ")
    assert "EXISTS" in refused
    assert "credits_fen=7131, debits_pending_fen=0, credits_pending_fen=0" in balance
    assert (is_balanced, first_bad) == ("True", "None")
