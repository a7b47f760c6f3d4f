"""Runs a converted file by its own runtime, in a process that never imports this package.

    python tests/other_runtimes.py FILE LATENTS.npy PICTURES.npy

LATENTS.npy holds float32 [N, D], and PICTURES.npy gets float32 [N, H, W, C], computed in batches
of 1, 3 and the rest.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np


def opened(path):
    """The file's function, written as the runtime's documentation has it."""
    if path.endswith(".keras"):
        import keras

        return keras.saving.load_model(path).predict_on_batch
    if path.endswith(".tflite"):
        from ai_edge_litert.interpreter import Interpreter

        runner = Interpreter(path).get_signature_runner("serving_default")
        return lambda latents: runner(latents=latents)["images"]
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda latents: session.run(["images"], {"latents": latents})[0]


def main(path, latents_path, pictures_path):
    draw = opened(path)
    batches = np.split(np.load(latents_path), [1, 4])
    np.save(pictures_path, np.concatenate([draw(batch) for batch in batches]))
    needless = {"tfgan"} if path.endswith(".keras") else {"tfgan", "tensorflow", "keras"}
    if imported := needless & set(sys.modules):
        raise RuntimeError(f"drawn with {sorted(imported)} imported")


def pictures_of(path, latents, folder):
    """A file's pictures, drawn in a process of its own.

    Args:
        path: of the file.
        latents: float32 [N, D].
        folder: where to put the arrays.
    """
    arrays = Path(folder, "latents.npy"), Path(folder, "pictures.npy")
    np.save(arrays[0], latents)
    command = [sys.executable, __file__, *map(str, (path, *arrays))]
    process = subprocess.run(command, capture_output=True, text=True, errors="replace")
    assert process.returncode == 0, process.stderr
    return np.load(arrays[1])


if __name__ == "__main__":
    main(*sys.argv[1:])
