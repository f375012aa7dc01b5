import math

import numpy as np
import pytest
from PIL import Image, ImageDraw

from lib.drawing.cut.sam import decoder, encoder, layers, prompts, weights
from lib.drawing.cut.sam.encoder import Embedding

SIDE = 256
BOX = (60, 70, 180, 200)


def make_ball() -> Image.Image:
    """A red ball with a yellow spot over a brown floor."""
    picture = Image.new("RGB", (SIDE, SIDE), (190, 200, 210))
    draw = ImageDraw.Draw(picture)
    draw.ellipse(BOX, fill=(150, 40, 50))
    draw.rectangle((0, 220, SIDE, SIDE), fill=(120, 100, 80))
    draw.ellipse((100, 110, 140, 150), fill=(240, 220, 60))
    return picture


@pytest.fixture(scope="module")
def ball() -> Embedding:
    return encoder.embed(make_ball(), SIDE)


def drawn(scale: float = 1) -> np.ndarray:
    mask = Image.new("L", (SIDE, SIDE))
    ImageDraw.Draw(mask).ellipse(BOX, fill=255)
    side = round(SIDE * scale)
    return np.asarray(mask.resize((side, side), Image.Resampling.BOX)) > 127


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())


def test_a_box_gives_the_masks_that_the_authors_network_gives(ball: Embedding) -> None:
    answer = decoder.ask(ball, box=BOX)
    # From PyTorch, with the weights as the authors published them.
    assert answer.quality == pytest.approx([0.971, 0.958, 1.001, 1.000], abs=0.01)
    assert (answer.masks > 0).sum((1, 2)) == pytest.approx([766, 687, 765, 765], rel=0.01)
    assert overlap(answer.masks[0] > 0, drawn(1 / 4)) > 0.97


def test_points_on_and_off_the_object_give_the_masks_that_the_authors_network_gives(ball: Embedding) -> None:
    answer = decoder.ask(ball, points=[(120, 130, True), (20, 20, False)])
    assert answer.quality == pytest.approx([0.945, 0.984, 0.974, 0.894], abs=0.015)
    assert (answer.masks > 0).sum((1, 2)) == pytest.approx([89, 85, 756, 750], rel=0.02)


def test_a_mask_asked_again_gives_the_masks_that_the_authors_network_gives(ball: Embedding) -> None:
    again = decoder.ask(ball, mask=decoder.ask(ball, box=BOX).masks[0])
    assert again.quality == pytest.approx([0.384, 0.431, 0.489, 0.355], abs=0.02)


def test_a_box_is_in_pixels_of_the_picture_whatever_its_size_and_shape() -> None:
    picture = make_ball().crop((0, 0, SIDE, 210)).resize((128, 105), Image.Resampling.LANCZOS)
    answer = decoder.ask(encoder.embed(picture, SIDE), box=tuple(each / 2 for each in BOX))
    assert answer.masks.shape == (4, 52, 64)
    assert overlap(answer.masks[0] > 0, drawn(1 / 4)[:52]) > 0.95


def test_strips_change_nothing(ball: Embedding, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "STRIP", 30_000)
    monkeypatch.setattr(layers, "CHUNK", 999)
    assert encoder.embed(make_ball(), SIDE).planes == pytest.approx(ball.planes, abs=1e-4)


@pytest.mark.parametrize("part", ["encoder", "prompts", "decoder"])
def test_every_weight_is_used(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    readers = []
    load = weights.part
    monkeypatch.setattr(weights, "part", lambda name: readers.append(load(name)) or readers[-1])
    {"encoder": encoder, "prompts": prompts, "decoder": decoder}[part].network.__wrapped__()
    assert [(reader.whole.size, reader.fine.size) for reader in readers] == [(0, 0)]


def test_gelu_is_right_to_a_thousandth() -> None:
    numbers = np.linspace(-8, 8, 4001, dtype=np.float32)
    right = [each * (1 + math.erf(each / math.sqrt(2))) / 2 for each in numbers.tolist()]
    assert layers.gelu(numbers.copy()) == pytest.approx(np.array(right), abs=1e-3)


@pytest.mark.parametrize("step", [1, 2])
def test_convolutions_sum_up_the_places_around(step: int) -> None:
    random = np.random.default_rng(1)
    planes, kernel = random.normal(size=(6, 8, 3)).astype(np.float32), random.normal(size=(4, 3, 3, 3))
    framed = np.pad(planes, ((1, 1), (1, 1), (0, 0)))
    full, each = np.zeros((6, 8, 4)), np.zeros((6, 8, 3))
    for row, column in np.ndindex(3, 3):
        shifted = framed[row : row + 6, column : column + 8]
        full += shifted @ kernel[:, row, column].T
        each += shifted * kernel[0, row, column]
    layer = weights.Linear(kernel.reshape(4, 27).astype(np.float32), np.ones(4, dtype=np.float32))
    assert layers.convolved(planes, layer, step) == pytest.approx(full[::step, ::step] + 1, abs=1e-4)
    alone = weights.Depthwise(kernel[0].astype(np.float32), np.ones(3, dtype=np.float32))
    assert layers.depthwise(framed, alone, step) == pytest.approx(each[::step, ::step] + 1, abs=1e-4)


def test_numbers_are_normed_and_scores_become_shares() -> None:
    numbers = np.random.default_rng(1).normal(3, 5, (7, 64)).astype(np.float32)
    normed = layers.normed(numbers)
    assert normed.mean(axis=1) == pytest.approx(0, abs=1e-5)
    assert normed.std(axis=1) == pytest.approx(1, abs=1e-5)
    shares = layers.softmax(numbers * 100)
    assert shares.sum(axis=1) == pytest.approx(1, abs=1e-5)
