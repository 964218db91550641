"""How many connections a server has to its database, by the names under which they are opened.

`pg_stat_activity` shows the names. A process opens most of them when they are first needed and
keeps them. Pure numbers: whoever opens a connection counts it here (tests/unit/storage).
"""

from __future__ import annotations

from collections.abc import Mapping

HELD_BY_A_GATEWAY = 3
"""From its start on, beside one a journal: what is not of a journal, and two that look for payments
and cases to bring to their end."""
OF_A_GATEWAY: Mapping[str, int] = {
    "settlement-side": 1, "settlement-lookup": 1, "settlement-catalogue": 1,
    "settlement-resolver": 1, "settlement-regions": 1, "settlement-siblings": 1,
    "settlement-payments": 4, "settlement-mobile": 2, "settlement-my": 3, "settlement-hub": 3,
    "settlement-remote": 2, "settlement-statements": 1, "settlement-files": 1,
    "settlement-lists": 1, "settlement-imports": 1,
}  # fmt: skip
"""At most, beside one a journal."""
LOOPS = 12
"""Of the background process, whether they have their lease or wait for it."""
HELD_BY_A_SERVER = LOOPS + 3
"""From its start on, whatever its gateways hold: loops, the importer and two loops beside it."""
OF_A_SERVER: Mapping[str, int] = {
    "loops": LOOPS, "settlement-importer": 1, "settlement-bills": 1, "settlement-regions": 1,
    "settlement-import": 4, "settlement-console": 6, "settlement-console-act": 1,
    "settlement-matching": 1, "verify": 3, "settlement-operator": 1,
}  # fmt: skip
"""At most, whatever its gateways hold, with an import, a verification and an act under way."""


def connections_held(*, workers: int, journals: int) -> int:
    """What a server with so many gateway processes holds from its start on: with fewer it does not
    work."""
    return workers * (journals + HELD_BY_A_GATEWAY) + HELD_BY_A_SERVER


def connections_at_most(*, workers: int, journals: int) -> int:
    """What it may come to hold when all that it does is done at once."""
    of_gateways = workers * (journals + sum(OF_A_GATEWAY.values()))
    return of_gateways + sum(OF_A_SERVER.values())
