"""The model that the flags of `python -m tfgan.train` ask for, built and compiled."""

import keras

from tfgan import networks
from tfgan.conditions import LabelCondition, TextCondition
from tfgan.errors import InputError
from tfgan.models import GAN, VAE, ConditionalGAN, CycleGAN, Pix2Pix
from tfgan.models.adversarial import adam
from tfgan.networks.precision import computing_in
from tfgan.optimizers import InverseSquareRootDecay, LinearDecay
from tfgan.training.budget import budget_of


def compiled_model(arguments, dataset, precision):
    """A family's model, ready to train.

    Args:
        arguments: what `tfgan.cli.train_flags.parse` returned.
        dataset: the `ImageDataset` whose pictures it will draw; a cgan's has what it is told.
        precision: "float32" or "bfloat16", what the networks compute in.
    """
    keras.utils.set_random_seed(arguments.seed)
    with computing_in(precision):
        model = family(arguments, dataset)
    rate, betas = arguments.learning_rate, (arguments.beta_1, arguments.beta_2)
    if arguments.model == "vae":
        model.compile(adam(rate, *betas), likelihood=arguments.likelihood, beta=arguments.beta)
        return model
    if arguments.model in ("pix2pix", "cyclegan"):
        compile_translation(model, arguments, dataset)
        return model
    if arguments.constant_steps is not None:
        rate = InverseSquareRootDecay(rate, arguments.constant_steps)
    model.compile(
        adam(rate, *betas),
        adam(rate, *betas),
        loss=arguments.loss,
        discriminator_steps=arguments.discriminator_steps,
        r1_gamma=arguments.r1_gamma,
        r2_gamma=arguments.r2_gamma,
        gradient_penalty_weight=arguments.gradient_penalty,
        penalty_interval=arguments.penalty_interval,
        augmentation=arguments.augment,
    )
    return model


def compile_translation(model, arguments, dataset):
    """Compiles a model from pictures to pictures."""
    rate = arguments.learning_rate
    if arguments.decay_steps is not None:
        steps = budget_of(arguments, dataset).steps
        if arguments.decay_steps > steps:
            raise InputError(
                f"--decay-steps must be at most the {steps} steps of the run. "
                f"Received: {arguments.decay_steps}"
            )
        rate = LinearDecay(rate, steps - arguments.decay_steps, arguments.decay_steps)
    optimizers = [adam(rate, arguments.beta_1, arguments.beta_2) for _ in range(2)]
    if arguments.model == "pix2pix":
        model.compile(*optimizers, loss=arguments.loss, l1_weight=arguments.l1_weight)
    else:
        model.compile(
            *optimizers,
            cycle_weight=arguments.cycle_weight,
            identity_weight=arguments.identity_weight,
        )


def family(arguments, dataset):
    """The model of the family and the networks that the arguments name, not yet compiled."""
    if arguments.model == "pix2pix":
        return pix2pix(arguments, dataset)
    if arguments.model == "cyclegan":
        return cyclegan(arguments, dataset)
    image_shape, seed = dataset.image_shape, arguments.seed
    if arguments.model == "vae":
        generator, discriminator = players(arguments, image_shape)
        return VAE(networks.encoder_of(discriminator, arguments.latent_dim), generator, seed=seed)
    if arguments.model == "gan":
        return GAN(*players(arguments, image_shape), seed=seed)
    condition = condition_of(arguments.condition, dataset)
    # Each player has an encoder of its own.
    told = [
        {"condition": condition.encoder(), "conditioning": arguments.conditioning} for _ in range(2)
    ]
    return ConditionalGAN(*players(arguments, image_shape, *told), condition, seed=seed)


def pix2pix(arguments, dataset):
    """A U-Net and a discriminator of patches for the pairs of a `TransformedDataset`."""
    shape = dataset.image_shape
    channels = dataset.condition_shape[-1] + dataset.has_mask
    return Pix2Pix(
        networks.unet_generator(shape, channels, **given(arguments, "width", "depth")),
        networks.patch_discriminator(shape, channels, **given(arguments, "width")),
        masked=dataset.has_mask,
        seed=arguments.seed,
    )


def cyclegan(arguments, dataset):
    """Two residual generators and two discriminators for an `UnpairedDataset`."""
    width = given(arguments, "width")
    players = [networks.residual_generator(dataset.image_shape, **width) for _ in range(2)]
    players += [networks.patch_discriminator(dataset.image_shape, **width) for _ in range(2)]
    return CycleGAN(*players, seed=arguments.seed)


def condition_of(kind, dataset):
    """What a conditional model of a data set can be told.

    Args:
        kind: "label", "attributes" or "text".
        dataset: an `ImageDataset` that has them.
    """
    if kind == "text":
        return TextCondition.of(dataset.captions.table)
    if kind == "attributes":
        names = {name: list(categories) for name, categories in dataset.attribute_names.items()}
        return LabelCondition([len(categories) for categories in names.values()], names)
    return LabelCondition(len(dataset.class_names), list(dataset.class_names))


def players(arguments, image_shape, generator_told=(), discriminator_told=()):
    """The generator and the discriminator that the arguments ask for.

    Args:
        arguments: what `tfgan.cli.train_flags.parse` returned.
        image_shape: `(height, width, channels)`.
        generator_told, discriminator_told: their builders' arguments on a condition, dicts.
    """
    generator_told, discriminator_told = dict(generator_told), dict(discriminator_told)
    latent_dim = arguments.latent_dim
    builders = {
        "dense": (networks.dense_generator, networks.dense_discriminator),
        "recurrent": (networks.recurrent_generator, networks.recurrent_discriminator),
    }
    if arguments.networks in builders:
        generator, discriminator = builders[arguments.networks]
        return (
            generator(image_shape, latent_dim, **given(arguments, "width"), **generator_told),
            discriminator(image_shape, **given(arguments, "width"), **discriminator_told),
        )
    normalization = None if arguments.normalization == "none" else arguments.normalization
    rungs = ("depth", "kernel_size", "stride", "activation")
    return (
        networks.convolutional_generator(
            image_shape,
            latent_dim,
            **given(arguments, "width", "output_kernel_size", *rungs),
            **generator_told,
        ),
        networks.convolutional_discriminator(
            image_shape,
            **given(arguments, "width", *rungs),
            normalization=normalization,
            **discriminator_told,
        ),
    )


def given(arguments, *names):
    """The arguments of a builder that were given: where a flag was left out its default counts."""
    values = {name: getattr(arguments, name) for name in names}
    return {name: value for name, value in values.items() if value is not None}
