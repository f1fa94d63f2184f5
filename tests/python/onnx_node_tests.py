#!/usr/bin/env python3
"""Runs ONNX's published operator tests on engine cpu, with all instructions of this machine, or on engine wgpu.

    cargo build --release --workspace --bin run_cpu
    tests/python/onnx_node_tests.py target/release/run_cpu [--verbose] [--json]
    cargo build --release --workspace --features dormouse-tests/wgpu --bin run_wgpu
    tests/python/onnx_node_tests.py target/release/run_wgpu [--verbose] [--json]

Needs the packages onnx and numpy. Taken are the node tests of `onnx.backend.test` and its `pytorch-converted` and
`pytorch-operator` models that consist of operators in CLAIMED, on f32. A published test gives everything as inputs; a network
has one image and constants, so:

- the first input is the image, the others become constants;
- several maps that are added, multiplied or joined are packed as channels of one image, and convolutions with weights of 0
  and 1 take them apart again;
- for operators on each number, an input of another rank than 4 or 2 gets leading sides of 1;
- files of operator sets that the reader does not know are raised to 7 with onnx's converter, or lowered to 25 where none of
  their operators has changed since.

A result passes if its sides are right and its numbers differ by at most TOLERANCE times the largest number (at least 1).
"""

import argparse
import collections
import json
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CLAIMED = set(
    "Conv ConvTranspose BatchNormalization Relu LeakyRelu Clip Sigmoid HardSwish Add Sub Mul Div Concat MaxPool AveragePool "
    "GlobalAveragePool GlobalMaxPool ReduceMean ReduceMax Resize Upsample Gemm MatMul Softmax Flatten Reshape Squeeze Unsqueeze "
    "Transpose Constant Identity Dropout Cast Pad".split()
)
EACH_NUMBER = set("Relu LeakyRelu Clip Sigmoid HardSwish Add Sub Mul Div Identity Dropout".split())
PACKED = {"Add", "Mul", "Concat"}
# tests/src/tolerance.rs, CPU_WINOGRAD: the largest of the engine's bounds.
TOLERANCE = 2e-5
OLDEST, NEWEST = 7, 25

# Published results that are not what ONNX's text says; ONNX Runtime 1.32 gives these numbers, too.
CORRECTED = {
    # Published with four digits, the second one wrongly rounded. (0.8816 + 0.4353 + 0.5772 + 0.6623) / 9 and so on.
    "test_averagepool_2d_ceil_last_window_starts_on_pad": [[[[1.3595 / 9]], [[2.5564 / 9]], [[3.2150 / 9]]]],
    # Published with 2.4 columns for the length of the result; the text has the length in whole columns.
    "test_resize_downsample_scales_linear_align_corners": [[[[1, 4]]]],
}


class NotTaken(Exception):
    """Why a published test says nothing about this engine."""


def published():
    """Yields (name, model, inputs, outputs) of every published test."""
    from onnx.backend.test.loader import load_model_tests

    for case in load_model_tests(kind="node"):
        for inputs, outputs in case.data_sets:
            yield case.name, case.model, inputs, outputs
    for kind in ("pytorch-converted", "pytorch-operator"):
        for case in load_model_tests(kind=kind):
            folder = Path(case.model_dir)
            for data in sorted(folder.glob("test_data_set_*")):
                read = lambda what: [
                    numpy_helper.to_array(onnx.load_tensor(str(data / f"{what}_{i}.pb")))
                    for i in range(len(list(data.glob(f"{what}_*.pb"))))
                ]
                yield case.name, onnx.load(str(folder / "model.onnx")), read("input"), read("output")


def array(value):
    value = numpy_helper.to_array(value) if isinstance(value, TensorProto) else value
    if not isinstance(value, np.ndarray) and not np.isscalar(value):
        raise NotTaken("sequences and optional values")
    return np.asarray(value)


