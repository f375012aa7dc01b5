"""The encoder of SAM: TinyViT with 5 million weights. It looks at a picture once; questions about it are then cheap.

Two convolutions make a place of each 4x4 pixels. Two blocks that widen, convolve and narrow again (MBConv) look at
these, then ten transformer blocks at ever fewer: each looks around in windows of 7x7 or 14x14 places, mixes neighbours
by a convolution, and then the planes of each place. Only the picture itself is looked at, not the square that it was
framed to in training.
"""

import functools
from dataclasses import dataclass
from typing import Self

import numpy as np
from PIL import Image

from lib.drawing.cut.sam import layers, weights
from lib.drawing.cut.sam.weights import Depthwise, Linear, Norm, Reader
from lib.drawing.ground.raster import Floats

CELL = 16  # pixels along a side of a place of the embedding
PLANES = 256  # of the embedding
HEAD = 32  # planes of one head of attention
STAGES = ((64, 2, 0), (128, 2, 7), (160, 6, 14), (320, 2, 7))  # planes, blocks, side of a window
MEAN = np.array([123.675, 116.28, 103.53], dtype=np.float32)
SPREAD = np.array([58.395, 57.12, 57.375], dtype=np.float32)


@dataclass(frozen=True)
class Embedding:
    """What the encoder saw: (height, width, 256) in cells, and how the picture was enlarged before."""

    planes: Floats
    size: tuple[int, int]  # width and height of the picture as it was looked at
    scale: float


@dataclass(frozen=True)
class Bottleneck:
    """Widens, convolves each plane, narrows."""

    wide: Linear
    around: Depthwise
    narrow: Linear
    step: int

    @classmethod
    def read(cls, reader: Reader, entry: int, hidden: int, out: int, step: int) -> Self:
        """Read its layers."""
        return cls(reader.linear(entry, hidden), reader.depthwise(hidden), reader.linear(hidden, out), step)


