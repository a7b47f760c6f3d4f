"""Learning rates that change from step to step, for any optimizer of Keras."""

import keras
import tensorflow as tf

from tfgan.arguments import require_at_least


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
