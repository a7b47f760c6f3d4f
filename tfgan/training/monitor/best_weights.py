"""The averaged weights of a run at its best, kept while it goes on."""

import math

import tensorflow as tf


class BestWeights:
    """A copy of a model's averages as they were at the check with the smallest distance so far.

    A part of every checkpoint, so that a run that is resumed knows the best that it knew.

    Args:
        model: an `EMAModel`.

    Attributes:
        state: the part of a checkpoint.
    """

    def __init__(self, model):
        self._averages = [
            weight.value for average, _ in model.ema_pairs() for weight in average.weights
        ]
        self._kept = [tf.Variable(weight, trainable=False) for weight in self._averages]
        self._step = tf.Variable(0, dtype=tf.int64, trainable=False)
        self._distance = tf.Variable(math.inf, dtype=tf.float64, trainable=False)
        self._error = tf.Variable(0.0, dtype=tf.float64, trainable=False)
        self.state = tf.train.Checkpoint(
            weights=self._kept, step=self._step, distance=self._distance, error=self._error
        )

    @property
    def step(self):
        """Of that check; 0 where there was none."""
        return int(self._step)

    @property
    def frechet_distance(self):
        """Of that check; infinite where there was none."""
        return float(self._distance)

    @property
    def error(self):
        """The standard error of the distance."""
        return float(self._error)

    def offer(self, check):
        """Takes the averages as they are, if the `Check` of them is the best so far."""
        if check.frechet_distance >= self.frechet_distance:
            return
        self._step.assign(check.step)
        self._distance.assign(check.frechet_distance)
        self._error.assign(check.error)
        for kept, weight in zip(self._kept, self._averages):
            kept.assign(weight)

    def forget(self):
        """Lets the next check be the best: the distances so far are to other pictures."""
        self._step.assign(0)
        self._distance.assign(math.inf)

    def bring_back(self):
        """Gives the model's averages the weights that are kept."""
        for kept, weight in zip(self._kept, self._averages):
            weight.assign(kept)
