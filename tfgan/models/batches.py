"""What `fit` is given, as the dict that a training step takes, or refused in words.

What a family wants is a dict from names to `tf.TensorSpec`s: images are float32, and what else
there is has the dtype of its condition.
"""

import collections.abc
import os
import re
import warnings

import tensorflow as tf

from tfgan.errors import InputError

# By which rounding may leave the range.
TOLERANCE = 1e-3
# Of images, and of the masks of what is to be filled.
PIXELS = (-1.0, 1.0)
MASKS = (0.0, 1.0)


def dealt(data, steps, steps_name):
    """Data for one pass over it, and the number of batches in it.

    Args:
        data: whatever `fit` takes; or an `ImageDataset` or the like, which deals out its batches.
        steps: batches to take, or None for all.
        steps_name: what the caller calls `steps`.

    Returns:
        `(data, steps)`.

    Raises:
        InputError: there is no end of the batches.
    """
    if hasattr(data, "batches") and hasattr(data, "steps_per_epoch"):
        return data.batches(), steps or data.steps_per_epoch
    if isinstance(data, (str, os.PathLike)):
        raise InputError(
            "images must be batches, arrays or a data set, such as "
            f"tfgan.data.load({str(data)!r}). Received: {data!r}"
        )
    if isinstance(data, collections.abc.Iterator):
        # Keras takes tuples alone, out of nothing but generators.
        return (each if isinstance(each, tuple) else (each,) for each in data), steps
    if isinstance(data, tf.data.Dataset):
        is_endless = data.cardinality() == tf.data.INFINITE_CARDINALITY
    else:
        # Of a `keras.utils.PyDataset`.
        is_endless = getattr(data, "num_batches", 0) is None
    if is_endless and steps is None:
        raise InputError(
            f"these batches never end: pass {steps_name}, such as {steps_name}="
            "digits.steps_per_epoch, or the data set itself. Received: None"
        )
    return data, steps


def as_dict(data, wanted):
    """A batch as a dict.

    Args:
        data: a dict; a tensor, where one is wanted; or a tuple of those that are wanted, in that
            order, as Keras makes of `fit(x, y)`. Where one is wanted, a second is left out: the
            labels, which data sets come with. Beside a dict, the second is what that lacks.
        wanted: the specs by their names.

    Raises:
        InputError: anything else, weights of samples among it.
    """
    names = list(wanted)
    parts = list(data) if isinstance(data, (tuple, list)) else [data]
    if len(parts) == 1 and isinstance(parts[0], (tuple, list)):
        # As Keras makes of `fit([x, y])`.
        parts = list(parts[0])
    # Keras fills up with None what it was not given.
    while parts and parts[-1] is None:
        del parts[-1]
    if parts and isinstance(parts[0], dict):
        batch = parts[0]
        lacking = [name for name in names if name not in batch]
        if len(parts) == 2 and len(lacking) == 1:
            return {**batch, lacking[0]: parts[1]}
        if len(parts) <= 2 and not lacking:
            return batch
    elif len(parts) in (len(names), 2 if len(names) == 1 else 0) and len(names) <= 2:
        return dict(zip(names, parts))
    quoted = [f"'{name}'" for name in names]
    in_order = f", or a tuple of {len(names)} in this order" if len(names) == 2 else ""
    raise InputError(
        f"a batch must be a dict with {' and '.join(quoted)}{in_order}. "
        f"Received: {_described(parts)}"
    )


def _described(parts):
    if len(parts) == 3 and not isinstance(parts[2], dict):
        return "a tuple of 3, of which Keras takes the last for sample_weight, which is not used"
    if len(parts) != 1:
        return f"a tuple of {len(parts)}"
    if isinstance(parts[0], dict):
        return f"a dict with {', '.join(repr(name) for name in parts[0]) or 'nothing'}"
    return f"{type(parts[0]).__name__} of shape {getattr(parts[0], 'shape', 'unknown')}"


def checked(data, wanted, step=None, or_else_as_it_is=False):
    """A batch as a training step takes it.

    Args:
        data: as in `as_dict`. Images may be uint8 in [0, 255], a last axis of length 1 may be
            missing or in excess.
        wanted: the specs by their names.
        step: the model's, by which the first batch alone is warned of; None for no warning.
        or_else_as_it_is: return data of another structure unchecked.

    Returns:
        The dict. Of what is wanted, tensors of the wanted shapes: images float32, of which those
        out of range become an InvalidArgumentError, which `InOneLine` takes; others as they were.

    Raises:
        InputError: a wrong structure, shape or dtype.
    """
    try:
        batch = dict(as_dict(data, wanted))
    except InputError:
        if or_else_as_it_is:
            return data
        raise
    for name, spec in wanted.items():
        tensor = _shaped(name, _typed(name, batch[name], spec), spec)
        if _is_of_images(spec):
            tensor = _within_range(name, tensor, step)
        batch[name] = tensor
    return batch


