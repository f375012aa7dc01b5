"""Gives a rough mask soft edges at full size, and frees the colours at its rim of the old ground.

1 snap     a guided filter by colour pulls the mask's edge to the photo's edge
2 measure  along it, a pixel's colour between those of product and ground nearby says how much of each it holds:
           trusted as far as the two differ by more than they vary, or a busy ground would bite the product. Before
           a pattern the rough mask is trusted more, or what has the product's colour there would hang on its edge
3 clean    what is left apart is dropped; the ground's share is taken out of the colours
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lib.drawing.ground import raster
from lib.drawing.ground.raster import Floats, Mask

REACH = 3  # pixels of the rough mask that an edge may lie from its own: farther off are patterns of the ground
SPECK = 0.03  # of the largest part
AGAINST = 0.4  # apart from the rough mask: such a pixel is measured, however sure it looks
PATTERN = 8  # times the ground's variance, against the product's difference from it
HOLE = 0.015  # of the product: a larger hole is an opening
UNLIKE = 0.15  # of the way from black to white: as far from all that the ground nearby is, a hole does not show it
NOTHING = 0.06  # of a pixel: less is ground
FAINT = 12  # of 255: the picture is cropped to what is more than that

Places = tuple[NDArray[np.intp], ...]


def cut(crop: Image.Image, mask: Floats) -> Image.Image:
    """Return the crop as RGBA, not yet cropped to the product; the mask is 0 to 1, and the coarser, the softer."""
    pixels = np.asarray(np.asarray(crop, dtype=np.float32) / 255, dtype=np.float32)
    rough = _clipped((raster.resized(mask, crop.size) - 0.15) / 0.7)
    pixel = max(crop.size) / max(mask.shape)  # of the mask, in those of the crop
    alpha = _bounded(_snapped(pixels, rough, pixel), rough, pixel)
    at = np.nonzero(((alpha > 0.05) & (alpha < 0.95)) | (np.abs(alpha - rough) > AGAINST))
    alpha[at] = _measured(pixels, alpha, rough, at, pixel)
    alpha = _clipped((_healed(pixels, _tidied(alpha)) - NOTHING) / 0.88)
    clean = _cleaned(pixels, alpha)
    return Image.fromarray((np.dstack([clean, alpha]) * 255 + 0.5).astype(np.uint8))


def trimmed(image: Image.Image) -> Image.Image:
    """Crop to what is not clear."""
    bounds = image.getchannel("A").point(lambda level: 255 if level > FAINT else 0).getbbox()
    return image.crop(bounds) if bounds else image


def _clipped(plane: Floats) -> Floats:
    return np.asarray(np.clip(plane, 0, 1), dtype=np.float32)


def _dot(one: NDArray[Any], other: NDArray[Any]) -> Floats:
    """Multiply colours with colours, each with its own: a sum over so short an axis is slow in any other way."""
    return np.asarray(np.einsum("...k,...k", one, other), dtype=np.float32)


def _quarter(pixels: Floats) -> tuple[int, int]:
    return max(1, pixels.shape[1] // 4), max(1, pixels.shape[0] // 4)


def _stacked(pixels: Floats, size: tuple[int, int]) -> Floats:
    return np.dstack([_reduced(pixels[..., k], size) for k in range(pixels.shape[2])])


def _reduced(plane: Floats, size: tuple[int, int]) -> Floats:
    return np.asarray(Image.fromarray(plane).resize(size, Image.Resampling.BOX), dtype=np.float32)


def _snapped(pixels: Floats, rough: Floats, pixel: float) -> Floats:
    """Smooth the mask along the edges of the colours: a guided filter, solved on a third of the size."""
    height, width = rough.shape
    size = (max(1, width // 3), max(1, height // 3))
    guide, plane = _stacked(pixels, size), _reduced(rough, size)
    radius = max(1, round(4 * pixel / 3))
    slopes, rest = _fitted(guide, plane, radius, 1e-3)
    smooth = raster.box(np.dstack([slopes, rest]), radius)
    result = raster.resized(smooth[..., 3], (width, height))
    for k in range(3):
        result = result + raster.resized(smooth[..., k], (width, height)) * pixels[..., k]
    return _clipped((result - 0.08) / 0.84)


def _fitted(guide: Floats, plane: Floats, radius: int, eps: float) -> tuple[Floats, Floats]:
    """Fit the plane to the guide's colours in a window around each pixel: three slopes and the rest."""
    r, g, b = np.moveaxis(guide, -1, 0)
    products = [r * r, r * g, r * b, g * g, g * b, b * b, r * plane, g * plane, b * plane]
    means = raster.box(np.dstack([guide, plane, *products]), radius)
    mr, mg, mb, mp, rr, rg, rb, gg, gb, bb, rp, gp, bp = np.moveaxis(means, -1, 0)
    rr, gg, bb = rr - mr * mr + eps, gg - mg * mg + eps, bb - mb * mb + eps
    rg, rb, gb = rg - mr * mg, rb - mr * mb, gb - mg * mb
    x, y, z = rp - mr * mp, gp - mg * mp, bp - mb * mp
    # The inverse of the 3x3 covariance, written out: far faster than a solver called for each pixel.
    a, d, e = gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg
    f, h, i = rr * bb - rb * rb, rg * rb - rr * gb, rr * gg - rg * rg
    scale = 1 / np.maximum(rr * a + rg * d + rb * e, eps**3)
    slopes = np.dstack([a * x + d * y + e * z, d * x + f * y + h * z, e * x + h * y + i * z]) * scale[..., None]
    rest = mp - slopes[..., 0] * mr - slopes[..., 1] * mg - slopes[..., 2] * mb
    return np.asarray(slopes, dtype=np.float32), np.asarray(rest, dtype=np.float32)