@dataclass(frozen=True)
class WindowBlock:
    """A transformer block: attention in windows, a convolution, two matrices."""

    sought: Linear
    nearness: Floats  # what is added to a score for how two places of a window lie: (heads, places, places)
    back: Linear
    around: Depthwise
    wide: Linear
    narrow: Linear
    window: int

    @classmethod
    def read(cls, reader: Reader, planes: int, window: int) -> Self:
        """Read its layers."""
        sought, near = reader.linear(planes, 3 * planes), reader.numbers(planes // HEAD, window, window)
        place = np.arange(window)
        apart = abs(place[:, None] - place)
        rows, columns = apart[:, None, :, None], apart[None, :, None, :]
        nearness = near[:, rows, columns].reshape(-1, window**2, window**2)
        back, around = reader.linear(planes, planes), reader.depthwise(planes)
        return cls(
            sought, nearness, back, around, reader.linear(planes, 4 * planes), reader.linear(4 * planes, planes), window
        )


@dataclass(frozen=True)
class PictureEncoder:
    """All layers, in the order of their use."""

    entry: tuple[Linear, Linear]
    blocks: tuple[Bottleneck | WindowBlock, ...]
    neck: tuple[Linear, Norm, Linear, Norm]


def embed(picture: Image.Image, side: int) -> Embedding:
    """Look at a picture, enlarged or reduced until its longer side has `side` pixels; 1024 is what it was taught."""
    scale = side / max(picture.size)
    width, height = (max(1, round(length * scale)) for length in picture.size)
    small = picture.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
    pixels = np.zeros((-(-height // CELL) * CELL, -(-width // CELL) * CELL, 3), dtype=np.float32)
    np.divide(np.asarray(small, dtype=np.float32) - MEAN, SPREAD, out=pixels[:height, :width])
    return Embedding(_run(pixels), (width, height), scale)


@functools.cache
def network() -> PictureEncoder:
    """Return its layers, read once."""
    reader = weights.part("encoder")
    entry = reader.linear(27, STAGES[0][0] // 2), reader.linear(9 * STAGES[0][0] // 2, STAGES[0][0])
    blocks: list[Bottleneck | WindowBlock] = []
    for number, (planes, depth, window) in enumerate(STAGES):
        for _ in range(depth):
            wide = Bottleneck.read(reader, planes, 4 * planes, planes, 1) if not window else None
            blocks.append(wide or WindowBlock.read(reader, planes, window))
        if number + 1 < len(STAGES):
            out = STAGES[number + 1][0]
            blocks.append(Bottleneck.read(reader, planes, out, out, 1 if number == 2 else 2))
    neck = reader.linear(planes, PLANES), reader.norm(PLANES), reader.linear(9 * PLANES, PLANES), reader.norm(PLANES)
    return PictureEncoder(entry, tuple(blocks), neck)


def _run(pixels: Floats) -> Floats:
    net = network()
    planes = layers.gelu(layers.convolved(pixels, net.entry[0], 2))
    planes = layers.convolved(planes, net.entry[1], 2)
    for block in net.blocks:
        if isinstance(block, WindowBlock):
            _attend(planes, block)
            planes = layers.depthwise(np.pad(planes, ((1, 1), (1, 1), (0, 0))), block.around)
            _mix(planes, block)
        else:
            planes = _bottleneck(planes, block)
    narrow, first, around, last = net.neck
    return layers.normed(layers.convolved(layers.normed(layers.linear(planes, narrow), first), around), last)


def _bottleneck(planes: Floats, block: Bottleneck) -> Floats:
    """Widen, convolve and narrow in strips of rows; a block that changes neither size nor planes adds what came in."""
    height, width, hidden = *planes.shape[:2], len(block.wide.bias)
    tall, broad, out = height // block.step, width // block.step, len(block.narrow.bias)
    result = np.empty((tall, broad, out), dtype=np.float32)
    rows = max(1, layers.STRIP // ((width + 2) * hidden * block.step))
    for top in range(0, tall, rows):
        first, last = top * block.step - 1, min(top + rows, tall) * block.step + 2 - block.step
        inside = planes[max(first, 0) : last]
        framed = np.zeros((last - first, width + 2, hidden), dtype=np.float32)
        start = max(-first, 0)
        framed[start : start + len(inside), 1:-1] = layers.gelu(layers.linear(inside, block.wide))
        strip = layers.gelu(layers.depthwise(framed, block.around, block.step))
        result[top : top + rows] = layers.linear(strip, block.narrow)
    if result.shape != planes.shape:
        return result
    result += planes
    return layers.gelu(result)


def _attend(planes: Floats, block: WindowBlock) -> None:
    """Add to each place what it finds in its window, one row of windows after the other."""
    side, (width, count) = block.window, planes.shape[1:]
    across = -(-width // side)
    for top in range(0, len(planes), side):
        strip = planes[top : top + side]
        framed = np.zeros((side, across * side, count), dtype=np.float32)
        framed[: len(strip), :width] = layers.normed(strip)
        places = framed.reshape(side, across, side, count).swapaxes(0, 1).reshape(across, side * side, count)
        heads = layers.linear(places, block.sought).reshape(across, side * side, count // HEAD, 3, HEAD)
        query, key, value = heads.transpose(3, 0, 2, 1, 4)
        scores = query @ key.swapaxes(2, 3)
        scores += block.nearness
        found = (layers.softmax(scores) @ value).swapaxes(1, 2).reshape(across, side, side, count)
        strip += layers.linear(found, block.back).swapaxes(0, 1).reshape(framed.shape)[: len(strip), :width]


def _mix(planes: Floats, block: WindowBlock) -> None:
    """Add to the planes of each place what two matrices make of them."""
    flat = planes.reshape(-1, planes.shape[2])
    rows = layers.STRIP // len(block.wide.bias)
    for top in range(0, len(flat), rows):
        strip = flat[top : top + rows]
        strip += layers.linear(layers.gelu(layers.linear(layers.normed(strip), block.wide)), block.narrow)
