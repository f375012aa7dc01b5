"""A result is held against what was ordered before it is sold."""

import functools
import io
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from dev.generation import drawing
from lib import errors
from lib.drawing import work as work
from lib.drawing.card import received
from lib.drawing.clip import clips, encoder
from lib.drawing.ground import output
from tests.drawing.pictures import encoded, make_mug
from tests.sizes import few


def glitter(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8))


@functools.cache
def film(seconds: int, size: tuple[int, int] = (1080, 1920)) -> bytes:
    return drawing.clip(encoded(make_mug().resize(size)), seconds, "test", 1)


def test_glitter_is_kept_and_previewed() -> None:
    kept = received.clean(encoded(glitter(1200, 900), quality=95))
    assert (kept.ext, kept.width, kept.height) == ("jpg", 1200, 900)
    assert Image.open(io.BytesIO(output.jpeg(glitter(900, 1200)))).size == (900, 1200)


async def test_an_error_that_must_repeat_is_final() -> None:
    def fail() -> None:
        raise OSError("encoder error -2 when writing image file")

    with pytest.raises(errors.Rejected, match="picture_not_drawn"):
        await work.in_thread(fail)


async def test_a_lack_of_memory_may_pass() -> None:
    def fail() -> None:
        raise MemoryError

    with pytest.raises(MemoryError):
        await work.in_thread(fail)


@pytest.mark.parametrize(("seconds", "shown"), few([(6, 5), (4, 4), (5, 5)], 1, several=True))
def test_a_clip_nearly_as_long_as_ordered_is_taken_and_ends_in_time(seconds: int, shown: int) -> None:
    clip = clips.checked(film(seconds), 5)
    assert (clip.width, clip.height, clip.seconds) == (540, 960, pytest.approx(shown, abs=0.1))
    with av.open(io.BytesIO(clip.mp4)) as again:
        assert again.duration / av.time_base == pytest.approx(shown, abs=0.1)


def later(data: bytes, seconds: int) -> bytes:
    """Return a film whose clock does not begin at 0."""
    out = io.BytesIO()
    with av.open(io.BytesIO(data)) as source, av.open(out, "w", format="mp4") as copy:
        stream = source.streams.video[0]
        ours = copy.add_stream_from_template(stream)
        for packet in source.demux(stream):
            if packet.dts is not None:
                shift = int(seconds / packet.time_base)
                packet.pts, packet.dts, packet.stream = packet.pts + shift, packet.dts + shift, ours
                copy.mux(packet)
    return out.getvalue()


def test_a_clip_whose_clock_begins_late_is_shown_in_full() -> None:
    assert clips.checked(later(film(5), 2), 5).seconds == pytest.approx(5, abs=0.1)


@pytest.mark.parametrize(
    ("seconds", "size", "ordered", "why"),
    [
        (5, (1080, 1920), 10, "5.0 s for 10 s"),
        (7, (1080, 1920), 5, "7.0 s for 5 s"),
        (5, (1080, 1440), 5, "540x720 for 1080x1920"),
    ],
    ids=["too short", "too long", "other proportions"],
)
def test_another_clip_than_ordered_is_not_sold(seconds: int, size: tuple[int, int], ordered: int, why: str) -> None:
    with pytest.raises(errors.Rejected, match="odd_result") as caught:
        clips.checked(film(seconds, size), ordered)
    assert why in str(caught.value)


def odd_film(pictures: int, fps: int | str, sound: float, seconds: float = 5) -> bytes:
    """Return a film of so many pictures, with a track of sound of this loudness that lasts its whole time."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as film:
        stream, track = film.add_stream("libx264", rate=Fraction(fps)), encoder.sound_track(film)
        stream.width, stream.height, stream.pix_fmt = 540, 960, "yuv420p"
        encoder.play(film, track, np.full((2, round(seconds * 48_000)), 0.1) * sound)
        picture = av.VideoFrame.from_image(make_mug().resize((540, 960)))
        for number in range(pictures):
            picture.pts = number
            film.mux(stream.encode(picture))
        film.mux(stream.encode(None))
    return out.getvalue()


@pytest.mark.parametrize(
    ("pictures", "fps", "why"),
    [(13, 25, "0.5 s for 5 s"), (1, "1/5", "1 pictures in 5.0 s")],
    ids=["only its sound is as long", "one picture that stands still"],
)
def test_what_a_file_says_of_itself_is_not_believed(pictures: int, fps: int, why: str) -> None:
    with pytest.raises(errors.Rejected, match=why):
        clips.checked(odd_film(pictures, fps, 1), 5)


def test_a_silent_track_is_no_sound() -> None:
    assert clips.checked(odd_film(10, 2, 1), 5, has_sound=True).seconds == 5
    with pytest.raises(errors.Rejected, match="no sound"):
        clips.checked(odd_film(10, 2, 0), 5, has_sound=True)


def test_what_is_clear_in_a_picture_is_white() -> None:
    made = Image.new("RGBA", (900, 1200), (0, 0, 0, 0))
    made.paste((200, 30, 30, 255), (200, 300, 700, 900))
    assert received.as_ordered(encoded(made, "PNG"), 900, 1200).getpixel((10, 10)) == (255, 255, 255)


def test_a_clip_without_the_sound_that_was_promised_is_not_sold() -> None:
    with pytest.raises(errors.Rejected, match="no sound"):
        clips.checked(film(5), 5, has_sound=True)


@pytest.mark.parametrize("size", [(1200, 1200), (300, 400), (1600, 1200)])
def test_a_picture_of_other_proportions_or_too_small_is_not_sold(size: tuple[int, int]) -> None:
    with pytest.raises(errors.Rejected, match="odd_result"):
        received.fitted(encoded(make_mug().resize(size)), 1200, 1600)


def test_a_picture_nearly_as_ordered_is_brought_to_its_size() -> None:
    card = received.fitted(encoded(make_mug().resize((864, 1184))), 1200, 1600)
    assert (card.width, card.height) == (1200, 1600)
