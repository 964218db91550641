"""Commands that need no database: the calculator, checking policy files, their schema."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from settlement.calculator import CaseError, calculate, explained
from settlement.policy.errors import PolicyError
from settlement.policy.loader import PolicySet, parse_file, parse_policies, shipped_files
from settlement.policy.model import Policy
from settlement.policy.region import RegionProfile
from settlement.policy.schema import schema_text
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


def check(files: Sequence[Path]) -> Said:
    """Check policy files, each together with all that are shipped; without files, the shipped."""
    try:
        given = read_files(files) or shipped_files()
        policies = parse_policies(shipped_files() | given)
        mine = [parse_file(name, content) for name, content in given.items()]
    except (PolicyError, OSError) as error:
        return Said(1, f"settlement: {error}")
    names = {each.name for each in mine if isinstance(each, Policy)}
    lines = [
        f"{each.version}: 通过 fine，{_care(each)}{'' if each.verified else '，未核实 unverified'}"
        for each in policies.in_force()
        if each.name in names
    ]
    lines += [f"{each.code}: 通过 fine" for each in mine if isinstance(each, RegionProfile)]
    return Said(0, "\n".join(lines))


def _care(policy: Policy) -> str:
    """What a policy has rules for."""
    kinds = dict.fromkeys(care.kind.value for care in policy.care.values())
    rules = sum(len(care.rules) for care in policy.care.values())
    return f"{'、'.join(kinds)}，{rules} 条规则 rules，{len(policy.categories)} 类人员 categories"


def read_files(files: Sequence[Path]) -> dict[str, bytes]:
    """The contents of files by their names. Raises OSError."""
    return {path.name: path.read_bytes() for path in files}


def policy_schema(*, region: bool) -> Said:
    """The JSON Schema of benefit policies, or of region profiles."""
    return Said(0, schema_text(region=region))


def _policies(files: Sequence[Path]) -> PolicySet:
    return parse_policies(shipped_files() | read_files(files))
