"""Untrained networks of the kinds that SLEAP and Dormouse train, as ONNX files with random weights.

The layouts are those of `trainer/src/model/unet.rs` (blocks of two 3x3 convolutions with ReLU, max pooling, doubling, skip
concatenation, 1x1 heads) and `compact.rs` (depthwise-separable units with shortcuts). Weights are He-initialised, so that maps
keep their scale.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class Builder:
    """Nodes and weights of one graph."""

    def __init__(self, channels, seed=1):
        self.rng = np.random.default_rng(seed)
        self.nodes, self.weights, self.count = [], [numpy_helper.from_array(np.float32([1, 1, 2, 2]), "x2")], 0
        self.channels = {"image": channels}

    def name(self, kind):
        self.count += 1
        return f"{kind}{self.count}"

    def node(self, op, inputs, channels, output=None, **attributes):
        output = output or self.name(op.lower())
        self.nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        self.channels[output] = channels
        return output

    def conv(self, x, out, kernel=3, relu=True, output=None, group=1):
        fan_in = self.channels[x] // group * kernel**2
        shape = (out, self.channels[x] // group, kernel, kernel)
        weight = self.rng.normal(0, np.sqrt((2 if relu else 1) / fan_in), shape).astype(np.float32)
        bias = self.rng.normal(0, 0.01, out).astype(np.float32)
        names = [self.name("w"), self.name("b")]
        self.weights += [numpy_helper.from_array(a, n) for a, n in zip((weight, bias), names)]
        pads = [kernel // 2] * 4
        y = self.node("Conv", [x, *names], out, None if relu else output, kernel_shape=[kernel] * 2, pads=pads, group=group)
        return self.node("Relu", [y], out, output) if relu else y

    def pool(self, x):
        return self.node("MaxPool", [x], self.channels[x], kernel_shape=[2, 2], strides=[2, 2])

    def double(self, x, mode):
        if mode == "nearest":
            how = dict(mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
        else:
            how = dict(mode="linear", coordinate_transformation_mode="half_pixel")
        return self.node("Resize", [x, "", "x2"], self.channels[x], **how)

    def save(self, path, outputs):
        side = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", self.channels[name], None, None])
        graph = helper.make_graph(self.nodes, "pose", [side("image")], [side(o) for o in outputs], self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(model)
        onnx.save(model, path)


def unet(path, filters, rate, max_stride, heads, mode="bilinear", channels=1):
    """`heads` maps output names to (channels, stride)."""
    b = Builder(channels)
    width = lambda e: int(filters * rate**e)
    x, skips, stride = "image", {}, 1
    depth = max_stride.bit_length() - 1
    for level in range(depth):
        if level:
            x = b.pool(x)
        x = b.conv(b.conv(x, width(level)), width(level))
        skips[1 << level] = x
    x = b.pool(x)
    x = b.conv(b.conv(x, width(depth)), width(depth))
    levels, stride = {max_stride: x}, max_stride
    finest = min(s for _, s in heads.values())
    while stride > finest:
        stride //= 2
        x = b.node("Concat", [skips[stride], up := b.double(x, mode)], b.channels[skips[stride]] + b.channels[up], axis=1)
        x = b.conv(b.conv(x, width(stride.bit_length() - 1)), width(stride.bit_length() - 1))
        levels[stride] = x
    for name, (out, stride) in heads.items():
        b.conv(levels[stride], out, kernel=1, relu=False, output=name)
    b.save(path, list(heads))


def compact(path, filters, rate, max_stride, heads, kernel=3, channels=1):
    """The compact backbone with expansion 1 and concatenated skips, two units a level."""
    b = Builder(channels)
    width = lambda e: max(1, int(filters * rate**e / 8 + 0.5)) * 8

    def units(x, out):
        for _ in range(2):
            spread = b.conv(x, b.channels[x], kernel, relu=False, group=b.channels[x])
            mixed = b.conv(spread, out, kernel=1)
            x = b.node("Add", [x, mixed], out) if b.channels[x] == out else mixed
        return x

    depth = max_stride.bit_length() - 1
    x = b.conv("image", width(0))
    skips = [x]
    for level in range(1, depth + 1):
        x = units(b.pool(x), width(level))
        skips.append(x)
    levels, stride = {max_stride: x}, max_stride
    for level in reversed(range(depth)):
        if stride <= min(s for _, s in heads.values()):
            break
        stride //= 2
        up = b.double(b.conv(x, width(level), kernel=1, relu=False), "bilinear")
        joined = b.node("Concat", [skips[level], up], b.channels[skips[level]] + b.channels[up], axis=1)
        x = units(joined, width(level))
        levels[stride] = x
    for name, (out, stride) in heads.items():
        b.conv(levels[stride], out, kernel=1, relu=False, output=name)
    b.save(path, list(heads))


def all_networks(folder):
    """Writes them and returns (name, file, width, height)."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    specs = {
        "unet16-nearest": dict(filters=16, rate=2, max_stride=16, heads={"confmaps": (13, 1)}, mode="nearest"),
        "unet16-bilinear": dict(filters=16, rate=2, max_stride=16, heads={"confmaps": (13, 1)}),
        "flies-bottomup": dict(filters=16, rate=1.5, max_stride=16, heads={"confmaps": (13, 2), "pafs": (24, 4)}),
        "centered24": dict(filters=24, rate=2, max_stride=16, heads={"confmaps": (13, 2)}),
        "unet8": dict(filters=8, rate=1.5, max_stride=16, heads={"confmaps": (13, 2)}),
    }
    for name, spec in specs.items():
        unet(folder / f"{name}.onnx", **spec)
    # Widths of model-zoo/recipes/demo-compact.toml.
    compact(folder / "compact.onnx", filters=16, rate=1.75, max_stride=16, heads={"confmaps": (13, 2), "pafs": (24, 4)})
    sizes = [
        ("unet16-nearest", 384),
        ("unet16-bilinear", 384),
        ("unet16-nearest", 1024),
        ("unet16-bilinear", 1024),
        ("flies-bottomup", 384),
        ("centered24", 208),
        ("unet8", 192),
        ("compact", 192),
    ]
    return [(f"{name} {side}", folder / f"{name}.onnx", side, side) for name, side in sizes]


if __name__ == "__main__":
    import sys

    for name, file, width, height in all_networks(sys.argv[1]):
        print(name, file, f"{width}x{height}")
