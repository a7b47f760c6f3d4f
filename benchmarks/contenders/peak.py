"""What the machine can do: products of large float32 matrices, in TensorFlow."""

import tensorflow as tf

SIDE = 2048
# Additions and multiplications of one product.
PRODUCT_FLOP = 2 * SIDE**3


def build(batch_size):
    """`run`, a step of which is one product of two 2048 x 2048 matrices."""
    del batch_size
    matrices = tf.random.normal((2, SIDE, SIDE))

    @tf.function
    def product(left, right):
        return tf.linalg.matmul(left, right)

    def run(steps):
        for _ in range(steps):
            result = product(matrices[0], matrices[1])
        float(result[0, 0])

    return run
