"""The promo video: a file that every phone plays at once, words where no app covers them, and the same bytes again."""

import dataclasses
import io
import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from lib import errors
from lib.drawing.clip import cinema, encoder, handheld, promo
from lib.drawing.clip import video as local_video
from lib.drawing.clip import wanted as local_order
from lib.drawing.clip.wanted import Video, VideoOrder
from tests.drawing.pictures import encoded, make_mug, make_png_header, make_scene, opened

FILMING = (promo, handheld, cinema, encoder)
ROOT = Path(__file__).parent.parent.parent
ORDER = VideoOrder("Кружка керамическая", ("Объём 350 мл", "Можно мыть в посудомойке", "Подарок"))


@pytest.fixture(scope="module")
def video() -> Video:
    return local_video.render_video(encoded(make_mug(), quality=95), ORDER)


def boxes(data: bytes) -> Iterator[str]:
    at = 0
    while at < len(data):
        yield data[at + 4 : at + 8].decode()
        at += int.from_bytes(data[at : at + 4], "big")


def test_is_h264_for_phones(video: Video) -> None:
    with av.open(io.BytesIO(video.mp4)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.profile) == ("h264", "High")
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert (stream.width, stream.height) == (video.width, video.height) == (1080, 1920)
        assert stream.average_rate == 25
        assert stream.frames == 125
        assert container.duration == video.seconds * 1_000_000 == 5_000_000


def test_has_a_silent_track_so_that_telegram_takes_it_for_a_video(video: Video) -> None:
    with av.open(io.BytesIO(video.mp4)) as container:
        sound = container.streams.audio[0]
        assert sound.codec_context.name == "aac"
        heard = np.concatenate([frame.to_ndarray().ravel() for frame in container.decode(sound)])
        assert len(heard) >= 4.9 * sound.rate
        assert np.abs(heard).max() < 1e-4


def test_begins_with_its_index_and_stays_small(video: Video) -> None:
    names = list(boxes(video.mp4))
    assert names.index("moov") < names.index("mdat")
    assert len(video.mp4) < 1_000_000


def test_the_poster_is_the_first_frame(video: Video) -> None:
    with av.open(io.BytesIO(video.mp4)) as container:
        first = next(container.decode(video=0)).to_image()
    poster = opened(video.poster_jpeg)
    assert poster.size == (1080, 1920)
    assert np.abs(np.asarray(poster).astype(int) - np.asarray(first)).mean() < 3
    assert len(video.poster_jpeg) < 900_000


def test_gives_the_same_bytes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in FILMING:
        monkeypatch.setattr(module, "FPS", 2)
    first, again = (local_video.render_video(encoded(make_mug(), quality=95), ORDER) for _ in range(2))
    assert first == again


def test_lets_no_metadata_out(drafts: None) -> None:
    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    made = local_video.render_video(encoded(make_mug(), exif=exif, comment=b"SecretNote"), ORDER)
    assert b"Secret" not in made.mp4
    assert b"Secret" not in made.poster_jpeg


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (make_png_header(20_000, 20_000), "picture_too_large"),
        (encoded(Image.new("RGB", (1, 1))), "picture_too_small"),
        (b"GIF89a" + b"\0" * 100, "picture_format"),
        (encoded(make_scene())[:3000], "picture_broken"),
    ],
)
def test_refuses_a_bad_picture_before_it_draws(data: bytes, code: str) -> None:
    with pytest.raises(errors.Rejected) as caught:
        local_video.render_video(data, ORDER)
    assert caught.value.code == code