def _bounded(alpha: Floats, rough: Floats, pixel: float) -> Floats:
    """Keep the edge near the rough mask's own."""
    size = (rough.shape[1], rough.shape[0])
    small = _reduced(rough, (max(1, round(size[0] / pixel)), max(1, round(size[1] / pixel))))
    may = raster.resized(raster.dilate(small > 0.35, REACH), size)
    must = raster.resized(raster.erode(small > 0.65, REACH), size)
    return np.asarray(np.maximum(np.minimum(alpha, may), must), dtype=np.float32)


def _measured(pixels: Floats, alpha: Floats, rough: Floats, at: Places, pixel: float) -> Floats:
    """Return the product's share of the pixels at these places, by their colour."""
    radius = max(1, round(3 * pixel / 4))
    front, varied = _near(pixels, alpha > 0.95, radius, at)
    back, mixed = _near(pixels, alpha < 0.05, radius, at)
    apart = front - back
    strength = _dot(apart, apart)
    share = np.asarray(_dot(pixels[at] - back, apart) / np.maximum(strength, 1e-4), dtype=np.float32)
    share = _clipped((share - 0.12) / 0.76)
    calm = strength / (strength + PATTERN * mixed + 1e-4)
    trust = calm * strength / (strength + 0.02 + 3 * (varied + mixed))
    snapped = 0.35 * calm
    guess = snapped * alpha[at] + (1 - snapped) * _clipped((rough[at] - 0.3) / 0.4)
    return np.asarray(share * trust + guess * (1 - trust), dtype=np.float32)


def _near(pixels: Floats, where: Mask, radius: int, at: Places) -> tuple[Floats, Floats]:
    """Return the mean colour of `where` around these places, and its variance."""
    size = _quarter(pixels)
    solid = where.astype(np.float32)
    weight = _reduced(solid, size)
    planes = [_reduced(pixels[..., k] * solid, size) for k in range(3)]
    squares = _reduced(_dot(pixels, pixels) * solid, size)
    sums = _blurred(np.dstack([*planes, squares, weight]), radius, max(2, radius * 8))
    means = sums[..., :4] / np.maximum(sums[..., 4:], 1e-5)
    varied = np.maximum(means[..., 3] - _dot(means[..., :3], means[..., :3]), 0)
    found = _sampled(np.dstack([means[..., :3], varied]), pixels.shape, at)
    return found[..., :3], found[..., 3]