def _is_of_images(spec):
    return spec.dtype == tf.float32 and spec.shape.rank == 4


def _typed(name, values, spec):
    """A tensor of a dtype that can be meant."""
    try:
        tensor = tf.convert_to_tensor(values)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{name} must be a tensor of shape {_shape(spec)}. Received: {type(values).__name__}"
        ) from error
    is_mask = name == "mask"
    if _is_of_images(spec):
        if tensor.dtype.is_floating:
            return tf.cast(tensor, tf.float32)
        if tensor.dtype == tf.uint8 and not is_mask:
            return tf.cast(tensor, tf.float32) / 127.5 - 1.0
        if tensor.dtype == tf.bool and is_mask:
            return tf.cast(tensor, tf.float32)
        kinds = "float in [0, 1], or bool" if is_mask else "float in [-1, 1], or uint8 in [0, 255]"
    elif tensor.dtype == spec.dtype or (tensor.dtype.is_integer and spec.dtype.is_integer):
        return tensor
    elif tensor.dtype.is_floating and spec.dtype.is_floating:
        return tf.cast(tensor, spec.dtype)
    else:
        kinds = "integers" if spec.dtype.is_integer else spec.dtype.name
    raise InputError(f"{name} must be {kinds}. Received: {tensor.dtype.name}")


def _shaped(name, tensor, spec):
    """The tensor, with a last axis of length 1 more or less where that is what is wanted."""
    received = tensor
    if tensor.shape.rank is not None:
        if tensor.shape.rank == spec.shape.rank - 1 and spec.shape[-1] == 1:
            tensor = tensor[..., None]
        elif tensor.shape.rank == spec.shape.rank + 1 and tensor.shape[-1] == 1:
            tensor = tf.squeeze(tensor, axis=-1)
    rule = f"{name} must be of shape {_shape(spec)}. Received:"
    if not spec.shape.is_compatible_with(tensor.shape):
        raise InputError(f"{rule} {received.shape}")
    if not tensor.shape[1:].is_fully_defined():
        sides, wanted = tf.shape(tensor), [-1 if side is None else side for side in spec.shape]
        is_right = (tf.rank(tensor) == len(wanted)) & tf.reduce_all(
            (sides == wanted) | tf.less(wanted, 0)
        )
        check = tf.debugging.Assert(is_right, [rule, tf.shape(received)], 9)
        with tf.control_dependencies([check]):
            tensor = tf.identity(tensor)
        tensor.set_shape(spec.shape)
    return tensor


def _shape(spec):
    return f"[{', '.join(['N', *map(str, spec.shape[1:])])}]"


def _within_range(name, images, step):
    """The images, of which those out of range fail; the first that might be in [0, 1] warn."""
    low, high = MASKS if name == "mask" else PIXELS
    lowest, highest = tf.reduce_min(images), tf.reduce_max(images)
    # Asked this way round, a NaN passes: the loss that it makes is refused by its name.
    is_outside = (lowest < low - TOLERANCE) | (highest > high + TOLERANCE)
    rule = f"{name} must be in [{low:g}, {high:g}]"
    if low < 0:
        rule += ", such as x / 127.5 - 1 of pixels in [0, 255]"
    checks = [tf.debugging.Assert(~is_outside, [f"{rule}. Received: from", lowest, "to", highest])]
    if step is not None and low < 0:
        is_suspect = (tf.cast(step, tf.int64) == 0) & (lowest >= 0) & ~is_outside
        checks.append(
            tf.cond(
                is_suspect,
                lambda: tf.numpy_function(_warner(name), [], [], stateful=True),
                tf.no_op,
            )
        )
    with tf.control_dependencies(checks):
        return tf.identity(images)


def _warner(name):
    def warn():
        warnings.warn(
            f"nothing in the first batch's {name!r} is below 0, and [-1, 1] is what is trained "
            "on: where yours are in [0, 1], pass 2 * x - 1",
            stacklevel=2,
        )

    return warn


class InOneLine:
    """A function whose failed assertions about what it is given become `InputError`s.

    TensorFlow's own error has some forty lines around the one that says what was wrong.

    Args:
        function: the function, whose attributes this has as well.
    """

    def __init__(self, function):
        self._function = function

    def __getattr__(self, name):
        return getattr(object.__getattribute__(self, "_function"), name)

    def __call__(self, *args):
        try:
            return self._function(*args)
        except tf.errors.InvalidArgumentError as error:
            # The first is a graph's message, the second that of operations by themselves.
            in_graph = re.search(r"assertion failed: \[(.*)\]", error.message)
            by_itself = re.search(r"Summarized data: b'(.*)", error.message, re.DOTALL)
            if in_graph:
                parts = in_graph[1].split("] [")
            elif by_itself:
                parts = re.split(r"'?\n(?:b')?", by_itself[1].strip())
            else:
                raise
        raise InputError(" ".join(parts))
