"""What a request may ask for, checked within the graph of a signature."""

import tensorflow as tf

from tfgan.serving.limits import MAX_FILE_PIXELS, MAX_FILES_PIXELS


def checked_batch(values, spec, most):
    """What a request brings, refused where its shape or its size is none of a signature's.

    A session compares what it is fed with no shape that a signature declares.

    Args:
        values: a tensor whose first dimension is the batch.
        spec: the signature's `tf.TensorSpec` of it.
        most: how long the batch may be; see `tfgan.serving.limits.most_images`.
    """
    values = tf.ensure_shape(values, spec.shape)
    size = tf.shape(values)[0]
    message = f"a request may ask for at most {most:,} images of this model. Received:"
    with tf.control_dependencies([tf.debugging.Assert(size <= most, [message, size])]):
        return tf.identity(values)


def checked_files(files, sizes):
    """Files of images, refused where one of them or all together are too large to be decoded.

    Args:
        files: string [N].
        sizes: of how many pixels each is, int64 [N].
    """
    # So that the sum of many cannot overflow.
    sizes = tf.minimum(sizes, 2**40)
    largest, total = tf.reduce_max(tf.concat([sizes, [0]], axis=0)), tf.reduce_sum(sizes)
    message = "{} may have at most {:,} pixels. Received:"
    checks = [
        tf.debugging.Assert(size <= most, [message.format(subject, most), size])
        for subject, most, size in (
            ("an image file", MAX_FILE_PIXELS, largest),
            ("the image files of a request together", MAX_FILES_PIXELS, total),
        )
    ]
    with tf.control_dependencies(checks):
        return tf.identity(files)


def checked_images(values, spec, most):
    """Images or masks of a request, refused as by `checked_batch` and outside [0, 1]."""
    values = checked_batch(values, spec, most)
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
