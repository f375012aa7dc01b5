"""A JPEG's bytes, without decoding: its size, and whether its data are whole."""

import functools
import io
import random
import struct

import pytest
from PIL import Image

from lib import errors, jpeg

END = b"\xff\xd9"
START = b"\xff\xd8"


@functools.cache
def drawn(width=64, height=48, mode="RGB", **options):
    """Return a noisy JPEG: noise fills every block."""
    chance = random.Random(width * 1000 + height)
    image = Image.frombytes(mode, (width, height), chance.randbytes(width * height * len(mode)))
    target = io.BytesIO()
    image.save(target, "JPEG", **options)
    return target.getvalue()


def segment(marker, body=b""):
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def frame(marker=0xC0, *, depth=8, width=64, height=48, channels=3):
    parts = b"".join(bytes([number, 0x11, 0]) for number in range(1, channels + 1))
    return segment(marker, struct.pack(">BHHB", depth, height, width, channels) + parts)


SCAN = segment(0xDA, b"\x01\x01\x00\x00\x3f\x00")


def made(*segments, data=b"\x00" * 8 + END):
    return START + b"".join(segments) + SCAN + data


def refused(data):
    with pytest.raises(errors.Rejected) as caught:
        jpeg.size(data)
    return caught.value.code


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}, {"optimize": True}], ids=str)
def test_the_size_is_read(mode, options):
    sizes = [(1, 1), (7, 9), (8, 8), (9, 7), (16, 16), (17, 33), (64, 48), (300, 2)]
    assert [jpeg.size(drawn(*size, mode, **options)) for size in sizes] == sizes


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("restart", [0, 1, 3])
def test_a_file_whose_camera_forgot_the_end_mark_is_whole(subsampling, restart):
    for size in (1, 1), (8, 8), (17, 33), (64, 48):
        data = drawn(*size, subsampling=subsampling, restart_marker_blocks=restart)
        assert data.endswith(END)
        assert jpeg.size(data.removesuffix(END)) == size


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("restart", [0, 2])
def test_a_file_that_was_cut_short_is_refused(mode, restart):
    data = drawn(96, 80, mode, restart_marker_blocks=restart)
    at = data.index(b"\xff\xda")
    for share in 0.5, 0.7, 0.9, 0.98:
        assert refused(data[: at + 14 + int((len(data) - at - 14) * share)]) == "picture_broken", share


def test_a_progressive_file_without_its_end_gets_the_benefit_of_the_doubt():
    data = drawn(96, 80, progressive=True)
    assert jpeg.size(data[: len(data) - 40]) == (96, 80)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.1, 0.2])
def test_a_file_that_ends_in_its_head_is_refused(share):
    data = drawn(96, 80)
    assert refused(data[: 2 + int(data.index(b"\xff\xda") * share)]) == "picture_broken"


@pytest.mark.parametrize(
    ("marker", "code"),
    [
        (0xC3, "picture_format"),  # lossless
        (0xC5, "picture_format"),  # hierarchical
        (0xC6, "picture_format"),
        (0xC7, "picture_format"),
        (0xCB, "picture_format"),
        (0xCD, "picture_format"),
        (0xCE, "picture_format"),
        (0xCF, "picture_format"),
    ],
)
def test_a_kind_that_no_decoder_knows_is_refused_by_its_name(marker, code):
    assert refused(made(frame(marker))) == code


@pytest.mark.parametrize("marker", [0xC0, 0xC1, 0xC2, 0xC9, 0xCA])
def test_a_kind_that_decoders_know_is_read(marker):
    assert jpeg.size(made(frame(marker))) == (64, 48)


@pytest.mark.parametrize("depth", [0, 1, 12, 16])
def test_twelve_bits_are_refused(depth):
    assert refused(made(frame(depth=depth))) == "picture_format"


@pytest.mark.parametrize("channels", [0, 2, 5, 40])
def test_an_odd_number_of_channels_is_refused(channels):
    assert refused(made(frame(channels=channels))) == "picture_format"


@pytest.mark.parametrize(("width", "height"), [(0, 48), (64, 0), (0, 0)])
def test_a_picture_without_width_or_height_is_refused(width, height):
    assert refused(made(frame(width=width, height=height))) == "picture_broken"


@pytest.mark.parametrize(
    "junk",
    [
        b"",
        b"\x00\x00\x00",
        b"\xff",
        b"\xff\xff\xff",
        b"\xff\x00",
        b"\xff\x01",
        b"\xff\xd0\xff\xd7",
        b"\xff\xd8",
        segment(0xE0, b"JFIF\x00"),
        segment(0xE1, b"Exif\x00\x00" + b"\x01" * 300),
        segment(0xFE, b"a comment"),
        segment(0xFE, b""),
        b"text between segments",
    ],
    ids=lambda junk: junk[:6].hex() or "none",
)
def test_what_stands_between_the_segments_is_passed_over(junk):
    assert jpeg.size(made(junk, frame(), junk)) == (64, 48)


def test_a_thumbnail_inside_a_segment_does_not_count():
    small = segment(0xE1, b"Exif\x00\x00" + made(frame(width=9, height=9)))
    assert jpeg.size(made(small, frame())) == (64, 48)


def test_the_last_frame_before_the_scan_counts():
    assert jpeg.size(made(frame(width=9, height=9), frame())) == (64, 48)


@pytest.mark.parametrize(
    "data",
    [
        START,
        START + END,
        START + b"\xff\xc0\x00\x00" + b"\x00" * 20,  # a length that leads nowhere
        START + b"\xff\xc0\x00\x01" + b"\x00" * 20,
        START + frame() + END,
        START + frame(),
        START + SCAN + b"\x00" * 20 + END,  # a scan of no frame
        made(frame(), data=b""),
        made(frame(), data=END),
        START + b"\x00" * 5000,
    ],
    ids=range(10),
)
def test_what_has_no_picture_is_refused(data):
    assert refused(data) == "picture_broken"


def test_no_file_keeps_a_worker_busy_by_junk():
    assert refused(START + b"\xff\x01" * 20_000 + frame() + SCAN + END) == "picture_broken"
