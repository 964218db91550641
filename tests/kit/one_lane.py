"""What a town in the cluster's shape said to its database, held against the rule of one lane."""

from __future__ import annotations

from collections.abc import Iterable

from settlement.storage.queries import SCATTER
from tests.tidy.onelane import DISTRIBUTE, distributed, functions, objections
from tests.tidy.tree import ROOT

LANED = distributed((ROOT / DISTRIBUTE).read_text("utf-8"))
TAKERS = frozenset(name for name, function in functions().items() if function.takes_lane)


def assert_one_lane(statements: Iterable[str]) -> None:
    """Each of them would be planned for one shard, but for those that are known to visit all
    lanes and run beside the settle path."""
    beside = frozenset(SCATTER.values())
    found = {
        s: wrong for s in statements if s not in beside and (wrong := objections(s, LANED, TAKERS))
    }
    assert not found
