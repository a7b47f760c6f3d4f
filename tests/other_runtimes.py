"""Runs a converted file by its own runtime, in a process that never imports this package.

    python tests/other_runtimes.py FILE INPUTS.npz PICTURES.npy

INPUTS.npz holds what the file takes, such as `latents` float32 [N, D], by its names, and
PICTURES.npy gets float32 [N, H, W, C], computed in batches of 1, 3 and the rest.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np


def opened(path):
    """The file's function, written as the runtime's documentation has it."""
    if path.endswith(".keras"):
        import keras

        model = keras.saving.load_model(path)

        def predict(**inputs):
            first, *others = inputs.values()
            return model.predict_on_batch([first, *others] if others else first)

        return predict
    if path.endswith(".tflite"):
        from ai_edge_litert.interpreter import Interpreter

        runner = Interpreter(path).get_signature_runner("serving_default")
        return lambda **inputs: runner(**inputs)["images"]
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda **inputs: session.run(None, inputs)[0]


def main(path, inputs_path, images_path):
    draw = opened(path)
    with np.load(inputs_path) as inputs:
        split = {name: np.split(inputs[name], [1, 4]) for name in inputs}
    batches = [dict(zip(split, arrays)) for arrays in zip(*split.values())]
    np.save(images_path, np.concatenate([draw(**batch) for batch in batches]))
    needless = {"tfgan"} if path.endswith(".keras") else {"tfgan", "tensorflow", "keras"}
    if imported := needless & set(sys.modules):
        raise RuntimeError(f"drawn with {sorted(imported)} imported")


def images_of(path, folder, **inputs):
    """A file's images, drawn in a process of its own.

    Args:
        path: of the file.
        folder: where to put the arrays.
        **inputs: what the file takes: arrays by their names.
    """
    arrays = Path(folder, "inputs.npz"), Path(folder, "images.npy")
    np.savez(arrays[0], **inputs)
    command = [sys.executable, __file__, *map(str, (path, *arrays))]
    process = subprocess.run(command, capture_output=True, text=True, errors="replace")
    assert process.returncode == 0, process.stderr
    return np.load(arrays[1])


if __name__ == "__main__":
    main(*sys.argv[1:])
