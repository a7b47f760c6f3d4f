"""The conformance suite with networks that compute in bfloat16, whatever the machine computes best.

Its rows are slow; here each is also trained, resumed, measured and exported step by step.
"""

import numpy as np
import pytest
import tensorflow as tf
from conftest import step_by_operation
from test_conformance import *  # noqa: F403
from test_conformance import FAMILIES, assert_equal, every_value, maker, train, ways_of

from tfgan.export.saved_model import export_saved_model
from tfgan.training.checkpoint import Checkpoints


@pytest.fixture(scope="module")
def precision():
    return "bfloat16"


@pytest.mark.parametrize("row", [pytest.param(*row.values, id=row.id) for row in FAMILIES])
def test_it_trains_resumes_and_exports(row, dataset, tmp_path):
    model, resumed = (maker(row, "bfloat16")() for _ in range(2))
    networks = [getattr(model, name) for name in model.networks]
    assert all("bfloat16" in {layer.compute_dtype for layer in each.layers} for each in networks)
    with step_by_operation():
        train(model, dataset, 1)
        Checkpoints(tmp_path / "checkpoints", model, keep=1).save(0.0)
        train(model, dataset, 1)
        assert Checkpoints(tmp_path / "checkpoints", resumed, keep=1).restore() == 1
        train(resumed, dataset, 1)
        assert_equal(every_value(model), every_value(resumed))
        losses = model.test_step(next(iter(dataset.batches())))
        assert all(np.isfinite(value) for value in losses.values())

    # The exported model answers as the live one does, each signature.
    _, difference = export_saved_model(model, tmp_path / "model")
    assert difference < 1e-6
    for way in ways_of(model):
        images = way.draw(*way.inputs(3))
        assert images.dtype == tf.float32
        # Neither what goes in nor what comes out has been rounded to 8 bits on its way.
        assert not np.array_equal(images, tf.cast(tf.cast(images, tf.bfloat16), tf.float32))
