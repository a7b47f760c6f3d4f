"""What a run of `python -m tfgan.train` says of itself before it begins."""

import os

import tensorflow as tf


def plan(arguments, settings, dataset, budget, model, folder, model_folder):
    """What is about to happen, for a person to check.

    Args:
        arguments: what `tfgan.cli.train_flags.parse` returned.
        settings: the run's, with the precision that was resolved.
        dataset: the `ImageDataset`.
        budget: the `Budget`.
        model: the compiled model.
        folder: the `RunFolder`.
        model_folder: where the model will be exported.

    Returns:
        A text of several lines.
    """
    height, width, channels = dataset.image_shape
    gpus = tf.config.list_physical_devices("GPU")
    device = f"{len(gpus)} GPU" if gpus else f"CPU ({os.cpu_count()} cores)"
    if budget.steps is None:
        length = f"{budget.seconds / 60:g} minutes on the clock"
    else:
        length = f"{budget.steps:,} steps ({budget.steps / dataset.steps_per_epoch:.4g} epochs)"
    sizes = ", ".join(
        f"{network} {getattr(model, network).count_params():,} parameters"
        for network in model.networks
    )
    networks = f", {arguments.networks} networks" if "networks" in arguments else ""
    constant_steps = getattr(arguments, "constant_steps", None)
    falling = f" falling from step {constant_steps:,}" if constant_steps else ""
    latents = f"{arguments.latent_dim} latents, " if "latent_dim" in arguments else ""
    lines = {
        "data": f"{dataset.name}: {dataset.num_images:,} pictures of {height}x{width}x{channels}"
        f"{places_of(dataset)}",
        "model": f"{arguments.model}{told_of(arguments)}{networks}: {sizes}",
        "recipe": f"{objective_of(arguments, model)}, batches of {arguments.batch_size}, "
        f"learning rate {arguments.learning_rate:g}{falling}, {latents}seed {arguments.seed}",
        "device": f"{device}, {settings['precision']}",
        "length": length,
        "run": f"{folder.path}",
        "export": f"{model_folder}",
    }
    return "\n".join(f"{title:8}{text}" for title, text in lines.items())


def places_of(dataset):
    """Where the pictures lie, in words; of two data sets by their names."""
    if len(dataset.decoded) == 1:
        return place_of(*dataset.decoded)
    return ": " + "; ".join(f"{each.name}{place_of(each)}" for each in dataset.decoded)


def place_of(dataset):
    """What an `ImageDataset` holds and where it lies, in words."""
    classes = f" in {len(dataset.class_names)} classes" if dataset.class_names else ""
    place = (
        f"{dataset.images.nbytes / 2**30:.1f} GiB cached in {dataset.cache_path}"
        if dataset.cache_path
        else f"{dataset.images.nbytes / 2**20:.1f} MiB in memory"
    )
    corrupt = f", {dataset.num_corrupt} corrupt ones left out" if dataset.num_corrupt else ""
    return f"{classes}, {place}{corrupt}"


def told_of(arguments):
    """What a conditional model is told, in words."""
    return f" of {arguments.condition}" if arguments.model == "cgan" else ""


def objective_of(arguments, model):
    """What a model was compiled to minimise, in words."""
    if arguments.model == "vae":
        return f"{model.likelihood} likelihood, beta {model.beta:g}"
    if arguments.model == "pix2pix":
        return f"{arguments.loss} loss + {model.l1_weight:g} L1"
    if arguments.model == "cyclegan":
        weights = f"{model.cycle_weight:g} cycle + {model.identity_weight:g} identity"
        return f"least_squares loss + {weights}"
    return f"{arguments.loss} loss, {penalties_of(model)}"


def penalties_of(gan):
    """The penalties that a GAN was compiled with, in words."""
    weights = {
        "R1": gan.r1_gamma,
        "R2": gan.r2_gamma,
        "gradient penalty": gan.gradient_penalty_weight,
    }
    terms = [f"{name} {weight:g}" for name, weight in weights.items() if weight]
    if not terms:
        return "no penalty"
    return f"{' + '.join(terms)} every {gan.penalty_interval} steps"
