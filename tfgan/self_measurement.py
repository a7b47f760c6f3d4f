"""`--measure`: a run measures its own exported model, and the model card keeps the numbers."""

import dataclasses
from pathlib import Path

import numpy as np

from tfgan import training_data
from tfgan.conditions.sampling import classes_in, notes_on, pictures_by_class, told_for
from tfgan.errors import InputError
from tfgan.export import model_card
from tfgan.inference.exported_model import ExportedModel
from tfgan.inference.sampling import sample

NUM_MEASURED = 10_000
_ELBO_BATCH = 200


def split_of(arguments):
    """The part that no training sees: `test`, or of a folder of pairs without one `val`."""
    if arguments.model == "pix2pix" and arguments.task is None:
        folder = Path(arguments.dataset).expanduser()
        if (folder / "val").is_dir() and not (folder / "test").is_dir():
            return "val"
    return "test"


def test_split(arguments):
    """The pictures that a model is measured against, or with.

    Args:
        arguments: what `tfgan.cli.train_flags.parse` returned.

    Returns:
        What `tfgan.training_data.load` returns.

    Raises:
        InputError: the data set has no test split.
    """
    try:
        return training_data.load(arguments, split_of(arguments))
    except InputError as error:
        reason = str(error).rstrip(".")
        message = f"--measure compares with the test split: {reason}. Leave --measure out"
        if arguments.model not in ("pix2pix", "cyclegan"):
            message += ", and give other pictures to tfgan.evaluate by --reference"
        raise InputError(message) from error


def measure_exported(version_folder, arguments, dataset):
    """Measures what an exported model makes, writes it into the model card and prints it.

    Args:
        version_folder: of the model.
        arguments: what `tfgan.cli.train_flags.parse` returned.
        dataset: what it was trained on, as `tfgan.training_data.load` returned it.
    """
    from tfgan import metrics

    split, num = split_of(arguments), NUM_MEASURED
    if arguments.model == "pix2pix":
        translate = translator(version_folder, "serving_default")
        report = metrics.measure_pairs(translate, test_split(arguments), split=split, num=num)
    elif arguments.model == "cyclegan":
        directions = (translator(version_folder, name) for name in ("a_to_b", "b_to_a"))
        test = test_split(arguments)
        report = metrics.measure_domains(*directions, dataset, test, split=split, num=num)
    else:
        report = report_on_drawn(version_folder, arguments, dataset)
    model_card.add_metrics(version_folder, report)
    print(f"\n{report}")


def translator(version_folder, name):
    """A signature of an exported model that makes pictures out of pictures, for arrays.

    Args:
        version_folder: of the model.
        name: the signature's.

    Returns:
        A function of pictures, float32 [N, H, W, C'] in [0, 1], and where the model fills holes of
        masks, float32 [N, H, W, 1], or None; it returns float32 [N, H, W, C] in [0, 1].
    """
    signature = ExportedModel.load(version_folder).signatures[name]

    def translate(images, masks=None):
        return signature(images=images, **({} if masks is None else {"masks": masks}))["images"]

    return translate


def report_on_drawn(version_folder, arguments, dataset):
    """Measures what a model draws out of latents; see `measure_exported`."""
    from tfgan import metrics

    model, test = ExportedModel.load(version_folder), test_split(arguments)
    inputs = model_card.inputs_in(model.card)
    for note in notes_on(inputs, test):
        print(f"note: {note}")

    def draw(told):
        return sample(model, np.arange(NUM_MEASURED), told)

    told = told_for(inputs, test, NUM_MEASURED)
    report = metrics.measure(
        draw(told),
        arguments.dataset,
        labels=classes_in(told, inputs, dataset),
        by_class=pictures_by_class(draw, inputs, dataset, NUM_MEASURED),
        split=split_of(arguments),
        data_dir=arguments.data_dir,
        image_size=arguments.image_size,
        channels=arguments.channels,
    )
    if arguments.model == "vae":
        report = with_negative_elbo(report, model, test.images)
    return report


def with_negative_elbo(report, model, images):
    """A report with an autoencoder's bound on -log p(x) of real pictures, in nats.

    Args:
        report: a `tfgan.metrics.Report`.
        model: an `ExportedModel` of a folder.
        images: uint8 [N, H, W, C].
    """
    import tensorflow as tf

    from tfgan.metrics.card import Measurement
    from tfgan.metrics.uncertainty import mean_interval

    starts = range(0, len(images), _ELBO_BATCH)
    nats = np.concatenate(
        [
            model.saved_model.negative_elbo(
                tf.constant(images[start : start + _ELBO_BATCH] / 255.0, tf.float32),
                tf.range(start, min(start + _ELBO_BATCH, len(images)), dtype=tf.int64),
            )
            for start in starts
        ]
    )
    mean = mean_interval(nats)
    bound = Measurement("negative_elbo", mean.value, mean.low, mean.high, None, report.card)
    return dataclasses.replace(report, measurements=report.measurements | {"negative_elbo": bound})
