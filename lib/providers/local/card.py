"""Makes a finished card from a photo: presets, looks, and the files that come out."""

import io
from dataclasses import dataclass

from PIL import Image

from lib.providers.local import cutout, lettering, looks, palette, photo, white, words
from lib.providers.local.looks import Hero, Look, Sheet

PREVIEW_BYTES = 900_000


@dataclass(frozen=True)
class Preset:
    """One kind of card: its nominal size, the size of the full-quality file, and the looks it cycles through."""

    name: str
    width: int
    height: int
    export_width: int
    export_height: int
    looks: tuple[Look, ...] = ()
    safe_top: int = 0  # pixels of the export that an app may cover
    safe_bottom: int = 0


@dataclass(frozen=True)
class CardOrder:
    """What the seller asked for. Another `variant` is another look of the same order."""

    preset: str
    title: str
    benefits: tuple[str, ...] = ()
    variant: int = 0


@dataclass(frozen=True)
class Card:
    """The finished card: `png` is width × height; `jpeg` is the preview for the chat, under 1 MB."""

    png: bytes
    jpeg: bytes
    width: int
    height: int
    layout: str


PRESETS: dict[str, Preset] = {
    "wb": Preset(
        "wb", 900, 1200, 1200, 1600,
        (
            Look("light", "arch", "top", "tiles", "beams"),
            Look("deep", "rings", "side", "column", "bare"),
            Look("vivid", "podium", "top", "bar", "bubbles", centred=True),
            Look("fresh", "disc", "side", "column", "bubbles"),
        ),
    ),
    "ozon": Preset(
        "ozon", 900, 1200, 1200, 1600,
        (
            Look("light", "block", "sheet", "strip", "bare"),
            Look("vivid", "disc", "side", "column", "waves"),
            Look("deep", "podium", "sheet", "strip", "bare"),
            Look("fresh", "arch", "top", "bar", "beams", centred=True),
        ),
    ),
    "white": Preset("white", 1200, 1200, 1200, 1200),
    "story": Preset(
        "story", 1080, 1920, 1080, 1920,
        (
            Look("light", "arch", "top", "stack", "beams", centred=True),
            Look("deep", "rings", "top", "stack", "bare"),
            Look("vivid", "podium", "top", "stack", "bubbles", centred=True),
            Look("fresh", "disc", "top", "stack", "waves"),
        ),
        safe_top=250, safe_bottom=310,
    ),
}  # fmt: skip


def render_card(data: bytes, order: CardOrder) -> Card:
    """Draw the card; the same photo and order give the same bytes. Raises Rejected for a picture it cannot use."""
    preset = PRESETS[order.preset]
    source = photo.open_photo(data)
    cut = cutout.cut_out(source)
    if preset.looks:
        canvas = _composed(preset, order, source, cut)
    else:
        canvas = white.compose((preset.export_width, preset.export_height), source, cut, order.variant)
    return Card(
        png=_png(canvas),
        jpeg=_jpeg(canvas.resize((preset.width, preset.height), Image.Resampling.LANCZOS)),
        width=canvas.width,
        height=canvas.height,
        layout="cutout" if cut else "framed",
    )


def _composed(preset: Preset, order: CardOrder, source: photo.Photo, cut: cutout.Cut | None) -> Image.Image:
    look = preset.looks[order.variant % len(preset.looks)]
    hero = Hero(cut.image, True) if cut else Hero(source.rgb, False)
    colours = palette.mixed(palette.character(hero.image), look.mood)
    sheet = Sheet(preset.export_width, preset.export_height, preset.safe_top, preset.safe_bottom)
    title = _said(order.title, words.TITLE_LIMIT)
    texts = tuple(text for text in (_said(b, words.BENEFIT_LIMIT) for b in order.benefits[:3]) if text)
    return looks.compose(sheet, look, colours, hero, title, texts)


def _said(text: str, limit: int) -> str:
    """Return what may be printed of the seller's words."""
    return words.shortened(lettering.printable(words.cleaned(text, limit * 3)), limit)


def _png(canvas: Image.Image) -> bytes:
    out = io.BytesIO()
    canvas.save(out, "PNG", compress_level=5)
    return out.getvalue()


def _jpeg(canvas: Image.Image) -> bytes:
    for quality in (90, 82, 70, 55):
        out = io.BytesIO()
        canvas.save(out, "JPEG", quality=quality, optimize=True, progressive=True, subsampling=0 if quality > 80 else 2)
        if out.tell() < PREVIEW_BYTES:
            break
    return out.getvalue()
