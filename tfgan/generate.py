"""Draws images from a SavedModel, here or on a server: out of seeds, or out of images."""

import functools
import sys

from tfgan.cli.generate_flags import parse
from tfgan.cli.parser import run
from tfgan.cli.sampling_flags import is_rejecting
from tfgan.errors import InputError
from tfgan.export import model_card, saved_models
from tfgan.inference import exported_model, image_files, serving_client
from tfgan.inference.sampling import sample


def generate(arguments):
    """Draws what the arguments request; returns the exit status."""
    path = arguments.model
    if not serving_client.is_url(path):
        path = saved_models.find(path)
    if arguments.input:
        image_files.translate(
            path, arguments.input, arguments.out, arguments.mask, arguments.direction
        )
        return 0
    if arguments.format == "png-folder" and arguments.out.is_dir() and any(arguments.out.iterdir()):
        raise InputError(f"--out {arguments.out} is not empty: pass a new folder")

    import numpy as np

    latents = None
    if arguments.latents:
        latents = latents_in(arguments.latents)
        arguments.num = len(latents)
    model = exported_model.load(path)
    seeds = np.arange(arguments.seed, arguments.seed + arguments.num, dtype=np.int64)
    in_turn = {}
    if arguments.label:
        from tfgan.conditions.label import parse_labels

        # At a server, or where there is no card, numbers alone are understood.
        parse = getattr(model.condition, "parse", parse_labels)
        in_turn["labels"] = parse(arguments.label)
    if arguments.text:
        in_turn["texts"] = np.array(arguments.text)
    condition = {name: each[np.arange(arguments.num) % len(each)] for name, each in in_turn.items()}
    if arguments.interpolate or arguments.latents:
        from tfgan.latent import animation
        from tfgan.latent.generator import LatentGenerator

        generator = LatentGenerator.of_exported(model)
        pixels = (
            animation.drawn(generator, latents, condition)
            if arguments.latents
            else animation.walk(generator, seeds, condition)
        )
    else:
        require_taken(model, condition)
        truncation = 1.0 if arguments.truncation is None else arguments.truncation
        if is_rejecting(arguments):
            accepted = accepted_samples(model, in_turn, truncation, arguments)
            pixels, seeds = accepted.images, accepted.seeds
            print(
                f"accepted {len(seeds):,} of {accepted.num_candidates:,} candidates "
                f"({len(seeds) / accepted.num_candidates:.0%}), the seeds {seeds.min()} to "
                f"{seeds.max()}"
            )
        else:
            pixels = sample(model, seeds, condition, truncation)
    write(pixels, seeds, arguments)
    print(f"{len(pixels)} images of {model.path} -> {arguments.out}")
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


def require_taken(model, condition):
    """Refuses what does not draw from seeds, or not with these --label and --text.

    A server says so itself.

    Args:
        model: an `ExportedModel`.
        condition: what it takes besides seeds, a dict.

    Raises:
        InputError: the message names the flags.
    """
    if model.saved_model is None:
        return
    default, from_seeds = (model.signatures.get(name) for name in ("serving_default", "from_seeds"))
    if from_seeds is None:
        if default and "images" in default.inputs:
            raise InputError(
                f"{model.path} makes images out of images: give it some by tfgan.generate --input"
            )
    elif from_seeds.inputs.keys() != {"seeds", *condition}:
        raise InputError(what_is_taken(model.path, from_seeds.inputs))


def what_is_taken(path, names):
    """What to say of a model that gets too little, too much or something else."""
    if "labels" in names:
        return f"{path} takes labels: pass --label, such as --label 0 or --label 0,1,2"
    if "texts" in names:
        return f'{path} takes texts: pass --text, such as --text "a red circle"'
    return f"{path} takes {', '.join(names)} alone: leave --label and --text out"


def accepted_samples(model, in_turn, truncation, arguments):
    """Images that pass `--keep-fraction` or `--max-risk`, a `rejection.AcceptedSamples`.

    Args:
        model: an `ExportedModel` of a folder.
        in_turn: the conditions of a conditional model, a dict such as `{"labels": int32 [L]}`.
        truncation: see `ExportedModel.generate`.
        arguments: what `parse` returned.
    """
    import numpy as np

    from tfgan.families.trained_on import trained_on
    from tfgan.inference import rejection
    from tfgan.metrics.extractors import extractor_for

    draw = functools.partial(model.pixels, truncation=truncation)
    if in_turn:
        # A condition that the model does not take is refused before the fitting, not after.
        draw(np.arange(len(*in_turn.values())), **in_turn)
    train, test = trained_on(model, arguments.dataset, arguments.data_dir)
    accepts = rejection.fit_filter(
        draw,
        model_card.inputs_of_seeds(model.card),
        train,
        extractor_for("auto", train, test),
        keep_fraction=arguments.keep_fraction,
        max_risk=arguments.max_risk,
    )
    return rejection.sample_accepted(draw, accepts, arguments.seed, arguments.num, in_turn)


def write(pixels, seeds, arguments):
    """Writes images uint8 [N, H, W, C] in the requested format."""
    import numpy as np

    from tfgan.plotting import image_grid, to_pil

    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    if arguments.format == "gif":
        from tfgan.latent.animation import write_gif

        write_gif(pixels, arguments.out)
    elif arguments.format == "grid":
        image_grid(pixels).save(arguments.out)
    elif arguments.format == "npz":
        np.savez_compressed(arguments.out, images=pixels, seeds=seeds)
    else:
        arguments.out.mkdir(exist_ok=True)
        for seed, image in zip(seeds, pixels):
            to_pil(image).save(arguments.out / f"{seed:06d}.png")


def main(argv=None):
    """Entry point; returns the exit status."""
    arguments = parse(argv)
    return run(generate, arguments)


if __name__ == "__main__":
    sys.exit(main())
