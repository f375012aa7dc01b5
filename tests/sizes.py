"""How much of everything a long test does: a part of it in `make check`, the whole with LOTOK_LONG=1."""

import os


def size(short: int, whole: int) -> int:
    """Return the whole number where there is time for it, else the short one."""
    return whole if os.environ.get("LOTOK_LONG") else short