@pytest.fixture
def drafts(once: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """One frame a second, for tests that look at many videos."""
    for module in FILMING:
        monkeypatch.setattr(module, "FPS", 1)


@pytest.fixture
def counted(drafts: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte a frame in place of the film, for tests that look at no film."""
    monkeypatch.setattr(encoder, "encode", lambda frames, *_, **_named: bytes(1 for _ in frames))


@pytest.fixture
def posters(drafts: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first frame alone, for tests that look at the poster."""
    monkeypatch.setattr(encoder, "encode", lambda frames, *_, **_named: bytes(1 for _ in itertools.islice(frames, 1)))


@pytest.fixture
def sketches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five frames a second, as large a second as it ever is: the encoder's limit is of bits in a second."""
    for module in FILMING:
        monkeypatch.setattr(module, "FPS", 5)


def frames(data: bytes) -> list[Image.Image]:
    with av.open(io.BytesIO(data)) as container:
        return [frame.to_image().resize((54, 96)) for frame in container.decode(video=0)]


@pytest.mark.parametrize("template", local_order.TEMPLATES)
@pytest.mark.parametrize("make", [make_mug, make_scene])
def test_every_template_moves_and_differs_from_its_next_variant(
    template: str, make: Callable[[], Image.Image], drafts: None
) -> None:
    data = encoded(make(), quality=95)
    first, second = (
        [
            np.asarray(frame).astype(int)
            for frame in frames(
                local_video.render_video(data, dataclasses.replace(ORDER, template=template, variant=variant)).mp4
            )
        ]
        for variant in (0, 1)
    )
    assert len(first) == len(second) == 5
    assert all(np.abs(a - b).mean() > 1 for a, b in itertools.pairwise(first))
    if make is make_mug or template == "own":
        assert np.abs(first[0] - second[0]).mean() > 5


@pytest.mark.parametrize("template", local_order.TEMPLATES)
def test_words_stay_where_no_app_covers_them(template: str, posters: None) -> None:
    """The first frame, the cover, with words and without: they differ inside the safe area alone."""
    data = encoded(make_mug(), quality=95)
    order = dataclasses.replace(ORDER, template=template, benefits=())
    with_words, without = (
        np.asarray(opened(local_video.render_video(data, dataclasses.replace(order, title=title)).poster_jpeg)).astype(
            int
        )
        for title in ("Кружка керамическая для кофе", "")
    )
    away = np.abs(with_words - without).max(2) > 60
    assert away.any()
    if template == "ugc":  # elsewhere the product makes room for the title, so that it moves too
        rows, columns = np.flatnonzero(away.any(1)), np.flatnonzero(away.any(0))
        assert rows[0] > 170
        assert rows[-1] < 0.8 * 1920
        assert columns[-1] < 0.88 * 1080 + 2


def test_ten_seconds_are_ten_seconds_and_no_larger_than_five(sketches: None) -> None:
    made = local_video.render_video(encoded(make_scene()), dataclasses.replace(ORDER, seconds=10, template="ugc"))
    assert made.seconds == 10
    assert len(frames(made.mp4)) == 10 * 5
    assert len(made.mp4) < 1_000_000


@pytest.mark.parametrize(
    "title", ["", "а", "слово " * 90, "Электротермополотенцесушитель" * 3, "漢字 🔥", "\u202eabc\x00"]
)
@pytest.mark.parametrize("template", local_order.TEMPLATES)
def test_any_words_make_a_video(title: str, template: str, counted: None) -> None:
    made = local_video.render_video(encoded(make_mug()), VideoOrder(title, (title, title[:50]), template))
    assert len(made.mp4) == 5


MEMORY = r"""
import re, resource, sys
from lib.drawing.clip import cinema, encoder, promo, video, wanted

for module in (cinema, encoder, promo):
    module.FPS = 4  # 20 frames are more than the encoder holds at a time
resource.setrlimit(resource.RLIMIT_AS, (1_500_000_000, 1_500_000_000))
made = video.render_video(sys.stdin.buffer.read(), wanted.VideoOrder("Кружка", ("Яркая", "Большая"), sys.argv[1]))
# getrusage would tell the peak of the process that started this one, if that is larger
peak = int(re.search(r"VmHWM:\s+(\d+) kB", open("/proc/self/status").read())[1]) // 1024
print(len(made.mp4), peak)
"""


@pytest.fixture(scope="module")
def large_photo() -> bytes:
    return encoded(make_mug().resize((6400, 4800)), quality=80)


@pytest.mark.parametrize("template", ["own", "broll"])
def test_a_video_of_a_large_photo_needs_less_than_500_megabytes(template: str, large_photo: bytes) -> None:
    command = [sys.executable, "-c", MEMORY, template]
    done = subprocess.run(command, input=large_photo, capture_output=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr.decode()
    size, peak = map(int, done.stdout.split())
    assert size < 1_000_000
    assert peak < 500
