import io
import struct
import zlib

import pytest
from PIL import Image

from lib import errors, pictures


def encoded(form: str, size: tuple[int, int] = (300, 400), **options) -> bytes:
    target = io.BytesIO()
    Image.effect_noise(size, 40).convert("RGB").save(target, form, **options)
    return target.getvalue()


def png_of(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 4096)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def refusal(data: bytes) -> str:
    with pytest.raises(errors.Rejected) as caught:
        pictures.inspect(data)
    return caught.value.code


@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("PNG", {}),
        ("WEBP", {}),
        ("WEBP", {"lossless": True}),
        ("WEBP", {"exif": b"Exif\0\0x"}),
    ],
)
def test_the_size_is_read_without_decoding(form, options):
    assert pictures.inspect(encoded(form, **options)) == (300, 400)


def test_a_jpeg_with_a_thumbnail_inside_is_measured_by_its_own_frame():
    exif = Image.Exif()
    exif[0x010E] = "x" * 200
    assert pictures.inspect(encoded("JPEG", exif=exif.tobytes())) == (300, 400)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.95])
def test_a_file_cut_short_is_broken(form, share):
    data = encoded(form)
    assert refusal(data[: int(len(data) * share)]) == "picture_broken"


def test_400_megapixels_in_a_small_png_are_refused():
    assert refusal(png_of(20_000, 20_000)) == "picture_too_large"


def test_a_thumbnail_is_too_small():
    assert refusal(encoded("PNG", (120, 600))) == "picture_too_small"


def test_an_iphone_file_is_named_as_such():
    assert refusal(b"\0\0\0\x18ftypheic" + b"\0" * 64) == "picture_heic"


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"%PDF-1.7", b"hello", b"\0" * 100])
def test_anything_else_is_no_picture(data):
    assert refusal(data) == "picture_format"


@pytest.mark.parametrize("data", [b"\xff\xd8\xff", b"\xff\xd8\xff\xe0\x00", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBP"])
def test_a_header_alone_is_broken(data):
    assert refusal(data) == "picture_broken"
