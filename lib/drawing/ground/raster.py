"""Mask arithmetic on small arrays: blur, guided filter, morphology, connected parts. NumPy only."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

GRAIN = 1.0  # of 255: noise below that does no harm


def box(plane: Floats, radius: int) -> Floats:
    """Average each pixel over a square of the given radius; edges average over what is there."""
    for axis in (0, 1):
        plane = _box_along(plane, radius, axis)
    return plane


def _box_along(plane: Floats, radius: int, axis: int) -> Floats:
    n = plane.shape[axis]
    sums = np.cumsum(plane, axis=axis, dtype=np.float64)
    sums = np.concatenate([np.zeros_like(np.take(sums, [0], axis=axis)), sums], axis=axis)
    high = np.minimum(np.arange(n) + radius + 1, n)
    low = np.maximum(np.arange(n) - radius, 0)
    total = np.take(sums, high, axis=axis) - np.take(sums, low, axis=axis)
    shape = [1] * plane.ndim
    shape[axis] = n
    return np.asarray(total / (high - low).reshape(shape), dtype=np.float32)


def guided(guide: Floats, plane: Floats, radius: int, eps: float) -> Floats:
    """Smooth `plane` along the edges of a grey guide."""
    stack = np.stack([guide, plane, guide * plane, guide * guide], axis=-1)
    mean_i, mean_p, mean_ip, mean_ii = np.moveaxis(box(stack, radius), -1, 0)
    a = (mean_ip - mean_i * mean_p) / (mean_ii - mean_i * mean_i + eps)
    smooth = box(np.stack([a, mean_p - a * mean_i], axis=-1), radius)
    return smooth[..., 0] * guide + smooth[..., 1]


def calmed(pixels: Floats) -> Floats:
    """Return a picture without its noise: smooth wherever it varies by no more than twice what its grain does."""
    middle = pixels[1:-1, 1:-1]
    around = pixels[:-2, 1:-1] + pixels[2:, 1:-1] + pixels[1:-1, :-2] + pixels[1:-1, 2:]
    # Of even noise, the difference of a pixel and the mean of its four neighbours is sqrt(5/4) times as large.
    grain = 1.4826 * float(np.median(np.abs(middle - around / 4))) / np.sqrt(1.25)
    if grain < GRAIN:
        return pixels
    mean = box(pixels, 2)
    varied = np.maximum(box(pixels * pixels, 2) - mean * mean, 0)
    own = np.asarray(varied / (varied + np.float32(4 * grain * grain)), dtype=np.float32)
    smooth = box(np.dstack([own, mean - own * mean]), 2)
    return smooth[..., :3] * pixels + smooth[..., 3:]


def dilate(mask: Mask, radius: int) -> Mask:
    """Grow the mask by a disc-like shape: half square, half diamond."""
    grown = mask
    for step in range(radius):
        grown = _grow_diamond(grown) if step % 3 else _grow_square(grown)
    return grown


def erode(mask: Mask, radius: int) -> Mask:
    """Shrink the mask; the picture's edge does not eat into it."""
    return ~dilate(~mask, radius)


def opened(mask: Mask, radius: int) -> Mask:
    """Drop what is thinner than two radii."""
    return dilate(erode(mask, radius), radius) & mask


def closed(mask: Mask, radius: int) -> Mask:
    """Close gaps thinner than two radii."""
    return erode(dilate(mask, radius), radius) | mask


def _grow_diamond(mask: Mask) -> Mask:
    grown = mask.copy()
    grown[1:] |= mask[:-1]
    grown[:-1] |= mask[1:]
    grown[:, 1:] |= mask[:, :-1]
    grown[:, :-1] |= mask[:, 1:]
    return grown


def _grow_square(mask: Mask) -> Mask:
    wide = mask.copy()
    wide[:, 1:] |= mask[:, :-1]
    wide[:, :-1] |= mask[:, 1:]
    grown = wide.copy()
    grown[1:] |= wide[:-1]
    grown[:-1] |= wide[1:]
    return grown


def labels(mask: Mask) -> NDArray[np.int64]:
    """Number the connected parts from 1, in the order of their first pixels; outside is 0.

    Runs of pixels in a row are joined with those that they touch in the row below: far fewer than there are pixels.
    """
    steps = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    (rows, begins), ends = np.nonzero(steps == 1), np.nonzero(steps == -1)[1]
    line = rows * (mask.shape[1] + 1)
    below = line + mask.shape[1] + 1
    first = np.searchsorted(line + ends, below + begins, side="right")
    counts = np.maximum(np.searchsorted(line + begins, below + ends) - first, 0)
    upper = np.repeat(np.arange(len(rows)), counts)
    lower = np.arange(len(upper)) + np.repeat(first - (np.cumsum(counts) - counts), counts)
    _, parts = np.unique(_joined(len(rows), upper, lower), return_inverse=True)
    found = np.zeros(mask.shape, dtype=np.int64)
    found[mask] = np.repeat(parts + 1, ends - begins)
    return found


def _joined(count: int, one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each of so many things the least with which it is joined, straight or through others."""
    least = np.arange(count)
    while True:
        ends = np.sort([least[one], least[other]], axis=0)
        apart = ends[0] != ends[1]
        if not apart.any():
            return least
        np.minimum.at(least, ends[1][apart], ends[0][apart])
        while not np.array_equal(least[least], least):
            least = least[least]


def from_border(mask: Mask) -> Mask:
    """Keep the parts that touch the picture's edge."""
    found = labels(mask)
    edge = np.concatenate([found[0], found[-1], found[:, 0], found[:, -1]])
    return np.isin(found, np.unique(edge[edge > 0]))


def filled(mask: Mask) -> Mask:
    """Fill every hole."""
    return ~from_border(~mask)


def largest(mask: Mask, share: float = 1.0) -> Mask:
    """Keep the largest part, and those at least `share` of its size."""
    found = labels(mask)
    sizes = np.bincount(found.ravel())
    if sizes.size < 2:
        return mask
    sizes[0] = 0
    return (sizes >= max(1.0, share * sizes.max()))[found] & mask


def resized(plane: NDArray[Any], size: tuple[int, int]) -> Floats:
    """Resize one plane of floats to (width, height), bilinearly."""
    image = Image.fromarray(plane.astype(np.float32))
    return np.asarray(image.resize(size, Image.Resampling.BILINEAR), dtype=np.float32)


def iou(one: Mask, other: Mask) -> float:
    """Overlap of two masks, 0 to 1."""
    union = int((one | other).sum())
    return float((one & other).sum()) / union if union else 0.0
