"""Trains the network of lib/drawing/cut/network.py further: python -m dev.cut.learn FOLDER MINUTES (on two cores).

FOLDER holds photos and their masks, in which the product is white: "shoe.jpg" and "shoe.mask.png". They are seen as the
pipeline sees them, the whole at 192 pixels and the box of the product at 256 and 320; some as a bad phone takes them,
some with the ground or a colour of the product painted over, some on another ground, some cropped. It needs PyTorch,
which is in no list of requirements. Look at the cuts (python -m bench cut) before you keep what it writes, and say in
lib/drawing/cut/u2netp.LICENSE.txt what was changed. Decision 0027 says how today's weights were made.
"""

import io
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageFilter
from torch import Tensor, nn
from torch.nn import functional

from lib.drawing.cut import network
from lib.drawing.ground.raster import Floats

RATE, WARM, KEPT = 5e-5, 100, 0.995  # of Adam; steps until it is reached; share of the mean that a step leaves
LOOKS = ((192, 6), (256, 5), (320, 4))  # side of a picture, pictures in a batch
LONGEST = 512
HIDDEN = 0.5  # the loss beyond which a picture counts no more: nobody could see that product

Random = np.random.Generator


class Example(NamedTuple):
    """A photo (0 to 255) and its mask (0 to 1)."""

    photo: Floats
    mask: Floats


