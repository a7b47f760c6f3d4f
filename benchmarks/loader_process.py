"""The far end of `benchmarks.serving`: times calls of TensorFlow's C++ loader, without TensorFlow.

    python benchmarks/loader_process.py SAVED_MODEL_DIR

Takes a line of JSON with `signature`, `batch_size`, `latent_dim` and `calls`; answers with a line,
the seconds of each call.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import cpp_loader


def main(folder):
    model = cpp_loader.Model(folder)
    for line in sys.stdin:
        order = json.loads(line)
        inputs = {"seeds": np.arange(order["batch_size"])}
        if order["signature"] == "serving_default":
            shape = (order["batch_size"], order["latent_dim"])
            inputs = {"latents": np.random.default_rng(0).normal(size=shape).astype("float32")}
        seconds = []
        for _ in range(order["calls"]):
            start = time.perf_counter()
            model.run(order["signature"], inputs)
            seconds.append(time.perf_counter() - start)
        print(json.dumps(seconds), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