def _blurred(planes: Floats, near: int, wide: int) -> Floats:
    """Average the pixels nearby, and where there are none, those farther off."""
    return raster.box(planes, near) + raster.box(planes, wide) * np.float32(0.02)


def _sampled(planes: Floats, shape: tuple[int, ...], at: Places) -> Floats:
    """Read small planes at places of the large picture, bilinearly."""
    ends, parts = [], []
    for axis in (0, 1):
        n = planes.shape[axis]
        where = np.clip((at[axis] + 0.5) * n / shape[axis] - 0.5, 0, n - 1)
        low = where.astype(np.intp)
        ends.append((low, np.minimum(low + 1, n - 1)))
        parts.append((where - low).astype(np.float32)[:, None])
    (top, bottom), (left, right) = ends
    down, across = parts
    above = planes[top, left] * (1 - across) + planes[top, right] * across
    below = planes[bottom, left] * (1 - across) + planes[bottom, right] * across
    return np.asarray(above * (1 - down) + below * down, dtype=np.float32)


def _tidied(alpha: Floats) -> Floats:
    """Drop specks: what lies apart and is small, or so faint that it would be a crumb of the ground."""
    half = (max(1, alpha.shape[1] // 2), max(1, alpha.shape[0] // 2))
    small = _reduced(alpha, half)
    solid = small > 0.25
    kept = raster.largest(solid, share=SPECK)
    parts = raster.labels(small > NOTHING)
    is_kept = np.bincount(parts.ravel(), weights=kept.ravel()) > 0
    dropped = (raster.dilate(solid & ~kept, 1) & ~kept) | ((parts > 0) & ~is_kept[parts])
    if not dropped.any():
        return alpha
    return np.where(raster.resized(dropped, (alpha.shape[1], alpha.shape[0])) > 0.5, np.float32(0), alpha)


def _healed(pixels: Floats, alpha: Floats) -> Floats:
    """Fill small holes that do not show the ground: an eye, a button, a screw on a thing of another colour."""
    size = _quarter(pixels)
    small = _reduced(alpha, size)
    solid = small > 0.5
    outside = raster.from_border(~solid)
    found = raster.labels(~solid & ~outside)
    if not found.any():
        return alpha
    colours = _stacked(pixels, size)
    ground = (outside & (small < 0.05))[..., None].astype(np.float32)
    squares = _dot(colours, colours)[..., None]
    sums = _blurred(np.dstack([colours * ground, squares * ground, ground]), 6, 30)
    means = sums[..., :4] / np.maximum(sums[..., 4:], 1e-5)
    varied = np.maximum(means[..., 3] - _dot(means[..., :3], means[..., :3]), 0)
    apart = np.sqrt(((colours - means[..., :3]) ** 2).sum(-1)) - 2 * np.sqrt(varied)
    counts = np.bincount(found.ravel())
    unlike = np.bincount(found.ravel(), weights=apart.ravel()) > UNLIKE * counts
    full = (counts < HOLE * solid.sum()) & unlike
    full[0] = False
    return np.where(raster.resized(raster.dilate(full[found], 1), alpha.shape[::-1]) > 0.5, np.float32(1), alpha)


def _cleaned(pixels: Floats, alpha: Floats) -> Floats:
    """Take the ground's share out of the colours of pixels that hold both."""
    size = _quarter(pixels)
    at = np.nonzero((alpha > 0) & (alpha < 1))
    share = alpha[..., None]
    rest = np.asarray(1 - share, dtype=np.float32)
    ends = []
    for part in (share, rest):
        sums = _blurred(_stacked(np.dstack([pixels * part, part]), size), 3, 22)
        means = np.asarray(sums[..., :3] / np.maximum(sums[..., 3:], 1e-5), dtype=np.float32)
        ends.append(_sampled(means, pixels.shape, at))
    front, back = ends
    own = share[at]
    clean = pixels.copy()
    clean[at] = np.clip(front + own * (pixels[at] - own * front - (1 - own) * back), 0, 1)
    return clean
