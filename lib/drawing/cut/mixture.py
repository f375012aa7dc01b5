"""Cuts a product off a busier background by colour statistics: GrabCut's idea, smoothing in place of a graph cut."""

import numpy as np
from numpy.typing import NDArray

from lib.drawing.ground import raster
from lib.drawing.ground.raster import Floats, Mask

PARTS = 5
ROUNDS = 4
SAMPLE = 3000  # pixels that a fit looks at
Model = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


def cut(lab: Floats, inset: float) -> Mask:
    """Return the product's mask, given that it lies inside the picture less `inset` of each side."""
    height, width = lab.shape[:2]
    top, left = max(2, round(inset * height)), max(2, round(inset * width))
    inner = np.zeros((height, width), dtype=bool)
    inner[top:-top, left:-left] = True
    guide = np.asarray(lab[..., 0] / 100, dtype=np.float32)
    mask = inner
    for _ in range(ROUNDS):
        if mask.mean() < 0.02 or (~mask).mean() < 0.02:
            return np.zeros_like(mask)
        likelier = _score(lab, _fit(lab[mask])) - _score(lab, _fit(lab[~mask]))
        chance = 1 / (1 + np.exp(-np.clip(likelier, -8, 8) * 0.7))
        chance = raster.guided(guide, np.where(inner, chance, 0.0).astype(np.float32), 5, 1e-3)
        mask = (raster.box(chance, 1) > 0.5) & inner
    return _tidy(mask)


def _tidy(mask: Mask) -> Mask:
    """Keep one solid thing: fill before opening, or thin rims break."""
    solid = raster.filled(raster.closed(mask, 1))
    return raster.filled(raster.largest(raster.opened(solid, 3)))


def _fit(pixels: Floats) -> Model:
    """Fit a mixture of Gaussians: a few rounds of k-means, then the moments of each part."""
    points = pixels[:: max(1, len(pixels) // SAMPLE)].astype(np.float64)
    # Start from evenly spread quantiles along the direction of most variance: no dice, so one answer for one input.
    axis = np.linalg.eigh(np.cov(points.T) + np.eye(3) * 1e-3)[1][:, -1]
    order = np.argsort(points @ axis, kind="stable")
    centres = points[order[(np.linspace(0.1, 0.9, PARTS) * len(points)).astype(int)]]
    for _ in range(6):
        nearest = ((points[:, None] - centres) ** 2).sum(-1).argmin(1)
        centres = np.stack([points[nearest == k].mean(0) if (nearest == k).any() else centres[k] for k in range(PARTS)])
    weights, covariances = np.empty(PARTS), np.empty((PARTS, 3, 3))
    for k in range(PARTS):
        members = points[nearest == k]
        weights[k] = max(len(members), 1) / len(points)
        covariances[k] = (np.cov(members.T) if len(members) > 9 else np.eye(3) * 30) + np.eye(3) * 2.0
    return weights, centres, covariances


def _score(lab: Floats, model: Model) -> Floats:
    """Return the log-likelihood of each pixel."""
    weights, centres, covariances = model
    inverses = np.linalg.inv(covariances).astype(np.float32)
    levels = np.log(weights) - 0.5 * np.log(np.linalg.det(covariances))
    terms = []
    for centre, inverse, level in zip(centres.astype(np.float32), inverses, levels, strict=True):
        away = lab - centre
        terms.append(level - 0.5 * ((away @ inverse) * away).sum(-1))
    stack = np.stack(terms)
    best = stack.max(0)
    return np.asarray(best + np.log(np.exp(stack - best).sum(0)), dtype=np.float32)
