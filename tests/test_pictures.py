import contextlib
import functools
import io
import struct
import zlib
from functools import partial

import pytest
from PIL import Image

from lib import errors, pictures
from lib.drawing.ground import photo


@functools.cache
def encoded(form: str, size: tuple[int, int] = (300, 400), mode: str = "RGB", **options) -> bytes:
    target = io.BytesIO()
    Image.effect_noise(size, 40).convert(mode).save(target, form, **options)
    return target.getvalue()


def cut(end: int, form: str, **options) -> bytes:
    """A file without its last bytes."""
    return encoded(form, **options)[:-end]


def png_of(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 4096)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def png_empty() -> bytes:
    target = io.BytesIO()
    Image.new("RGBA", (800, 800)).save(target, "PNG")
    return target.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_with(*chunks: bytes) -> bytes:
    """A good PNG with more chunks behind its header."""
    data = encoded("PNG")
    return data[:33] + b"".join(chunks) + data[33:]


def png_cut(share: float) -> bytes:
    """A PNG whose pixels end early, and which claims in good form to be whole."""
    data = encoded("PNG")
    start = data.index(b"IDAT") - 4
    [length] = struct.unpack(">I", data[start : start + 4])
    return data[:start] + chunk(b"IDAT", data[start + 8 : start + 8 + int(length * share)]) + chunk(b"IEND", b"")


def jpeg_with_junk() -> bytes:
    data = encoded("JPEG")
    end = 4 + struct.unpack(">H", data[4:6])[0]
    return data[:end] + bytes(4) + data[end:]


def png_with_text(kind: bytes, head: bytes) -> bytes:
    return png_with(chunk(kind, head + zlib.compress(b" " * 2_000_000)))


TAKEN = {
    "a packed text of 2 MB": partial(png_with_text, b"zTXt", b"a\0\0"),
    "an international text of 2 MB": partial(png_with_text, b"iTXt", b"a\0\1\0\0\0"),
    "a colour profile of 2 MB": partial(png_with_text, b"iCCP", b"a\0\0"),
    "a broken text": lambda: png_with(chunk(b"tEXt", b"a\0b")[:-1] + b"?"),
    "a PNG without its end mark": partial(cut, 12, "PNG"),
    "a JPEG without its end mark": partial(cut, 2, "JPEG"),
    "a grey JPEG without its end mark": partial(cut, 2, "JPEG", mode="L"),
    "a full JPEG without its end mark": partial(cut, 2, "JPEG", subsampling=0, quality=98),
    "a progressive JPEG without its end mark": partial(cut, 2, "JPEG", progressive=True),
    "a JPEG with restarts without its end mark": partial(cut, 2, "JPEG", restart_marker_blocks=7),
    "junk between segments": jpeg_with_junk,
    "junk behind a JPEG": lambda: encoded("JPEG") + bytes(100),
    "an interlaced PNG": partial(encoded, "PNG", interlace=True),
}
REFUSED = {
    "a PNG cut short that ends with IEND": (partial(png_cut, 0.5), "picture_broken"),
    "a PNG whose last chunk is cut": (partial(cut, 100, "PNG"), "picture_broken"),
    "longer than ten to one": (partial(encoded, "JPEG", (210, 2111)), "picture_too_long"),
    "a grey JPEG that is cut short": (partial(cut, 300, "JPEG", mode="L"), "picture_broken"),
    "a JPEG with restarts that is cut short": (partial(cut, 300, "JPEG", restart_marker_blocks=7), "picture_broken"),
    "a lossless JPEG": (lambda: encoded("JPEG").replace(b"\xff\xc0", b"\xff\xc3", 1), "picture_format"),
    "nothing but transparency": (png_empty, "picture_empty"),
}


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


@pytest.mark.parametrize("share", [0.001, 0.5, 0.95])
@pytest.mark.parametrize(("end", "options"), [(b"", {}), (b"\xff\xd9", {}), (b"", {"progressive": True})])
def test_the_worker_finds_a_jpeg_cut_short_whatever_its_end_says(share, end, options):
    data = encoded("JPEG", **options)
    with pytest.raises(errors.Rejected, match="picture_broken"):
        photo.open_photo(data[: int(len(data) * share)] + end)


