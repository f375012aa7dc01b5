"""How much of everything a long test does: a part of it in `make check`, the whole with LOTOK_LONG=1.

A test that is long as a whole is marked `long`: `make check` leaves it out, CI and LOTOK_LONG=1 do not.
"""

import os
from collections.abc import Iterable
from typing import Any

import pytest


def size(short: int, whole: int) -> int:
    """Return the whole number where there is time for it, else the short one."""
    return short if is_short() else whole


def is_short() -> bool:
    """Say whether this run does a part only."""
    return not os.environ.get("LOTOK_LONG")


def few(values: Iterable[Any], count: int, *, several: bool = False) -> list[Any]:
    """Return the values of a parameter of which only the first `count` are for `make check`; the others are long.

    With `several`, each is a tuple: the values of several parameters.

    For pictures whose designs, forms or scenes go through the same code, or functions that boot by the same; those that
    do not stand first.
    """
    every = list(values)
    others = (value if several else (value,) for value in every[count:])
    return [*every[:count], *(pytest.param(*value, marks=pytest.mark.long) for value in others)]
