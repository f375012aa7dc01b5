"""Learns lib/drawing/cover/signs.npz from the benefits beside this file: python -m dev.signs.learn (three minutes).

Each line is a product and its benefits, each with the sign that suits it, or "-" where none does:

    Термос 1 л | держит тепло 12 часов = temperature-plus | не протекает = droplet-off

Softmax regression on binary features, by Adagrad (Duchi and others, 2011) in small batches, with a part of the features
left out each time. Only the weights that decide are stored. An eighth of the products is set aside
first, to say how often what is learned agrees with them.
"""

import collections
import hashlib
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lib.drawing.cover import signs

FOLDER = Path(__file__).parent
SEEN = 7  # times that a feature must stand in the benefits
EPOCHS, BATCH, RATE, DROPPED = 15, 64, 4.0, 0.15
LEAST = 2.4  # a smaller weight decides nothing
ASIDE = 8


class Example(NamedTuple):
    """A benefit with the number of its sign, the last number for none."""

    product: str
    features: frozenset[str]
    label: int


class Model(NamedTuple):
    """A row of weights for each feature, and a bias for each sign."""

    features: dict[str, int]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]


def main() -> None:
    """Say how well a part of the examples tells the rest, learn all of them, and write what was learned."""
    examples = read()
    aside = [example for example in examples if _is_aside(example.product)]
    model = learned([example for example in examples if not _is_aside(example.product)])
    print(f"{len(examples)} benefits; of {len(aside)} set aside, by probability: " + _agreement(model, aside))
    model = learned(examples)
    write(model, signs.FOLDER / "signs.npz")
    print(f"{len(model.features)} features, {(signs.FOLDER / 'signs.npz').stat().st_size / 1000:.0f} kB")


def read() -> list[Example]:
    """Return the examples of all files.

    Raises:
        ValueError: A benefit names no sign, or one that does not exist.
    """
    numbers = {name: number for number, name in enumerate([*signs.names(), "-"])}
    examples = []
    for file in sorted(FOLDER.glob("*.txt")):
        for line in file.read_text(encoding="utf-8").splitlines():
            product, *benefits = (part.strip() for part in line.split("|"))
            for benefit in benefits:
                said, _, name = (part.strip() for part in benefit.rpartition("="))
                if name not in numbers:
                    raise ValueError(f"{file.name}: no sign in {benefit!r}")
                features = frozenset(signs.features(said, product))
                examples.append(Example(product, features, numbers[name]))
    return examples


def _is_aside(product: str) -> bool:
    return hashlib.sha256(product.encode()).digest()[0] % ASIDE == 0


def learned(examples: list[Example]) -> Model:
    """Return the model of these examples; the same examples give the same model."""
    count = collections.Counter(feature for example in examples for feature in sorted(example.features))
    features = {feature: row for row, feature in enumerate(one for one, times in count.items() if times >= SEEN)}
    rows = [np.array(sorted(features[one] for one in example.features if one in features)) for example in examples]
    labels = np.array([example.label for example in examples])
    scale = np.array([1 / np.sqrt(len(example.features)) for example in examples], dtype=np.float32)
    model = Model(
        features,
        np.zeros((len(features), len(signs.names()) + 1), dtype=np.float32),
        np.zeros(len(signs.names()) + 1, dtype=np.float32),
    )
    steps = Model({}, np.full_like(model.weights, 1e-3), np.full_like(model.bias, 1e-3))
    order, chance = np.flatnonzero([len(row) > 0 for row in rows]), np.random.default_rng(0)
    for epoch in range(EPOCHS):
        chance.shuffle(order)
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            kept = [_some(rows[one], chance) for one in batch]
            _step(model, steps, kept, scale[batch], labels[batch], RATE * (1 - epoch / EPOCHS))
    return model


def _some(row: NDArray[np.int64], chance: np.random.Generator) -> NDArray[np.int64]:
    kept = row[chance.random(len(row)) >= DROPPED]
    return kept if len(kept) else row


def _step(
    model: Model,
    steps: Model,
    rows: list[NDArray[np.int64]],
    scale: NDArray[np.float32],
    labels: NDArray[np.int64],
    rate: float,
) -> None:
    """Move the weights of one batch's features against their gradient."""
    sizes = np.array([len(row) for row in rows])
    flat, starts = np.concatenate(rows), np.concatenate([[0], np.cumsum(sizes)[:-1]])
    scores = np.add.reduceat(model.weights[flat], starts, axis=0) * scale[:, None] + model.bias
    wrong = np.exp(scores - scores.max(axis=1, keepdims=True))
    wrong /= wrong.sum(axis=1, keepdims=True)
    wrong[np.arange(len(rows)), labels] -= 1
    wrong /= len(rows)
    _moved(model.bias, steps.bias, wrong.sum(axis=0), rate, slice(None))
    order = np.argsort(flat, kind="stable")
    touched, starts = np.unique(flat[order], return_index=True)
    gradient = np.add.reduceat(np.repeat(wrong * scale[:, None], sizes, axis=0)[order], starts, axis=0)
    _moved(model.weights, steps.weights, gradient, rate, touched)


def _moved(
    values: NDArray[np.float32],
    squares: NDArray[np.float32],
    gradient: NDArray[np.float32],
    rate: float,
    where: slice | NDArray[np.int64],
) -> None:
    squares[where] += gradient**2
    values[where] -= rate * gradient / np.sqrt(squares[where])


def cut_down(model: Model) -> Model:
    """Return the model with the weights that decide: those well above what most signs have of a feature."""
    above = model.weights - np.median(model.weights, axis=1, keepdims=True)
    above[above < LEAST] = 0
    used = {feature: row for feature, row in model.features.items() if above[row].any()}
    return Model({feature: place for place, feature in enumerate(used)}, above[list(used.values())], model.bias)


def write(model: Model, path: Path) -> None:
    """Store the model as `signs` reads it."""
    model = cut_down(model)
    keys = np.array([signs.key(feature) for feature in model.features], dtype=np.uint32)
    order = np.argsort(keys)
    weights = model.weights[order]
    rows, labels = np.nonzero(weights)
    arrays = {
        "gaps": signs.apart(np.diff(keys[order], prepend=np.uint32(0))),
        "counts": np.bincount(rows, minlength=len(keys)).astype(np.uint16),
        "labels": labels.astype(np.uint16),
        "weights": (weights[rows, labels] / signs.SCALE).round().clip(max=255).astype(np.uint8),
        "bias": model.bias,
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:  # an eighth less than np.savez_compressed
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array(member, array)


def _agreement(model: Model, examples: list[Example]) -> str:
    """Return how many of the examples get their own sign, for those whose best sign is so and so likely."""
    found = []
    model = cut_down(model)
    for example in examples:
        rows = [model.features[feature] for feature in example.features if feature in model.features]
        scores = model.bias + model.weights[rows].sum(axis=0) / np.sqrt(len(example.features))
        likely = np.exp(scores - scores.max())
        found.append((likely.max() / likely.sum(), likely.argmax() == example.label))
    table = np.array(found)
    parts = []
    for least in (0.3, signs.LIKELY, 0.6):
        sure = table[:, 0] >= least
        parts.append(f"{least:.1f}: {sure.mean():.0%} shown, {table[sure, 1].mean():.0%} the same")
    return "; ".join(parts)


if __name__ == "__main__":
    main()
