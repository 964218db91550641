"""The two shapes of our SQL, derived from one text so that they cannot drift apart.

On one machine a journal orders many lanes and a statement takes an array of them. On a cluster
(Citus, distributed by lane) a journal orders one lane and a statement compares `lane` with one
scalar: the planner then sees a single shard, where a join on an array would plan all of them.

A file of SQL is written for one machine and is valid as it stands. Three comments mark where the
cluster's shape differs:

    /*lanes*/ x,      many lanes at once: an argument, a parameter or a column; not there on a
                      cluster, with its comma
    /*lane*/ x        the lane of a row; on a cluster the one lane of the statement
    /*cluster x*/     only there on a cluster

So `on m.lane = /*lane*/ k.lane` is `on m.lane = k.lane` or `on m.lane = $1`. Nothing is inferred,
and a comment that is none of the three is refused.
"""

from __future__ import annotations

import re
from enum import StrEnum

_LANES = re.compile(r"/\*lanes\*/ (?P<many>[^,()]+),\s*")
_LANE = re.compile(r"/\*lane\*/ (?P<row>[\w.]+(?:\[\w+\])?)")
_CLUSTER = re.compile(r"/\*cluster (?P<text>[^*]+)\*/(?P<space>\s*)")


class Shape(StrEnum):
    """Which of the two a database was installed in; its functions and our statements agree."""

    ONE_MACHINE = "one_machine"
    CLUSTER = "cluster"
    """one lane a journal, and so one lane a batch"""


class ShapeError(ValueError):
    """A marker is misspelt or stands where it cannot be expanded, or lanes were mixed."""


def shaped(text: str, shape: Shape, *, lane: str) -> str:
    """The SQL of one shape. `lane` is how the cluster's statements call their one lane: `$1` in a
    named block, `p_lane` in a function."""
    if shape is Shape.ONE_MACHINE:
        made = _CLUSTER.sub("", text).replace("/*lanes*/ ", "").replace("/*lane*/ ", "")
    else:
        made = _LANES.sub("", text)
        made = _LANE.sub(lambda _: lane, made)
        made = _CLUSTER.sub(r"\g<text>\g<space>", made)
    if "/*" in made:
        line = made[: made.index("/*")].count("\n") + 1
        raise ShapeError(f"near line {line}: a marker that cannot be expanded for {shape}")
    return made


def one_lane(lanes: set[int]) -> int:
    """The lane of a statement on a cluster. Raises ShapeError where there is not exactly one."""
    if len(lanes) != 1:
        raise ShapeError(f"a statement of the cluster's shape has one lane, not {sorted(lanes)}")
    return next(iter(lanes))
