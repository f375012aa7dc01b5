"""Colour arithmetic in OKLab and OKLCH, where equal steps look equal, and WCAG contrast."""

import math

import numpy as np
from numpy.typing import NDArray

from lib.drawing.ground.raster import Floats

Rgb = tuple[int, int, int]

_TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
_FROM_LAB = np.linalg.inv(_TO_LAB)
_FROM_LMS = np.linalg.inv(_TO_LMS)
_LINEAR = np.where(
    np.arange(256) / 255 <= 0.04045,
    np.arange(256) / 255 / 12.92,
    ((np.arange(256) / 255 + 0.055) / 1.055) ** 2.4,
).astype(np.float32)


def oklab(rgb: NDArray[np.uint8]) -> Floats:
    """Convert 8-bit sRGB pixels to OKLab: L 0 to 1, a and b about -0.4 to 0.4."""
    lms = np.cbrt(_LINEAR[rgb] @ _TO_LMS.T.astype(np.float32))
    return np.asarray(lms @ _TO_LAB.T.astype(np.float32), dtype=np.float32)


def oklch(lightness: float, chroma: float, hue: float) -> Rgb:
    """Return the sRGB colour, with chroma lowered as far as the screen needs."""
    for step in range(24):
        linear = _linear(lightness, chroma * (1 - step / 24), hue)
        if linear.min() >= -0.0005 and linear.max() <= 1.0005:
            break
    srgb = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055)
    red, green, blue = (round(255 * min(1.0, max(0.0, float(v)))) for v in srgb)
    return red, green, blue


def _linear(lightness: float, chroma: float, hue: float) -> NDArray[np.float64]:
    angle = math.radians(hue)
    lab = np.array([lightness, chroma * math.cos(angle), chroma * math.sin(angle)])
    return np.asarray(_FROM_LMS @ (_FROM_LAB @ lab) ** 3)


def to_oklch(rgb: Rgb) -> tuple[float, float, float]:
    """Return lightness, chroma and hue in degrees of one colour."""
    lightness, a, b = (float(v) for v in oklab(np.array(rgb, dtype=np.uint8)))
    return lightness, math.hypot(a, b), math.degrees(math.atan2(b, a)) % 360


def luminance(rgb: NDArray[np.uint8] | Rgb) -> Floats:
    """Return the WCAG relative luminance of pixels."""
    linear = _LINEAR[np.asarray(rgb, dtype=np.uint8)]
    return np.asarray(linear @ np.array([0.2126, 0.7152, 0.0722], dtype=np.float32))


def contrast(one: Rgb, other: Rgb) -> float:
    """Return the WCAG contrast ratio, 1 to 21."""
    return _ratio(float(luminance(one)), float(luminance(other)))


def _ratio(one: float, other: float) -> float:
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


def mix(one: Rgb, other: Rgb, share: float) -> Rgb:
    """Return `one` with `share` of `other` stirred in."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue
