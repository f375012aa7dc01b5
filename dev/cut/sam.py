"""python -m dev.cut.sam mobile_sam.pt: write the weights of MobileSAM as lib/drawing/cut/sam/ reads them.

The file is the authors' (github.com/ChaoningZhang/MobileSAM, Apache-2.0). It needs PyTorch, which is in no list of
requirements, only to open it. The layers are written in the order of their use; what stands for itself in the file but
can be part of a matrix is folded into it: batch norms, the gain and bias of a layer norm before a matrix, the scale of
attention.
"""

import hashlib
import io
import sys
from dataclasses import dataclass, field

import numpy as np
import torch

from lib.drawing.cut.sam import stored, weights
from lib.drawing.cut.sam.encoder import HEAD, STAGES
from lib.drawing.ground.raster import Floats

LARGEST = 127
ALIKE = 1e-5  # what a batch norm adds to the variance


@dataclass
class Writer:
    """Collects the weights of one part."""

    state: dict[str, Floats]
    whole: list[Floats] = field(default_factory=list)
    fine: list[Floats] = field(default_factory=list)

    def numbers(self, *names: str) -> None:
        self.fine += [self.state[name].ravel() for name in names]

    def norm(self, name: str) -> None:
        self.numbers(f"{name}.weight", f"{name}.bias")

    def matrix(self, matrix: Floats, bias: Floats) -> None:
        """Round each row of a large one to whole numbers, by a scale that is itself rounded first."""
        if matrix.size < weights.LARGE:
            self.fine += [matrix.ravel(), bias]
            return
        scale = np.float16(np.maximum(abs(matrix).max(axis=1) / LARGEST, 1e-7)).astype(np.float32)
        self.whole.append(np.rint(matrix / scale[:, None]).clip(-LARGEST, LARGEST).astype(np.int8).ravel())
        self.fine += [scale, bias]

    def linear(self, name: str, scale: float = 1) -> None:
        self.matrix(self.state[f"{name}.weight"] * scale, self.state[f"{name}.bias"] * scale)

    def after_norm(self, norm: str, name: str, scale: Floats | float = 1) -> None:
        matrix, gain = self.state[f"{name}.weight"], self.state[f"{norm}.weight"]
        bias = self.state[f"{name}.bias"] + matrix @ self.state[f"{norm}.bias"]
        self.matrix(matrix * gain * np.reshape(scale, (-1, 1)), bias * scale)

    def convolution(self, name: str) -> None:
        """Write a convolution; its places come before its planes, as the code lays them out."""
        kernel, bias = self._unnormed(name)
        self.matrix(kernel.transpose(0, 2, 3, 1).reshape(len(kernel), -1), bias)

    def depthwise(self, name: str) -> None:
        kernel, bias = self._unnormed(name)
        self.fine += [kernel[:, 0].transpose(1, 2, 0).ravel(), bias]

    def upward(self, name: str) -> None:
        """Write a convolution that makes 2x2 places of one: rows, columns, planes."""
        kernel, bias = self.state[f"{name}.weight"], self.state[f"{name}.bias"]
        self.matrix(kernel.transpose(2, 3, 1, 0).reshape(-1, len(kernel)), np.tile(bias, 4))

    def _unnormed(self, name: str) -> tuple[Floats, Floats]:
        if f"{name}.c.weight" not in self.state:
            kernel = self.state[f"{name}.weight"]
            return kernel, self.state.get(f"{name}.bias", np.zeros(len(kernel), dtype=np.float32))
        norm = {each: self.state[f"{name}.bn.{each}"] for each in ("weight", "bias", "running_mean", "running_var")}
        gain = norm["weight"] / np.sqrt(norm["running_var"] + ALIKE)
        return self.state[f"{name}.c.weight"] * gain[:, None, None, None], norm["bias"] - norm["running_mean"] * gain


