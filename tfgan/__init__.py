"""Image GANs in Keras 3 and TensorFlow 2: trained, measured, exported, served.

The names below are imported when first used, so that `import tfgan` costs nothing.
"""

import importlib
from importlib.metadata import PackageNotFoundError, version

from tfgan.startup.registration import register_when_keras_is_there

try:
    __version__ = version("tfgan")
except PackageNotFoundError:  # A source tree that was never installed.
    __version__ = "unknown"

_HOMES = {
    "GAN": "tfgan.models.gan",
    "ConditionalGAN": "tfgan.models.conditional_gan",
    "VAE": "tfgan.models.vae",
    "Pix2Pix": "tfgan.models.pix2pix",
    "CycleGAN": "tfgan.models.cyclegan",
    "LabelCondition": "tfgan.conditions",
    "TextCondition": "tfgan.conditions",
    "Adam": "tfgan.optimizers",
    "AdversarialLoss": "tfgan.losses",
    "ImageDataset": "tfgan.data",
    "InputError": "tfgan.errors",
    "InverseSquareRootDecay": "tfgan.optimizers",
    "LinearDecay": "tfgan.optimizers",
    "convolutional_discriminator": "tfgan.networks",
    "convolutional_generator": "tfgan.networks",
    "dense_discriminator": "tfgan.networks",
    "dense_generator": "tfgan.networks",
    "encoder_of": "tfgan.networks",
    "export_saved_model": "tfgan.export",
    "label_encoder": "tfgan.networks",
    "load": "tfgan.inference.exported_model",
    "patch_discriminator": "tfgan.networks",
    "recurrent_discriminator": "tfgan.networks",
    "recurrent_generator": "tfgan.networks",
    "residual_generator": "tfgan.networks",
    "text_encoder": "tfgan.networks",
    "unet_generator": "tfgan.networks",
}

__all__ = ["__version__", *_HOMES]

# The classes that a `.keras` file may hold: some of these, and layers.
_SAVED = {
    name: _HOMES[name]
    for name in (
        *("GAN", "ConditionalGAN", "VAE", "Pix2Pix", "CycleGAN", "LabelCondition"),
        *("TextCondition", "Adam", "InverseSquareRootDecay", "LinearDecay"),
    )
} | dict.fromkeys(("SpectralConv2D", "SpectralDense"), "tfgan.networks.spectral")
register_when_keras_is_there(_SAVED)


def __getattr__(name):
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'tfgan' has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *_HOMES])
