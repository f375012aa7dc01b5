"""Finds the colour of a product as a whole, for the room it is set into: one hue in OKLCH."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from lib.drawing.ground import colour

GREY = 0.03  # mean chroma under which a product has no hue of its own


@dataclass(frozen=True)
class Character:
    """The colour of the product as a whole; `hue` is None for black, white, grey and steel."""

    hue: float | None
    chroma: float
    lightness: float


def character(product: Image.Image) -> Character:
    """Measure the product: the hue that most of its coloured pixels share, mean chroma and lightness."""
    small = product.convert("RGBA").resize((96, 96), Image.Resampling.BOX)
    pixels = np.asarray(small)
    weight = pixels[..., 3].ravel() / 255.0
    lab = colour.oklab(pixels[..., :3]).reshape(-1, 3).astype(np.float64)
    chroma = np.hypot(lab[:, 1], lab[:, 2])
    total = max(float(weight.sum()), 1e-6)
    mean_chroma, lightness = float((chroma * weight).sum()) / total, float((lab[:, 0] * weight).sum()) / total
    hues = np.degrees(np.arctan2(lab[:, 2], lab[:, 1])) % 360
    votes = np.bincount((hues // 10).astype(int) % 36, weights=weight * np.maximum(chroma - 0.02, 0), minlength=36)
    votes = votes + 0.6 * (np.roll(votes, 1) + np.roll(votes, -1))
    if mean_chroma < GREY or votes.max() < 0.012 * total:
        return Character(None, mean_chroma, lightness)
    near = np.abs((hues - (votes.argmax() * 10 + 5) + 180) % 360 - 180) < 20
    share = weight * near * chroma
    angle = np.arctan2((lab[:, 2] * share).sum(), (lab[:, 1] * share).sum())
    return Character(float(np.degrees(angle) % 360), mean_chroma, lightness)
