"""The pictures that the flags of `python -m tfgan.train` ask for."""

from pathlib import Path

from tfgan import data
from tfgan.data.folder import check_is_folder
from tfgan.errors import InputError
from tfgan.startup import start_tensorflow


def load(arguments, split="train"):
    """Loads what a family learns from.

    Args:
        arguments: what `tfgan.cli.train_flags.parse` returned.
        split: the part of the data set or of the folder. What is measured with, any but `train`,
            comes in its order and as it is: in batches of 1, without jitter.

    Returns:
        An `ImageDataset`, which has what a cgan is to be told; for pix2pix a `TransformedDataset`
        of pairs, for cyclegan an `UnpairedDataset`.

    Raises:
        InputError: what was passed cannot work; the message says what to do.
    """
    if arguments.model == "pix2pix":
        return pairs(arguments, split)
    if arguments.model == "cyclegan":
        return domains(arguments, split)
    dataset = pictures(arguments, split)
    return with_condition(dataset, arguments.condition) if arguments.model == "cgan" else dataset


def options(arguments, split):
    """The arguments that all data sets take alike."""
    return {
        "batch_size": arguments.batch_size if split == "train" else 1,
        "image_size": arguments.image_size,
        "seed": arguments.seed,
        "skip_corrupt": arguments.skip_corrupt,
        "split": split,
        "channels": arguments.channels,
    }


def pictures(arguments, split):
    """The pictures of a data set or a flat folder."""
    return data.load(arguments.dataset, data_dir=arguments.data_dir, **options(arguments, split))


def pairs(arguments, split):
    """Pairs, made by a task or found in a folder."""
    jitter = arguments.jitter and split == "train"
    folder = Path(arguments.dataset).expanduser()
    if arguments.task is None and folder.is_file():
        check_is_folder(folder)
    if arguments.task is None and not folder.is_dir():
        raise InputError(
            f"--model pix2pix without --task needs a folder of pairs A|B, and {arguments.dataset} "
            "is none. Pass --task, or a folder that has train and test"
        )
    start_tensorflow()
    from tfgan.data.pairs import load_pairs, pairs_of

    if arguments.task is None:
        return load_pairs(
            arguments.dataset,
            direction=arguments.direction,
            jitter=jitter,
            **options(arguments, split),
        )
    return pairs_of(pictures(arguments, split), arguments.task, arguments.scale, jitter)


def domains(arguments, split):
    """Two domains, by their names or in the subfolders of a folder."""
    start_tensorflow()
    from tfgan.data.unpaired import load_unpaired, load_unpaired_folder

    given = options(arguments, split) | {"jitter": arguments.jitter and split == "train"}
    if arguments.domain_a is None:
        return load_unpaired_folder(arguments.dataset, **given)
    return load_unpaired(
        arguments.domain_a, arguments.domain_b, data_dir=arguments.data_dir, **given
    )


def with_condition(dataset, condition):
    """A data set whose batches have what a conditional GAN is to be told.

    Raises:
        InputError: its pictures have no such thing.
    """
    if condition == "text":
        return dataset.with_captions()
    if condition == "attributes" and dataset.attribute_names is None:
        raise InputError(
            f"--condition attributes needs attributes, and {dataset.name} has none. Give --dataset "
            "a folder with an attributes.csv or shapes, or take --condition label"
        )
    if condition == "label" and dataset.class_names is None:
        raise InputError(
            f"--model cgan needs labels, and {dataset.name} has none. Give --dataset a folder with "
            "one subfolder a class or a labelled data set, or take --model gan"
        )
    return dataset
