"""The result of cutting a photo: pictures of the product to choose from, and how far the first can be trusted.

    sure       the first picture is a clean cut: a card uses it unless the seller says otherwise
    unsure     the seller looks: a cut or two, and the framed photo, which a card uses until one is chosen
    hopeless   only the framed photo is there

The framed photo is always among them and always last.
"""

import functools
import io
import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lib import log
from lib.drawing.ground import raster
from lib.drawing.ground.raster import Floats, Mask

Certainty = Literal["sure", "unsure", "hopeless"]
# "tidied" is of cuts that were kept, and orders that were drawn, before SAM drew the outline.
Way = Literal["touched", "alpha", "network", "tidied", "wide", "plain", "framed"]
Side = Literal["top", "right", "bottom", "left"]
Plane = NDArray[np.uint8]

LONGEST = 1200  # pixels of a picture's longer side
SEEN = 40  # of 255: with less there is no product
SETTLED = 255  # in place of a piece's number
RIM = 3  # pixels of a mask by which an edge is soft
QUALITY = 92  # of WebP; alpha is kept without loss


@dataclass(frozen=True)
class ProductPicture:
    """One way to show the product.

    A cut is RGBA, cropped to the product. A framed photo is RGB and whole; `mask` says where its product seems to be.
    A product that the photo's own edge cuts off has those edges in `sides`: it must stand at the same edge of a card.
    """

    image: Image.Image
    mask: Image.Image  # mode L, of the image's size: a cut's own alpha
    how: Way
    sides: tuple[Side, ...] = ()

    @property
    def is_cut(self) -> bool:
        """Tell if the product stands free of its photo."""
        return self.how != "framed"

    @property
    def stands_free(self) -> bool:
        """Tell if the product is cut out and whole, so that it can stand anywhere."""
        return self.is_cut and not self.sides

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Return where the product may be, rather too much than too little: everywhere when the mask is empty."""
        found = self.mask.point(lambda level: 255 if level > SEEN else 0).getbbox()
        return found or (0, 0, *self.image.size)

    def product(self) -> Image.Image:
        """Return the product as RGBA cropped to itself, to take its colours from; not to be shown when framed."""
        alone = self.image.convert("RGB")
        alone.putalpha(self.mask)
        return alone.crop(self.box)


@dataclass(frozen=True, eq=False)
class Pieces:
    """What may be wrong of the network's cut: pieces of it to be taken away, and others to be put back.

    All planes are of one size, and show `box` of the photo, in shares of its sides. `numbers` has for each pixel that
    of its piece, from 1; 0 for none, and SETTLED for what the seller has judged before. Each piece has its sign: "-"
    lies in the cut, "+" beside it. What the looks saw tells which pieces come next.
    """

    mask: Plane  # 0 to 255, like the looks
    least: Plane  # what all close looks have seen
    most: Plane  # what any of them has
    first: Plane  # what was seen of the whole photo
    numbers: Plane
    signs: str
    box: tuple[float, float, float, float]

    def of(self, sign: str, wrong: Collection[int]) -> Mask:
        """Return where those of the numbered pieces are that have this sign."""
        return np.isin(self.numbers, [number for number in wrong if self.signs[number - 1] == sign])

    def mended(self, wrong: Collection[int]) -> Floats:
        """Return the mask, 0 to 1, with these pieces taken away or put back."""
        mask = np.asarray(self.mask / np.float32(255), dtype=np.float32)
        away = self.of("-", wrong)
        mask[away | (raster.dilate(away, RIM) & (mask <= 0.5))] = 0  # with the faint rim that it had
        mask[self.of("+", wrong)] = 1
        return mask


@dataclass(frozen=True)
class CutPhoto:
    """All pictures of one photo's product, best first, the framed photo last."""

    verdict: Certainty
    pictures: tuple[ProductPicture, ...]
    pieces: Pieces | None = None

    @property
    def first(self) -> ProductPicture:
        """Return what a card shows while the seller has chosen nothing."""
        return self.pictures[0 if self.verdict == "sure" else -1]

    def chosen(self, how: Way | None) -> ProductPicture:
        """Return the picture made in the way that the seller chose, or the first when there is none.

        Where pieces were put right, and those are known no longer, it is the cut that they were of.
        """
        named = (how, "network") if how == "touched" else (how,)
        found = (picture for way in named for picture in self.pictures if picture.how == way)
        return next(found, self.first)

    def standing(self, how: Way | None) -> ProductPicture:
        """Return the chosen picture, or the framed photo for a cut that can stand only at the edge of a card."""
        picture = self.chosen(how)
        return self.pictures[-1] if picture.sides else picture

    @property
    def frees(self) -> int:
        """Return how many pictures show the product free of its photo."""
        return sum(picture.stands_free for picture in self.pictures)

    def free(self, how: Way | None) -> ProductPicture:
        """Return the picture for a place where only a cut can stand: the chosen one, else the first, else framed."""
        chosen = self.chosen(how)
        cuts = [picture for picture in (chosen, *self.pictures) if picture.stands_free]
        return cuts[0] if cuts else self.pictures[-1]