@pytest.mark.parametrize("name", TAKEN)
def test_the_webhook_and_the_worker_take(name):
    data = TAKEN[name]()
    assert pictures.inspect(data) == (300, 400)
    assert photo.open_photo(data).rgb.size == (300, 400)


@pytest.mark.parametrize("name", REFUSED)
def test_the_webhook_and_the_worker_refuse(name):
    make, code = REFUSED[name]
    data = make()
    assert refusal(data) == code
    with pytest.raises(errors.Rejected):
        photo.open_photo(data)


def test_a_plain_white_ground_is_whole():
    white = Image.new("RGB", (400, 300), (255, 255, 255))
    white.paste((200, 30, 30), (100, 50, 300, 200))
    target = io.BytesIO()
    white.save(target, "JPEG")
    assert photo.open_photo(target.getvalue()).rgb.size == (400, 300)


@pytest.mark.parametrize("form", ["JPEG", "WEBP"])
def test_a_picture_of_one_colour_is_empty(form):
    target = io.BytesIO()
    Image.new("RGB", (800, 800), (12, 80, 40)).save(target, form)
    with pytest.raises(errors.Rejected, match="picture_empty"):
        photo.open_photo(target.getvalue())


def test_an_empty_first_frame_is_empty():
    target = io.BytesIO()
    frames = [Image.new("RGBA", (300, 300)), Image.new("RGBA", (300, 300), (200, 0, 0, 255))]
    frames[0].save(target, "WEBP", save_all=True, append_images=frames[1:])
    with pytest.raises(errors.Rejected, match="picture_empty"):
        photo.open_photo(target.getvalue())


def test_400_megapixels_in_a_small_png_are_refused():
    assert refusal(png_of(20_000, 20_000)) == "picture_too_large"


def test_a_thumbnail_is_too_small():
    assert refusal(encoded("PNG", (120, 600))) == "picture_too_small"


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"%PDF-1.7", b"hello", b"\0" * 100])
def test_anything_else_is_no_picture(data):
    assert refusal(data) == "picture_format"


@pytest.mark.parametrize("data", [b"\xff\xd8\xff", b"\xff\xd8\xff\xe0\x00", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBP"])
def test_a_header_alone_is_broken(data):
    assert refusal(data) == "picture_broken"


SHAPES = [("JPEG", {}), ("JPEG", {"progressive": True}), ("PNG", {}), ("WEBP", {}), ("WEBP", {"lossless": True})]


@pytest.mark.parametrize(("form", "options"), SHAPES, ids=str)
def test_wherever_a_file_ends_it_is_refused_by_name(form, options):
    data = encoded(form, **options)
    for end in range(64):
        with pytest.raises(errors.Rejected, match=r"picture_(broken|format)"):
            pictures.inspect(data[:end])


@pytest.mark.parametrize(("form", "options"), SHAPES, ids=str)
def test_whatever_stands_in_a_files_head_brings_nothing_but_a_refusal(form, options):
    data = encoded(form, **options)
    for at in range(40):
        for value in (0, 1, 0x7F, 0xFF):
            try:
                width, height = pictures.inspect(data[:at] + bytes([value]) + data[at + 1 :])
            except errors.Rejected:
                continue
            assert min(width, height) >= pictures.SIDE_MINIMUM


@pytest.mark.parametrize(
    ("size", "code"),
    [
        ((200, 200), None),
        ((199, 900), "picture_too_small"),
        ((200, 2000), None),
        ((200, 2001), "picture_too_long"),
        ((8000, 5000), None),
        ((8000, 5001), "picture_too_large"),
        ((0, 0), "picture_too_small"),
    ],
)
def test_a_picture_is_neither_too_small_nor_too_long_nor_too_large(size, code):
    for width, height in (size, size[::-1]):
        with pytest.raises(errors.Rejected, match=code) if code else contextlib.nullcontext():
            pictures.check_size(width, height)
