"""TensorFlow at its fastest, and without the notes that its C++ code writes to the terminal."""

import contextlib
import os
import sys


@contextlib.contextmanager
def quiet_stderr():
    """Silences file descriptor 2.

    TensorFlow's C++ code writes notes about the processor, absent GPUs and buffer sizes straight
    to it, whatever the environment says; they would bury the first line that a user should read.
    Errors arrive as exceptions all the same.
    """
    sys.stderr.flush()
    terminal = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)


def import_tensorflow():
    """Imports TensorFlow, with Keras on it unless the environment says otherwise, quietly."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    # TensorFlow turns oneDNN's kernels on by itself only where the CPU has AVX-512 instructions;
    # with AVX2 alone they train half as fast again all the same.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    with quiet_stderr():
        import tensorflow as tf

        # Looks for GPUs, which writes its own notes.
        tf.config.list_physical_devices()
