"""Draws pictures from a SavedModel, here or on a server: out of seeds, or out of pictures."""

import sys

from tfgan.cli.generate_flags import parse
from tfgan.cli.parser import run
from tfgan.cli.sampling_flags import is_rejecting
from tfgan.errors import InputError
from tfgan.export import saved_models
from tfgan.inference import image_files, serving_client
from tfgan.startup import start_tensorflow

BATCH_SIZE = 64


def generate(arguments):
    """Draws what the arguments ask for; returns the exit status."""
    model = arguments.model
    if not serving_client.is_url(model):
        model = saved_models.find(model)
    if arguments.input:
        image_files.translate(model, arguments)
        return 0
    if arguments.format == "png-folder" and arguments.out.is_dir() and any(arguments.out.iterdir()):
        raise InputError(f"--out {arguments.out} is not empty: pass a new folder")

    import numpy as np

    latents = None
    if arguments.latents:
        latents = latents_in(arguments.latents)
        arguments.num = len(latents)
    seeds = np.arange(arguments.seed, arguments.seed + arguments.num, dtype=np.int64)
    in_turn = {}
    if arguments.label:
        in_turn["labels"] = numbers_of(arguments.label, model)
    if arguments.text:
        in_turn["texts"] = np.array(arguments.text)
    told = {name: each[np.arange(arguments.num) % len(each)] for name, each in in_turn.items()}
    if is_rejecting(arguments):
        kept = kept_of(model, in_turn, arguments)
        pixels, seeds = kept.images, kept.seeds
        print(
            f"kept {len(seeds):,} of {kept.num_candidates:,} candidates "
            f"({len(seeds) / kept.num_candidates:.0%}), the seeds {seeds.min()} to {seeds.max()}"
        )
    elif arguments.interpolate or arguments.latents:
        start_tensorflow()
        from tfgan.inference import animation

        pixels = (
            animation.drawn(model, latents, told)
            if arguments.latents
            else animation.walk(model, seeds, told)
        )
    else:
        pixels = pictures_of(model, seeds, told, arguments.truncation)
    write(pixels, seeds, arguments)
    print(f"{len(pixels)} pictures of {model} -> {arguments.out}")
    return 0


def latents_in(path):
    """The vectors in a .json, .npy or .npz file, float [N, D].

    Raises:
        InputError: there are none.
    """
    import json

    import numpy as np

    try:
        if path.suffix == ".json":
            latents = np.array(json.loads(path.read_text()), np.float32)
        else:
            loaded = np.load(path)
            latents = np.asarray(loaded["latents"] if path.suffix == ".npz" else loaded, np.float32)
    # On damaged files zipfile and zlib raise exceptions of their own.
    except Exception as error:
        raise InputError(f"no latents in --latents {path}: {error}") from error
    if latents.ndim != 2 or not len(latents) or not np.isfinite(latents).all():
        raise InputError(
            f"--latents {path} must hold a list of vectors of finite numbers. Received: an array "
            f"of the shape {latents.shape}"
        )
    return latents


def numbers_of(asked, model):
    """Labels as signatures take them.

    Args:
        asked: a list with a list of strings for each label: numbers, or names that the model's
            card tells.
        model: a SavedModel's folder, or an address, where only numbers are understood.

    Returns:
        int32 [L], or [L, A] where the labels have several parts.

    Raises:
        InputError: a name is not the model's.
    """
    import numpy as np

    from tfgan.export import model_card

    if all(part.isdecimal() for label in asked for part in label):
        numbers = [[int(part) for part in label] for label in asked]
    else:
        names = None if serving_client.is_url(str(model)) else model_card.names_of_labels(model)
        if names is None:
            raise InputError(f"{model} tells no names of its labels: pass --label their numbers")
        if len(names) != len(asked[0]):
            raise InputError(
                f"{model} takes {len(names)} attributes, separated by colons: {', '.join(names)}. "
                f"Received: {':'.join(asked[0])}"
            )
        numbers = [
            [number_of(part, *item) for part, item in zip(label, names.items())] for label in asked
        ]
    if any(number > np.iinfo(np.int32).max for label in numbers for number in label):
        raise InputError(f"--label must be the numbers of classes. Received: {asked}")
    array = np.array(numbers, np.int32)
    return array[:, 0] if array.shape[1] == 1 else array


def number_of(part, attribute, names):
    """The number of a category that is asked for by its name or its number."""
    if part.isdecimal():
        return int(part)
    if part in names:
        return names.index(part)
    raise InputError(f"there is no {attribute} {part!r}, but {', '.join(names)}")


def kept_of(model, in_turn, arguments):
    """Pictures that pass `--keep-fraction` or `--max-risk`, a `rejection_sampling.Kept`.

    Args:
        model: a SavedModel's folder.
        in_turn: what a conditional model is told, a dict such as `{"labels": int32 [L]}`.
        arguments: what `parse` returned.
    """
    import numpy as np

    draw = load(model, arguments.truncation)
    first = {name: values[:1] for name, values in in_turn.items()}
    shape = draw(np.array([arguments.seed], np.int64), **first).shape[1:]

    from tfgan.export import model_card
    from tfgan.inference import rejection
    from tfgan.metrics.extractors import extractor_for

    train, test = rejection.trained_on(model, shape, arguments.dataset, arguments.data_dir)
    keeps = rejection.keeper_for(
        draw,
        model_card.inputs_of_seeds(model),
        train,
        extractor_for("auto", train, test),
        keep_fraction=arguments.keep_fraction,
        max_risk=arguments.max_risk,
    )
    return rejection.draw_kept(draw, keeps, arguments.seed, arguments.num, in_turn)


