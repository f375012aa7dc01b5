"""Cuts the product out of its photo and says how far the cut can be trusted.

transparent file   its own alpha: always sure
network            u2netp finds it in any photo (subject.py), less the ground it took along (fringe.py); SAM, which
                   knows where things end, draws its outline (outline.py). Gate: SAM gives the same answer to every
                   question, and it is what u2netp has found (gate.py). In doubt the seller may also choose the latter
plain              distance from a plain background (backdrop.py): the second try, for thin things and holes;
                   gate: same cut at other thresholds, clear edges, and no faint lines around the cut that speak of
                   a part that is lost: of a jar only the lid (faint.py). Where nothing is sure, all that stands out
                   from a smooth ground is the seller's to choose: the white shell of a chair on white
framed             the photo itself, with a note where its product is, if it is more than the hand that holds it
"""

import functools
from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from lib import errors
from lib.drawing.cut import backdrop, faint, fringe, gate, hues, joints, matte, outline, pieces, subject, vote
from lib.drawing.cut.backdrop import Backdrop
from lib.drawing.cut.outline import Outline
from lib.drawing.cut.result import LONGEST, Certainty, CutPhoto, Pieces, ProductPicture, Side, Way
from lib.drawing.cut.subject import Sighting
from lib.drawing.ground import colour, photo, raster
from lib.drawing.ground.photo import Photo
from lib.drawing.ground.raster import Floats, Mask

MODEL_SIDE = 320  # of the copy on which the plain cut is found
DIFFERENT = 0.95  # overlap of two masks, above which they are one to the eye
OPEN = 0.98  # the same where one has a gap closed, which shows in the middle of a product
ALL, SEEN = 0.03, 0.01  # of a product: what may lack of it all, and what one sees
LOST = 1.23  # how much farther than its cut a product may reach with its faint lines
FAR = 1.2  # the same for the network's cut, which follows a product farther than lines do
LACKS = 0.03  # of the product: more of what stands beside it is a part that was left out
HAND = 0.4  # of what comes in from the photo's edge, in the colour of skin: no photo is cropped to a hand
RANK: dict[Certainty, int] = {"sure": 0, "unsure": 1, "hopeless": 2}

Judged = tuple[Certainty, ProductPicture]


@functools.lru_cache(maxsize=2)
def of(data: bytes) -> CutPhoto:
    """Return the cut of a file; the last two are remembered, for one photo is sent, ordered and redrawn in a row."""
    return cut_out(photo.open_photo(data))


def cut_out(source: Photo) -> CutPhoto:
    """Return every way to show the product; the same photo gives the same pictures."""
    if source.alpha is not None:
        return _from_alpha(source, source.alpha)
    ground = ground_of(source.rgb)
    return judged(source.rgb, ground, subject.find(source.rgb, ground.beside if ground else None))


@dataclass(frozen=True)
class Ground:
    """A photo's plain background, and the small copy of the photo on which it was found."""

    lab: Floats
    backdrop: Backdrop

    def beside(self, seen: Mask) -> Mask:
        """Return what else belongs to a product of which so much was seen, in masks of the whole photo."""
        height, width = self.lab.shape[:2]
        parts = backdrop.parts(self.lab, self.backdrop, raster.resized(seen, (width, height)) > 0.5)
        return raster.resized(parts, (seen.shape[1], seen.shape[0])) > 0.25


def ground_of(rgb: Image.Image) -> Ground | None:
    """Return the photo's background where it is plain."""
    lab = _model(rgb)
    found = backdrop.fit(lab)
    return Ground(lab, found) if found else None


def judged(rgb: Image.Image, ground: Ground | None, found: Sighting | None) -> CutPhoto:
    """Return every way to show the product that was found."""
    cuts, doubtful = _network(rgb, found, ground) if found else ([], None)
    if ground:
        cuts = sorted([*cuts, *_plain(rgb, found, ground)], key=lambda cut: RANK[cut[0]])
    best = cuts[0][0] if cuts else "hopeless"
    ways: dict[Way, ProductPicture] = {}
    for _, picture in cuts:
        if best == "unsure" or picture.how != "wide":
            ways.setdefault(picture.how, picture)
    shown_first = next(iter(ways), "framed")
    return CutPhoto(best, (*ways.values(), _framed(rgb, found)), doubtful if shown_first == "network" else None)


