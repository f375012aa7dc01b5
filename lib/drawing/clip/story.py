"""The content of a clip, and its measures; all templates share them."""

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from lib.drawing.cover import tones
from lib.drawing.cover.branding import UNBRANDED, Branding
from lib.drawing.cover.facts import CoverFacts
from lib.drawing.cover.tones import SubjectLook
from lib.drawing.cut.result import ProductPicture
from lib.drawing.ground import colour

WIDTH, HEIGHT, FPS = 1080, 1920, 25
SIZE = (WIDTH, HEIGHT)


@dataclass(frozen=True)
class Story:
    """The product's pictures, the first as the main one, what may be printed, and how long it takes."""

    pictures: tuple[ProductPicture, ...]
    facts: CoverFacts
    benefits: tuple[str, ...]  # all of them, that with the number as well
    call: str  # on the last shot; "" for a clip without words
    seconds: int
    variant: int
    own: Branding = UNBRANDED


@dataclass(frozen=True)
class Actor:
    """One picture of the product as the shots need it, and what it looks like."""

    picture: ProductPicture
    look: SubjectLook


def actor(picture: ProductPicture, title: str = "") -> Actor:
    """Measure a picture: what a ground must differ from is the product's rim, or that of a photo which is not cut."""
    look = tones.character(picture.product(), title)
    return Actor(picture, look if picture.is_cut else replace(look, rim=_rim(picture.image)))


def _rim(photo: Image.Image) -> float:
    small = colour.oklab(np.asarray(photo.convert("RGB").resize((24, 24), Image.Resampling.BOX)))[..., 0]
    return float(np.median(np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]])))
