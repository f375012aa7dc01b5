"""The prompts of SAM: where things lie, as waves of random lengths, and what was said of these places."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lib.drawing.cut.sam import layers, weights
from lib.drawing.cut.sam.encoder import CELL, PLANES, Embedding
from lib.drawing.cut.sam.weights import Linear, Norm
from lib.drawing.ground.raster import Floats

FRAME = 1024  # pixels along the square in which the places of a picture were taught
AWAY = -8.0  # of a mask: surely not the object

Box = tuple[float, float, float, float]  # left, top, right, bottom
Point = tuple[float, float, bool]  # x, y, whether it lies on the object


@dataclass(frozen=True)
class PromptEncoder:
    """All weights, in the order of their use."""

    waves: Floats
    off: Floats
    on: Floats
    corners: Floats
    nowhere: Floats
    unmasked: Floats
    mask: tuple[Linear, Norm, Linear, Norm, Linear]


def tokens(embedding: Embedding, box: Box | None, points: Sequence[Point]) -> Floats:
    """Return a row of numbers for each point, and for both corners of the box; they are in pixels of the picture."""
    net = network()
    rows = [_placed(embedding, x, y) + (net.on if on else net.off) for x, y, on in points]
    if box:
        rows += [_placed(embedding, *box[:2]) + net.corners[0], _placed(embedding, *box[2:]) + net.corners[1]]
    elif points:
        rows.append(net.nowhere)
    return np.array(rows, dtype=np.float32).reshape(-1, PLANES)


def grid(embedding: Embedding) -> Floats:
    """Return where each cell of the embedding lies: (height, width, 256)."""
    height, width = embedding.planes.shape[:2]
    places = np.empty((height, width, 2), dtype=np.float32)
    places[..., 0] = (np.arange(width) + 0.5) * CELL / FRAME
    places[..., 1] = (np.arange(height) + 0.5)[:, None] * CELL / FRAME
    return _waves(places)


def masked(embedding: Embedding, mask: Floats | None) -> Floats:
    """Return what is added to each cell for a mask, of the shape and kind of an answer's."""
    net = network()
    if mask is None:
        return net.unmasked
    height, width = embedding.planes.shape[:2]
    framed = np.full((height * 4, width * 4, 1), AWAY, dtype=np.float32)
    framed[: mask.shape[0], : mask.shape[1], 0] = mask
    first, calm, second, calmer, last = net.mask
    planes = layers.gelu(layers.normed(layers.linear(_folded(framed), first), calm))
    planes = layers.gelu(layers.normed(layers.linear(_folded(planes), second), calmer))
    return layers.linear(planes, last)


@functools.cache
def network() -> PromptEncoder:
    """Return its layers, read once."""
    reader = weights.part("prompts")
    waves = reader.numbers(2, PLANES // 2)
    off, on, corners = reader.numbers(PLANES), reader.numbers(PLANES), reader.numbers(2, PLANES)
    nowhere, unmasked = reader.numbers(PLANES), reader.numbers(PLANES)
    mask = reader.linear(4, 4), reader.norm(4), reader.linear(16, 16), reader.norm(16), reader.linear(16, PLANES)
    return PromptEncoder(waves, off, on, corners, nowhere, unmasked, mask)


def _placed(embedding: Embedding, x: float, y: float) -> Floats:
    return _waves(
        np.array([x * embedding.scale + 0.5, y * embedding.scale + 0.5], dtype=np.float32) / np.float32(FRAME)
    )


def _waves(places: Floats) -> Floats:
    turns = (2 * places - 1) @ network().waves * np.float32(2 * np.pi)
    return np.concatenate([np.sin(turns), np.cos(turns)], axis=-1)


def _folded(planes: Floats) -> Floats:
    """Make one place of 2x2."""
    height, width, count = planes.shape
    parted = planes.reshape(height // 2, 2, width // 2, 2, count)
    return parted.swapaxes(1, 2).reshape(height // 2, width // 2, 4 * count)
