"""The families that `python -m tfgan.train --model` knows. A new one: a file here, and a row.

A family of `tfgan.models` is for the reader of its paper; the one of the same name here, its flags
and what is asked of it around a training, for the user of the command.
"""

from tfgan.families.conditional_gan import ConditionalGAN
from tfgan.families.cyclegan import CycleGAN
from tfgan.families.gan import GAN, PRESETS
from tfgan.families.pix2pix import Pix2Pix
from tfgan.families.vae import VAE

__all__ = ["FAMILIES", "PRESETS"]

FAMILIES = {family.name: family for family in (GAN, ConditionalGAN, VAE, Pix2Pix, CycleGAN)}