def in_known_set(model):
    """The model in an operator set that the reader knows."""
    version = next(o.version for o in model.opset_import if o.domain in ("", "ai.onnx"))
    if version < OLDEST:
        try:
            return onnx.version_converter.convert_version(model, OLDEST)
        except Exception as error:
            raise NotTaken(f"onnx cannot raise its operator set {version}: {str(error).splitlines()[0][:60]}") from error
    if version > NEWEST:
        for node in model.graph.node:
            since = onnx.defs.get_schema(node.op_type, version, "").since_version
            if since > NEWEST:
                raise NotTaken(f"operator set {since}, newer than {NEWEST}")
        for opset in model.opset_import:
            opset.version = min(opset.version, NEWEST)
    return model


def packed(model, names, inputs):
    """One image that holds all inputs as channels, and convolutions that take them apart."""
    maps = [a.reshape((1,) * (4 - a.ndim) + a.shape) for a in inputs]
    if any(m.shape[:1] + m.shape[2:] != maps[0].shape[:1] + maps[0].shape[2:] for m in maps):
        return None
    total, first, nodes = sum(m.shape[1] for m in maps), 0, []
    for name, part in zip(names, maps):
        weight = np.zeros((part.shape[1], total, 1, 1), np.float32)
        weight[np.arange(part.shape[1]), first + np.arange(part.shape[1])] = 1
        first += part.shape[1]
        model.graph.initializer.append(numpy_helper.from_array(weight, f"{name}/take"))
        nodes.append(helper.make_node("Conv", ["image", f"{name}/take"], [name]))
    (node,) = model.graph.node
    for attribute in node.attribute:
        if attribute.name == "axis" and attribute.i >= 0:
            attribute.i += 4 - inputs[0].ndim
    nodes.append(helper.make_node(node.op_type, list(node.input), list(node.output), **{
        a.name: helper.get_attribute_value(a) for a in node.attribute
    }))
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return np.concatenate(maps, axis=1)


def as_network(model, inputs):
    """The model with one image as its input; returns it with the image."""
    model = in_known_set(onnx.ModelProto.FromString(model.SerializeToString()))
    graph = model.graph
    weights = {w.name for w in graph.initializer}
    names = [i.name for i in graph.input if i.name not in weights]
    ops = {node.op_type for node in graph.node}
    if not names or not inputs:
        raise NotTaken("no input")
    if any(a.dtype != np.float32 for a in inputs[:1]) or any(a.dtype not in (np.float32, np.int64) for a in inputs):
        raise NotTaken("other numbers than f32")
    image, constants = None, []
    if len(inputs) > 1 and len(graph.node) == 1 and ops <= PACKED and all(a.ndim <= 4 and a.size for a in inputs):
        image = packed(model, names, inputs) if len({a.ndim for a in inputs}) == 1 else None
        names = ["image"] if image is not None else names
    if image is None:
        image, constants = inputs[0], list(zip(names[1:], inputs[1:]))
        if ops <= EACH_NUMBER and image.ndim not in (2, 4) and image.ndim < 4:
            image = image.reshape((1,) * (4 - image.ndim) + image.shape)
    if image.ndim not in (2, 4):
        raise NotTaken(f"an image with {image.ndim} sides; images have 4, vectors 2")
    if image.size == 0:
        raise NotTaken("an empty image")
    for name, value in constants:
        graph.initializer.append(numpy_helper.from_array(value, name))
    kept = [i for i in graph.input if i.name in weights]
    del graph.input[:], graph.value_info[:]
    # Only the channels are named: from sides like 2, 3, 3 the reader would take the last one for the channels.
    sides = [None, image.shape[1]] + [None] * (image.ndim - 2)
    graph.input.extend([helper.make_tensor_value_info(names[0], TensorProto.FLOAT, sides), *kept])
    return model, np.ascontiguousarray(image)


def same_sides(got, expected):
    """Whether sides are the expected ones; the engine's vectors have two further sides of 1, wrapped inputs leading ones."""
    expected = list(expected)
    return got == [1] * (4 - len(expected)) + expected or got == expected + [1] * (4 - len(expected))


