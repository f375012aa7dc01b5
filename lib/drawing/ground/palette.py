"""Finds the colour of a product as a whole, for the room it is set into: one hue in OKLCH."""

import numpy as np
from PIL import Image

from lib.drawing.ground import colour

GREY = 0.03  # mean chroma under which a product has no hue of its own


def hue(product: Image.Image) -> float | None:
    """Return the hue that most of the product's coloured pixels share; None for black, white, grey and steel."""
    small = product.convert("RGBA").resize((96, 96), Image.Resampling.BOX)
    pixels = np.asarray(small)
    weight = pixels[..., 3].ravel() / 255.0
    lab = colour.oklab(pixels[..., :3]).reshape(-1, 3).astype(np.float64)
    chroma = np.hypot(lab[:, 1], lab[:, 2])
    total = max(float(weight.sum()), 1e-6)
    hues = np.degrees(np.arctan2(lab[:, 2], lab[:, 1])) % 360
    votes = np.bincount((hues // 10).astype(int) % 36, weights=weight * np.maximum(chroma - 0.02, 0), minlength=36)
    votes = votes + 0.6 * (np.roll(votes, 1) + np.roll(votes, -1))
    if float((chroma * weight).sum()) / total < GREY or votes.max() < 0.012 * total:
        return None
    near = np.abs((hues - (votes.argmax() * 10 + 5) + 180) % 360 - 180) < 20
    share = weight * near * chroma
    angle = np.arctan2((lab[:, 2] * share).sum(), (lab[:, 1] * share).sum())
    return float(np.degrees(angle) % 360)
