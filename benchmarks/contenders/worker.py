"""A contender's process: `python -m benchmarks.contenders.worker module.function BATCH_SIZE`.

It speaks JSON, a line at a time: `{"ready": true}` once the contender is built and warm, then for
every `{"steps": n}` that it reads `{"seconds": s, "peak_memory_mb": m}`. It ends with its input,
hence with the process that started it.
"""

import importlib
import json
import os
import resource
import sys
import time

# The first traces the graph; the second finds everything in place.
WARM_UP_STEPS = 2


def peak_memory_mb():
    """The largest resident memory of this process so far, in 10^6 bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def main(target, batch_size):
    """Serves until standard input ends."""
    # Standard output is for answers alone: what libraries print goes to standard error.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(**values):
        print(json.dumps(values), file=answers, flush=True)

    module, function = target.split(".")
    build = getattr(importlib.import_module(f"benchmarks.contenders.{module}"), function)
    run = build(int(batch_size))
    run(WARM_UP_STEPS)
    answer(ready=True)
    for line in sys.stdin:
        steps = json.loads(line)["steps"]
        start = time.perf_counter()
        run(steps)
        seconds = time.perf_counter() - start
        answer(seconds=seconds, peak_memory_mb=peak_memory_mb())


if __name__ == "__main__":
    main(*sys.argv[1:])
