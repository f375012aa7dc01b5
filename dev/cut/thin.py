"""Gives a product of the training a thin part, a strap, a loop or an aerial, or a hole: what a network loses first."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from lib.drawing.ground import raster
from lib.drawing.ground.raster import Floats

FINE = 3  # times the pixels of the photo, when a line is drawn
DOTTED = 0.2  # of the lines: chains and beads
Random = np.random.Generator


def strung(random: Random, photo: Floats, mask: Floats) -> tuple[Floats, Floats]:
    """Return the photo (0 to 255) and the mask (0 to 1) with one more part; the same where it would leave the photo."""
    edge = np.argwhere((mask > 0.5) & ~raster.erode(mask > 0.5, 1))[:, ::-1].astype(float)
    if len(edge) < 30:
        return photo, mask
    size = float(np.ptp(edge, axis=0).max())
    line, width = _line(random, edge, size)
    if (line < 0).any() or (line >= mask.shape[::-1]).any():
        return photo, mask
    drawn = _drawn(mask.shape, line, width, is_dotted=random.random() < DOTTED)
    if random.random() < 0.6:
        drawn = drawn * (1 - mask)  # behind the product
    layer = _shaded(random, drawn, _colour(random, photo, mask, line[0]))
    return photo + (layer - photo) * drawn[..., None], np.maximum(mask, drawn)


def punched(random: Random, mask: Floats) -> Floats:
    """Return a mask with a hole in it, through which the ground is seen."""
    rows, columns = np.nonzero(mask > 0.8)
    if len(rows) < 200:
        return mask
    place = random.integers(len(rows))
    high, wide = np.ptp(rows) * random.uniform(0.04, 0.3), np.ptp(columns) * random.uniform(0.05, 0.3)
    down, across = np.ogrid[: mask.shape[0], : mask.shape[1]]
    far = np.hypot((down - rows[place]) / max(1.0, high), (across - columns[place]) / max(1.0, wide))
    hole = mask * (far > 1)
    return hole if hole.sum() > 0.45 * mask.sum() else mask


def _line(random: Random, edge: Floats, size: float) -> tuple[Floats, float]:
    """Return points of a part that begins at the product's edge, and its width."""
    upper = edge[edge[:, 1] <= np.quantile(edge[:, 1], 0.2)] if random.random() < 0.6 else edge
    start, end = upper[random.integers(len(upper), size=2)]
    away = start - edge.mean(0)
    away = away / max(1.0, float(np.hypot(*away))) - (0, random.uniform(0, 2))
    out = away / max(0.1, float(np.hypot(*away)))
    across = np.array([-out[1], out[0]])
    kind, far = random.random(), size * random.uniform(0.12, 0.7)
    if kind < 0.2:  # a ring
        turn = np.linspace(0, 2 * np.pi, 40)[:, None]
        radius = size * random.uniform(0.05, 0.2)
        return start + radius * (out + np.hstack([np.cos(turn), np.sin(turn)])), size * random.uniform(0.008, 0.03)
    if kind < 0.5:  # a handle, a strap
        one, two = random.normal(0, 0.1 * size, (2, 2)) + out * far
        return _curve([start, start + one, end + two, end]), size * random.uniform(0.012, 0.07)
    if kind < 0.7:  # an aerial, a stem
        return _curve([start, start + out * far / 3, start + out * far / 2, start + out * far]), size * 0.02
    bend = across * size * random.uniform(0.03, 0.4)
    last = start if kind < 0.85 else start + out * far * random.uniform(0.6, 1.2) - bend  # a loop of cord, a cable
    return _curve([start, start + out * far + bend, start + out * far - bend, last]), size * random.uniform(
        0.008, 0.025
    )


def _curve(points: list[Floats]) -> Floats:
    """Return points of a curve of Bézier."""
    share = np.linspace(0, 1, 40)[:, None]
    first, second, third, last = points
    near = first * (1 - share) ** 3 + 3 * second * share * (1 - share) ** 2
    return np.asarray(near + 3 * third * share**2 * (1 - share) + last * share**3)


def _drawn(shape: tuple[int, ...], line: Floats, width: float, *, is_dotted: bool) -> Floats:
    sheet = Image.new("L", (shape[1] * FINE, shape[0] * FINE))
    pen, fine = ImageDraw.Draw(sheet), [tuple(point * FINE) for point in line]
    if is_dotted:
        radius = max(1.0, width * 0.6) * FINE
        for x, y in fine:
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    else:
        pen.line(fine, fill=255, width=max(1, round(width * FINE)), joint="curve")
    small = np.asarray(sheet.resize((shape[1], shape[0]), Image.Resampling.BOX), dtype=np.float32)
    return small / np.float32(255)


def _colour(random: Random, photo: Floats, mask: Floats, start: Floats) -> Floats:
    """Return the colour of the product where the part begins, that of metal, or any."""
    kind, product = random.random(), photo[mask > 0.8]
    if kind < 0.45 or not len(product):
        column, row = start.astype(int)
        return np.asarray(photo[row, column])
    if kind < 0.6:
        return np.asarray(product[random.integers(len(product))])
    metal = np.array([[1, 1, 1], [1.25, 1, 0.5]])[random.integers(2)] * random.uniform(100, 200)
    return np.asarray(metal if kind < 0.8 else random.uniform(10, 250, 3))


def _shaded(random: Random, drawn: Floats, colour: Floats) -> Floats:
    """Return a layer of one colour, lit from one side."""
    soft = Image.fromarray((drawn * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(random.uniform(0.6, 2.5)))
    down, across = np.gradient(np.asarray(soft, dtype=np.float32) / 255)
    turn = random.uniform(0, 2 * np.pi)
    light = (down * np.sin(turn) + across * np.cos(turn)) * random.uniform(0.5, 3)
    return np.asarray((colour * (1 + light.clip(-0.45, 0.6))[..., None]).clip(0, 255), dtype=np.float32)
