"""The engines that are compared: each is prepared for a file, an image and a number of threads, and gives a function of a frame."""

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path


def onnxruntime_run(file, image, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"image": image})


def openvino_run(precision):
    def prepare(file, image, threads):
        import openvino

        core = openvino.Core()
        model = core.read_model(str(file))
        model.reshape({"image": list(image.shape)})
        settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
        request = core.compile_model(model, "CPU", settings).create_infer_request()
        return lambda: request.infer({"image": image})

    return prepare


PEERS = {"onnxruntime": onnxruntime_run, "openvino-f32": openvino_run("f32"), "openvino-bf16": openvino_run("bf16")}


class Ours:
    """Our program, started anew for every round."""

    def __init__(self, args, file, width, height, threads):
        command = [args.binary, "bench", file, "--backend", "cpu", "--size", f"{width}x{height}", "--threads", threads, "--json"]
        self.command = [str(part) for part in command] + (["--isa", args.isa] if args.isa else [])
        self.prepare_ms, self.frames = [], 3
        self.frames = frames_in(args.seconds, self.round())

    def round(self):
        """Median of a round in milliseconds; also remembers what else was found."""
        done = subprocess.run([*self.command, "--frames", str(self.frames)], check=True, stdout=subprocess.PIPE, text=True)
        self.found = json.loads(done.stdout.splitlines()[-1])
        self.prepare_ms.append(self.found["prepare_ms"])
        return self.found["p50_ms"]


class Peer:
    """A peer in this process."""

    def __init__(self, args, name, file, image, threads):
        self.name, self.file, self.image, self.threads = name, file, image, threads
        start = time.perf_counter()
        self.run = PEERS[name](file, image, threads)
        self.prepare_ms = [(time.perf_counter() - start) * 1e3]
        self.run()
        start = time.perf_counter()
        self.run()
        self.frames = frames_in(args.seconds, (time.perf_counter() - start) * 1e3)

    def round(self):
        """Median of a round in milliseconds."""
        times = []
        self.run()
        for _ in range(self.frames):
            start = time.perf_counter()
            self.run()
            times.append((time.perf_counter() - start) * 1e3)
        return statistics.median(times)

    def memory(self):
        """Peak megabytes of a fresh process, and those of them that are there before it has a network."""
        height, width = self.image.shape[2:]
        script = Path(__file__).with_name("memory.py")
        command = [sys.executable, script, self.name, self.file, width, height, self.threads]
        done = subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True)
        return json.loads(done.stdout.splitlines()[-1])


def frames_in(seconds, frame_ms):
    return max(3, round(seconds * 1e3 / frame_ms))