class Net(nn.Module):
    """The same graph as network.py, with a gradient."""

    def __init__(self, flat: Floats) -> None:
        super().__init__()
        self.kernels, self.biases, at = nn.ParameterList(), nn.ParameterList(), 0
        for out, entry, kernel in network.shapes():
            count = out * entry * kernel * kernel
            weights = torch.tensor(flat[at : at + count]).reshape(out, entry, kernel, kernel)
            self.kernels.append(nn.Parameter(weights))
            self.biases.append(nn.Parameter(torch.tensor(flat[at + count : at + count + out])))
            at += count + out

    def flat(self) -> Floats:
        """Return all weights in the order of their use."""
        parts = [part for pair in zip(self.kernels, self.biases, strict=True) for part in pair]
        return np.concatenate([part.detach().contiguous().numpy().ravel() for part in parts])

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Return the weighed guess and the six that it is made of, before the sigmoid."""
        layers = iter(zip(self.kernels, self.biases, strict=True))
        levels: list[Tensor] = []
        for depth in network.ENCODERS:
            entry = functional.max_pool2d(levels[-1], 2) if levels else pixels
            levels.append(_small_u(layers, _convolved(layers, entry), depth))
        decoded = [levels.pop()]
        for depth in network.DECODERS:
            entry = _convolved(layers, torch.cat([_doubled(decoded[-1]), levels.pop()], 1))
            decoded.append(_small_u(layers, entry, depth))
        guesses = []
        for level in reversed(decoded):
            guess = functional.conv2d(level, *next(layers), padding=1)
            guesses.append(functional.interpolate(guess, size=pixels.shape[2:], mode="bilinear"))
        return functional.conv2d(torch.cat(guesses, 1), *next(layers)), torch.cat(guesses, 1)


def main(folder: str, minutes: str) -> None:
    """Train for so long and write the weights beside the code that reads them."""
    examples = read(Path(folder))
    with np.load(network.WEIGHTS) as stored:
        net = Net(stored["weights"].astype(np.float32)).to(memory_format=torch.channels_last)
    flat = taught(net, examples, float(minutes) * 60)
    np.savez_compressed(network.WEIGHTS, weights=flat.astype(np.float16))


def read(folder: Path) -> list[Example]:
    """Return the photos that have a mask."""
    examples = []
    for path in sorted(folder.glob("*.mask.png")):
        photo = Image.open(next(folder.glob(path.name.removesuffix("mask.png") + "[jw]*"))).convert("RGB")
        photo.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
        mask = Image.open(path).convert("L").resize(photo.size, Image.Resampling.BILINEAR)
        examples.append(Example(np.asarray(photo, dtype=np.float32), np.asarray(mask, dtype=np.float32) / 255))
    return examples


def taught(net: Net, examples: list[Example], seconds: float) -> Floats:
    """Train, fast first and ever slower, and return the mean of the weights."""
    random, started, step = np.random.default_rng(1), time.monotonic(), 0
    weights = list(net.parameters())
    mean = [each.detach().clone() for each in weights]
    adam = torch.optim.Adam(weights, betas=(0.9, 0.99))
    while (spent := (time.monotonic() - started) / seconds) < 1:
        for group in adam.param_groups:
            group["lr"] = RATE * min(1, (step + 1) / WARM) * (1 + np.cos(np.pi * spent)) / 2
        loss = _loss(net, *_batch(random, examples))
        adam.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(weights, 1.0)
        adam.step()
        step += 1
        for kept, each in zip(mean, weights, strict=True):
            kept.lerp_(each.detach(), 1 - min(KEPT, (step + 1) / (step + 10)))
        if step % 50 == 0:
            print(f"{step} steps, {spent:.0%}: {float(loss):.3f}", flush=True)
    net.load_state_dict(dict(zip(net.state_dict(), mean, strict=True)))
    return net.flat()


def _loss(net: Net, pixels: Tensor, masks: Tensor) -> Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        guess, guesses = (each.float() for each in net(pixels))
    likely = torch.sigmoid(guess)
    both = (likely * masks).sum((1, 2, 3))
    apart = 1 - both / ((likely + masks - likely * masks).sum((1, 2, 3)) + 1)
    crossed = functional.binary_cross_entropy_with_logits
    each = crossed(guess, masks, reduction="none").mean((1, 2, 3)) + 0.5 * apart
    each = each + 0.4 * crossed(guesses, masks.expand_as(guesses), reduction="none").mean((1, 2, 3))
    return (each * (HIDDEN / each.detach()).clamp(max=1)).mean()


def _convolved(layers: Iterator[tuple[Tensor, Tensor]], planes: Tensor, step: int = 1) -> Tensor:
    return functional.relu(functional.conv2d(planes, *next(layers), padding=step, dilation=step))


def _doubled(planes: Tensor) -> Tensor:
    return functional.interpolate(planes, scale_factor=2, mode="bilinear")


def _small_u(layers: Iterator[tuple[Tensor, Tensor]], entry: Tensor, depth: int) -> Tensor:
    levels = [_convolved(layers, entry)]
    for step in range(1, (depth or 4) - 1):
        below = functional.max_pool2d(levels[-1], 2) if depth else levels[-1]
        levels.append(_convolved(layers, below, 1 if depth else 2**step))
    low = _convolved(layers, levels[-1], 2 if depth else 8)
    while levels:
        skipped = levels.pop()
        low = _convolved(layers, torch.cat([low, skipped], 1), 1 if depth else 2 ** len(levels))
        if depth and levels:
            low = _doubled(low)
    return low + entry


def _batch(random: Random, examples: list[Example]) -> tuple[Tensor, Tensor]:
    side, count = LOOKS[random.integers(len(LOOKS))]
    pixels, masks = [], []
    for _ in range(count):
        example = examples[random.integers(len(examples))]
        if random.random() < 0.4:
            example = _composed(random, example, examples[random.integers(len(examples))])
        if random.random() < 0.4:
            example = _recoloured(random, example)
        photo, mask = _cropped(random, example, side)
        picture = _as_by_phone(random, photo) if random.random() < 0.6 else _picture(photo)
        shown = np.asarray(Image.fromarray(np.ascontiguousarray(mask)).resize((side, side), Image.Resampling.BILINEAR))
        turn = slice(None, None, -1 if random.random() < 0.5 else 1)
        pixels.append(network.prepared(picture, side)[:, turn].transpose(2, 0, 1))
        masks.append(shown[None, :, turn])
    stacked = torch.tensor(np.stack(pixels))
    return stacked.contiguous(memory_format=torch.channels_last), torch.tensor(np.stack(masks))


def _picture(photo: Floats) -> Image.Image:
    return Image.fromarray(photo.clip(0, 255).astype(np.uint8))


def _tone(random: Random, product: Floats) -> Floats:
    """Return a colour to paint with: one of the product's, white, black or any."""
    kind = random.random()
    if kind < 0.4:
        return np.asarray(product[random.integers(len(product))] + random.normal(0, 14, 3))
    grey = random.uniform(205, 255) if kind < 0.75 else random.uniform(8, 50)
    return np.asarray(grey + random.uniform(-7, 7, 3) if kind < 0.85 else random.uniform(20, 250, 3))


