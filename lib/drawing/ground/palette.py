"""Chooses a card's colours from the product: one hue in OKLCH, a mood, and chroma kept in check."""

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from lib.drawing.ground import colour
from lib.drawing.ground.colour import Rgb, oklch

GREY = 0.03  # mean chroma under which a product has no hue of its own
# Hues that suit a colourless product, one for each mood.
QUIET = {"light": 70.0, "deep": 262.0, "vivid": 32.0, "fresh": 165.0}


@dataclass(frozen=True)
class Character:
    """The colour of the product as a whole; `hue` is None for black, white, grey and steel."""

    hue: float | None
    chroma: float
    lightness: float


@dataclass(frozen=True)
class Palette:
    """The colours of one card. `stage` is the shape behind the product, `panel` holds benefits."""

    top: Rgb
    bottom: Rgb
    stage: Rgb
    stage_low: Rgb
    ornament: Rgb
    ink: Rgb
    panel: Rgb
    panel_ink: Rgb
    accent: Rgb
    accent_ink: Rgb
    shadow: Rgb
    sheet: Rgb
    sheet_ink: Rgb
    dark: bool


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


def mixed(seen: Character, mood: str) -> Palette:
    """Mix the palette of one mood for a product."""
    hue = seen.hue if seen.hue is not None else QUIET[mood]
    if mood == "deep":
        return _deep(hue, seen)
    if mood == "vivid":
        return _vivid(hue, seen)
    if mood == "fresh" and seen.hue is not None:
        return _light(_opposite(hue), hue, seen)
    return _light(hue, hue, seen)


def _opposite(hue: float) -> float:
    """Return a hue across the circle, steered clear of the sour greens and the sweet pinks."""
    across = (hue + 180) % 360
    if 95 <= across <= 150:
        return 165.0 if across > 120 else 80.0
    if across >= 320 or across < 15:
        return 30.0 if across < 15 or across > 345 else 300.0
    return across


def _earth(hue: float) -> float:
    """Return the hue for dark tones: dark yellow is mud, brown carries the same warmth."""
    return 52.0 if _yellow(hue) else hue


def _yellow(hue: float) -> bool:
    return 60 <= hue <= 125


def _light(hue: float, accent_hue: float, seen: Character) -> Palette:
    # A light product needs a darker stage to stand out from, a dark one a lighter.
    stage = 0.80 if seen.lightness > 0.72 else 0.86
    chroma = 0.085 if seen.lightness > 0.72 else 0.07
    calm = 0.6 if seen.hue is None else 1.0
    if _yellow(hue) and seen.hue is not None:
        hue, stage, chroma = min(hue, 88.0), 0.90, 0.115
    accent_hue = _earth(accent_hue)
    return Palette(
        top=oklch(0.975, 0.012, hue),
        bottom=oklch(0.925, 0.032, hue),
        stage=oklch(stage, chroma * calm, hue),
        stage_low=oklch(stage - 0.06, (chroma + 0.015) * calm, hue),
        ornament=oklch(0.89, 0.05, hue),
        ink=oklch(0.27, 0.06, accent_hue),
        panel=(255, 255, 255),
        panel_ink=oklch(0.30, 0.045, accent_hue),
        accent=oklch(0.48, 0.12 * calm, accent_hue),
        accent_ink=(255, 255, 255),
        shadow=oklch(0.28, 0.06, hue),
        sheet=oklch(0.33, 0.075 * calm, _earth(hue)),
        sheet_ink=(255, 255, 255),
        dark=False,
    )


def _vivid(hue: float, seen: Character) -> Palette:
    base = 0.76 if seen.lightness < 0.55 else 0.51
    chroma = 0.115
    if _yellow(hue):  # stay bright, tone on tone
        hue, base, chroma = min(hue, 95.0), 0.85, 0.125
    light = oklch(0.90, 0.06, hue)
    palette = Palette(
        top=oklch(base + 0.03, chroma, hue),
        bottom=oklch(base - 0.05, chroma + 0.01, hue),
        stage=oklch(base + 0.10, chroma - 0.02, hue),
        stage_low=oklch(base + 0.02, chroma, hue),
        ornament=oklch(base + 0.06, chroma, hue),
        ink=(255, 255, 255) if base < 0.66 else oklch(0.24, 0.06, _earth(hue)),
        panel=oklch(0.985, 0.008, hue),
        panel_ink=oklch(0.28, 0.055, _earth(hue)),
        accent=oklch(0.47, 0.115, _earth(hue)),
        accent_ink=(255, 255, 255),
        shadow=oklch(0.25, 0.07, hue),
        sheet=oklch(0.985, 0.008, hue),
        sheet_ink=oklch(0.26, 0.06, hue),
        dark=False,
    )
    return replace(palette, ornament=light) if base > 0.66 else palette


def _deep(hue: float, seen: Character) -> Palette:
    # A dark product gets a brighter glow, or it would sink.
    glow = 0.74 if seen.lightness < 0.45 else 0.52
    chroma = 0.045 if seen.hue is None else 0.06
    if _yellow(hue):
        hue, chroma = _earth(hue), 0.04
    return Palette(
        top=oklch(0.31, chroma, hue),
        bottom=oklch(0.21, chroma * 0.85, hue),
        stage=oklch(glow, 0.10, hue),
        stage_low=oklch(glow - 0.12, 0.09, hue),
        ornament=oklch(0.42, 0.07, hue),
        ink=oklch(0.98, 0.01, hue),
        panel=oklch(0.36, chroma + 0.01, hue),
        panel_ink=oklch(0.97, 0.012, hue),
        accent=oklch(0.86, 0.09, hue),
        accent_ink=oklch(0.24, 0.06, hue),
        shadow=oklch(0.10, 0.03, hue),
        sheet=oklch(0.97, 0.012, hue),
        sheet_ink=oklch(0.24, 0.05, hue),
        dark=True,
    )
