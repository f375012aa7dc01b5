"""The decoder of SAM: a question meets the picture, and four masks come out.

The question is a few tokens: one for how good the masks are, one for each mask, one for each point and corner. Twice
they look at each other and at the picture, and the picture looks back at them. Then the picture is enlarged fourfold,
and a mask is its planes, weighed as the mask's token says.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from lib import log
from lib.drawing.cut.sam import encoder, layers, prompts, stored, weights
from lib.drawing.cut.sam.encoder import PLANES, Embedding
from lib.drawing.cut.sam.prompts import Box, Point
from lib.drawing.cut.sam.weights import Linear, Norm, Reader
from lib.drawing.ground.raster import Floats

MASKS = 4  # the first for a question that has one answer; three from the part to the whole for one that has several
HEADS = 8
HALF, QUARTER = PLANES // 4, PLANES // 8  # planes of the picture at twice and at four times its cells


@dataclass(frozen=True)
class MaskAnswer:
    """Four masks at a quarter of the picture as it was looked at, positive where the object is; how good each is."""

    masks: Floats
    quality: Floats


@dataclass(frozen=True)
class Attention:
    """Who seeks, what it is compared with, what it takes from there, and what that becomes."""

    query: Linear
    key: Linear
    value: Linear
    back: Linear

    @classmethod
    def read(cls, reader: Reader, planes: int) -> Self:
        """Read its layers."""
        query, key, value = (reader.linear(PLANES, planes) for _ in range(3))
        return cls(query, key, value, reader.linear(planes, PLANES))

    def of(self, query: Floats, key: Floats, value: Floats) -> Floats:
        """Return what each row of `query` takes from the rows of `value`."""
        seeking, compared, taken = (
            layers.linear(rows, layer).reshape(len(rows), HEADS, -1).swapaxes(0, 1)
            for rows, layer in ((query, self.query), (key, self.key), (value, self.value))
        )
        found = layers.softmax(seeking @ compared.swapaxes(1, 2)) @ taken
        return layers.linear(found.swapaxes(0, 1).reshape(len(query), -1), self.back)


@dataclass(frozen=True)
class TwoWayBlock:
    """One look of the tokens at each other and at the picture, and of the picture back at them."""

    each_other: Attention
    picture: Attention
    wide: Linear
    narrow: Linear
    back: Attention
    norms: tuple[Norm, ...]

    @classmethod
    def read(cls, reader: Reader) -> Self:
        """Read its layers."""
        each_other, picture = Attention.read(reader, PLANES), Attention.read(reader, PLANES // 2)
        wide, narrow = reader.linear(PLANES, 8 * PLANES), reader.linear(8 * PLANES, PLANES)
        back = Attention.read(reader, PLANES // 2)
        return cls(each_other, picture, wide, narrow, back, tuple(reader.norm(PLANES) for _ in range(4)))


@dataclass(frozen=True)
class Decoder:
    """All layers, in the order of their use."""

    tokens: Floats
    blocks: tuple[TwoWayBlock, ...]
    last: Attention
    norm: Norm
    double: Linear
    calm: Norm
    redouble: Linear
    masks: tuple[tuple[Linear, ...], ...]
    quality: tuple[Linear, ...]


def ask(
    embedding: Embedding, box: Box | None = None, points: Sequence[Point] = (), mask: Floats | None = None
) -> MaskAnswer:
    """Return what lies in a box, at points, or where a mask of an earlier answer says; in pixels of the picture."""
    net, (height, width) = network(), embedding.planes.shape[:2]
    asked = np.concatenate([net.tokens, prompts.tokens(embedding, box, points)])
    cells = (embedding.planes + prompts.masked(embedding, mask)).reshape(-1, PLANES)
    tokens, cells = _met(net, asked, cells, prompts.grid(embedding).reshape(-1, PLANES))
    weighed = np.stack([_through(tokens[1 + number], net.masks[number]) for number in range(MASKS)])
    halves = layers.linear(cells, net.double).reshape(-1, HALF)
    quarters = layers.linear(layers.gelu(layers.normed(halves, net.calm)), net.redouble).reshape(-1, QUARTER)
    parted = (layers.gelu(quarters) @ weighed.T).reshape(height, width, 2, 2, 2, 2, MASKS)
    masks = parted.transpose(6, 0, 2, 4, 1, 3, 5).reshape(MASKS, height * 4, width * 4)
    across, down = (round(length / 4) for length in embedding.size)
    return MaskAnswer(masks[:, :down, :across], _through(tokens[0], net.quality))


def is_ready() -> bool:
    """Tell if all weights are in memory, those of the encoder and the prompts too; read them, unless they are.

    They are read together, before the first question: once they are here, nothing that befalls their file matters.
    """
    try:
        _read_all()
    except OSError:
        return False
    except ValueError as error:
        log.event("weights_damaged", error=str(error))
        return False
    return True


@functools.cache
def _read_all() -> None:
    stored.check()
    for network_of in (encoder.network, prompts.network, network):
        network_of()


@functools.cache
def network() -> Decoder:
    """Return its layers, read once."""
    reader = weights.part("decoder")
    tokens = reader.numbers(1 + MASKS, PLANES)
    blocks = TwoWayBlock.read(reader), TwoWayBlock.read(reader)
    last, norm = Attention.read(reader, PLANES // 2), reader.norm(PLANES)
    double, calm, redouble = reader.linear(PLANES, 4 * HALF), reader.norm(HALF), reader.linear(HALF, 4 * QUARTER)
    masks = tuple(_three(reader, QUARTER) for _ in range(MASKS))
    return Decoder(tokens, blocks, last, norm, double, calm, redouble, masks, _three(reader, MASKS))


def _three(reader: Reader, out: int) -> tuple[Linear, ...]:
    return reader.linear(PLANES, PLANES), reader.linear(PLANES, PLANES), reader.linear(PLANES, out)


def _met(net: Decoder, asked: Floats, cells: Floats, places: Floats) -> tuple[Floats, Floats]:
    """Return the tokens and the picture after they looked at each other."""
    tokens = asked
    for number, block in enumerate(net.blocks):
        first, second, third, fourth = block.norms
        if number:
            sought = tokens + asked
            tokens = tokens + block.each_other.of(sought, sought, tokens)
        else:
            tokens = block.each_other.of(tokens, tokens, tokens)
        tokens = layers.normed(tokens, first)
        placed = cells + places
        tokens = layers.normed(tokens + block.picture.of(tokens + asked, placed, cells), second)
        mixed = layers.linear(np.maximum(layers.linear(tokens, block.wide), 0), block.narrow)
        tokens = layers.normed(tokens + mixed, third)
        cells = layers.normed(cells + block.back.of(placed, tokens + asked, tokens), fourth)
    tokens = tokens + net.last.of(tokens + asked, cells + places, cells)
    return layers.normed(tokens, net.norm), cells


def _through(token: Floats, three: tuple[Linear, ...]) -> Floats:
    """Pass a token through matrices; negatives between them become 0."""
    first, second, last = three
    hidden = np.maximum(layers.linear(token, first), 0)
    return layers.linear(np.maximum(layers.linear(hidden, second), 0), last)
