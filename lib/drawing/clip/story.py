"""The content of a video, and where it may put words; all templates share it."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from lib.drawing.card.looks import Hero
from lib.drawing.ground import colour, lettering
from lib.drawing.ground.colour import Rgb
from lib.drawing.ground.lettering import Block

WIDTH, HEIGHT, FPS = 1080, 1920, 25
# Words stay inside: the apps cover the top 9 %, the lowest 20 % and the right 12 % with their own.
LEFT, RIGHT, TOP, LOW = 64, 948, 190, 1530
UNIT = 0.9


@dataclass(frozen=True)
class Story:
    """The product or photo, words that may be printed, and how long it takes."""

    hero: Hero
    photo: Image.Image
    title: str
    texts: tuple[str, ...]
    seconds: int
    variant: int


def heading(title: str, box: tuple[int, int], largest: int = 132, lines: int = 3) -> Block | None:
    """Set the title as large as the box allows."""
    if not title:
        return None
    return lettering.fit(title, lettering.HEAVY, box, (largest, 54), lines=lines, spacing=1.12)


def readable(ink: Rgb, ground: Image.Image, box: tuple[int, int, int, int], ratio: float = 4.6) -> Rgb:
    """Return the ink, moved until it reads on that part of the ground."""
    left, top, right, bottom = box
    patch = ground.crop((left, top, max(left + 8, right), max(top + 8, bottom)))
    return colour.readable(ink, np.asarray(patch.reduce(6)), ratio)
