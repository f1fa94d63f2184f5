"""Peak memory of a peer, alone in a fresh process: `memory.py ENGINE FILE WIDTH HEIGHT THREADS`.

Prints one JSON line: megabytes after the imports, and at the peak after preparation and three frames (VmHWM of Linux).
"""

import json
import sys
from pathlib import Path


def megabytes(field):
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024 / 1e6
    raise SystemExit(f"no {field} in /proc/self/status")


if __name__ == "__main__":
    here = Path(__file__).resolve().parent
    import numpy
    import engines

    # A file of this folder has the name of the package.
    sys.path[:] = [path for path in sys.path if Path(path).resolve() != here]
    name, file, width, height, threads = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])
    __import__(name.split("-")[0])
    before = megabytes("VmRSS")
    image = numpy.zeros((1, 1, height, width), numpy.float32)
    run = engines.PEERS[name](file, image, threads)
    for _ in range(3):
        run()
    print(json.dumps({"imports_mb": before, "peak_mb": megabytes("VmHWM")}))
