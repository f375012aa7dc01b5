"""The promo video: a file that every phone plays at once, the same bytes again, in spite of any words and pictures."""

import dataclasses
import io
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from lib import errors
from lib.drawing.clip import encoder, loudness, shots, templates
from lib.drawing.clip import video as local_video
from lib.drawing.clip import wanted as local_order
from lib.drawing.clip.wanted import Video, VideoOrder
from lib.drawing.cut import cutout
from lib.drawing.cut.result import CutPhoto
from lib.drawing.ground.photo import Photo
from tests.drawing.pictures import encoded, make_mug, make_png_header, make_scene, opened

FILMING = (templates, shots, encoder)
ROOT = Path(__file__).parent.parent.parent
ORDER = VideoOrder("Кружка керамическая", ("Объём 350 мл", "Можно мыть в посудомойке", "Подарок"), music="bright")


@pytest.fixture(scope="module")
def mug() -> bytes:
    return encoded(make_mug(), quality=95)


@pytest.fixture(scope="module")
def video(mug: bytes, cut_once: Callable[[Photo], CutPhoto]) -> Iterator[Video]:
    """One film for all tests that look into the file: five pictures a second, each as large as in any clip."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cutout, "cut_out", cut_once)
        for module in FILMING:
            patch.setattr(module, "FPS", 5)
        yield local_video.render_video(mug, ORDER)


def boxes(data: bytes) -> Iterator[str]:
    at = 0
    while at < len(data):
        yield data[at + 4 : at + 8].decode()
        at += int.from_bytes(data[at : at + 4], "big")


def heard(mp4: bytes) -> np.ndarray:
    with av.open(io.BytesIO(mp4)) as container:
        blocks = [frame.to_ndarray() for frame in container.decode(container.streams.audio[0])]
    return np.concatenate(blocks, axis=1).astype(np.float64)


def test_is_h264_for_phones(video: Video) -> None:
    with av.open(io.BytesIO(video.mp4)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.profile) == ("h264", "High")
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert (stream.width, stream.height) == (video.width, video.height) == (1080, 1920)
        assert stream.frames == 5 * 5
        assert abs(container.duration - 5_000_000) <= 25_000
        assert video.seconds == 5


def test_has_music_as_loud_as_networks_play_it(video: Video) -> None:
    with av.open(io.BytesIO(video.mp4)) as container:
        sound = container.streams.audio[0]
        assert (sound.codec_context.name, sound.rate, sound.layout.name) == ("aac", loudness.RATE, "stereo")
    assert loudness.measure(heard(video.mp4)) == pytest.approx(-14, abs=0.5)


@pytest.mark.long
def test_has_a_silent_track_so_that_telegram_takes_it_for_a_video(drafts: None) -> None:
    made = local_video.render_video(encoded(make_scene()), dataclasses.replace(ORDER, music=""))
    assert made.note == "framed only"
    sound = heard(made.mp4)
    assert sound.shape[1] >= 4.9 * loudness.RATE
    assert np.abs(sound).max() < 1e-4


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


@pytest.mark.long
def test_gives_the_same_bytes_again_and_lets_no_metadata_out(drafts: None) -> None:
    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    photo = encoded(make_scene(), exif=exif, comment=b"SecretNote")
    first, again = (local_video.render_video(photo, ORDER) for _ in range(2))
    assert first == again
    assert b"Secret" not in first.mp4
    assert b"Secret" not in first.poster_jpeg


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
    other = dataclasses.replace(ORDER, others=(data,))
    with pytest.raises(errors.Rejected) as caught:
        local_video.render_video(encoded(make_scene()), other)
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


@pytest.mark.long
def test_ten_seconds_are_ten_seconds(mug: bytes, drafts: None) -> None:
    made = local_video.render_video(mug, dataclasses.replace(ORDER, seconds=10, template="ugc"))
    with av.open(io.BytesIO(made.mp4)) as container:
        assert container.streams.video[0].frames == 10
        assert abs(container.duration - 10_000_000) <= 25_000
    assert made.seconds == 10


@pytest.mark.parametrize(
    ("title", "template"),
    [
        ("\u202e漢字 🔥\x00", "broll"),
        pytest.param("", "own", marks=pytest.mark.long),
        pytest.param("", "ugc", marks=pytest.mark.long),
        pytest.param("слово " * 90, "own", marks=pytest.mark.long),
        pytest.param("Электротермополотенцесушитель" * 3, "ugc", marks=pytest.mark.long),
    ],
)
def test_any_words_make_a_video(title: str, template: str, mug: bytes, counted: None) -> None:
    assert template in local_order.TEMPLATES
    made = local_video.render_video(mug, VideoOrder(title, (title, title[:50]), template))
    assert len(made.mp4) == 5


MEMORY = r"""
import re, resource, sys
from lib.drawing.clip import encoder, shots, templates, video, wanted

for module in (encoder, shots, templates):
    module.FPS = 4  # 20 frames are more than the encoder holds at a time
resource.setrlimit(resource.RLIMIT_AS, (1_500_000_000, 1_500_000_000))
order = wanted.VideoOrder("Кружка", ("Яркая", "Большая"), sys.argv[1], music="drive")
made = video.render_video(sys.stdin.buffer.read(), order)
# getrusage would tell the peak of the process that started this one, if that is larger
peak = int(re.search(r"VmHWM:\s+(\d+) kB", open("/proc/self/status").read())[1]) // 1024
print(len(made.mp4), peak)
"""


@pytest.mark.long
def test_a_video_of_a_large_photo_needs_less_than_500_megabytes() -> None:
    large = encoded(make_mug().resize((6400, 4800)), quality=80)
    command = [sys.executable, "-c", MEMORY, "broll"]
    done = subprocess.run(command, input=large, capture_output=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr.decode()
    size, peak = map(int, done.stdout.split())
    assert size < 1_000_000
    assert peak < 500