def pictures_of(model, seeds, told=None, truncation=None):
    """Draws with a model, under a progress bar.

    Args:
        model: a SavedModel's folder, or the address of a model at a server.
        seeds: int64 [N].
        told: what a conditional model is told, a dict such as `{"labels": int32 [N]}`.
        truncation: see `load`.

    Returns:
        uint8 [N, H, W, C].

    Raises:
        InputError: the model cannot be loaded or reached, or takes something else.
    """
    import numpy as np
    from tqdm import tqdm

    draw = (
        serving_client.load(model) if serving_client.is_url(str(model)) else load(model, truncation)
    )
    with tqdm(total=len(seeds), unit="picture", delay=1) as progress:
        batches = []
        for start in range(0, len(seeds), BATCH_SIZE):
            batch = slice(start, start + BATCH_SIZE)
            named = {name: values[batch] for name, values in (told or {}).items()}
            batches.append(draw(seeds[batch], **named))
            progress.update(len(batches[-1]))
    return np.concatenate(batches)


def load(folder, truncation=None):
    """A function from seeds int64 [N], and what else is told, to pictures uint8 [N, H, W, C].

    Args:
        folder: a SavedModel's.
        truncation: what the seeds' latents are multiplied by, as `tfgan.latent.paths.truncated`
            does it; None leaves them.

    Raises:
        InputError: the model cannot be loaded, or draws from something else; and in the function,
            if it is told something else.
    """
    start_tensorflow()
    if truncation is not None:
        return load_truncated(folder, truncation)
    import tensorflow as tf

    from tfgan.plotting import to_uint8
    from tfgan.serving.limits import images_by
    from tfgan.startup import quiet_stderr

    model = saved_models.load(folder)
    if "from_seeds" not in model.signatures:
        default = model.signatures.get("serving_default")
        if default and "images" in default.structured_input_signature[1]:
            raise InputError(
                f"{folder} makes pictures out of pictures: give it some by tfgan.generate --input"
            )
        raise InputError(
            f"{folder} has no signature from_seeds. Its signatures: {', '.join(model.signatures)}"
        )
    signature = model.signatures["from_seeds"]
    images = images_by(signature)
    specs = signature.structured_input_signature[1]

    # The closure keeps the model: its functions die with it.
    def draw(seeds, **told):
        if specs.keys() != {"seeds", *told}:
            raise InputError(what_is_taken(folder, specs))
        if not all(specs[name].shape.is_compatible_with(told[name].shape) for name in told):
            wanted, given = (
                ", ".join(f"{name} {side[name].shape}" for name in told) for side in (specs, told)
            )
            raise InputError(f"{folder} takes {wanted}. Received: {given}")
        inputs = {"seeds": seeds} | told
        tensors = {name: tf.constant(values, specs[name].dtype) for name, values in inputs.items()}
        try:
            # TensorFlow writes a failed check to the terminal besides raising it.
            with quiet_stderr():
                return to_uint8(images(**tensors))
        except tf.errors.InvalidArgumentError as error:
            raise InputError(f"{folder}: {saved_models.asserted(error.message)}") from error

    return draw


def load_truncated(folder, truncation):
    """`load`, of a model that has latents."""
    from tfgan.latent.generator import LatentGenerator
    from tfgan.latent.paths import truncated
    from tfgan.plotting import to_uint8

    generator = LatentGenerator.load(folder)

    def draw(seeds, **told):
        latents = truncated(generator.latents(seeds), truncation)
        return to_uint8(generator.draw(latents, generator.told_by_name(told)))

    return draw


def what_is_taken(folder, names):
    """What to say of a model that is told too little, too much or something else."""
    if "labels" in names:
        return f"{folder} draws what it is told: pass --label, such as --label 0 or --label 0,1,2"
    if "texts" in names:
        return f'{folder} draws what it is told: pass --text, such as --text "a red circle"'
    return f"{folder} takes {', '.join(names)} alone: leave --label and --text out"


def write(pixels, seeds, arguments):
    """Writes pictures uint8 [N, H, W, C] in the format that was asked for."""
    import numpy as np

    from tfgan.plotting import sheet, to_picture

    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    if arguments.format == "gif":
        from tfgan.inference.animation import write_gif

        write_gif(pixels, arguments.out)
    elif arguments.format == "grid":
        sheet(pixels).save(arguments.out)
    elif arguments.format == "npz":
        np.savez_compressed(arguments.out, images=pixels, seeds=seeds)
    else:
        arguments.out.mkdir(exist_ok=True)
        for seed, picture in zip(seeds, pixels):
            to_picture(picture).save(arguments.out / f"{seed:06d}.png")


def main(argv=None):
    """Entry point; returns the exit status."""
    arguments = parse(argv)
    return run(generate, arguments)


if __name__ == "__main__":
    sys.exit(main())
