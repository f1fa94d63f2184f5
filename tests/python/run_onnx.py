"""Runs FOLDER/net.onnx on FOLDER/image.f32 (dims B C H W) in ONNX Runtime; writes FOLDER/<output>.f32 per output.

Checks the file with the ONNX checker first, shape inference included.
"""

import sys

import numpy as np
import onnx
import onnxruntime

folder, dims = sys.argv[1], [int(d) for d in sys.argv[2:6]]
model = onnx.load(f"{folder}/net.onnx")
onnx.checker.check_model(model, full_check=True)
facts = {p.key: p.value for p in model.metadata_props}
assert facts["config_hash"] == "hash" and facts["producer"].startswith("dormouse"), facts
session = onnxruntime.InferenceSession(f"{folder}/net.onnx", providers=["CPUExecutionProvider"])
image = np.fromfile(f"{folder}/image.f32", dtype="<f4").reshape(dims)
for output, values in zip(session.get_outputs(), session.run(None, {"image": image})):
    values.astype("<f4").tofile(f"{folder}/{output.name}.f32")
