"""Decides if the product can be cut out of its photo, and cuts it with soft, clean edges.

A bad cut is never shipped: every way of cutting has a gate, and what passes none is framed instead.

    transparent file   its own alpha
    plain background   distance from the background's colour (backdrop.py); gate: same cut at other thresholds
    anything else      colour mixtures (mixture.py); gate: same cut from another start, a clear step across the edge
    all but the first  a sensible share of the picture, the picture's edge must not cut the product, and no faint lines
                       around the cut may speak of a part that is lost: of a jar only the lid (faint.py)
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from lib import errors
from lib.drawing.cut import backdrop, faint, mixture
from lib.drawing.ground import colour, raster
from lib.drawing.ground.photo import Photo
from lib.drawing.ground.raster import Floats, Mask

MODEL_SIDE = 320  # of the copy on which masks are found
MATTE_SIDE = 1200  # of the crop on which edges are made
FAINT = 0.1  # of cover: no edge, but the shadow under the product, which is a little like it
LOST = 1.23  # how much farther than its cut a product may reach with its faint lines
SCALE = np.array([100, 200, 200], dtype=np.float32)  # OKLab to units where 2 is just visible


@dataclass(frozen=True)
class Cut:
    """The product alone, cropped to itself, with clean edges; `how` names the way that worked."""

    image: Image.Image
    how: str


def cut_out(photo: Photo) -> Cut | None:
    """Return the product without its background, or None when no cut is good enough to sell."""
    if photo.alpha is not None:
        return _from_alpha(photo.rgb, photo.alpha)
    small = photo.rgb.copy()
    small.thumbnail((MODEL_SIDE, MODEL_SIDE), Image.Resampling.BOX)
    lab = colour.oklab(np.asarray(small)) * SCALE
    for how, find in (("plain", _plain), ("mixture", _mixture)):
        mask = find(lab)
        if mask is not None and faint.lost(lab, mask) < LOST:
            return Cut(_matte(photo.rgb, mask), how)
    return None


def refusal(photo: Photo) -> errors.Rejected:
    """Return why a product cannot be cut out, by what helps: a plain background, or another one where it is plain."""
    small = photo.rgb.copy()
    small.thumbnail((MODEL_SIDE, MODEL_SIDE), Image.Resampling.BOX)
    is_plain = backdrop.fit(colour.oklab(np.asarray(small)) * SCALE) is not None
    return errors.Rejected("picture_like_ground" if is_plain else "picture_no_cutout")


def _from_alpha(rgb: Image.Image, alpha: Image.Image) -> Cut | None:
    """Use the file's own cut, without the soft shadow that some files bring along."""
    levels = np.asarray(alpha)
    small = raster.resized(levels, _fitted(alpha.size, MODEL_SIDE)) > 0.5 * float(levels.max())
    keep = raster.dilate(raster.largest(small, share=0.02), 2)
    near = raster.resized(keep, alpha.size) > 0.5
    alpha = Image.fromarray(np.where(near, levels, 0).astype(np.uint8))
    whole = rgb.copy()
    whole.putalpha(alpha)
    bounds = alpha.point(lambda v: 255 if v > 12 else 0).getbbox()
    return Cut(whole.crop(bounds), "alpha") if bounds else None


def _fitted(size: tuple[int, int], side: int) -> tuple[int, int]:
    factor = min(1.0, side / max(size))
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def _plain(lab: Floats) -> Mask | None:
    ground = backdrop.fit(lab)
    masks = backdrop.cuts(lab, ground) if ground else []
    return next((mask for mask in masks if _good_plain(lab, mask)), None)


def _good_plain(lab: Floats, mask: Mask) -> bool:
    if not _whole(mask, least=0.015) or _weak_edge(lab, mask) > 0.02 or _blurred_edge(lab, mask) > 0.045:
        return False
    return _leftover(lab, mask) < 1.3 and _ragged(mask) < 1.6


def _mixture(lab: Floats) -> Mask | None:
    mask = mixture.cut(lab, 0.02)
    # This cut never touches the picture's edge; a product that goes on beyond it ends at the inset instead.
    rim = round(0.02 * max(mask.shape)) + 2
    if not _whole(mask[rim:-rim, rim:-rim], least=0.08) or _step(lab, mask) < 22 or _weak_edge(lab, mask) > 0.06:
        return None
    if _blurred_edge(lab, mask) > 0.12 or _leftover(lab, mask) > 1.2 or _ragged(mask) > 1.12:
        return None
    return mask if raster.iou(mask, mixture.cut(lab, 0.07)) >= 0.93 else None


def _whole(mask: Mask, least: float) -> bool:
    """Check that the product has a sensible size and lies inside the picture."""
    sides = (mask[0], mask[-1], mask[:, 0], mask[:, -1])
    return least <= float(mask.mean()) <= 0.78 and max(float(side.mean()) for side in sides) < 0.03


def _edge_steps(lab: Floats, mask: Mask) -> Floats:
    """Return the colour step across the mask's edge, at each pixel just inside it."""
    inner, outer = raster.erode(mask, 1), ~raster.dilate(mask, 1)
    means = []
    for side in (inner, outer):
        weight = raster.box(side.astype(np.float32), 3)[..., None]
        means.append(raster.box(lab * side[..., None], 3) / np.maximum(weight, 1e-4))
    rim = mask & ~raster.erode(mask, 1)
    return np.asarray(np.linalg.norm(means[0] - means[1], axis=-1)[rim], dtype=np.float32)


