"""How long a name is left alone after failed sign-ins: longer each time, never for ever.

Pure. A name is counted whether or not there is such a user, so that the answer tells nobody which
names there are; a lock for good is a supervisor's decision (`locked`), not a stranger's.
"""

from __future__ import annotations

from datetime import timedelta

FREE_FAILURES = 3
"""So many may be mistyped."""
FIRST_DELAY = timedelta(seconds=15)
DELAY_MAX = timedelta(hours=1)
FORGOTTEN_AFTER = timedelta(days=1)


def delay_after(failures: int) -> timedelta:
    """How long nothing counts after so many failures in a row: 15 s after the third, twice as long
    after each further one, an hour at most."""
    if failures < FREE_FAILURES:
        return timedelta(0)
    doublings = min(failures - FREE_FAILURES, 16)
    return min(FIRST_DELAY * (1 << doublings), DELAY_MAX)
