"""Data sets: a name or a folder in, `tf.data` batches out."""

from tfgan.data.dataset import ImageDataset, load

__all__ = ["ImageDataset", "load"]
