"""Reads the weights of MobileSAM: each part's lie in one row, in the order in which the code uses them.

Large matrices are whole numbers of 8 bits, each row with its scale; all else is float16. Batch norms, the gain of a
layer norm before a matrix and the scale of attention are in the matrices already. dev/cut/sam.py makes the file from
the authors' (public/weights/mobile_sam.LICENSE.txt).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lib.drawing.cut.sam import stored
from lib.drawing.ground.raster import Floats

LARGE = 2**15  # numbers from which a matrix is rounded to 8 bits: below it would save little and cost the most


@dataclass(frozen=True)
class Linear:
    """A matrix (numbers out, numbers in), and what is added to each number that comes out."""

    matrix: Floats
    bias: Floats


@dataclass(frozen=True)
class Depthwise:
    """A 3x3 convolution of each plane by itself: (3, 3, planes), and what is added to each plane."""

    kernel: Floats
    bias: Floats


@dataclass(frozen=True)
class Norm:
    """What is made of numbers once their mean is 0 and their spread 1."""

    gain: Floats
    bias: Floats


@dataclass
class Reader:
    """Gives the weights of one part, one layer after the other."""

    whole: NDArray[np.int8]
    fine: NDArray[np.float16]

    def numbers(self, *shape: int) -> Floats:
        """Return the next numbers that are no matrix."""
        taken, self.fine = np.split(self.fine, [math.prod(shape)])
        return taken.astype(np.float32).reshape(shape)

    def linear(self, entry: int, out: int) -> Linear:
        """Return the next matrix."""
        if entry * out < LARGE:
            return Linear(self.numbers(out, entry), self.numbers(out))
        taken, self.whole = np.split(self.whole, [entry * out])
        matrix = taken.astype(np.float32).reshape(out, entry)
        matrix *= self.numbers(out, 1)
        return Linear(matrix, self.numbers(out))

    def depthwise(self, planes: int) -> Depthwise:
        """Return the next convolution of each plane by itself."""
        return Depthwise(self.numbers(3, 3, planes), self.numbers(planes))

    def norm(self, planes: int) -> Norm:
        """Return the next layer norm."""
        return Norm(self.numbers(planes), self.numbers(planes))


def part(name: str) -> Reader:
    """Return the weights of the encoder, the prompts or the decoder."""
    with np.load(stored.path()) as arrays:
        return Reader(arrays[f"{name}.whole"], arrays[f"{name}.fine"])
