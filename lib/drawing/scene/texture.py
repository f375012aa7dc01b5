"""Makes surfaces from noise: planks and marble, and lays them in perspective. One seed, one surface."""

import numpy as np
from PIL import Image

from lib.drawing.ground.colour import Rgb
from lib.drawing.ground.raster import Floats

SIDE = 1024


def noise(seed: int, size: tuple[int, int], cells: tuple[int, int], octaves: int = 4) -> Floats:
    """Return smooth noise, about -1 to 1, with finer and fainter detail in each octave."""
    dice = np.random.default_rng(seed)
    total = np.zeros((size[1], size[0]), dtype=np.float32)
    share = 1.0
    for octave in range(octaves):
        grid = (max(2, cells[1] << octave), max(2, cells[0] << octave))
        coarse = Image.fromarray(dice.uniform(-1, 1, grid).astype(np.float32))
        total += share * np.asarray(coarse.resize(size, Image.Resampling.BICUBIC), dtype=np.float32)
        share *= 0.5
    return total


def planks(seed: int, light: Rgb, dark: Rgb) -> Image.Image:
    """Return boards that run away from the viewer, each with its own grain and tone."""
    boards, size = 7, (SIDE, SIDE)
    fibre = noise(seed * 7 + 1, size, (90, 2), 3)
    rings = np.sin(noise(seed * 7 + 2, size, (9, 2), 3) * 9 + fibre * 1.2)
    x = np.arange(SIDE, dtype=np.float32)[None, :] / SIDE * boards
    board = x.astype(int)
    tone = np.random.default_rng(seed + 3).uniform(-0.22, 0.22, boards + 1).astype(np.float32)[board]
    level = 0.5 + 0.16 * rings + 0.20 * fibre + tone
    gap = np.abs(x - np.round(x)) < 0.012
    level = np.where(gap & (np.round(x) > 0) & (np.round(x) < boards), level + 1.1, level)
    return _coloured(level, light, dark)


def marble(seed: int, light: Rgb, vein: Rgb) -> Image.Image:
    """Return stone with a few long veins and a faint cloud."""
    size = (SIDE, SIDE)
    y, x = np.mgrid[0 : 1 : SIDE * 1j, 0 : 1 : SIDE * 1j].astype(np.float32)
    level = 0.10 * np.clip(noise(seed * 5 + 1, size, (3, 3), 5) + 0.3, 0, 1)
    for number, (slope, width, depth) in enumerate(((2.2, 0.05, 0.75), (3.1, 0.03, 0.45), (5.0, 0.02, 0.30))):
        bend = noise(seed * 5 + 2 + number, size, (3, 3), 6) * 0.30
        field = (x * 0.8 + y * 0.6) * slope + bend * 2.4 + 0.31 * number
        distance = np.abs(field - np.round(field))
        patchy = np.clip(noise(seed * 5 + 7 + number, size, (4, 4), 3) + 0.45, 0, 1)
        level = level + depth * patchy * np.exp(-distance / width)
    return _coloured(level, light, vein)


def _coloured(level: Floats, low: Rgb, high: Rgb) -> Image.Image:
    share = np.clip(level, 0, 1.6)[..., None]
    start, end = np.array(low, dtype=np.float32), np.array(high, dtype=np.float32)
    return Image.fromarray(np.clip(start + (end - start) * share + 0.5, 0, 255).astype(np.uint8))


def laid(top: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return the surface as a table seen from a little above: its far edge is the picture's top."""
    width, height = size
    far, near = 0.78, 0.34  # of the texture's width that the far and the near edge show
    depth = 0.95
    corners = [(0.5 - far / 2, 0.0), (0.5 + far / 2, 0.0), (0.5 + near / 2, depth), (0.5 - near / 2, depth)]
    target = [(0, 0), (width, 0), (width, height), (0, height)]
    rows, values = [], []
    for (u, v), (x, y) in zip(corners, target, strict=True):
        u, v = u * top.width, v * top.height
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    found = np.linalg.solve(np.array(rows, dtype=np.float64), np.array(values, dtype=np.float64))
    return top.transform(size, Image.Transform.PERSPECTIVE, tuple(found.tolist()), Image.Resampling.BICUBIC)