def fault(folder, answer, expected):
    """What is wrong with the engine's results, or None."""
    if len(answer["outputs"]) != len(expected):
        return f"{len(answer['outputs'])} outputs instead of {len(expected)}"
    for index, (output, wanted) in enumerate(zip(answer["outputs"], expected)):
        if not same_sides(output["sides"], wanted.shape):
            return f"sides {output['sides']} instead of {list(wanted.shape)}"
        wanted = wanted.astype(np.float64).ravel()
        for isa in answer["isas"]:
            got = np.fromfile(folder / f"{isa}.{index}.f32", "<f4").astype(np.float64)
            with np.errstate(invalid="ignore"):
                away = np.abs(got - wanted)
            away[(got == wanted) | (np.isnan(got) & np.isnan(wanted))] = 0
            bound = TOLERANCE * max(1, np.abs(wanted[np.isfinite(wanted)]).max(initial=0))
            if not (away <= bound).all():
                return f"{isa}: off by {np.nanmax(away):.3g}, at most {bound:.3g}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=Path, help="run_cpu or run_wgpu of the tests' crate")
    parser.add_argument("--verbose", action="store_true", help="name every test")
    parser.add_argument("--json", action="store_true", help="last line is one JSON object")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    not_taken, cases = collections.defaultdict(list), {}
    with tempfile.TemporaryDirectory() as root:
        for name, model, inputs, outputs in published():
            if not {n.op_type for n in model.graph.node} <= CLAIMED or any(n.domain for n in model.graph.node):
                continue
            try:
                outputs = [np.float32(CORRECTED[name])] if name in CORRECTED else [array(o) for o in outputs]
                network, image = as_network(model, [array(i) for i in inputs])
            except NotTaken as reason:
                not_taken[str(reason)].append(name)
                continue
            folder = Path(root) / f"{len(cases):04} {name}"
            folder.mkdir()
            onnx.save(network, str(folder / "net.onnx"))
            (folder / "sides").write_text(" ".join(map(str, image.shape)))
            image.astype("<f4").tofile(folder / "image.f32")
            cases[str(folder)] = (name, outputs)
        done = subprocess.run([args.program, *cases], stdout=subprocess.PIPE, text=True)
        answers = {a["folder"]: a for a in map(json.loads, done.stdout.splitlines())}
        passed, refused, failed = [], collections.defaultdict(list), {}
        for folder, (name, outputs) in cases.items():
            answer = answers.get(folder)
            if answer is None:
                failed[name] = "the program ended (a panic)"
            elif "refused" in answer:
                refused[answer["refused"].split(": ", 1)[-1]].append(name)
            elif (wrong := fault(Path(folder), answer, outputs)) is not None:
                failed[name] = wrong
            else:
                passed.append(name)
    report(passed, failed, refused, not_taken, args)
    return 1 if failed or done.returncode else 0


def report(passed, failed, refused, not_taken, args):
    for title, groups in (("not taken, says nothing about the engine", not_taken), ("refused by the engine, not claimed", refused)):
        print(f"{sum(map(len, groups.values()))} {title}:")
        for reason, names in sorted(groups.items(), key=lambda g: -len(g[1])):
            print(f"  {len(names):4}  {reason}" + (": " + ", ".join(names) if args.verbose else f" ({names[0]})"))
    if args.verbose:
        print("passed: " + ", ".join(passed))
    for name, wrong in failed.items():
        print(f"FAILED {name}: {wrong}")
    counts = {
        "passed": len(passed),
        "failed": len(failed),
        "refused": sum(map(len, refused.values())),
        "not_taken": sum(map(len, not_taken.values())),
    }
    print(", ".join(f"{n} {what.replace('_', ' ')}" for what, n in counts.items()))
    if args.json:
        print(json.dumps(counts))


if __name__ == "__main__":
    sys.exit(main())
