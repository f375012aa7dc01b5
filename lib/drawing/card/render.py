"""Makes a finished card from a photo: presets, looks, and the files that come out."""

from dataclasses import dataclass

from PIL import Image

from lib.drawing.card import cleaned, looks, white
from lib.drawing.card.looks import Look, Paper
from lib.drawing.cut import cutout
from lib.drawing.cut.result import CutPhoto, Way
from lib.drawing.ground import lettering, output, palette, photo, words
from lib.drawing.ground.output import FinishedCard


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
    """The seller's wish. Another `variant` is another look of the same order."""

    preset: str
    title: str
    benefits: tuple[str, ...] = ()
    variant: int = 0
    way: Way | None = None  # in which the product is shown, where the seller chose one


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
    "classified": Preset("classified", 1200, 1200, cleaned.SIDE, cleaned.SIDE),  # at most: it keeps the photo's shape
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


def render_card(data: bytes, order: CardOrder, kept: CutPhoto | None = None) -> FinishedCard:
    """Draw the card, from the photo's kept cut if there is one; the same input gives the same bytes.

    Raises Rejected for a picture it cannot use.
    """
    preset = PRESETS[order.preset]
    source = photo.open_photo(data)
    if order.preset == "classified":
        return _classified(preset, source, order.variant)
    picture = (kept or cutout.of(data)).standing(order.way)
    if preset.looks:
        hero = looks.hero(picture)
        canvas, is_cut = _composed(preset, order, hero), hero.cut
    else:
        canvas = white.compose((preset.export_width, preset.export_height), source, picture, order.variant)
        is_cut = white.stands(picture)
    return FinishedCard(
        png=output.png(canvas),
        jpeg=output.jpeg(canvas.resize((preset.width, preset.height), Image.Resampling.LANCZOS)),
        width=canvas.width,
        height=canvas.height,
        layout="cutout" if is_cut else "framed",
    )


def _classified(preset: Preset, source: photo.Photo, variant: int) -> FinishedCard:
    canvas = cleaned.photo(source.rgb if source.alpha is None else photo.on_white(source), variant)
    preview = canvas.copy()
    preview.thumbnail((preset.width, preset.height), Image.Resampling.LANCZOS)
    return FinishedCard(output.png(canvas), output.jpeg(preview), canvas.width, canvas.height, "photo")


def _composed(preset: Preset, order: CardOrder, hero: looks.Hero) -> Image.Image:
    look = preset.looks[order.variant % len(preset.looks)]
    colours = palette.mixed(palette.character(hero.product), look.mood)
    paper = Paper(preset.export_width, preset.export_height, preset.safe_top, preset.safe_bottom)
    title, texts = lettering.said(order.title, words.TITLE_LIMIT), lettering.listed(order.benefits)
    return looks.compose(paper, look, colours, hero, title, texts)
