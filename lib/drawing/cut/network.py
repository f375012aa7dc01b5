"""Finds the main object of a picture: the forward pass of u2netp, in NumPy alone.

U²-Net is a U of small Us: six encoders, each at half the size of the one before, five decoders back up, six guesses at
the object, and one that weighs them. Every small U is the same idea once more. All of it are 3x3 convolutions, so the
weights lie in one array in the order in which they are used: no graph is stored, this file is the graph.

Planes are kept apart by even and odd rows and columns: (2, 2, planes, height, width), each a quarter of the pixels.
So a convolution takes two by two pixels at once with 16 products in place of 36 (Winograd's), the largest of 2x2 is
that of four arrays, and no step jumps over pixels in memory.

The weights, as float16, began as the authors' (u2netp.LICENSE.txt), which dev/weights.py reads; they were trained
further as in dev/cut/learn.py (decision 0027). No runtime is worth its size here: onnxruntime would add 78 MB to a
worker.
"""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from lib.drawing.ground import raster
from lib.drawing.ground.raster import Floats

WEIGHTS = Path(__file__).with_name("u2netp.npz")
STRIP = 1_000_000  # numbers that one strip of a convolution lays out, of its planes and of its products
WIDE, NARROW = 64, 16  # planes between the small Us, and inside them
ENCODERS, DECODERS = (7, 6, 5, 4, 0, 0), (0, 4, 5, 6, 7)  # how deep each small U is; 0: it widens its view in place
EXPOSURE = 0.75  # of what it was taught: it sees more of a bright product on a bright ground, and loses nothing else
MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
SPREAD = np.array([0.229, 0.224, 0.225], dtype=np.float32)
BRIGHT = 99.5  # the percentile of each colour that is white: a dim, yellow photo is lifted, whatever glints in it
LAMP = 0.6  # of the strongest colour of white: more is not the light's tint, but a red sheet

# Makes 4x4 numbers of a kernel's 3x3: the products of such a tile with 4x4 pixels add up to 2x2 pixels of the result.
TILE = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]], dtype=np.float32)

Planes = tuple[Floats, ...]


@dataclass(frozen=True)
class Convolution:
    """The weights of one convolution: (planes out, planes in, 3, 3), and what is added to each plane."""

    kernel: Floats
    bias: Floats

    @functools.cached_property
    def tiles(self) -> Floats:
        """Return the kernel as tiles: (4 x 4, planes out, planes in)."""
        high = np.tensordot(TILE, self.kernel, (1, 2))
        return np.ascontiguousarray(np.tensordot(TILE, high, (1, 3)).swapaxes(0, 1).reshape(16, *self.kernel.shape[:2]))


def find(picture: Image.Image, side: int) -> Floats:
    """Return how likely each pixel belongs to the main object, as `side` squared floats; `side` is a multiple of 64."""
    guess = _run(np.ascontiguousarray(prepared(picture, side).transpose(2, 0, 1)))
    low, high = float(guess.min()), float(guess.max())
    # Stretched as in training, but not where nothing stands out.
    return (guess - low) / (high - low) if high >= 0.9 else guess


def prepared(picture: Image.Image, side: int) -> Floats:
    """Return a picture as the network was taught: squashed to a square, calmed, for it takes noise for texture, lit."""
    small = picture.convert("RGB").resize((side, side), Image.Resampling.LANCZOS)
    pixels = raster.calmed(np.asarray(small, dtype=np.float32))
    white = np.percentile(pixels, BRIGHT, axis=(0, 1)).astype(np.float32)
    lit = np.minimum(pixels / np.maximum(white, max(1.0, LAMP * float(white.max()))), 1) * np.float32(EXPOSURE)
    return np.asarray((lit - MEAN) / SPREAD, dtype=np.float32)


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
def _layers() -> tuple[Convolution, ...]:
    with np.load(WEIGHTS) as stored:
        flat = stored["weights"].astype(np.float32)
    layers, at = [], 0
    for out, entry, kernel in shapes():
        count = out * entry * kernel * kernel
        weights = flat[at : at + count].reshape(out, entry, kernel, kernel)
        layers.append(Convolution(weights, flat[at + count : at + count + out, None, None]))
        at += count + out
    return tuple(layers)


