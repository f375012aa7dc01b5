"""The colours of a cover, from the product's pixels alone: its hue and lightness, and a ground that it stands out from.

Hues are degrees of OKLCH. A ground is never of middle lightness (0.45 to 0.75 is mud) but where a mood says so, and
keeps away from the lightness of the product's rim. Words are held against WCAG's contrast.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageFilter

from lib.drawing.cover.branding import UNBRANDED, Branding
from lib.drawing.ground import colour
from lib.drawing.ground.colour import Rgb, contrast, oklch

type Ground = tuple[float, float, float]  # lightness, chroma, hue

# The hues that suit a grey thing of a kind; which of them goes by its title, so that a shop's grey things differ.
KIND_HUES = {
    "tech": (255, 60, 165, 25), "home": (35, 75, 150, 60), "sport": (28, 250, 150, 85), "food": (45, 85, 25),
    "beauty": (10, 60, 85), "kids": (255, 85, 155, 25), "eco": (140, 90, 60), "clothes": (60, 28, 150, 240, 85),
    "tools": (50, 255, 30, 85), "plant": (145, 90, 60), "lamp": (70, 50, 40), "other": (250, 35, 75, 155),
}  # fmt: skip
VISIBLE = 0.02  # difference of lightness that a seller would see
FAR = 0.25  # of lightness: a colour so much darker or lighter than a mood is not that mood's at all
GAP = 0.22  # least difference of lightness between the ground and the product's rim


@dataclass(frozen=True)
class SubjectLook:
    """What a product looks like: `rim` is the lightness of its edge, `hue` is None for a grey thing.

    `spare` is the place of the hue that a grey thing gets among those that suit its kind.
    """

    lightness: float
    rim: float
    hue: float | None
    spare: int = 0


@dataclass(frozen=True)
class Tones:
    """The colours of one mood."""

    ground: Rgb
    ink: Rgb
    accent: Rgb
    on_accent: Rgb
    deep: Rgb
    on_deep: Rgb
    soft: Rgb
    shade: Rgb
    muted: Rgb
    glow: Rgb
    is_light: bool
    gap: float  # between the ground's lightness and the rim's
    shifted: bool = False  # a colour of the seller's own had to be made lighter or darker


def character(product: Image.Image, title: str = "") -> SubjectLook:
    """Measure a product with alpha: the strongest hue counts only if a seventh of the product has it."""
    small = product.convert("RGBA")
    small.thumbnail((160, 160))
    pixels = np.asarray(small)
    solid = pixels[..., 3] > 200
    if not solid.any():
        return SubjectLook(0.6, 0.6, None)
    lab = colour.oklab(pixels[..., :3]).astype(np.float64)
    inner = np.asarray(Image.fromarray((solid * 255).astype(np.uint8)).filter(ImageFilter.MinFilter(9))) > 0
    rim = solid & ~inner
    light = lab[..., 0]
    return SubjectLook(
        float(np.median(light[solid])),
        float(np.median(light[rim if rim.any() else solid])),
        _hue(lab, solid),
        zlib.crc32(title.lower().encode()),
    )


def _hue(lab: np.ndarray, solid: np.ndarray) -> float | None:
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    hues = np.degrees(np.arctan2(lab[..., 2], lab[..., 1])) % 360
    coloured = solid & (chroma > 0.055) & (lab[..., 0] > 0.16)
    if coloured.any():
        votes = np.bincount((hues[coloured] // 5).astype(int) % 72, weights=chroma[coloured], minlength=72)
        windows = np.sum([np.roll(votes, step) for step in range(-4, 5)], axis=0)
        centre = int(windows.argmax()) * 5 + 2.5
        near = coloured & (np.abs((hues - centre + 180) % 360 - 180) < 25)
        if near.sum() >= 0.15 * solid.sum():
            return _median(lab, near)
    # A weak but even tint, such as blue-grey cloth, counts when half of the thing has it.
    weak = solid & (chroma > 0.022)
    if weak.sum() > 0.5 * solid.sum():
        hue = _median(lab, weak)
        if np.mean(np.abs((hues[weak] - hue + 180) % 360 - 180) < 30) > 0.7:
            return hue
    return None


def _median(lab: np.ndarray, where: np.ndarray) -> float:
    return float(np.degrees(np.arctan2(np.median(lab[..., 2][where]), np.median(lab[..., 1][where]))) % 360)


def tones(seen: SubjectLook, mood: str, kind: str, turn: int = 0, own: Branding = UNBRANDED) -> Tones:
    """Return the colours of a mood for a product; another `turn` is another ground of the same mood.

    The seller's own colours come first, as light or dark as the mood and what stands on them ask for.
    """
    spare = KIND_HUES[kind]
    hue = seen.hue if seen.hue is not None else float(spare[seen.spare % len(spare)])
    ground, accent_hue = MOODS[mood](seen, kind, hue, turn)
    if own.ground:
        ground = _lit(seen, colour.to_oklch(own.ground), ground[0])
    found = _mixed(seen, mood, ground, hue, accent_hue, own.accent)
    wanted = ((own.ground, found.ground), (own.accent, found.accent))
    pairs = [(colour.to_oklch(one)[0], colour.to_oklch(other)[0]) for one, other in wanted if one]
    return replace(found, shifted=any(abs(one - other) > VISIBLE for one, other in pairs))


def _lit(seen: SubjectLook, wanted: Ground, usual: float) -> Ground:
    """Return a ground in the seller's colour: light where the mood is, and apart from the product's rim."""
    low, high = (0.78, 0.985) if usual > 0.6 else (0.12, 0.46)
    nearest = min(max(wanted[0], low), high)
    nearest = nearest if abs(nearest - wanted[0]) < FAR else usual  # at the edge a dark colour is dull, yellow is mud
    tried = (nearest, seen.rim - GAP, seen.rim + GAP, usual)
    fits = [one for one in tried if low <= one <= high and abs(seen.rim - one) >= GAP - 0.001]
    return min(fits, key=lambda one: abs(one - nearest), default=usual), wanted[1], wanted[2]


def _vivid(seen: SubjectLook, kind: str, hue: float, turn: int) -> tuple[Ground, float]:
    steps = (180, 140, 0) if seen.hue is not None else (0, 60, 200)
    of = (hue + steps[turn % 3]) % 360
    if kind == "food":  # no cold ground behind food
        of = 25.0 if seen.rim >= 0.62 or abs(hue - 85) < 30 else 85.0
    elif 95 < of < 125:
        of = 90.0 if of < 110 else 150.0
    elif 300 < of < 345:
        of = 300.0 if of < 322 else 345.0
    if seen.rim < 0.62:
        return (0.84 if 70 <= of <= 100 else 0.81, 0.115 if 130 <= of <= 230 else 0.165, of), hue  # no acid green
    return (0.46, 0.165, 25.0 if 45 <= of <= 115 else of), hue


def _bright(seen: SubjectLook, kind: str, hue: float, turn: int) -> tuple[Ground, float]:
    of = sorted((95, 200, 155, 350, 300), key=lambda one: -abs((one - hue + 180) % 360 - 180))[turn % 2]
    return (0.88 if of == 95 else 0.84, 0.14 if of == 95 else 0.105, of), hue if seen.hue is not None else (
        of + 170
    ) % 360


def _tint(seen: SubjectLook, kind: str, hue: float, turn: int) -> tuple[Ground, float]:
    of = (hue + 180 * (turn % 2)) % 360
    if seen.rim < 0.70:
        return (0.90, 0.055, of), hue
    return (0.37, 0.085, of if not 60 < of < 118 else (of + 180) % 360), hue  # dark yellow is mud


def _pastel(seen: SubjectLook, kind: str, hue: float, turn: int) -> tuple[Ground, float]:
    if seen.rim < 0.78:
        return (0.915, 0.045, hue), hue
    return (0.82, 0.075, (hue + 180 * (turn % 2)) % 360), hue


def _dark(seen: SubjectLook, kind: str, hue: float, turn: int) -> tuple[Ground, float]:
    of = (hue + (0, 40, 180)[turn % 3]) % 360
    return (0.27 if seen.rim <= 0.36 else 0.17, 0.03, of), of


def _paper(seen: SubjectLook, kind: str, hue: float, turn: int) -> tuple[Ground, float]:
    return (0.925 if seen.rim < 0.78 else 0.80, 0.032, 78.0), hue


def _light(seen: SubjectLook, kind: str, hue: float, turn: int) -> tuple[Ground, float]:
    of = (hue + (0, 180, 60)[turn % 3]) % 360
    return (0.965 if seen.rim < 0.78 else 0.84, 0.014, of), of


MOODS: dict[str, Callable[[SubjectLook, str, float, int], tuple[Ground, float]]] = {
    "vivid": _vivid, "bright": _bright, "tint": _tint, "pastel": _pastel, "dark": _dark, "paper": _paper,
    "light": _light,
}  # fmt: skip


def _mixed(
    seen: SubjectLook, mood: str, ground: Ground, hue: float, accent_hue: float, own_accent: Rgb | None = None
) -> Tones:
    lightness, chroma, of = ground
    is_light = lightness > 0.6
    under = oklch(*ground)
    dark_ink, light_ink = oklch(0.20, 0.035, 50 if mood == "paper" else of), oklch(0.985, 0.006, of)
    ink = dark_ink if contrast(dark_ink, under) >= min(7, contrast(light_ink, under)) else light_ink
    accent = _readable(colour.to_oklch(own_accent), under) if own_accent else _accent(under, accent_hue, is_light)
    deep = (
        oklch(0.32, 0.05, of) if mood == "dark" else oklch(0.27 if is_light else max(0.12, lightness - 0.10), 0.06, of)
    )
    muted = oklch(0.40 if is_light else 0.80, 0.03, of)
    return Tones(
        ground=under,
        ink=ink,
        accent=accent,
        on_accent=light_ink if contrast(light_ink, accent) >= 3.6 else dark_ink,
        deep=deep,
        on_deep=light_ink,
        soft=oklch(min(0.97, lightness + 0.07) if is_light else lightness + 0.09, chroma * 0.7, of),
        shade=oklch(lightness - 0.075 if is_light else lightness + 0.06, chroma * 1.25 + 0.012, of),
        muted=muted if contrast(muted, under) >= 4.5 else ink,
        glow=oklch(0.56, 0.16, hue),
        is_light=is_light,
        gap=abs(seen.rim - lightness),
    )


def _accent(ground: Rgb, hue: float, is_light: bool) -> Rgb:
    """Return the product's hue, moved in lightness until large type reads; yellow on light becomes burnt orange."""
    lightness, chroma = (0.56 if is_light else 0.80), 0.17
    if is_light and 58 < hue < 118:
        hue, lightness, chroma = 45, 0.62, 0.19
    return _readable((lightness, chroma, hue), ground)


def _readable(wanted: Ground, ground: Rgb) -> Rgb:
    """Return a colour, made darker on a light ground or lighter on a dark one until large type reads."""
    lightness, chroma, hue = wanted
    step = -0.015 if colour.to_oklch(ground)[0] > 0.6 else 0.015
    found = oklch(lightness, chroma, hue)
    for _ in range(60):
        if contrast(found, ground) >= 3.05:
            break
        lightness = min(max(lightness + step, 0.12), 0.98)
        found = oklch(lightness, chroma, hue)
    return found
