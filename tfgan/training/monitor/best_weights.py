"""The EMA weights of a run at its best, kept while it goes on."""

import math

import tensorflow as tf


class BestWeights:
    """A copy of a model's EMA weights at the reading with the smallest distance so far.

    A part of every checkpoint, so that a run that is resumed knows the best that it knew.

    Args:
        model: an `EMAModel`.

    Attributes:
        state: the part of a checkpoint.
    """

    def __init__(self, model):
        self._ema_weights = [weight.value for ema, _ in model.ema_pairs() for weight in ema.weights]
        self._best_weights = [tf.Variable(weight, trainable=False) for weight in self._ema_weights]
        self._step = tf.Variable(0, dtype=tf.int64, trainable=False)
        self._distance = tf.Variable(math.inf, dtype=tf.float64, trainable=False)
        self._error = tf.Variable(0.0, dtype=tf.float64, trainable=False)
        self.state = tf.train.Checkpoint(
            weights=self._best_weights, step=self._step, distance=self._distance, error=self._error
        )

    @property
    def step(self):
        """Of that reading; 0 where there was none."""
        return int(self._step)

    @property
    def frechet_distance(self):
        """Of that reading; infinite where there was none."""
        return float(self._distance)

    @property
    def error(self):
        """The standard error of the distance."""
        return float(self._error)

    def update(self, reading):
        """Copies the EMA weights as they are, if the `Reading` of them is the best so far."""
        if reading.frechet_distance >= self.frechet_distance:
            return
        self._step.assign(reading.step)
        self._distance.assign(reading.frechet_distance)
        self._error.assign(reading.error)
        for best, weight in zip(self._best_weights, self._ema_weights):
            best.assign(weight)

    def forget(self):
        """Lets the next reading be the best: the distances so far are to other images."""
        self._step.assign(0)
        self._distance.assign(math.inf)

    def restore(self):
        """Gives the model's EMA networks the best weights."""
        for best, weight in zip(self._best_weights, self._ema_weights):
            weight.assign(best)
