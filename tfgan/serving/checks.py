"""What a request may ask for, checked within the graph of a signature."""

import tensorflow as tf

# One request must not exhaust a server's memory.
MAX_PICTURES_PER_REQUEST = 4096


def checked_batch(values, spec):
    """What a request brings, refused where its shape or its size is none of a signature's.

    A session compares what it is fed with no shape that a signature declares.

    Args:
        values: a tensor whose first dimension is the batch.
        spec: the signature's `tf.TensorSpec` of it.
    """
    values = tf.ensure_shape(values, spec.shape)
    size = tf.shape(values)[0]
    message = f"a request may ask for at most {MAX_PICTURES_PER_REQUEST:,} pictures. Received:"
    is_small = tf.debugging.Assert(size <= MAX_PICTURES_PER_REQUEST, [message, size])
    with tf.control_dependencies([is_small]):
        return tf.identity(values)


def checked_pictures(values, spec):
    """Pictures or masks of a request, refused as by `checked_batch` and outside [0, 1]."""
    values = checked_batch(values, spec)
    # Written so that it refuses a NaN as well.
    in_range = tf.reduce_all((values >= 0.0) & (values <= 1.0))
    message = f"{spec.name} must be numbers from 0 to 1. Received up to:"
    is_valid = tf.debugging.Assert(in_range, [message, tf.reduce_max(tf.abs(values))])
    with tf.control_dependencies([is_valid]):
        return tf.identity(values)


def of_one_number(batches, specs):
    """The inputs of a request, refused where one has more rows than another.

    Args:
        batches: a list of tensors.
        specs: their `tf.TensorSpec`s.
    """
    sizes = [tf.shape(batch)[0] for batch in batches]
    message = f"there must be as many {' as '.join(spec.name for spec in specs)}. Received:"
    are_equal = tf.reduce_all(tf.equal(sizes, sizes[0]))
    with tf.control_dependencies([tf.debugging.Assert(are_equal, [message, *sizes])]):
        return [tf.identity(batch) for batch in batches]
