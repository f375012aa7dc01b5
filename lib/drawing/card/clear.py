"""Makes the product alone as a file: a PNG with alpha, and a preview on a chessboard that shows what is clear."""

import numpy as np
from PIL import Image

from lib.drawing.cut import cutout, result
from lib.drawing.cut.result import SEEN, CutPhoto, ProductPicture, Way
from lib.drawing.ground import output
from lib.drawing.ground.output import FinishedCard
from lib.drawing.ground.photo import Photo

LEAST = 0.002  # of the file that the product must cover: less is a speck, or nothing
SQUARE = 24  # pixels of the chessboard
LIGHT, DARK = 255, 226


def file(source: Photo, cut: CutPhoto, way: Way | None) -> FinishedCard:
    """Return the cut itself; raise Rejected for one that is neither sure nor chosen, or shows hardly anything."""
    picture, is_trusted = cut.free(way), bool(way) or cut.verdict == "sure"
    if not is_trusted or not picture.stands_free or _share(picture) < LEAST:
        raise cutout.refusal(source)
    shown = _chessboard(picture.image.size)
    shown.paste(picture.image, (0, 0), picture.image)
    note = result.shown(is_cut=True, ways=cut.frees)
    return FinishedCard(output.png(picture.image), output.jpeg(shown), *picture.image.size, note)


def _share(picture: ProductPicture) -> float:
    return float((np.asarray(picture.mask) > SEEN).mean())


def _chessboard(size: tuple[int, int]) -> Image.Image:
    across, down = np.arange(size[0]) // SQUARE, np.arange(size[1]) // SQUARE
    board = np.where((across[None, :] + down[:, None]) % 2, DARK, LIGHT).astype(np.uint8)
    return Image.fromarray(board).convert("RGB")
