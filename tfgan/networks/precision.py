"""Which floating-point numbers a run computes in."""

import contextlib
from pathlib import Path

from tfgan.startup import import_tensorflow

# Keras' policies of float32 weights that compute in less.
MIXED_POLICIES = ("mixed_bfloat16", "mixed_float16")

# bfloat16 matrix products in hardware; without one of these, oneDNN rounds and unpacks in software.
_CPU_FLAGS = {"avx512_bf16", "amx_bf16"}
_GPU_COMPUTE_CAPABILITY = (8, 0)


def resolved(precision):
    """What `auto` stands for on this machine; any other precision is returned as it is.

    Args:
        precision: one of `tfgan.names.PRECISIONS`.

    Returns:
        "float32" or "bfloat16".
    """
    if precision != "auto":
        return precision
    return "bfloat16" if device_has_bfloat16() else "float32"


def dtype_policy(precision):
    """The Keras dtype policy under which networks of this precision are built.

    Weights are float32 in both; so are logits and images, hence losses.

    Args:
        precision: "float32" or "bfloat16".

    Returns:
        The policy's name.
    """
    return {"float32": "float32", "bfloat16": "mixed_bfloat16"}[precision]


@contextlib.contextmanager
def computing_in(precision):
    """Builds networks of a precision, whatever the policy of the session is, which stays.

    Args:
        precision: "float32" or "bfloat16".
    """
    import keras

    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(dtype_policy(precision))
    try:
        yield
    finally:
        keras.config.set_dtype_policy(policy)


def device_has_bfloat16():
    """Whether the device that will train, the first GPU or else the CPU, computes in bfloat16."""
    import_tensorflow()
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        details = tf.config.experimental.get_device_details(gpus[0])
        return details.get("compute_capability", (0, 0)) >= _GPU_COMPUTE_CAPABILITY
    return cpu_has_bfloat16()


def cpu_has_bfloat16():
    """Whether the CPU computes in bfloat16; TensorFlow is not imported to find out."""
    return bool(_CPU_FLAGS & cpu_flags())


def cpu_flags(cpuinfo="/proc/cpuinfo"):
    """The CPU's features, a set of names; empty where the system does not list them."""
    try:
        lines = Path(cpuinfo).read_text().splitlines()
    except OSError:
        return set()
    flags = [line.partition(":")[2] for line in lines if line.startswith("flags")]
    return set(flags[0].split()) if flags else set()
