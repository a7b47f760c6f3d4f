"""Layers of spectral norm 1: what makes a discriminator smooth without a penalty."""

import keras
import tensorflow as tf


class SpectralNorm:
    """Makes a Keras layer use kernel / sigma, sigma the largest singular value of its kernel.

    The kernel counts as a matrix W of shape [-1, filters]. sigma = ||W u||, where the unit vector
    u, a weight that is not trained, nears the first right singular vector by one power iteration
    at each call with `training=True`. At first sigma is too small: for random kernels 0.83 of what
    it should be at the first such call, on average, and 0.95 at the fifth. With `training=False`
    nothing changes.

    Gradients take u for a constant, and v = W u / sigma too: they see sigma = v^T W u, whose
    derivative is v u^T. That of ||W u|| is the same.

    `kernel` is the one in use, W / sigma. W itself, the variable that is trained, stays as the
    optimizer leaves it; `keras.layers.SpectralNormalization` overwrites it at each call. A kernel
    of zeros has no norm to divide by and turns into NaNs.

    All is computed in the dtype of the variables: float32 in mixed precision.

    Reference:
        Miyato et al. 2018 (arXiv 1802.05957), equations 8 to 12 and algorithm 1.
    """

    def build(self, input_shape):
        super().build(input_shape)
        # Orthogonal with one column: a random unit vector.
        self.u = self.add_weight(
            name="u",
            shape=(super().kernel.shape[-1], 1),
            initializer="orthogonal",
            trainable=False,
            autocast=False,
        )

    def call(self, inputs, training=False):
        if training:
            self.iterate()
        return super().call(inputs)

    def iterate(self):
        """One power iteration: u becomes W^T W u at length 1."""
        matrix = self.kernel_matrix()
        u = tf.matmul(matrix, tf.matmul(matrix, self.u), transpose_a=True)
        self.u.assign(u / tf.norm(u))

    def kernel_matrix(self):
        """The variable as a matrix W, [-1, filters]."""
        kernel = super().kernel
        return tf.reshape(tf.cast(kernel, self.variable_dtype), (-1, kernel.shape[-1]))

    @property
    def kernel(self):
        """W / sigma in the kernel's own shape; during a call in the layer's compute dtype."""
        kernel = tf.convert_to_tensor(super().kernel)
        matrix = self.kernel_matrix()
        matrix /= tf.norm(tf.matmul(matrix, self.u))
        return tf.cast(tf.reshape(matrix, kernel.shape), kernel.dtype)

    # Keras' own layers save nothing but what they know by name: their kernel and bias.

    def save_own_variables(self, store):
        keras.layers.Layer.save_own_variables(self, store)

    def load_own_variables(self, store):
        keras.layers.Layer.load_own_variables(self, store)


@keras.saving.register_keras_serializable("tfgan")
class SpectralConv2D(SpectralNorm, keras.layers.Conv2D):
    """`keras.layers.Conv2D` with a kernel of spectral norm 1; see `SpectralNorm`.

    The norm is that of the kernel as a matrix, as in the paper; the convolution's own can be
    larger, by at most the root of the number of patches that a pixel is part of.
    """


@keras.saving.register_keras_serializable("tfgan")
class SpectralDense(SpectralNorm, keras.layers.Dense):
    """`keras.layers.Dense` with a kernel of spectral norm 1; see `SpectralNorm`."""
