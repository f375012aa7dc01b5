"""Opens a stranger's picture safely: decides what is refused, and hands on plain sRGB pixels with no metadata."""

import io
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, ImageStat, UnidentifiedImageError

from lib import errors, heic, jpeg, pictures

WORKING_SIDE = 2000  # of the longer side; a card shows at most 1,300 of them
EMPTY_SPREAD = 8  # of 255 levels: one colour from edge to edge, as lossy formats keep it
FORMATS = ("JPEG", "PNG", "WEBP")

_BROKEN = (OSError, ValueError, SyntaxError, EOFError, IndexError, MemoryError, TypeError)


@dataclass(frozen=True)
class Photo:
    """Upright 8-bit sRGB pixels; `alpha` only where the file itself is a cut-out."""

    rgb: Image.Image
    alpha: Image.Image | None


def open_photo(data: bytes) -> Photo:
    """Decode a JPEG, PNG, WebP or HEIC, or raise Rejected with a picture_* code."""
    with warnings.catch_warnings():
        # Pillow only warns above its own limit; ours is lower, and is checked before any pixel is decoded.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        bare = pictures.bare(data)
        image = _heic(data) if heic.is_heic(data) else _identify(bare)
        pictures.check_size(*image.size)
        try:
            return _decode(image, bare, lacks_end=len(bare) > len(data))
        except _BROKEN as error:
            raise errors.Rejected("picture_broken", str(error)[:200])


def _heic(data: bytes) -> Image.Image:
    """Decode a HEIC. Its decoder is large, and is loaded for such a file alone."""
    pictures.inspect(data)
    from lib.drawing.ground import heic as decoder

    return decoder.decode(heic.read(data), WORKING_SIDE * 4 // 5)


def _identify(data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise errors.Rejected("picture_too_large", str(error)[:200])
    except UnidentifiedImageError:
        known = data.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")) or data[8:12] == b"WEBP"
        raise errors.Rejected("picture_broken" if known else "picture_format")
    except _BROKEN as error:
        raise errors.Rejected("picture_broken", str(error)[:200])


def _decode(image: Image.Image, data: bytes, *, lacks_end: bool) -> Photo:
    is_jpeg = image.format in ("JPEG", "MPO")
    # A big JPEG is decoded at a half or a quarter of its size: four times faster, and no more is shown.
    image.draft(None, (WORKING_SIDE * 4 // 5, WORKING_SIDE * 4 // 5))
    profile = image.info.get("icc_profile")
    image = _eight_bit(image)
    # Shrunk before it is turned: a 40-megapixel picture exists once in memory, not three times.
    image.thumbnail((WORKING_SIDE, WORKING_SIDE), Image.Resampling.LANCZOS, reducing_gap=2.0)
    if is_jpeg and (lacks_end or _ends_blank(image)) and not _is_whole(data):
        raise errors.Rejected("picture_broken", "cut short")
    image = ImageOps.exif_transpose(image)
    alpha = image.getchannel("A") if image.mode == "RGBA" else None
    colour = image.convert("RGB") if image.mode == "RGBA" else image
    colour = _to_srgb(colour, profile)
    return _judged(colour, alpha)


def _ends_blank(image: Image.Image) -> bool:
    """Tell whether the last line ends in one colour, as a decoder fills it where a JPEG's data have run out."""
    return _spread(image.crop((image.width // 2, image.height - 1, image.width, image.height))) <= 1


def _spread(image: Image.Image) -> int:
    """Return how far apart the levels of a channel are at most."""
    return max(high - low for low, high in ImageStat.Stat(image).extrema)


def _is_whole(data: bytes) -> bool:
    """Tell whether a JPEG has all of its data: then a decoder does not look at what is put before its end mark."""
    end = data.rindex(jpeg.END)
    other = data[:end] + b"\x55" * 4096 + data[end:]
    one, two = (Image.open(io.BytesIO(each), formats=("JPEG",)) for each in (data, other))
    for image in (one, two):
        image.draft("L", (WORKING_SIDE // 2, WORKING_SIDE // 2))
    return one.tobytes() == two.tobytes()


def _eight_bit(image: Image.Image) -> Image.Image:
    """Bring every mode to RGB, RGBA or CMYK."""
    if image.mode.startswith(("I", "F")):
        # Pillow clips 16-bit grey at 255 instead of scaling it.
        pixels = np.asarray(image)
        scaled = np.clip(pixels, 0, 255) if image.mode == "F" else pixels >> 8
        return Image.fromarray(scaled.astype(np.uint8)).convert("RGB")
    if "transparency" in image.info or image.mode in ("LA", "PA", "La", "RGBa", "RGBA"):
        return image if image.mode == "RGBA" else image.convert("RGBA")
    return image if image.mode in ("CMYK", "RGB") else image.convert("RGB")


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
            if converted is not None:
                return converted
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # A broken or foreign profile: the numbers alone are a good guess.
    return image.convert("RGB")


def _judged(colour: Image.Image, alpha: Image.Image | None) -> Photo:
    """Flatten onto white unless the transparency really cuts something out; refuse what shows nothing at all."""
    colour.info.clear()
    if alpha is not None:
        levels: NDArray[np.uint8] = np.asarray(alpha)
        clear, solid = float((levels < 16).mean()), float((levels > 200).mean())
        if clear >= 0.06 and solid >= 0.01:
            return Photo(colour, alpha)
        colour = on_white(Photo(colour, alpha))
    if _spread(colour) <= EMPTY_SPREAD:
        raise errors.Rejected("picture_empty")
    return Photo(colour, None)


def on_white(photo: Photo) -> Image.Image:
    """Return the photo with what is transparent shown white: itself, where nothing is."""
    if photo.alpha is None:
        return photo.rgb
    flat = Image.new("RGB", photo.rgb.size, (255, 255, 255))
    flat.paste(photo.rgb, (0, 0), photo.alpha)
    return flat
