#!/usr/bin/env python3
"""Times our CPU engine against ONNX Runtime (and OpenVINO) on the same networks, interleaved in one run.

    cargo build --release --bin dormouse
    benches/peers/onnxruntime.py                      # 1 and 2 threads, AVX-512 where the machine has it
    benches/peers/onnxruntime.py --isa avx2 --openvino --rounds 9 --json

The first call makes a virtual environment outside the repository (--venv) and installs the peers there with pip. Rounds of
the engines take turns, so that a slow moment of the machine meets all of them; the ratio of a row is the median over rounds of
peer / ours, each the median over the frames of a round, and its spread the smallest and largest of these ratios.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def inside_venv(folder, openvino):
    """Continues in the virtual environment, which is made where it is missing."""
    python = folder / "bin" / "python"
    if Path(sys.prefix) == folder:
        return
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    packages = ["numpy", "onnx", "onnxruntime"] + (["openvino"] if openvino else [])
    subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
    os.execv(python, [str(python), *sys.argv])


def arguments():
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/dormouse", help="our program")
    parser.add_argument("--venv", type=Path, default=cache / "dormouse-peers", help="virtual environment of the peers")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.7, help="time of one engine in one round")
    parser.add_argument("--isa", choices=["portable", "avx2", "avx512"], help="our instructions (the best otherwise)")
    parser.add_argument("--openvino", action="store_true", help="OpenVINO in f32 and bf16 as well")
    parser.add_argument("--only", help="networks whose name contains this")
    parser.add_argument("--json", action="store_true", help="last line is one JSON object")
    return parser.parse_args()


def ours(args, file, width, height, threads):
    """Median and memory of one round of our engine; a first call finds the number of frames."""

    def call(frames):
        command = [args.binary, "bench", file, "--backend", "cpu", "--size", f"{width}x{height}", "--threads", threads]
        command += ["--frames", frames, "--json"] + (["--isa", args.isa] if args.isa else [])
        done = subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True)
        return json.loads(done.stdout.splitlines()[-1])

    frames = max(3, round(args.seconds * 1e3 / call(3)["p50_ms"]))
    return lambda: call(frames)["p50_ms"]


def timed(args, run):
    """A round of a peer: median in milliseconds."""
    run()
    start = time.perf_counter()
    run()
    frames = max(3, round(args.seconds / (time.perf_counter() - start)))

    def once():
        times = []
        run()
        for _ in range(frames):
            start = time.perf_counter()
            run()
            times.append((time.perf_counter() - start) * 1e3)
        return statistics.median(times)

    return once


def onnxruntime_round(args, file, image, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    return timed(args, lambda: session.run(None, {"image": image}))


def openvino_round(args, file, image, threads, precision):
    import openvino

    core = openvino.Core()
    model = core.read_model(str(file))
    model.reshape({"image": list(image.shape)})
    settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": precision, "PERFORMANCE_HINT": "LATENCY"}
    request = core.compile_model(model, "CPU", settings).create_infer_request()
    return timed(args, lambda: request.infer({"image": image}))


def compare(args, file, width, height, threads):
    import numpy

    image = numpy.random.default_rng(1).random((1, 1, height, width), dtype=numpy.float32)
    engines = {"ours": ours(args, file, width, height, threads)}
    engines["onnxruntime"] = onnxruntime_round(args, file, image, threads)
    if args.openvino:
        for precision in ("f32", "bf16"):
            engines[f"openvino-{precision}"] = openvino_round(args, file, image, threads, precision)
    rounds = [{name: run() for name, run in engines.items()} for _ in range(args.rounds)]
    row = {"threads": threads, "ours_ms": statistics.median(r["ours"] for r in rounds)}
    for name in list(engines)[1:]:
        ratios = [r[name] / r["ours"] for r in rounds]
        row[name] = {
            "ms": statistics.median(r[name] for r in rounds),
            "ratio": statistics.median(ratios),
            "spread": [min(ratios), max(ratios)],
        }
    return row


def main():
    args = arguments()
    args.venv = args.venv.resolve()
    inside_venv(args.venv, args.openvino)
    from networks import all_networks

    # This file has the name of the package that it imports.
    sys.path[:] = [path for path in sys.path if Path(path).resolve() != HERE]

    rows = []
    for name, file, width, height in all_networks(args.venv / "networks"):
        if args.only and args.only not in name:
            continue
        for threads in args.threads:
            row = {"network": name, **compare(args, file, width, height, threads)}
            rows.append(row)
            peers = [key for key in row if isinstance(row[key], dict)]
            text = "  ".join(
                f"{peer} {row[peer]['ms']:.2f} ms = {row[peer]['ratio']:.2f}x "
                f"({row[peer]['spread'][0]:.2f}-{row[peer]['spread'][1]:.2f})"
                for peer in peers
            )
            print(f"{name:22} {threads} thr  ours {row['ours_ms']:.2f} ms  {text}", file=sys.stderr, flush=True)
    peers = [key for key in rows[0] if isinstance(rows[0][key], dict)]
    geomean = {p: math.exp(statistics.fmean(math.log(r[p]["ratio"]) for r in rows)) for p in peers}
    for peer in peers:
        print(f"{peer}: {geomean[peer]:.2f} times our time in the geometric mean")
    if args.json:
        print(json.dumps({"geomean": geomean, "isa": args.isa or "best", "rows": rows}))


if __name__ == "__main__":
    main()
