"""Makes a finished card from a photo: presets, and the files that come out."""

from dataclasses import dataclass

from PIL import Image

from lib.drawing.card import cleaned, clear, covers, white
from lib.drawing.cover.branding import UNBRANDED, Branding
from lib.drawing.cut import cutout, result
from lib.drawing.cut.result import CutPhoto, Way
from lib.drawing.ground import output, photo
from lib.drawing.ground.output import FinishedCard


@dataclass(frozen=True)
class Preset:
    """One kind of card: its nominal size and the size of the full-quality file."""

    name: str
    width: int
    height: int
    export_width: int
    export_height: int

    @property
    def export(self) -> tuple[int, int]:
        """The size of the full-quality file."""
        return self.export_width, self.export_height


@dataclass(frozen=True)
class CardOrder:
    """The seller's wish. Another `variant` is another look of the same order; a chosen `design` comes first."""

    preset: str
    title: str
    benefits: tuple[str, ...] = ()
    variant: int = 0
    design: str = ""
    slide: int | None = None  # its number in a set of one design: 0 is the cover
    way: Way | None = None  # in which the product is shown, where the seller chose one
    own: Branding = UNBRANDED
    framed: bool = False  # without a cut frame the photo in white rather than refuse


PRESETS: dict[str, Preset] = {
    "wb": Preset("wb", 900, 1200, 1200, 1600),
    "ozon": Preset("ozon", 900, 1200, 1200, 1600),
    "white": Preset("white", 1200, 1200, 1200, 1200),
    "clear": Preset("clear", 1200, 1200, 1200, 1200),  # at most: it has the product's shape
    "classified": Preset("classified", 1200, 1200, cleaned.SIDE, cleaned.SIDE),  # at most: it keeps the photo's shape
    "story": Preset("story", 1080, 1920, 1080, 1920),
}
COVERS = ("wb", "ozon", "story")  # the presets that have words and designs


def render_card(data: bytes, order: CardOrder, kept: CutPhoto | None = None) -> FinishedCard:
    """Draw the card, from the photo's kept cut if there is one; the same input gives the same bytes.

    Raises Rejected for a picture it cannot use.
    """
    preset = PRESETS[order.preset]
    source = photo.open_photo(data)
    if order.preset == "classified":
        return _classified(preset, source, order.variant)
    cut = kept or cutout.of(data)
    if order.preset == "clear":
        return clear.file(source, cut, order.way)
    if order.preset in COVERS:
        seen = covers.looks(cut, order.title, order.benefits, order.design, order.way, order.own)
        if order.slide is None:
            canvas = seen.draw(preset.export, order.variant)
        else:
            canvas = seen.of_set(preset.export, order.variant - order.slide, order.slide)
        is_cut, ways = seen.shows_cut(order.variant - (order.slide or 0)), len(cut.pictures)
    else:
        picture = white.chosen(source, cut, order.way)
        canvas = white.compose(preset.export, source, picture, order.variant, framed=order.framed)
        is_cut, ways = picture.stands_free, white.ways(source, cut)
    return FinishedCard(
        png=output.png(canvas),
        jpeg=output.jpeg(canvas.resize((preset.width, preset.height), Image.Resampling.LANCZOS)),
        width=canvas.width,
        height=canvas.height,
        layout=result.shown(is_cut=is_cut, ways=ways),
    )


def _classified(preset: Preset, source: photo.Photo, variant: int) -> FinishedCard:
    canvas = cleaned.photo(photo.on_white(source), variant)
    preview = canvas.copy()
    preview.thumbnail((preset.width, preset.height), Image.Resampling.LANCZOS)
    return FinishedCard(output.png(canvas), output.jpeg(preview), canvas.width, canvas.height, "photo")
