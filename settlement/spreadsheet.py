"""Cells of CSV files that a spreadsheet shows and does not compute (公式注入).

Names, reasons and remarks come from others; whoever opens a file of ours by a double click must not
run what is in them. Pure; a tidy test holds every writer of CSV to it.
"""

from __future__ import annotations

import re

DANGEROUS = tuple("=+-@\t\r\n＝＋－＠")
"""How a text begins that a spreadsheet may compute, also in full width."""
_BREAKS = re.compile("[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]")
"""What some reader takes for the end of a row: a cell after it would begin as it likes."""
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?", re.ASCII)


def defused(text: str) -> str:
    """A text on one line that no spreadsheet computes: an apostrophe stands before it where it
    must."""
    kept = _BREAKS.sub(" ", text)
    return f"'{kept}" if text.startswith(DANGEROUS) else kept


def harmless(cell: str) -> str:
    """A cell that may be a number, which stays one."""
    return cell if _NUMBER.fullmatch(cell) else defused(cell)
