"""Pictures of an exported model, to be measured."""

import numpy as np
import tensorflow as tf

BATCH_SIZE = 500


def draw(saved_model, num):
    """The pictures of seeds 0 to `num` - 1, uint8 [num, H, W, C].

    Args:
        saved_model: the folder of one version.
        num: how many.
    """
    model = tf.saved_model.load(str(saved_model))
    pictures = []
    for start in range(0, num, BATCH_SIZE):
        seeds = tf.range(start, min(start + BATCH_SIZE, num), dtype=tf.int64)
        images = model.signatures["from_seeds"](seeds=seeds)["images"]
        pictures.append(np.round(images.numpy() * 255.0).astype(np.uint8))
    return np.concatenate(pictures)
