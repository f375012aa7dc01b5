"""Cleans a photo up for a classified ad: light and colour only. No words, no frame, nothing cut away or straightened.

Every correction is bounded: a sunset stays a sunset, a night stays dark.
"""

import numpy as np
from PIL import Image, ImageFilter

from lib.drawing.ground.raster import Floats

SIDE = 1600  # of the longer side of the file
CAST = 0.14  # at most, of a colour channel
# Variants: how much is brightened, how much warmth is added, how strong the colours are.
STYLES = ((1.0, 0.0, 1.06), (1.25, 0.0, 1.0), (1.0, 0.025, 1.10), (1.0, -0.02, 1.14))


def photo(rgb: Image.Image, variant: int) -> Image.Image:
    """Return the photo in better light, at most SIDE long and never enlarged."""
    picture = rgb.copy()
    picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS, reducing_gap=3.0)
    bright, warmth, strength = STYLES[variant % len(STYLES)]
    small = np.asarray(picture.resize((160, 160), Image.Resampling.BOX), dtype=np.float32) / np.float32(255)
    gains = _balance(small, warmth)
    low, high, gamma = _exposure(np.clip(small * gains, 0, 1), bright)
    steps = np.arange(256, dtype=np.float32) / 255
    tables = [np.clip((steps * gain - low) / (high - low), 0, 1) ** gamma for gain in gains]
    table = [round(float(value) * 255) for channel in tables for value in channel]
    return _crisp(_coloured(picture.point(table), strength))


def _balance(pixels: Floats, warmth: float) -> Floats:
    """Return gains that take a colour cast out, judged by what is nearly grey, the bright parts above all.

    White paper is the best judge: where a photo shows it, nothing may tint it.
    """
    flat = pixels.reshape(-1, 3)
    if float((flat.min(1) > 0.96).mean()) > 0.08:
        return np.ones(3, dtype=np.float32)
    level, spread = flat.mean(1), flat.max(1) - flat.min(1)
    weight = np.clip(1 - spread / 0.22, 0, 1) * np.clip(level / 0.5, 0.05, 1) * (flat.max(1) < 0.985)
    warm = np.array([1 + warmth, 1.0, 1 - warmth], dtype=np.float32)
    if float(weight.mean()) < 0.05:
        return warm
    mean = (flat * weight[:, None]).sum(0) / weight.sum()
    gains = float(mean.mean()) / np.maximum(mean, 0.02)
    trust = min(1.0, float(weight.mean()) / 0.25) * 0.75
    return np.asarray((1 + np.clip(gains - 1, -CAST, CAST) * trust) * warm, dtype=np.float32)


def _exposure(pixels: Floats, bright: float) -> tuple[float, float, float]:
    """Return black point, white point and gamma."""
    light = pixels @ np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
    low, high = (float(np.percentile(light, share)) for share in (0.6, 99.4))
    low, high = min(low * 0.8, 0.06), max(high * 1.01, 0.72)
    middle = float(np.clip((np.median(light) - low) / (high - low), 0.05, 0.95))
    # Half of the way to a middle grey, never more than a third of a stop of gamma.
    wanted = np.log(0.5 * bright if bright > 1 else 0.48) / np.log(middle)
    return low, high, float(np.clip(1 + (wanted - 1) * 0.5, 0.72, 1.12))


def _coloured(picture: Image.Image, strength: float) -> Image.Image:
    grey = picture.convert("L")
    return Image.blend(Image.merge("RGB", (grey, grey, grey)), picture, strength)


def _crisp(picture: Image.Image) -> Image.Image:
    """Lift local contrast a little, then sharpen the finest detail."""
    wide = ImageFilter.UnsharpMask(max(8, max(picture.size) // 40), 12, 0)
    return picture.filter(wide).filter(ImageFilter.UnsharpMask(1.1, 45, 3))