def touched(source: Photo, cut: CutPhoto, wrong: Collection[int]) -> CutPhoto:
    """Return the cut of a photo led by the network's with these pieces put right, and what else may be wrong.

    With none put right all pictures stay: the seller has seen that none of those is wrong.
    """
    if cut.pieces is None:
        raise errors.Invalid("no_pieces", "of this cut")
    following = pieces.again(source.rgb, cut.pieces, wrong)
    if not wrong:
        return replace(cut, pieces=following)
    box = cut.pieces.box
    scale = (source.rgb.width, source.rgb.height) * 2
    left, top, right, bottom = (round(share * pixels) for share, pixels in zip(box, scale, strict=True))
    mask = cut.pieces.mended(wrong)
    if not (mask > 0.5).any():
        raise errors.Rejected("cut_empty")
    sides = Sighting(source.rgb.size, mask, (left, top, right, bottom), mask, mask).sides()
    picture = _picture(_fitted(source.rgb.crop((left, top, right, bottom))), mask, "touched", sides)
    others = [one for one in cut.pictures if one.how != "touched"]
    return CutPhoto("sure", (picture, *others), following)


def refusal(source: Photo) -> errors.Rejected:
    """Return why a product cannot be cut out, by what helps: a plain background, or another one where it is plain."""
    return errors.Rejected("picture_like_ground" if ground_of(source.rgb) else "picture_no_cutout")


def _model(rgb: Image.Image) -> Floats:
    small = rgb.copy()
    small.thumbnail((MODEL_SIDE, MODEL_SIDE), Image.Resampling.BOX)
    return np.asarray(colour.oklab(np.asarray(small)) * hues.SCALE, dtype=np.float32)


def _from_alpha(source: Photo, alpha: Image.Image) -> CutPhoto:
    """Use the file's own cut, without the soft shadow that some files bring along."""
    levels = np.asarray(alpha)
    factor = min(1.0, MODEL_SIDE / max(alpha.size))
    small = raster.resized(levels, (max(1, round(alpha.width * factor)), max(1, round(alpha.height * factor))))
    keep = raster.dilate(raster.largest(small > 0.5 * float(levels.max()), share=0.02), 2)
    mask = Image.fromarray(np.where(raster.resized(keep, alpha.size) > 0.5, levels, 0).astype(np.uint8))
    whole = source.rgb.copy()
    whole.putalpha(mask)
    cut = _fitted(matte.trimmed(whole))
    frame = _fitted(photo.on_white(source))
    framed = ProductPicture(frame, mask.resize(frame.size, Image.Resampling.BOX), "framed")
    return CutPhoto("sure", (ProductPicture(cut, cut.getchannel("A"), "alpha"), framed))


def _network(rgb: Image.Image, found: Sighting, ground: Ground | None) -> tuple[list[Judged], Pieces | None]:
    certainty, seen = trusted(rgb, found, ground)
    if certainty == "hopeless":
        return [], None
    seen, outlines = outline.find(rgb, seen)
    others = (
        [seen.mask, *(one.mask for one in outlines[1:] if one.alike > outline.LIKELY)] if outlines else _others(seen)
    )
    if outlines:
        seen = seen.outlined(outlines[0].mask)
        certainty = _outlined(rgb, seen, outlines, ground)
    masks: list[tuple[Way, Floats]] = [("network", seen.mask)]
    if certainty == "unsure":
        unlike = (mask for mask in others if raster.iou(mask > 0.5, seen.mask > 0.5) < DIFFERENT)
        masks += [("wide", mask) for mask in unlike][:1]
    fitted, sides = _fitted(rgb.crop(seen.box)), seen.sides()
    cuts: list[Judged] = [(certainty, _picture(fitted, mask, how, sides)) for how, mask in masks]
    standing = _standing(rgb, seen, ground) if ground and certainty == "unsure" else []
    return [*cuts, *standing], pieces.find(rgb, seen)


def _outlined(rgb: Image.Image, seen: Sighting, outlines: list[Outline], ground: Ground | None) -> Certainty:
    """Return how far an outline can be trusted."""
    arm = gate.arm(seen, _squared(rgb.crop(seen.box), len(seen.straight)))
    lacks = ground is not None and _lacks(ground, seen.within(*ground.lab.shape[1::-1]))
    return gate.outlined(outlines, arm=arm, lacks=lacks)


def trusted(rgb: Image.Image, found: Sighting, ground: Ground | None) -> tuple[Certainty, Sighting]:
    """Return the product as well as it can be told from its ground, after another look where that is in doubt."""
    lab = _squared(rgb.crop(found.box), len(found.straight))
    certainty, seen = _trusted(found, lab, ground)
    if certainty != "sure":
        certainty, seen = _trusted(subject.again(rgb, seen), lab, ground)
    return certainty, seen


