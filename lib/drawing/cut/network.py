"""Finds the main object of a picture: the forward pass of u2netp, in NumPy alone.

U²-Net is a U of small Us: six encoders, each at half the size of the one before, five decoders back up, six guesses at
the object, and one that weighs them. Every small U is the same idea once more. All of it are 3x3 convolutions, so the
weights lie in one array in the order in which they are used: no graph is stored, this file is the graph.

The weights are those of the authors (u2netp.LICENSE.txt), as float16; dev/weights.py made them. No runtime is worth
its size here: 1.1 s of one core at 320 px against 0.7 s with onnxruntime, which would add 78 MB to a worker.
"""

import functools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from lib.drawing.ground.raster import Floats

WEIGHTS = Path(__file__).with_name("u2netp.npz")
STRIP = 250_000  # numbers that one strip of a convolution lays out: fits the cache
ROWS = 8  # of a strip at least: its two rows beside it are laid out twice
WIDE, NARROW = 64, 16  # planes between the small Us, and inside them
ENCODERS, DECODERS = (7, 6, 5, 4, 0, 0), (0, 4, 5, 6, 7)  # how deep each small U is; 0: it widens its view in place
EXPOSURE = 0.75  # of what it was taught: it sees more of a bright product on a bright ground, and loses nothing else
MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
SPREAD = np.array([0.229, 0.224, 0.225], dtype=np.float32)
BRIGHT = 99.5  # the percentile that counts as white: a dim photo is lifted, whatever glints in it

Layer = tuple[Floats, Floats]
Planes = tuple[Floats, ...]


def find(picture: Image.Image, side: int) -> Floats:
    """Return how likely each pixel belongs to the main object, as `side` squared floats; `side` is a multiple of 32.

    The picture is squashed to a square, as the network was taught.
    """
    small = picture.convert("RGB").resize((side, side), Image.Resampling.LANCZOS)
    pixels = np.asarray(small, dtype=np.float32)
    lit = np.minimum(pixels / max(1.0, float(np.percentile(pixels, BRIGHT))), 1) * EXPOSURE
    guess = _run(np.ascontiguousarray(((lit - MEAN) / SPREAD).transpose(2, 0, 1)))
    low, high = float(guess.min()), float(guess.max())
    # Stretched as in training, but not where nothing stands out.
    return (guess - low) / (high - low) if high >= 0.9 else guess


def shapes() -> Iterator[tuple[int, int, int]]:
    """Give (planes out, planes in, kernel) of each convolution, in the order of their use."""
    for number, depth in enumerate((*ENCODERS, *DECODERS)):
        entry = 3 if number == 0 else WIDE if number < len(ENCODERS) else 2 * WIDE
        count = depth or 4
        yield WIDE, entry, 3
        yield NARROW, WIDE, 3
        yield from [(NARROW, NARROW, 3)] * (count - 1)
        yield from [(NARROW, 2 * NARROW, 3)] * (count - 2)
        yield WIDE, 2 * NARROW, 3
    yield from [(1, WIDE, 3)] * 6
    yield 1, 6, 1


@functools.cache
def _layers() -> tuple[Layer, ...]:
    with np.load(WEIGHTS) as stored:
        flat = stored["weights"].astype(np.float32)
    layers, at = [], 0
    for out, entry, kernel in shapes():
        count = out * entry * kernel * kernel
        # For each row of the kernel a matrix: for each column of it, all planes, as a strip below lays them out.
        matrices = flat[at : at + count].reshape(out, entry, kernel, kernel).transpose(2, 0, 3, 1)
        layers.append((matrices.reshape(kernel, out, kernel * entry), flat[at + count : at + count + out, None]))
        at += count + out
    return tuple(layers)


def _run(planes: Floats) -> Floats:
    layers = iter(_layers())
    levels: list[Floats] = []
    for depth in ENCODERS:
        planes = _small_u(layers, (_halved(levels[-1]) if levels else planes,), depth)
        levels.append(planes)
    decoded = [levels.pop()]
    for depth in DECODERS:
        decoded.append(_small_u(layers, (_doubled(decoded[-1]), levels.pop()), depth))
    side = decoded[-1].shape[1]
    guesses = [_convolved((level,), next(layers), is_last=True)[0] for level in reversed(decoded)]
    weights, bias = next(layers)
    total = sum(weight * _enlarged(guess, side) for weight, guess in zip(weights[0, 0], guesses, strict=True))
    return np.asarray(1 / (1 + np.exp(-(total + bias[0]))), dtype=np.float32)


