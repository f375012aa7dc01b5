"""How much of everything a long test does: a part of it in `make check`, the whole with LOTOK_LONG=1.

A test that is long as a whole is marked `long`: `make check` leaves it out, CI and LOTOK_LONG=1 do not.
"""

import os


def size(short: int, whole: int) -> int:
    """Return the whole number where there is time for it, else the short one."""
    return short if is_short() else whole


def is_short() -> bool:
    """Say whether this run does a part only."""
    return not os.environ.get("LOTOK_LONG")