def _recoloured(random: Random, example: Example) -> Example:
    """Give the ground, or one colour of the product, another tone; shadows and folds stay."""
    photo, mask = example
    ground, product = photo[mask < 0.05], photo[mask > 0.95]
    if min(len(ground), len(product)) < 100:
        return example
    if random.random() < 0.5:
        own, share = np.median(ground, axis=0), 1 - mask
    else:
        own = product[random.integers(len(product))]
        share = mask * np.exp(-((photo - own) ** 2).sum(-1) / (2 * random.uniform(22, 55) ** 2))
    folds = ((photo.mean(-1) + 25) / (own.mean() + 25)).clip(0.55, 1.25)[..., None]
    painted = (_tone(random, product) * folds).clip(0, 255).astype(np.float32)
    return Example(photo + (painted - photo) * share[..., None], mask)


def _composed(random: Random, example: Example, other: Example) -> Example:
    """Put the product on another ground, with its shadow, unless the photo crops it."""
    photo, mask = example
    if max(mask[:2].max(), mask[-2:].max(), mask[:, :2].max(), mask[:, -2:].max()) > 0.3:
        return example
    height, width = mask.shape
    tone = _tone(random, photo[mask > 0.5]) if (mask > 0.5).any() else random.uniform(20, 250, 3)
    ground = np.linspace(tone, tone * random.uniform(0.7, 1), height)[:, None].repeat(width, 1)
    if random.random() < 0.4:
        blurred = _picture(other.photo).filter(ImageFilter.GaussianBlur(random.uniform(1, 9)))
        ground = np.asarray(blurred.resize((width, height)), dtype=np.float32)
    fallen = np.roll(mask, (int(random.integers(0, 14)), int(random.integers(-14, 15))), (0, 1))
    soft = Image.fromarray(fallen).resize((width // 4, height // 4)).resize((width, height), Image.Resampling.BICUBIC)
    ground = ground * (1 - random.uniform(0, 0.6) * np.asarray(soft)[..., None].clip(0, 1))
    share = np.clip((mask - 0.15) / 0.85, 0, 1)  # the rim has the old ground in it
    return Example(photo * share[..., None] + ground * (1 - share[..., None]), share)


def _cropped(random: Random, example: Example, side: int) -> Example:
    """Cut out the product and a margin, as a second look has it, or a part of it; a first look sees the whole photo."""
    photo, mask = example
    rows, columns = np.flatnonzero((mask > 0.5).any(1)), np.flatnonzero((mask > 0.5).any(0))
    first = side == LOOKS[0][0]
    if not len(rows) or (first and random.random() < 0.5):
        return example
    margins = random.uniform(0.28, 0.42, 4) if first else random.uniform(0.06, 0.2, 4)
    if random.random() < 0.28:  # the photo crops the product, mostly at its foot
        margins[random.choice(4, p=(0.2, 0.1, 0.6, 0.1))] = random.uniform(-0.5, -0.05)
    up, left, down, right = (margins * max(np.ptp(rows), np.ptp(columns))).astype(int)
    view = slice(max(0, rows[0] - up), rows[-1] + down), slice(max(0, columns[0] - left), columns[-1] + right)
    return example if min(mask[view].shape, default=0) < 40 else Example(photo[view], mask[view])


def _as_by_phone(random: Random, photo: Floats) -> Image.Image:
    """Take the photo once more: in bad light, with noise, out of focus, packed hard."""
    light = random.uniform((0.45, 0.4, 0.3), 1)
    picture = _picture(photo * light + random.normal(0, random.uniform(0, 11), photo.shape))
    if random.random() < 0.2:  # of another hue
        turned = np.asarray(picture.convert("HSV")) + np.array([random.integers(256), 0, 0], dtype=np.uint8)
        picture = Image.fromarray(turned, "HSV").convert("RGB")
    if random.random() < 0.15:
        picture = picture.filter(ImageFilter.GaussianBlur(random.uniform(0.4, 1)))
    packed = io.BytesIO()
    picture.save(packed, "JPEG", quality=int(random.integers(40, 95)))
    return Image.open(packed).convert("RGB")


if __name__ == "__main__":
    main(*sys.argv[1:])
