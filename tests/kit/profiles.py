"""The shipped policies under another region profile, for what a region may decide otherwise."""

from __future__ import annotations

import json
from pathlib import Path

from settlement.policy import loader
from settlement.policy.loader import PolicySet, parse_policies
from tests.kit.population import REGION


def policies_where(key: str, value: str | int) -> PolicySet:
    """The shipped policies, but for one key of the region's profile."""
    shelf = Path(loader.__file__).parent
    files = {path.name: path.read_text("utf-8") for path in shelf.glob("*.toml")}
    profile = f"{REGION}.toml"
    assert f"\n{key} = " in files[profile]
    lines = files[profile].splitlines()
    files[profile] = "\n".join(
        f"{key} = {json.dumps(value)}" if line.startswith(f"{key} = ") else line for line in lines
    )
    return parse_policies({name: text.encode() for name, text in files.items()})
