"""Commands that need no database: the calculator, and checking policy files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from settlement.calculator import CaseError, calculate, explained
from settlement.policy.errors import PolicyError
from settlement.policy.loader import PolicySet, parse_policies, shipped_files
from settlement.said import UNUSABLE, Said


def adjudicate(text: bytes, files: Sequence[Path], *, as_json: bool) -> Said:
    """Compute cases with the shipped policies and those of `files`."""
    try:
        done = calculate(text, _policies(files))
    except (CaseError, PolicyError, OSError) as error:
        return Said(UNUSABLE, f"settlement: {error}")
    status = 0 if done.fine else 1
    if not as_json:
        return Said(status, explained(done.answers))
    answer = done.answers[0] if done.single else done.answers
    return Said(status, json.dumps(answer, ensure_ascii=False))


def _policies(files: Sequence[Path]) -> PolicySet:
    return parse_policies(shipped_files() | {path.name: path.read_bytes() for path in files})
