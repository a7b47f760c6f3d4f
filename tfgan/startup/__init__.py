"""TensorFlow at its fastest, and without the notes that its C++ code writes to the terminal."""

import contextlib
import logging
import os
import sys
import threading

from tfgan.errors import InputError

# Images in a batch up to which an operation is too short to be worth splitting over all cores.
SMALL_BATCH = 16

# The descriptor is the whole process': of several threads that silence it at the same time, the
# first does and the last gives it back.
_lock = threading.Lock()
_num_silencing = 0
_terminal = None


def share_cores(batch_size):
    """Lets two operations of a training step run side by side on half of the cores each.

    With small batches what costs is to split each operation over all cores and to wait for the
    last. The gradients of both networks have plenty that is independent. Without effect once
    TensorFlow is at work; what the environment says already stays.

    Args:
        batch_size: images in a batch; nothing is done for more than `SMALL_BATCH`.
    """
    cores = os.cpu_count() or 1
    if batch_size <= SMALL_BATCH and cores > 1:
        os.environ.setdefault("TF_NUM_INTEROP_THREADS", "2")
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(cores // 2))


@contextlib.contextmanager
def quiet_stderr():
    """Silences file descriptor 2.

    TensorFlow's C++ code writes notes about the processor, absent GPUs and buffer sizes straight
    to it, whatever the environment says; they would bury the first line that a user should read.
    Errors arrive as exceptions all the same.
    """
    global _num_silencing, _terminal
    with _lock:
        if not _num_silencing:
            sys.stderr.flush()
            _terminal = os.dup(2)
            with open(os.devnull, "wb") as nowhere:
                os.dup2(nowhere.fileno(), 2)
        _num_silencing += 1
    try:
        yield
    finally:
        with _lock:
            _num_silencing -= 1
            if not _num_silencing:
                os.dup2(_terminal, 2)
                os.close(_terminal)


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


def start_tensorflow():
    """Imports TensorFlow quietly, and sees to it that Keras, where it comes later, runs on it.

    Raises:
        InputError: Keras is there already, on another backend.
    """
    if "keras" not in sys.modules:
        # A command is a process of its own: whatever else a user's Keras runs on.
        os.environ["KERAS_BACKEND"] = "tensorflow"
    elif (backend := sys.modules["keras"].config.backend()) != "tensorflow":
        raise InputError(
            f"Keras must run on TensorFlow. Received: backend {backend!r}. Set KERAS_BACKEND="
            "tensorflow before Keras is imported"
        )
    keep_logs_quiet()
    import_tensorflow()


def keep_logs_quiet():
    """Keeps TensorFlow's and TFDS' warnings to themselves: what matters arrives as an exception."""
    import absl.logging

    # Of its C++ code, which reads it when it is loaded; 2 leaves errors.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    absl.logging.set_verbosity(absl.logging.ERROR)
