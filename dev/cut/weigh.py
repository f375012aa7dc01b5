"""Learns what speaks for a piece of a cut being wrong: python -m dev.cut.weigh FOLDER. A photo takes two seconds.

FOLDER holds photos and their masks, as for dev/cut/learn.py; better some that the network was not taught. What it
prints stands in lib/drawing/cut/pieces.py. Today's weights are of 550 photos and 21,000 areas, against masks of IS-Net;
on 100 other photos they tell a wrong area from a right one in 88 of 100 pairs inside a cut, and in 92 beside it.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from lib.drawing.cut import cutout, outline, pieces, subject
from lib.drawing.cut.pieces import Values
from lib.drawing.ground import photo, raster

ALIKE = 0.6  # overlap of cut and mask: with less they show different things
LEAST, LARGEST = 0.003, 0.5  # of the product
WRONG = 0.3  # of an area on the other side than the mask has it; between that and the rest it is neither
TOUCHES = 0.02  # of a border: an area beside the cut that touches it less is elsewhere
WEIGHT = 0.1  # of the product: larger areas count no more
CALM, STEPS = 3.0, 30


def main(folder: str) -> None:
    """Print the weights of both sides."""
    rows = [row for path in sorted(Path(folder).glob("*.mask.png")) for row in measured(path)]
    for name, inside in (("INSIDE", True), ("BESIDE", False)):
        measures = np.array([row[1] for row in rows if row[0] == inside])
        wrong, weight = np.array([row[2:] for row in rows if row[0] == inside]).T
        print(name, ", ".join(f"{value:.3g}" for value in fitted(measures, wrong, weight / weight.mean())))


def measured(path: Path) -> list[tuple[bool, Values, float, float]]:
    """Return of each area of a photo whether it is in the cut, its measures, whether it is wrong, and its weight."""
    source = photo.open_photo(next(path.parent.glob(path.name.removesuffix("mask.png") + "[jw]*")).read_bytes())
    ground = cutout.ground_of(source.rgb)
    found = subject.find(source.rgb, ground.beside if ground else None)
    if found is None:
        return []
    seen, outlines = outline.find(source.rgb, cutout.trusted(source.rgb, found, ground)[1])
    seen = seen.outlined(outlines[0].mask) if outlines else seen
    view = pieces.view(source.rgb, seen)
    mask = Image.open(path).convert("L").resize(source.rgb.size)
    truth = np.asarray(mask.resize(view.mask.shape[::-1], Image.Resampling.BILINEAR, box=view.box)) / 255
    if raster.iou(truth > 0.5, view.mask > 0.5) < ALIKE:
        return []
    numbers, measures, inside = pieces.measured(view)
    count = np.bincount(numbers.ravel())
    share, of_mask = count / (view.mask > 0.5).sum(), np.bincount(numbers.ravel(), truth.ravel()) / count
    off = np.where(inside, 1 - of_mask, of_mask)
    touches = inside | (measures[:, pieces.TOUCHES] > TOUCHES)
    is_clear = (share > LEAST) & (share < LARGEST) & touches & ((off < WRONG) | (off > 1 - WRONG))
    weight = np.sqrt(np.minimum(share, WEIGHT))
    return [(bool(inside[k]), measures[k], float(off[k] > 0.5), weight[k]) for k in np.flatnonzero(is_clear)]


def fitted(measures: Values, wrong: Values, weight: Values) -> Values:
    """Fit a logistic regression by Newton's method, calmed by a square of its weights; the constant is last."""
    mean, spread = measures.mean(0), measures.std(0) + 1e-6
    inputs = np.column_stack([(measures - mean) / spread, np.ones(len(measures))])
    found, calm = np.zeros(inputs.shape[1]), np.diag([CALM] * measures.shape[1] + [0.0])
    for _ in range(STEPS):
        likely = 1 / (1 + np.exp(-inputs @ found))
        slope = inputs.T @ (weight * (wrong - likely)) - calm @ found
        found += np.linalg.solve((inputs.T * (weight * likely * (1 - likely))) @ inputs + calm, slope)
    own = found[:-1] / spread
    return np.append(own, found[-1] - own @ mean)


if __name__ == "__main__":
    main(*sys.argv[1:])
