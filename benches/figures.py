#!/usr/bin/env python3
"""Measures the figures of the README on this machine and prints them as a Markdown table.

    benches/figures.py                 everything that this machine can measure
    benches/figures.py benches demo    only these parts: benches, demo, flies

Needs the Rust toolchain; `flies` also needs ffmpeg and the labels in ../shared/data/flies. Nothing is installed.
Every row names its command. Times of benches are criterion's median with its 95 % confidence interval.
"""

import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
DATA = ROOT.parent / "shared" / "data" / "flies"
DORMOUSE = ["cargo", "run", "--quiet", "--release", "--bin", "dormouse", "--"]


def run(command):
    """The standard output of a command; its progress stays visible on standard error."""
    print("$", " ".join(map(str, command)), file=sys.stderr)
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def last_json(output):
    return json.loads(output.strip().splitlines()[-1])


def machine():
    model = platform.processor() or platform.machine()
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if os.path.exists("/proc/cpuinfo") else []:
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    flags = pathlib.Path("/proc/cpuinfo").read_text() if os.path.exists("/proc/cpuinfo") else ""
    vector = "AVX-512" if "avx512f" in flags else "AVX2" if "avx2" in flags else "no AVX"
    commit = run(["git", "rev-parse", "--short", "HEAD"]).strip()
    return f"{model}, {os.cpu_count()} cores, {vector}, {platform.system()}, commit {commit}"


def time_text(ns):
    for unit, size in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if ns >= size:
            return f"{ns / size:.3g} {unit}"
    return f"{ns:.3g} ns"


def benches():
    run(["cargo", "bench", "--quiet", "--workspace", "--", "--quiet"])
    for file in sorted((TARGET / "criterion").glob("**/new/estimates.json")):
        median = json.loads(file.read_text())["median"]
        interval = median["confidence_interval"]
        name = "/".join(file.relative_to(TARGET / "criterion").parts[:-2])
        spread = f"{time_text(interval['lower_bound'])} to {time_text(interval['upper_bound'])}"
        yield name, time_text(median["point_estimate"]), spread, "`cargo bench --workspace`"


def accuracy(report):
    return (
        f"mOKS {report['moks']:.3f}, mAP {report['map']:.3f}, error p50 {report['distance']['p50']:.2f} px, "
        f"p90 {report['distance']['p90']:.2f} px, {100 * report['within_3px']:.1f} % of visible parts within 3 px"
    )


def demo():
    with tempfile.TemporaryDirectory() as folder:
        result = last_json(run([*DORMOUSE, "demo", "--json", "--out", f"{folder}/demo"]))
    minutes = f"{result['training_s'] / 60:.1f} min of training, {result['steps']} steps"
    yield "demo, 100 unseen scenes", accuracy(result["test"]), minutes, "`dormouse demo`"


def flies():
    if not DATA.is_dir():
        print(f"{DATA} is not here: no figures of the flies", file=sys.stderr)
        return
    for way in ("bottomup", "topdown"):
        yield from flies_of(way, f"model-zoo/recipes/flies-{way}.toml")


def flies_of(way, recipe):
    with tempfile.TemporaryDirectory() as folder:
        result = last_json(run([*DORMOUSE, "train", recipe, "--json", "--out", f"{folder}/run"]))
        cases = [
            ("20 labelled validation frames", DATA / "flies.val.pkg.slp", DATA / "flies.val.pkg.slp", []),
            ("200 frames of video, against SLEAP's predictions", DATA / "centered_pair.mp4",
             DATA / "centered_pair.predictions.slp", ["--frames", "0-199"]),
        ]
        for name, images, truth, frames in cases:
            found = f"{folder}/found.slp"
            run([*DORMOUSE, "predict", "-m", result["bundle"], images, "-o", found, *frames])
            options = ["--any-instances"] if frames else []
            report = last_json(run([*DORMOUSE, "eval", truth, found, "--json", *options, *frames]))
            yield f"flies {way}, {name}", accuracy(report), f"{result['elapsed_s'] / 60:.1f} min", f"`dormouse train {recipe}`"


def main():
    parts = {"benches": benches, "demo": demo, "flies": flies}
    wanted = sys.argv[1:] or list(parts)
    unknown = [name for name in wanted if name not in parts]
    if unknown:
        sys.exit(f"unknown: {', '.join(unknown)}\n\n{__doc__}")
    rows = [row for name in wanted for row in parts[name]()]
    print(f"Machine: {machine()}\n")
    print("| what | figure | spread or effort | command |\n|---|---|---|---|")
    for row in rows:
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
