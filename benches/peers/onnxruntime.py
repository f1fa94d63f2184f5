#!/usr/bin/env python3
"""Times our CPU engine against ONNX Runtime (and OpenVINO) on the same networks, interleaved in one run.

    cargo build --release --workspace --bin dormouse
    benches/peers/onnxruntime.py                      # 1 and 2 threads, the best instructions of the machine
    benches/peers/onnxruntime.py --avx2               # ours held to AVX2
    benches/peers/onnxruntime.py --openvino --rounds 9 --json
    chrt -r 1 benches/peers/onnxruntime.py --only flies --threads 1     # one piece of a quiet measurement

The first call makes a virtual environment outside the repository (--venv) and installs the peers there with pip. Rounds of
the engines take turns, so that a slow moment of the machine meets all of them; the ratio of a row is the median over rounds of
peer / ours, each the median over the frames of a round, and its spread the smallest and largest of these ratios.

Memory is the peak of a fresh process beyond what it has before it reads the network: of ours the program itself, of a peer
Python and the library. Preparation is from the file to the engine that is ready for the first frame.

With --avx2 (or --isa) the instructions of ours are held back. ONNX Runtime cannot be told to leave AVX-512 alone, so that it
keeps it, and the ratio is the smaller for it; OpenVINO is told by ONEDNN_MAX_CPU_ISA.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
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
    parser.add_argument("--avx2", dest="isa", action="store_const", const="avx2", help="the same as --isa avx2")
    parser.add_argument("--openvino", action="store_true", help="OpenVINO in f32 and bf16 as well")
    parser.add_argument("--only", nargs="+", default=[""], help="networks whose name contains one of these")
    parser.add_argument("--json", action="store_true", help="last line is one JSON object")
    args = parser.parse_args()
    if not args.binary.is_file():
        parser.error(f"{args.binary} is not there: build it with cargo build --release --workspace --bin dormouse")
    if args.isa == "avx2":
        os.environ["ONEDNN_MAX_CPU_ISA"] = "AVX2"
    return args


def compare(args, file, width, height, threads):
    """One row: the same network and number of threads in every engine."""
    import numpy
    from engines import PEERS, Ours, Peer

    image = numpy.random.default_rng(1).random((1, 1, height, width), dtype=numpy.float32)
    ours = Ours(args, file, width, height, threads)
    names = [name for name in PEERS if args.openvino or not name.startswith("openvino")]
    peers = {name: Peer(args, name, file, image, threads) for name in names}
    rounds = [{"ours": ours.round(), **{name: peer.round() for name, peer in peers.items()}} for _ in range(args.rounds)]
    row = {
        "threads": threads,
        "isa": ours.found["isa"],
        "ours_ms": statistics.median(r["ours"] for r in rounds),
        "prepare_ms": statistics.median(ours.prepare_ms),
        "memory_mb": (ours.found["process_peak_bytes"] - ours.found["process_start_bytes"]) / 1e6,
    }
    for name, peer in peers.items():
        ratios = [r[name] / r["ours"] for r in rounds]
        memory = peer.memory()
        row[name] = {
            "ms": statistics.median(r[name] for r in rounds),
            "ratio": statistics.median(ratios),
            "spread": [min(ratios), max(ratios)],
            "prepare_ms": statistics.median(peer.prepare_ms),
            "memory_mb": memory["peak_mb"] - memory["imports_mb"],
        }
    return row


def peers_of(row):
    return [key for key in row if isinstance(row[key], dict)]


def line(row):
    """A row of the Markdown table."""
    cells = [row["network"], str(row["threads"]), f"{row['ours_ms']:.2f}"]
    for peer in peers_of(row):
        p = row[peer]
        cells += [f"{p['ms']:.2f}", f"**{p['ratio']:.2f}** ({p['spread'][0]:.2f} to {p['spread'][1]:.2f})"]
    cells += [" / ".join(f"{r['memory_mb']:.0f}" for r in (row, *(row[p] for p in peers_of(row))))]
    cells += [" / ".join(f"{r['prepare_ms']:.0f}" for r in (row, *(row[p] for p in peers_of(row))))]
    return "| " + " | ".join(cells) + " |"


def header(row):
    peers = peers_of(row)
    cells = ["network", "threads", "ours, ms", *(cell for p in peers for cell in (f"{p}, ms", f"{p} / ours"))]
    everyone = " / ".join(["ours", *peers])
    cells += [f"memory, MB: {everyone}", f"preparation, ms: {everyone}"]
    return "| " + " | ".join(cells) + " |\n|" + "---|" * len(cells)


def main():
    args = arguments()
    args.venv = args.venv.resolve()
    inside_venv(args.venv, args.openvino)
    import engines  # noqa: F401 (while this folder is searched)
    from networks import all_networks

    # A file of this folder has the name of a package.
    sys.path[:] = [path for path in sys.path if Path(path).resolve() != HERE]
    rows = []
    for name, file, width, height in all_networks(args.venv / "networks"):
        if not any(part in name for part in args.only):
            continue
        for threads in args.threads:
            rows.append({"network": name, **compare(args, file, width, height, threads)})
            if len(rows) == 1:
                print(header(rows[0]))
            print(line(rows[-1]), flush=True)
    if not rows:
        raise SystemExit("no network has such a name")
    geomean = {p: math.exp(statistics.fmean(math.log(r[p]["ratio"]) for r in rows)) for p in peers_of(rows[0])}
    for peer, ratio in geomean.items():
        print(f"\n{peer} takes {ratio:.2f} times our time in the geometric mean ({rows[0]['isa']}, {len(rows)} rows)")
    if args.json:
        print(json.dumps({"geomean": geomean, "isa": args.isa or "best", "rows": rows}))


if __name__ == "__main__":
    main()
