"""The order of a video and what becomes of it; no encoder is needed to know that."""

from dataclasses import dataclass

from lib.drawing.cover.branding import UNBRANDED, Branding
from lib.drawing.cut.result import Way

TEMPLATES = ("ugc", "broll", "own")
SECONDS = (5, 10)


@dataclass(frozen=True)
class VideoOrder:
    """The seller's wish. Another `variant` has other colours and another layout.

    `others` are further photos of the product. `music` is a mood, or "".
    """

    title: str
    benefits: tuple[str, ...] = ()
    template: str = "own"
    seconds: int = 5
    variant: int = 0
    music: str = ""
    others: tuple[bytes, ...] = ()
    way: Way | None = None  # in which the product is shown, where the seller chose one
    own: Branding = UNBRANDED


@dataclass(frozen=True)
class Video:
    """The finished video, 1080 × 1920, with its first frame as the poster; `note` is how it shows the first photo."""

    mp4: bytes
    poster_jpeg: bytes
    width: int
    height: int
    seconds: int
    note: str
