"""python -m dev.weights u2netp.onnx: write the network's weights as lib/drawing/cut/network.py reads them.

The file is the authors' (github.com/xuebinqin/U-2-Net, Apache-2.0), in ONNX. Its graph has its batch norms folded in
and holds the convolutions in forward order, so all that is needed are their weights: a few fields of protobuf, read
here, in place of a package. What it writes is the start of dev/cut/learn.py, not what is in use.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lib.drawing.cut import network

# Fields of onnx.proto, by message: ModelProto.graph; GraphProto.node, .initializer; NodeProto.input, .op_type;
# TensorProto.name, .raw_data.
GRAPH, NODE, INITIALIZER, INPUT, OP_TYPE, NAME, RAW = 7, 1, 5, 1, 4, 8, 9


def main(path: str) -> None:
    """Write the weights beside the code that reads them."""
    graph = _fields(Path(path).read_bytes(), GRAPH)[0]
    tensors = {_fields(each, NAME)[0]: _fields(each, RAW)[0] for each in _fields(graph, INITIALIZER)}
    nodes = [each for each in _fields(graph, NODE) if _fields(each, OP_TYPE) == [b"Conv"]]
    flat = []
    for node, (out, entry, kernel) in zip(nodes, network.shapes(), strict=True):
        weights, bias = (np.frombuffer(tensors[name], dtype="<f4") for name in _fields(node, INPUT)[1:])
        if len(weights) != out * entry * kernel * kernel or len(bias) != out:
            raise SystemExit(f"{path}: not u2netp: {len(weights)} weights where {out}x{entry}x{kernel}x{kernel} belong")
        flat += [weights, bias]
    np.savez_compressed(network.WEIGHTS, weights=np.concatenate(flat).astype(np.float16))
    print(f"{network.WEIGHTS}: {network.WEIGHTS.stat().st_size:,} bytes")


def _fields(message: bytes, wanted: int) -> list[bytes]:
    return [value for number, value in _all(message) if number == wanted]


def _all(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Give the number and the bytes of each field of a protobuf message; numbers in it have none."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind, length = key & 7, 0
        if kind == 0:
            _, at = _varint(message, at)
        elif kind == 2:
            length, at = _varint(message, at)
        else:
            length = {1: 8, 5: 4}[kind]
        yield key >> 3, message[at : at + length]
        at += length


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value, shift = 0, 0
    while True:
        byte = message[at]
        value, shift, at = value | (byte & 127) << shift, shift + 7, at + 1
        if byte < 128:
            return value, at


if __name__ == "__main__":
    main(*sys.argv[1:])