def _blurred_edge(lab: Floats, mask: Mask) -> float:
    """Return the share of the edge that is soft in the photo: a shadow's end, not the product's."""
    slope = np.sqrt(sum(np.square(g) for k in range(3) for g in np.gradient(lab[..., k])))
    near = np.max([np.roll(slope, (dy, dx), (0, 1)) for dy in (-1, 0, 1) for dx in (-1, 0, 1)], axis=0)
    return float((near[mask & ~raster.erode(mask, 1)] < 4).mean())


def _leftover(lab: Floats, mask: Mask) -> float:
    """Return how much edge there is away from the product, in lengths of its own: things that were lost."""
    soft = np.stack([raster.box(lab[..., k], 1) for k in range(3)])
    slope = np.sqrt(sum(np.square(g) for plane in soft for g in np.gradient(plane)))
    slope[:3], slope[-3:], slope[:, :3], slope[:, -3:] = 0, 0, 0, 0
    return float(((slope > 2.2) & ~raster.dilate(mask, 7)).sum()) / max(1.0, _length(mask))


def _ragged(mask: Mask) -> float:
    """Return how much longer the edge is than after smoothing."""
    return _length(mask) / max(1.0, _length(raster.box(mask.astype(np.float32), 5) > 0.5))


def _length(mask: Mask) -> float:
    return float((mask & ~raster.erode(mask, 1)).sum())


def _step(lab: Floats, mask: Mask) -> float:
    return float(np.mean(_edge_steps(lab, mask)))


def _weak_edge(lab: Floats, mask: Mask) -> float:
    """Return the share of the edge where the product hardly differs from what is behind it."""
    return float((_edge_steps(lab, mask) < 5).mean())


def _matte(rgb: Image.Image, mask: Mask) -> Image.Image:
    """Give the cut soft edges at full size, and take the background's colour out of them."""
    crop, mask = _cropped(rgb, mask)
    pixels = np.asarray(np.asarray(crop, dtype=np.float32) / 255, dtype=np.float32)
    band = max(2, round(max(crop.size) / max(mask.shape) * 1.6))
    # The small mask is softened before it grows, or its steps would show where product and ground are alike.
    soft = raster.box(raster.box(mask.astype(np.float32), 1), 1)
    field = np.asarray(Image.fromarray(soft).resize(crop.size, Image.Resampling.BICUBIC), dtype=np.float32)
    sure, maybe, outside = field > 0.985, field, field < 0.015
    front, back = _spread(pixels, sure, band * 3), _spread(pixels, outside, band * 3)
    apart = front - back
    strength = (apart * apart).sum(-1)
    share = ((pixels - back) * apart).sum(-1) / np.maximum(strength, 1e-4)
    trust = strength / (strength + 0.02)
    alpha = np.clip((share - 0.12) / 0.76, 0, 1) * trust + np.clip((maybe - 0.3) / 0.4, 0, 1) * (1 - trust)
    alpha = np.clip((alpha - FAINT) / (1 - 2 * FAINT), 0, 1)
    alpha = np.where(sure, 1.0, np.where(outside, 0.0, alpha)).astype(np.float32)
    clean = (pixels - (1 - alpha[..., None]) * back) / np.maximum(alpha[..., None], 0.25)
    clean = np.where(sure[..., None], pixels, np.clip(clean, 0, 1))
    whole = np.dstack([clean, alpha])
    image = Image.fromarray((whole * 255 + 0.5).astype(np.uint8))
    bounds = image.getchannel("A").point(lambda v: 255 if v > 12 else 0).getbbox()
    return image.crop(bounds) if bounds else image


def _cropped(rgb: Image.Image, mask: Mask) -> tuple[Image.Image, Mask]:
    """Crop picture and mask to the product and a margin, the picture at most MATTE_SIDE long."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    height, width = mask.shape
    top, bottom = max(0, rows[0] - 8), min(height, rows[-1] + 9)
    left, right = max(0, columns[0] - 8), min(width, columns[-1] + 9)
    across, down = rgb.width / width, rgb.height / height
    bounds = (round(left * across), round(top * down), round(right * across), round(bottom * down))
    crop = rgb.crop(bounds)
    crop.thumbnail((MATTE_SIDE, MATTE_SIDE), Image.Resampling.LANCZOS)
    return crop, mask[top:bottom, left:right]


def _spread(pixels: Floats, where: Mask, radius: int) -> Floats:
    """Carry the colours of `where` a little beyond it, as their local average."""
    size = (max(1, pixels.shape[1] // 4), max(1, pixels.shape[0] // 4))
    weight = raster.resized(where, size)
    planes = [raster.resized(pixels[..., k] * where, size) for k in range(3)]
    stack = np.dstack([*planes, weight])
    near, wide = raster.box(stack, max(1, radius // 4)), raster.box(stack, max(2, radius * 2))
    mixed = near + wide * 0.02
    means = mixed[..., :3] / np.maximum(mixed[..., 3:], 1e-5)
    return np.dstack([raster.resized(means[..., k], (pixels.shape[1], pixels.shape[0])) for k in range(3)])
