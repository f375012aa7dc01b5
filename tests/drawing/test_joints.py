"""Lines of the ground that a look has taken along."""

import numpy as np
import pytest

from lib.drawing.cut import joints
from lib.drawing.ground.raster import Floats

SIDE = 200


def make_look(line: float, ends: int) -> Floats:
    """A product, and a line that goes from it to the row `ends`, of which the network is so sure."""
    look = np.zeros((SIDE, SIDE), dtype=np.float32)
    look[60:140, 60:140] = 1
    look[140:ends, 98:102] = line
    return look


@pytest.mark.parametrize(
    ("line", "ends", "found"), [(0.5, SIDE, True), (0.1, SIDE, True), (0.97, SIDE, False), (0.5, 170, False)]
)
def test_an_unsure_line_that_runs_on_is_the_ground(line: float, ends: int, found: bool) -> None:
    """The joint of two boards hung from a child's cap; a cable that the network is sure of stays."""
    lines = joints.find(make_look(line, ends))
    assert bool(lines[160:ends].any()) is found
    assert not lines[62:138, 62:138].any()


def test_a_product_that_the_photo_crops_has_no_such_line() -> None:
    look = make_look(0.5, SIDE)
    look[140:] = 0
    look[60:, 60:140] = 1
    assert not joints.find(look).any()