def _small_u(layers: Iterator[Layer], planes: Planes, depth: int) -> Floats:
    """Look at the planes at ever coarser sizes and come back up, then add that to what came in.

    At depth 0 they are too small to be halved: the view is widened by a wider step between pixels instead.
    """
    entry = _convolved(planes, next(layers))
    levels = [_convolved((entry,), next(layers))]
    for step in range(1, (depth or 4) - 1):
        below = _halved(levels[-1]) if depth else levels[-1]
        levels.append(_convolved((below,), next(layers), 1 if depth else 2**step))
    low = _convolved((levels[-1],), next(layers), 2 if depth else 8)
    while levels:
        skipped = levels.pop()
        step = 1 if depth else 2 ** len(levels)
        low = _convolved((low, skipped), next(layers), step)
        if depth and levels:
            low = _doubled(low)
    low += entry
    return low


def _convolved(planes: Planes, layer: Layer, step: int = 1, *, is_last: bool = False) -> Floats:
    """Convolve the planes of all inputs, 3x3 with `step` between pixels, strip by strip; negatives become 0.

    Columns are shifted by copying. Rows need no copy: the row below begins one width later in the same numbers.
    """
    matrices, bias = layer
    height, width = planes[0].shape[1:]
    entry = matrices.shape[2]
    rows = min(height, max(ROWS, STRIP // (entry * width)))
    result = np.empty((len(bias), height, width), dtype=np.float32)
    for top in range(0, height, rows):
        high = min(rows, height - top)
        strip = _strip(planes, entry // 3, top, high, step).reshape(entry, -1)
        part = matrices[0] @ strip[:, : high * width]
        for down in (1, 2):
            part += matrices[down] @ strip[:, down * step * width :][:, : high * width]
        part += bias
        if not is_last:
            np.maximum(part, 0, out=part)
        result[:, top : top + high] = part.reshape(-1, high, width)
    return result


def _strip(planes: Planes, count: int, top: int, high: int, step: int) -> Floats:
    """Copy some rows of all planes, with `step` more above and below, shifted right, not, and left: zeros beyond."""
    height, width = planes[0].shape[1:]
    strip = np.zeros((3, count, high + 2 * step, width), dtype=np.float32)
    first, last = max(0, top - step), min(height, top + high + step)
    at, begin = 0, first - (top - step)
    for each in planes:
        right, same, left = strip[:, at : at + len(each), begin : begin + last - first]
        same[:] = each[:, first:last]
        right[..., step:], left[..., :-step] = same[..., :-step], same[..., step:]
        at += len(each)
    return strip


def _halved(planes: Floats) -> Floats:
    """Keep the largest of each 2x2 pixels."""
    rows = np.maximum(planes[:, ::2], planes[:, 1::2])
    return np.maximum(rows[:, :, ::2], rows[:, :, 1::2])


def _doubled(planes: Floats) -> Floats:
    """Enlarge twofold, bilinearly between the centres of pixels."""
    count, height, width = planes.shape
    tall = np.empty((count, height, 2, width), dtype=np.float32)
    _spread(planes, tall[:, :, 0], tall[:, :, 1], 1)
    wide = np.empty((count, 2 * height, width, 2), dtype=np.float32)
    _spread(tall.reshape(count, -1, width), wide[..., 0], wide[..., 1], 2)
    return wide.reshape(count, 2 * height, 2 * width)


def _spread(planes: Floats, before: Floats, after: Floats, axis: int) -> None:
    """Write what lies a quarter of a pixel before and after each, along an axis: the order in memory stays."""
    own, rest = (planes.swapaxes(axis, 0) * np.float32(share) for share in (0.75, 0.25))
    before, after = before.swapaxes(axis, 0), after.swapaxes(axis, 0)
    np.add(own[1:], rest[:-1], out=before[1:])
    np.add(own[:-1], rest[1:], out=after[:-1])
    before[0], after[-1] = own[0] + rest[0], own[-1] + rest[-1]


def _enlarged(plane: Floats, side: int) -> Floats:
    """Enlarge one plane to any side, bilinearly between the centres of pixels."""
    at = np.clip((np.arange(side) + 0.5) * len(plane) / side - 0.5, 0, len(plane) - 1)
    low = at.astype(int)
    high = np.minimum(low + 1, len(plane) - 1)
    share = (at - low).astype(np.float32)
    down = plane[low] * (1 - share[:, None]) + plane[high] * share[:, None]
    return np.asarray(down[:, low] * (1 - share) + down[:, high] * share, dtype=np.float32)