def shown(*, is_cut: bool, ways: int) -> str:
    """Return the note of how a product is shown, out of so many ways to show it."""
    return f"{'cutout' if is_cut else 'framed'}{' only' if ways < 2 else ''}"


def dump(cut: CutPhoto) -> bytes:
    """Write it as one file: a line of JSON, then a WebP with alpha for each picture, then the planes of the pieces."""
    files = [_webp(picture) for picture in cut.pictures]
    parts = [
        {"how": picture.how, "sides": picture.sides, "size": len(file)}
        for picture, file in zip(cut.pictures, files, strict=True)
    ]
    head: dict[str, Any] = {"verdict": cut.verdict, "pictures": parts}
    if cut.pieces:
        files.append(_planes(cut.pieces))
        head["pieces"] = {"signs": cut.pieces.signs, "box": cut.pieces.box, "size": len(files[-1])}
    return b"\n".join((json.dumps(head).encode(), b"".join(files)))


def read(data: bytes) -> CutPhoto:
    """Read what `dump` wrote; raise ValueError for anything else."""
    line, _, files = data.partition(b"\n")
    head = json.loads(line)
    pictures, at = [], 0
    for part in head["pictures"]:
        pictures.append(_read_picture(part, files[at : at + part["size"]]))
        at += part["size"]
    if head["verdict"] not in get_args(Certainty) or not pictures or pictures[-1].is_cut:
        raise ValueError("not a cut photo")
    part = head.get("pieces")
    pieces = _read_pieces(part, files[at : at + part["size"]]) if part else None
    return CutPhoto(head["verdict"], tuple(pictures), pieces)


@functools.lru_cache(maxsize=2)
def kept(data: bytes) -> CutPhoto | None:
    """Read a cut out of storage, the last ones from memory; None for no data, or for any that cannot be read."""
    try:
        return read(data) if data else None
    except (ValueError, KeyError, TypeError, OSError, SyntaxError) as error:
        log.event("cut_not_read", error=str(error)[:200])
        return None


def way(name: str) -> Way | None:
    """Return the way of this name; None when there is none."""
    return next((one for one in get_args(Way) if one == name), None)


def _webp(picture: ProductPicture) -> bytes:
    image = picture.image.convert("RGB")
    image.putalpha(picture.mask)
    out = io.BytesIO()
    # Exact: the colours under a clear mask are kept, for they are the framed photo itself.
    image.save(out, "WEBP", quality=QUALITY, alpha_quality=100, method=2, exact=not picture.is_cut)
    return out.getvalue()


def _read_picture(part: dict[str, Any], file: bytes) -> ProductPicture:
    if part["how"] not in get_args(Way):
        raise ValueError(f"unknown way {part['how']!r}")
    image = Image.open(io.BytesIO(file), formats=("WEBP",)).convert("RGBA")
    picture = ProductPicture(image, image.getchannel("A"), part["how"], tuple(part["sides"]))
    return picture if picture.is_cut else replace(picture, image=image.convert("RGB"))


def _planes(pieces: Pieces) -> bytes:
    """Write the planes below each other as one grey picture."""
    out = io.BytesIO()
    planes = (pieces.mask, pieces.least, pieces.most, pieces.first, pieces.numbers)
    Image.fromarray(np.vstack(planes)).save(out, "PNG")
    return out.getvalue()


def _read_pieces(part: dict[str, Any], file: bytes) -> Pieces:
    planes = np.asarray(Image.open(io.BytesIO(file), formats=("PNG",)).convert("L"))
    mask, least, most, first, numbers = np.vsplit(planes, 5)
    left, top, right, bottom = part["box"]
    if not part["signs"] or int(numbers[numbers != SETTLED].max()) > len(part["signs"]):
        raise ValueError("pieces without a sign")
    return Pieces(mask, least, most, first, numbers, part["signs"], (left, top, right, bottom))
