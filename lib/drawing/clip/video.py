"""Makes a 9:16 promo video from a photo: the template's motion, the encoder's limits, and the poster."""

from collections.abc import Callable, Iterator

from lib.drawing.card import looks
from lib.drawing.clip import cinema, encoder, handheld, promo
from lib.drawing.clip.story import Story
from lib.drawing.clip.wanted import Video, VideoOrder
from lib.drawing.cut import cutout
from lib.drawing.cut.result import CutPhoto
from lib.drawing.ground import lettering, output, photo, words
from lib.drawing.ground.planes import Frame

WIDTH, HEIGHT = 1080, 1920
TOLD = 3  # benefits for which a clip has time
KILOBITS = 7000  # of a whole clip, so that it stays below a megabyte
FRAMES: dict[str, Callable[[Story], Iterator[Frame]]] = {
    "own": promo.frames,
    "ugc": handheld.frames,
    "broll": cinema.frames,
}


def render_video(data: bytes, order: VideoOrder, kept: CutPhoto | None = None) -> Video:
    """Draw and encode the video, from the photo's kept cut if there is one; the same input gives the same bytes.

    Raises Rejected for a picture it cannot use.
    """
    source = photo.open_photo(data)
    hero = looks.hero((kept or cutout.of(data)).standing(order.way))
    title, texts = lettering.said(order.title, words.TITLE_LIMIT), lettering.listed(order.benefits[:TOLD])
    story = Story(hero, source.rgb, title, texts, order.seconds, order.variant)
    drawn = _FirstFrame(FRAMES[order.template](story))
    mp4 = encoder.encode(drawn, (WIDTH, HEIGHT), order.seconds * encoder.FPS, crf=23, kbps=KILOBITS // order.seconds)
    return Video(mp4, drawn.poster(), WIDTH, HEIGHT, order.seconds)


class _FirstFrame:
    """Hands frames on and keeps the first."""

    def __init__(self, frames: Iterator[Frame]) -> None:
        self.frames = frames
        self.first: Frame | None = None

    def __iter__(self) -> Iterator[Frame]:
        for frame in self.frames:
            self.first = self.first or frame
            yield frame

    def poster(self) -> bytes:
        assert self.first is not None
        return output.jpeg(self.first.picture())
