"""How gradients are applied: Adam at the speed of memory, and learning rates that fall."""

import keras
import tensorflow as tf

from tfgan.arguments import require_at_least


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


@keras.saving.register_keras_serializable("tfgan")
class LinearDecay(keras.optimizers.schedules.LearningRateSchedule):
    """A rate that stays for some steps and then falls linearly to 0.

    Args:
        learning_rate: of the first steps.
        constant_steps: steps at that rate, at least 0.
        decay_steps: steps in which it falls to 0, at least 1; it stays there.

    Raises:
        InputError: a rate or a number of steps out of range.

    Reference:
        Zhu et al. 2017 (arXiv 1703.10593), section 7.1: 100 epochs, then another 100.
    """

    def __init__(self, learning_rate, constant_steps, decay_steps):
        super().__init__()
        require_at_least(0, learning_rate=learning_rate, constant_steps=constant_steps)
        require_at_least(1, decay_steps=decay_steps)
        self.learning_rate = learning_rate
        self.constant_steps = constant_steps
        self.decay_steps = decay_steps

    def __call__(self, step):
        """The rate of a step: a scalar integer -> a scalar float32."""
        fallen = (tf.cast(step, tf.float32) - self.constant_steps) / self.decay_steps
        return self.learning_rate * (1.0 - tf.clip_by_value(fallen, 0.0, 1.0))

    def get_config(self):
        return {
            "learning_rate": self.learning_rate,
            "constant_steps": self.constant_steps,
            "decay_steps": self.decay_steps,
        }


@keras.saving.register_keras_serializable("tfgan")
class InverseSquareRootDecay(keras.optimizers.schedules.LearningRateSchedule):
    """A rate that stays for some steps and then falls with the square root of the step.

    It needs no end to fall towards: a run that is trained on goes on as if it had been longer from
    the start.

    Args:
        learning_rate: of the first steps.
        constant_steps: steps at that rate, at least 1; at four times as many it has halved.

    Raises:
        InputError: a rate or a number of steps out of range.

    Reference:
        Vaswani et al. 2017 (arXiv 1706.03762), equation 3, without its warm-up.
    """

    def __init__(self, learning_rate, constant_steps):
        super().__init__()
        require_at_least(0, learning_rate=learning_rate)
        require_at_least(1, constant_steps=constant_steps)
        self.learning_rate = learning_rate
        self.constant_steps = constant_steps

    def __call__(self, step):
        """The rate of a step: a scalar integer -> a scalar float32."""
        share = self.constant_steps / (tf.cast(step, tf.float32) + 1.0)
        return self.learning_rate * tf.minimum(1.0, tf.sqrt(share))

    def get_config(self):
        return {"learning_rate": self.learning_rate, "constant_steps": self.constant_steps}


# At a constant rate the game goes on moving about its end, and averaging the weights does not make
# up for it: see docs/benchmarks.md.
LEARNING_RATE = InverseSquareRootDecay(1e-3, 3000)


def adam(learning_rate=LEARNING_RATE, beta_1=0.0, beta_2=0.99):
    """Adam without momentum, with which both networks of a game regularized by R1 do best.

    Reference: Karras et al. 2018 (arXiv 1710.10196), appendix A.1: beta 0 / 0.99, epsilon 1e-8.
    """
    return Adam(learning_rate, beta_1=beta_1, beta_2=beta_2, epsilon=1e-8)