def _run(pixels: Floats) -> Floats:
    layers = iter(_layers())
    levels: list[Floats] = []
    for depth in ENCODERS:
        entry = _convolved((_halved(levels[-1]),), next(layers)) if levels else _entered(pixels, next(layers))
        levels.append(_small_u(layers, entry, depth))
    decoded = [levels.pop()]
    for depth in DECODERS:
        entry = _convolved((_doubled(decoded[-1]), levels.pop()), next(layers))
        decoded.append(_small_u(layers, entry, depth))
    side = pixels.shape[1]
    guesses = [_guess(level, next(layers)) for level in reversed(decoded)]
    last = next(layers)
    total = sum(weight * _enlarged(guess, side) for weight, guess in zip(last.kernel.ravel(), guesses, strict=True))
    return np.asarray(1 / (1 + np.exp(-(total + last.bias[0, 0, 0]))), dtype=np.float32)


def _small_u(layers: Iterator[Convolution], entry: Floats, depth: int) -> Floats:
    """Look at the planes at ever coarser sizes and come back up, then add that to what came in.

    At depth 0 they are too small to be halved: the view is widened by a wider step between pixels instead.
    """
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


def _entered(pixels: Floats, layer: Convolution) -> Floats:
    """Convolve the picture itself, and part the result by even and odd rows and columns; negatives become 0."""
    count, side = len(pixels), pixels.shape[1]
    framed = np.pad(pixels, ((0, 0), (1, 1), (1, 1)))
    views = np.empty((count, 3, 3, side // 2, side // 2), dtype=np.float32)
    result = np.empty((2, 2, len(layer.kernel), side // 2, side // 2), dtype=np.float32)
    for down, right in np.ndindex(2, 2):
        for row, column in np.ndindex(3, 3):
            views[:, row, column] = framed[:, down + row :: 2, right + column :: 2][:, : side // 2, : side // 2]
        _matched(layer, views, result[down, right])
    return result


def _matched(layer: Convolution, views: Floats, result: Floats) -> None:
    """Sum up views, each shifted as a weight of the kernel wants it: (planes, 3, 3, height, width)."""
    weights = layer.kernel.reshape(len(layer.kernel), -1)
    sums = (weights @ views.reshape(weights.shape[1], -1)).reshape(result.shape) + layer.bias
    np.maximum(sums, 0, out=result)


def _convolved(planes: Planes, layer: Convolution, step: int = 1) -> Floats:
    """Convolve the planes of all inputs, 3x3 with `step` between pixels; negatives become 0."""
    if step > 1:
        return _widely(planes, layer, step // 2)
    count, entry = layer.kernel.shape[:2]
    height, width = planes[0].shape[3:]
    rows = max(1, STRIP // (16 * (entry + count) * width))
    result = np.empty((2, 2, count, height, width), dtype=np.float32)
    for top in range(0, height, rows):
        strip = result[:, :, :, top : top + rows]
        tiles = np.empty((4, 4, entry, *strip.shape[3:]), dtype=np.float32)
        at = 0
        for each in planes:
            _tile(each, top, tiles[:, :, at : at + each.shape[2]])
            at += each.shape[2]
        products = (layer.tiles @ tiles.reshape(16, entry, -1)).reshape(4, 4, *strip.shape[2:])
        products[1, 1] += layer.bias  # which all four sums have in them
        for lines, halves in zip(strip, _sums(products), strict=True):
            for part, total in zip(lines, _sums(halves), strict=True):
                np.maximum(total, 0, out=part)
    return result


def _tile(planes: Floats, top: int, tiles: Floats) -> None:
    """Write what the kernel's tiles are multiplied with: for each 2x2 pixels the 4x4 around them, subtracted so."""
    high = tiles.shape[3]
    even, odd = _across(planes[0], top, high + 1), _across(planes[1], top - 1, high + 1)
    first, third = odd[:, :, :-1], odd[:, :, 1:]
    second, fourth = even[:, :, :-1], even[:, :, 1:]
    np.subtract(first, third, out=tiles[0])
    np.add(second, third, out=tiles[1])
    np.subtract(third, second, out=tiles[2])
    np.subtract(second, fourth, out=tiles[3])


def _across(lines: Floats, first: int, high: int) -> Floats:
    """Do the same along the rows, of so many of the even or the odd ones; beyond the picture there are zeros."""
    count, height, width = lines.shape[1:]
    tiles = np.empty((4, count, high, width), dtype=np.float32)
    low, end = max(first, 0), min(first + high, height)
    tiles[:, :, : low - first] = 0
    tiles[:, :, end - first :] = 0
    even, odd = lines[:, :, low:end]
    one, two, three, four = tiles[:, :, low - first : end - first]
    np.subtract(odd[..., :-1], odd[..., 1:], out=one[..., 1:])
    np.negative(odd[..., 0], out=one[..., 0])
    np.add(even, odd, out=two)
    np.subtract(odd, even, out=three)
    np.subtract(even[..., :-1], even[..., 1:], out=four[..., :-1])
    four[..., -1] = even[..., -1]
    return tiles


def _sums(products: Floats) -> tuple[Floats, Floats]:
    """Add four to two along the first axis; the second sum is written over one of the four."""
    one = products[1] + products[2]
    one += products[0]
    two = np.subtract(products[1], products[2], out=products[1])
    two -= products[3]
    return one, two


def _widely(planes: Planes, layer: Convolution, step: int) -> Floats:
    """Convolve with twice this step between pixels: each part of the planes has all that its own pixels need."""
    entry, (height, width) = layer.kernel.shape[1], planes[0].shape[3:]
    result = np.empty((2, 2, len(layer.kernel), height, width), dtype=np.float32)
    views = np.empty((entry, 3, 3, height, width), dtype=np.float32)
    for down, right in np.ndindex(2, 2):
        part = np.concatenate([each[down, right] for each in planes])
        framed = np.pad(part, ((0, 0), (step, step), (step, step)))
        for row, column in np.ndindex(3, 3):
            views[:, row, column] = framed[:, row * step :, column * step :][:, :height, :width]
        _matched(layer, views, result[down, right])
    return result


def _guess(planes: Floats, layer: Convolution) -> Floats:
    """Convolve the planes to one, whole again: the nine weights first, as one plane is sooner shifted than many."""
    entry, (height, width) = layer.kernel.shape[1], planes.shape[3:]
    weights = layer.kernel.reshape(entry, 9).T
    nine = _whole((weights @ planes.reshape(2, 2, entry, -1)).reshape(2, 2, 9, height, width))
    framed = np.pad(nine, ((0, 0), (1, 1), (1, 1)))
    views = [framed[3 * row + column, row:, column:][: 2 * height, : 2 * width] for row, column in np.ndindex(3, 3)]
    return np.asarray(sum(views) + layer.bias[0], dtype=np.float32)


def _whole(planes: Floats) -> Floats:
    """Put even and odd rows and columns together."""
    count, height, width = planes.shape[2:]
    return planes.transpose(2, 3, 0, 4, 1).reshape(count, 2 * height, 2 * width)


def _halved(planes: Floats) -> Floats:
    """Keep the largest of each 2x2 pixels."""
    whole = np.maximum(np.maximum(planes[0, 0], planes[0, 1]), np.maximum(planes[1, 0], planes[1, 1]))
    count, height, width = whole.shape
    return np.ascontiguousarray(whole.reshape(count, height // 2, 2, width // 2, 2).transpose(2, 4, 0, 1, 3))


def _doubled(planes: Floats) -> Floats:
    """Enlarge twofold, bilinearly between the centres of pixels."""
    whole = _whole(planes)
    tall = np.empty((2, *whole.shape), dtype=np.float32)
    _spread(whole, tall[0], tall[1], 1)
    result = np.empty((2, 2, *whole.shape), dtype=np.float32)
    for lines, parts in zip(tall, result, strict=True):
        _spread(lines, parts[0], parts[1], 2)
    return result


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