def main(path: str) -> None:
    """Write the weights among the files of the site."""
    state = {name: each.float().numpy() for name, each in torch.load(path, map_location="cpu").items()}
    arrays = {}
    for name, write in (("encoder", _encoder), ("prompts", _prompts), ("decoder", _decoder)):
        writer = Writer(state)
        write(writer)
        arrays |= {f"{name}.whole": np.concatenate([np.empty(0, dtype=np.int8), *writer.whole])}
        arrays |= {f"{name}.fine": np.concatenate(writer.fine).astype(np.float16)}
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    digest = hashlib.sha256(file.getvalue()).hexdigest()[: len(stored.DIGEST)]
    path = stored.OWN.with_name(f"mobile_sam-{digest}.npz")
    path.write_bytes(file.getvalue())
    print(f"{path}: {path.stat().st_size:,} bytes; stored.DIGEST is {digest}")


def _encoder(writer: Writer) -> None:
    top = "image_encoder"
    writer.convolution(f"{top}.patch_embed.seq.0")
    writer.convolution(f"{top}.patch_embed.seq.2")
    for number, (planes, depth, window) in enumerate(STAGES):
        stage = f"{top}.layers.{number}"
        for each in range(depth):
            if window:
                _block(writer, f"{stage}.blocks.{each}", planes)
            else:
                _bottleneck(writer, f"{stage}.blocks.{each}")
        if number + 1 < len(STAGES):
            _bottleneck(writer, f"{stage}.downsample")
    for layer, norm in ((0, 1), (2, 3)):
        writer.convolution(f"{top}.neck.{layer}")
        writer.norm(f"{top}.neck.{norm}")


def _bottleneck(writer: Writer, name: str) -> None:
    writer.convolution(f"{name}.conv1")
    writer.depthwise(f"{name}.conv2")
    writer.convolution(f"{name}.conv3")


def _block(writer: Writer, name: str, planes: int) -> None:
    scale = np.tile(np.repeat([HEAD**-0.5, 1, 1], HEAD), planes // HEAD).astype(np.float32)
    writer.after_norm(f"{name}.attn.norm", f"{name}.attn.qkv", scale)
    writer.numbers(f"{name}.attn.attention_biases")
    writer.linear(f"{name}.attn.proj")
    writer.depthwise(f"{name}.local_conv")
    writer.after_norm(f"{name}.mlp.norm", f"{name}.mlp.fc1")
    writer.linear(f"{name}.mlp.fc2")


def _prompts(writer: Writer) -> None:
    top = "prompt_encoder"
    writer.numbers(f"{top}.pe_layer.positional_encoding_gaussian_matrix")
    writer.numbers(*(f"{top}.point_embeddings.{number}.weight" for number in range(4)))
    writer.numbers(f"{top}.not_a_point_embed.weight", f"{top}.no_mask_embed.weight")
    for layer, norm in ((0, 1), (3, 4)):
        writer.convolution(f"{top}.mask_downscaling.{layer}")
        writer.norm(f"{top}.mask_downscaling.{norm}")
    writer.convolution(f"{top}.mask_downscaling.6")


def _decoder(writer: Writer) -> None:
    top = "mask_decoder"
    writer.numbers(f"{top}.iou_token.weight", f"{top}.mask_tokens.weight")
    for number in range(2):
        block = f"{top}.transformer.layers.{number}"
        _attention(writer, f"{block}.self_attn", 1)
        _attention(writer, f"{block}.cross_attn_token_to_image", 2)
        writer.linear(f"{block}.mlp.lin1")
        writer.linear(f"{block}.mlp.lin2")
        _attention(writer, f"{block}.cross_attn_image_to_token", 2)
        for norm in range(1, 5):
            writer.norm(f"{block}.norm{norm}")
    _attention(writer, f"{top}.transformer.final_attn_token_to_image", 2)
    writer.norm(f"{top}.transformer.norm_final_attn")
    writer.upward(f"{top}.output_upscaling.0")
    writer.norm(f"{top}.output_upscaling.1")
    writer.upward(f"{top}.output_upscaling.3")
    heads = [f"{top}.output_hypernetworks_mlps.{number}" for number in range(4)]
    for head in (*heads, f"{top}.iou_prediction_head"):
        for layer in range(3):
            writer.linear(f"{head}.layers.{layer}")


def _attention(writer: Writer, name: str, narrower: int) -> None:
    writer.linear(f"{name}.q_proj", (32 / narrower) ** -0.5)
    for part in ("k_proj", "v_proj", "out_proj"):
        writer.linear(f"{name}.{part}")


if __name__ == "__main__":
    main(*sys.argv[1:])
