"""The layers that SAM is made of, on numbers whose last axis is the planes, so that a product is one call of BLAS."""

import numpy as np

from lib.drawing.cut.sam.weights import Depthwise, Linear, Norm
from lib.drawing.ground.raster import Floats

CHUNK = 32768  # numbers that stay in a processor's cache from one step to the next
STRIP = 1_000_000  # numbers that one strip of rows lays out
STEEP, BENT = np.float32(0.79788456), np.float32(0.03567741)
LEAST = 1e-5  # spread below which numbers are all the same


def linear(numbers: Floats, layer: Linear) -> Floats:
    """Multiply by a matrix."""
    flat = numbers.reshape(-1, numbers.shape[-1]) @ layer.matrix.T
    flat += layer.bias
    return flat.reshape(*numbers.shape[:-1], -1)


def gelu(numbers: Floats) -> Floats:
    """Let through what is positive, and softly less and less of what is not; written over what came in.

    NumPy has no error function. By the hyperbolic tangent the result is right to 0.0005.
    """
    flat = numbers.reshape(-1)
    for at in range(0, flat.size, CHUNK):
        part = flat[at : at + CHUNK]
        share = part * part
        share *= BENT
        share += STEEP
        share *= part
        np.tanh(share, out=share)
        share *= 0.5
        share += 0.5
        part *= share
    return numbers


def normed(numbers: Floats, layer: Norm | None = None) -> Floats:
    """Shift and scale the numbers of each place to a mean of 0 and a spread of 1."""
    count = numbers.shape[-1]
    mean = numbers @ np.full(count, 1 / count, dtype=np.float32)
    result = numbers - mean[..., None]
    spread = np.einsum("...i,...i->...", result, result)
    spread /= count
    spread += LEAST
    result /= np.sqrt(spread, out=spread)[..., None]
    if layer:
        result *= layer.gain
        result += layer.bias
    return result


def softmax(scores: Floats) -> Floats:
    """Turn scores into shares that add up to 1 along the last axis; written over what came in."""
    scores -= scores.max(axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= (scores @ np.ones(scores.shape[-1], dtype=np.float32))[..., None]
    return scores


def depthwise(framed: Floats, layer: Depthwise, step: int = 1) -> Floats:
    """Convolve each plane by itself; `framed` has a row and a column more on each side."""
    views = _around(framed, step)
    result = np.einsum(
        "hwijc,ijc->hwc", views, layer.kernel, out=np.empty(views.shape[:2] + views.shape[4:], np.float32)
    )
    result += layer.bias
    return np.asarray(result, dtype=np.float32)


def convolved(planes: Floats, layer: Linear, step: int = 1) -> Floats:
    """Convolve, 3x3, with `step` pixels from one place to the next."""
    height, width = (length // step for length in planes.shape[:2])
    result = np.empty((height, width, len(layer.bias)), dtype=np.float32)
    rows = max(1, STRIP // (width * layer.matrix.shape[1]))
    for top in range(0, height, rows):
        first, last = top * step - 1, min(top + rows, height) * step + 2 - step
        beyond = max(-first, 0), max(last - len(planes), 0)
        views = _around(np.pad(planes[max(first, 0) : last], (beyond, (1, 1), (0, 0))), step)
        result[top : top + rows] = linear(views.reshape(*views.shape[:2], -1), layer)
    return result


def _around(framed: Floats, step: int) -> Floats:
    """Return the 3x3 places around each place: (height, width, 3, 3, planes)."""
    views = np.lib.stride_tricks.sliding_window_view(framed, (3, 3), axis=(0, 1))[::step, ::step]
    return views.transpose(0, 1, 3, 4, 2)
