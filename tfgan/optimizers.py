"""Adam at the speed of memory."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("tfgan")
class Adam(keras.optimizers.Adam):
    """`keras.optimizers.Adam` with each variable's update as one operation in place of twelve.

    The arithmetic is the same. An update is bound by memory, and Keras' own goes over the gradient
    and both moments again for every operation in it, which takes some hundredths of a small
    network's step.

    Reference: Kingma and Ba 2015 (arXiv 1412.6980), algorithm 1 in the form at the end of
    section 2.
    """

    def update_step(self, gradient, variable, learning_rate):
        # The one operation takes its numbers in one dtype, and they are float32 here.
        if self.amsgrad or variable.dtype != "float32":
            super().update_step(gradient, variable, learning_rate)
            return
        index = self._get_variable_index(variable)
        beta_1, beta_2 = tf.constant(self.beta_1), tf.constant(self.beta_2)
        step = tf.cast(self.iterations, tf.float32) + 1.0
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=beta_1**step,
            beta2_power=beta_2**step,
            lr=tf.cast(learning_rate, tf.float32),
            beta1=beta_1,
            beta2=beta_2,
            epsilon=self.epsilon,
            grad=gradient,
        )
