"""The model that the flags of `python -m tfgan.train` ask for, built and compiled."""

import keras

from tfgan import networks
from tfgan.conditions import LabelCondition, TextCondition
from tfgan.models import GAN, VAE, ConditionalGAN
from tfgan.models.adversarial import adam
from tfgan.precision import dtype_policy


def compiled_model(arguments, dataset, precision):
    """A family's model, ready to train.

    Args:
        arguments: what `tfgan.train_arguments.parse` returned.
        dataset: the `ImageDataset` whose pictures it will draw; a cgan's has what it is told.
        precision: "float32" or "bfloat16", what the networks compute in.
    """
    keras.utils.set_random_seed(arguments.seed)
    keras.config.set_dtype_policy(dtype_policy(precision))
    try:
        model = family(arguments, dataset)
    finally:
        keras.config.set_dtype_policy("float32")
    rates = (arguments.learning_rate, arguments.beta_1, arguments.beta_2)
    if arguments.model == "vae":
        model.compile(adam(*rates), likelihood=arguments.likelihood, beta=arguments.beta)
        return model
    model.compile(
        adam(*rates),
        adam(*rates),
        loss=arguments.loss,
        discriminator_steps=arguments.discriminator_steps,
        r1_gamma=arguments.r1_gamma,
        r2_gamma=arguments.r2_gamma,
        gradient_penalty_weight=arguments.gradient_penalty,
        penalty_interval=arguments.penalty_interval,
        augmentation=arguments.augment,
    )
    return model


def family(arguments, dataset):
    """The model of the family and the networks that the arguments name, not yet compiled."""
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
        arguments: what `tfgan.train_arguments.parse` returned.
        image_shape: `(height, width, channels)`.
        generator_told, discriminator_told: their builders' arguments on a condition, dicts.
    """

    def given(*names):
        """The builder's own default counts where a flag was left out."""
        values = {name: getattr(arguments, name) for name in names}
        return {name: value for name, value in values.items() if value is not None}

    generator_told, discriminator_told = dict(generator_told), dict(discriminator_told)
    latent_dim = arguments.latent_dim
    builders = {
        "dense": (networks.dense_generator, networks.dense_discriminator),
        "recurrent": (networks.recurrent_generator, networks.recurrent_discriminator),
    }
    if arguments.networks in builders:
        generator, discriminator = builders[arguments.networks]
        return (
            generator(image_shape, latent_dim, **given("width"), **generator_told),
            discriminator(image_shape, **given("width"), **discriminator_told),
        )
    normalization = None if arguments.normalization == "none" else arguments.normalization
    return (
        networks.convolutional_generator(
            image_shape,
            latent_dim,
            **given("width", "depth", "output_kernel_size"),
            **generator_told,
        ),
        networks.convolutional_discriminator(
            image_shape,
            **given("width", "depth"),
            normalization=normalization,
            **discriminator_told,
        ),
    )
