"""Imports untrained networks of SLEAP's own backbones and compares them with TensorFlow. By hand: TensorFlow is too large for CI.

    python3.11 -m venv tf
    tf/bin/pip install tensorflow-cpu==2.15.1 onnxruntime "numpy<2" attrs
    tf/bin/pip install --no-deps sleap==1.4.1 segmentation-models==1.0.1 image-classifiers==1.0.0 efficientnet==1.0.0 keras-applications==1.0.8
    tf/bin/python tests/python/sleap_backbones.py target/release/dormouse [NAME...]

Each network gets random weights and statistics, is saved by Keras, imported and unpacked by DORMOUSE, and run in ONNX Runtime on an image that
TensorFlow saw. Prints the largest difference relative to the largest output; fails above 1e-5.
"""

import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import types

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", SM_FRAMEWORK="tf.keras")
import numpy as np
import onnxruntime
import tensorflow as tf

SIZE = (96, 128)
LIMIT = 1e-5


def stand_in(name, **content):
    """A module in place of one of SLEAP's, whose imports would need the whole of SLEAP."""
    module = types.ModuleType(name)
    module.__dict__.update(content)
    sys.modules[name] = module


root = importlib.util.find_spec("sleap").submodule_search_locations[0]
for name, folder in [("sleap", root), ("sleap.nn", f"{root}/nn"), ("sleap.nn.data", f"{root}/nn/data")]:
    stand_in(name, __path__=[folder])
configs = ["UNet", "LEAP", "Hourglass", "ResNet", "Upsampling", "PretrainedEncoder"]
stand_in("sleap.nn.config", **{f"{name}Config": object for name in configs})
stand_in("sleap.nn.data.normalization", ensure_rgb=lambda image: tf.repeat(image, 3, axis=-1))

from sleap.nn.architectures import hourglass, leap, pretrained_encoders, resnet, unet, upsampling


def resnet50(pretrained, max_stride, transposed):
    """With or without the layers that precede pretrained weights; the weights themselves are not fetched."""
    make = resnet.make_resnet_model
    resnet.make_resnet_model = lambda *args, **options: make(*args, **{**options, "weights": None})
    stack = upsampling.UpsamplingStack(
        output_stride=4, transposed_conv=transposed, transposed_conv_filters=16, refine_convs_filters=16, skip_add=True
    )
    net = resnet.ResNet50(
        upsampling_stack=stack, features_output_stride=max_stride, pretrained=pretrained, skip_connections=True
    )
    return net, lambda: setattr(resnet, "make_resnet_model", make)


def encoder(name):
    """A pretrained encoder without its weights."""
    unets = pretrained_encoders.sm.models.unet
    make = unets.Unet
    unets.Unet = lambda *args, **options: make(*args, **{**options, "encoder_weights": None})
    net = pretrained_encoders.UnetPretrainedEncoder(encoder=name, decoder_filters=(32, 16, 16))
    return net, lambda: setattr(unets, "Unet", make)


def plain(net):
    return net, lambda: None


def unet_of(interpolated):
    return unet.UNet(filters=8, filters_rate=1.5, down_blocks=4, up_blocks=3, up_interpolate=interpolated)


ENCODERS = "vgg16 resnet18 resnet50 mobilenet mobilenetv2 efficientnetb0 efficientnetb3 densenet121 inceptionv3"
# Name: channels of the image, and how the backbone is made.
BACKBONES = {
    "unet-transposed": (1, lambda: plain(unet_of(False))),
    "unet-bilinear": (3, lambda: plain(unet_of(True))),
    "leap": (1, lambda: plain(leap.LeapCNN(filters=8))),
    "hourglass": (3, lambda: plain(hourglass.Hourglass(down_blocks=3, up_blocks=3, filters=16, filter_increase=8))),
    "resnet50": (3, lambda: resnet50(False, 32, True)),
    "resnet50-dilated": (3, lambda: resnet50(False, 16, False)),
    "resnet50-pretrained": (1, lambda: resnet50(True, 32, False)),
    **{f"encoder-{name}": (1, lambda name=name: encoder(name)) for name in ENCODERS.split()},
}


def random_weights(model, random):
    """Weights that keep the size of numbers, and statistics that are not 0 and 1."""
    for weight in model.weights:
        shape, name = tuple(weight.shape), weight.name
        if "variance" in name or "gamma" in name:
            weight.assign(random.uniform(0.5, 1.5, shape))
        elif "mean" in name or "beta" in name or "bias" in name:
            weight.assign(random.normal(0, 0.1, shape))
        else:
            weight.assign(random.normal(0, np.sqrt(2 / np.prod(shape[:-1])), shape))


def difference(dormouse, channels, make, folder):
    """How far ONNX Runtime on the imported network is from TensorFlow."""
    tf.keras.backend.clear_session()
    random = np.random.default_rng(3)
    image = tf.keras.layers.Input((*SIZE, channels), name="input")
    net, restore = make()
    maps, _ = net.make_backbone(image)
    restore()
    maps = maps[0] if isinstance(maps, list) else maps
    head = tf.keras.layers.Conv2D(2, 1, padding="same", name="SingleInstanceConfmapsHead")(maps)
    model = tf.keras.Model(image, head)
    random_weights(model, random)
    model.save(folder / "best_model.h5")
    settings = {"single_instance": {"part_names": ["a", "b"]}}
    (folder / "training_config.json").write_text(json.dumps({"model": {"heads": settings}}))
    pixels = random.uniform(0, 1, (1, *SIZE, channels)).astype(np.float32)
    expected = model(pixels).numpy()
    bundle = folder / "out.dorm"
    subprocess.run([dormouse, "import-model", folder, "-o", bundle], check=True)
    subprocess.run([dormouse, "unpack", bundle], check=True, stdout=subprocess.DEVNULL)
    session = onnxruntime.InferenceSession(folder / "out" / "pose.onnx", providers=["CPUExecutionProvider"])
    got = session.run(None, {session.get_inputs()[0].name: pixels.transpose(0, 3, 1, 2)})[0].transpose(0, 2, 3, 1)
    assert got.shape == expected.shape, (got.shape, expected.shape)
    return float(np.abs(got - expected).max() / np.abs(expected).max())


worst = 0.0
for name, (channels, make) in BACKBONES.items():
    if sys.argv[2:] and name not in sys.argv[2:]:
        continue
    with tempfile.TemporaryDirectory() as folder:
        found = difference(sys.argv[1], channels, make, pathlib.Path(folder))
    print(f"{name}: {found:.1e}", flush=True)
    worst = max(worst, found)
sys.exit(0 if worst <= LIMIT else f"a network differs by {worst:.1e}")
