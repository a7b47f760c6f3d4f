"""Data sets: a name or a folder in, `tf.data` batches out."""

from tfgan.data.captions import Captions
from tfgan.data.dataset import ImageDataset
from tfgan.data.loading import load

__all__ = ["Captions", "ImageDataset", "load"]
