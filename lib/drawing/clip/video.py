"""Makes a 9:16 promo video from photos: the template's motion, the music, the encoder's limits, and the poster."""

from collections.abc import Iterator

from lib import text
from lib.drawing.clip import encoder, music, templates
from lib.drawing.clip.story import HEIGHT, SIZE, WIDTH, Story
from lib.drawing.clip.wanted import Video, VideoOrder
from lib.drawing.cover import facts
from lib.drawing.cover.slides import Told
from lib.drawing.cut import cutout, result
from lib.drawing.cut.result import CutPhoto, ProductPicture, Way
from lib.drawing.ground import lettering, output, words
from lib.drawing.ground.planes import Frame

KILOBITS = 6700  # of a whole clip without its sound, so that it stays below a megabyte


def render_video(data: bytes, order: VideoOrder, kept: CutPhoto | None = None) -> Video:
    """Draw and encode the video, from the photo's kept cut if there is one; the same input gives the same bytes.

    Raises Rejected for a picture it cannot use.
    """
    cut = kept or cutout.of(data)
    pictures = [_picture(cut, order.way), *(_picture(cutout.of(photo), None) for photo in order.others)]
    story = _story(tuple(pictures), order)
    drawn = _FirstFrame(templates.frames(story, order.template))
    sound = music.of(order.music, order.seconds) if order.music else None
    count, kbps = order.seconds * encoder.FPS, KILOBITS // order.seconds
    mp4 = encoder.encode(drawn, SIZE, count, crf=23, kbps=kbps, sound=sound)
    note = result.shown(is_cut=pictures[0].is_cut, ways=len(cut.pictures))
    return Video(mp4, drawn.poster(), WIDTH, HEIGHT, order.seconds, note)


def _picture(cut: CutPhoto, way: Way | None) -> ProductPicture:
    """Return the picture of a photo that a clip shows: one cut at its top can stand nowhere in it."""
    picture = cut.chosen(way)
    return cut.pictures[-1] if "top" in picture.sides else picture


def _story(pictures: tuple[ProductPicture, ...], order: VideoOrder) -> Story:
    benefits = lettering.listed(order.benefits)
    said = facts.read(lettering.said(order.title, words.TITLE_LIMIT), benefits)
    call = text.say(Told(said).language, "clip.call") if said.title else ""
    return Story(pictures, said, benefits, call, order.seconds, order.variant, order.own)


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
