"""The kept inputs: good ones to begin from, and every one that was ever a finding.

`corpus/PARSER/NAME.bin`: small files, all of them synthetic. `seeds.py` made the good ones.
"""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "corpus"
FILE_BYTES_MAX = 8 * 1024


def corpus_of(parser: str) -> dict[str, bytes]:
    """What is kept for a parser, by name."""
    return {path.stem: path.read_bytes() for path in sorted((FOLDER / parser).glob("*.bin"))}