def _trusted(found: Sighting, lab: Floats, ground: Ground | None) -> tuple[Certainty, Sighting]:
    """Return the product with all its parts and without ground, and how far that can be trusted."""
    found = found.without(joints.find(found.mask))
    if ground:
        here = backdrop.within(ground.backdrop, found.place, len(lab))
        found = found.with_parts(backdrop.parts(lab, here, found.mask > 0.5))
    seen = np.maximum(found.straight, found.mirrored) > 0.5
    found = found.voted(vote.cast(lab, found.looks, found.searched))
    found = found.without(fringe.find(lab, found.mask > 0.5))
    found = found.lacking_of(seen)
    certainty = gate.certainty(gate.marks(found, lab))
    if ground and certainty == "sure" and _lacks(ground, found.within(*ground.lab.shape[1::-1])):
        certainty = "unsure"
    return certainty, found


def _lacks(ground: Ground, mask: Mask) -> bool:
    """Tell if a cut has left out what stands out from a plain background, clearly or by its faint lines."""
    return backdrop.left_out(ground.lab, ground.backdrop, mask) > LACKS or faint.lost(ground.lab, mask) > FAR


def _others(found: Sighting) -> list[Floats]:
    """Return other masks of the product that look different, the likeliest first."""
    seen = np.maximum(found.fullest, found.searched)
    masks = [(found.fullest, DIFFERENT), (found.agreed, DIFFERENT), (seen, DIFFERENT)]
    if found.gaps is not None:
        masks.insert(0, (np.maximum(found.mask, found.gaps), OPEN))
    return [mask for mask, alike in masks if raster.iou(mask > 0.5, found.mask > 0.5) < alike]


def _picture(crop: Image.Image, mask: Floats, how: Way, sides: tuple[Side, ...] = ()) -> ProductPicture:
    image = matte.trimmed(matte.cut(crop, mask))
    return ProductPicture(image, image.getchannel("A"), how, sides)


def _plain(rgb: Image.Image, found: Sighting | None, ground: Ground) -> list[Judged]:
    masks = backdrop.cuts(ground.lab, ground.backdrop)
    good = (mask for mask in masks if gate.passes_plain(ground.lab, mask) and faint.lost(ground.lab, mask) < LOST)
    mask = next(good, None)
    if mask is None:
        return []
    crop, near = _cropped(rgb, mask)
    certainty: Certainty = "sure" if found is None or gate.agrees(found, mask) else "unsure"
    return [(certainty, _picture(_fitted(crop), near.astype(np.float32), "plain"))]


def _standing(rgb: Image.Image, seen: Sighting, ground: Ground) -> list[Judged]:
    """Return the product with all that stands out from the ground, as another cut for the seller to judge."""
    high, wide = ground.lab.shape[:2]
    standing, own = backdrop.standing(ground.lab, ground.backdrop), seen.within(wide, high)
    if standing is None:
        return []
    certain = seen.within(wide, high, np.min(seen.looks, axis=0))
    whole = standing if (certain & ~standing).sum() < ALL * certain.sum() else standing | own
    if raster.opened(whole ^ own, 1).sum() < SEEN * own.sum():
        return []
    crop, near = _cropped(rgb, whole)
    mask = whole.astype(np.float32)
    sides = Sighting(rgb.size, mask, (0, 0, *rgb.size), mask, mask).sides()
    return [("unsure", _picture(_fitted(crop), near.astype(np.float32), "plain", sides))]


def _squared(rgb: Image.Image, side: int) -> Floats:
    small = np.asarray(rgb.resize((side, side), Image.Resampling.BOX))
    return np.asarray(colour.oklab(small) * hues.SCALE, dtype=np.float32)


def _framed(rgb: Image.Image, found: Sighting | None) -> ProductPicture:
    image = _fitted(rgb)
    is_hand = found and gate.arm(found.first, _squared(rgb, len(found.whole))) > HAND
    whole = found.whole if found and not is_hand else np.zeros((8, 8), dtype=np.float32)
    mask = Image.fromarray((whole * 255 + 0.5).astype(np.uint8)).resize(image.size, Image.Resampling.BILINEAR)
    return ProductPicture(image, mask, "framed")


def _fitted(image: Image.Image) -> Image.Image:
    small = image.copy()
    small.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
    return small


def _cropped(rgb: Image.Image, mask: Mask) -> tuple[Image.Image, Mask]:
    """Crop picture and mask to the product and a margin."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    height, width = mask.shape
    top, bottom = max(0, rows[0] - 8), min(height, rows[-1] + 9)
    left, right = max(0, columns[0] - 8), min(width, columns[-1] + 9)
    across, down = rgb.width / width, rgb.height / height
    bounds = (round(left * across), round(top * down), round(right * across), round(bottom * down))
    return rgb.crop(bounds), mask[top:bottom, left:right]
