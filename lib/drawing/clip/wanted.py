"""What a video order is and what it becomes; no encoder is needed to know it."""

from dataclasses import dataclass

TEMPLATES = ("ugc", "broll", "own")
SECONDS = (5, 10)


@dataclass(frozen=True)
class VideoOrder:
    """What the seller asked for. Another `variant` has other colours and another layout."""

    title: str
    benefits: tuple[str, ...] = ()
    template: str = "own"
    seconds: int = 5
    variant: int = 0


@dataclass(frozen=True)
class Video:
    """The finished video, 1080 × 1920, with its first frame as the poster."""

    mp4: bytes
    poster_jpeg: bytes
    width: int
    height: int
    seconds: int
