"""What a run of `python -m tfgan.train` is about to do: all that is decided before it begins."""

import dataclasses
import os
from pathlib import Path

from tfgan.cli.flags import values_of
from tfgan.errors import InputError
from tfgan.training.budget import Budget, budget_of
from tfgan.training.changes import FINGERPRINT
from tfgan.training.run_folder import RunFolder


@dataclasses.dataclass(frozen=True)
class Plan:
    """A run, before it begins.

    Attributes:
        run: the flags of every run, a `tfgan.cli.train_flags.Run`.
        family: those of its family, a `tfgan.families.base.Family`.
        dataset: what it learns from.
        held_out: what no training sees, of the same kind; None where there is none or no need.
        budget: how long it trains.
        folder: the `RunFolder`.
        model_folder: where the model is exported.
    """

    run: object
    family: object
    dataset: object
    held_out: object
    budget: Budget
    folder: RunFolder
    model_folder: Path

    def settings(self, precision):
        """What decides the results of the run, mostly by the names of the flags.

        Args:
            precision: "float32" or "bfloat16".

        Returns:
            A dict for JSON.
        """
        return self.family.settings(self.dataset) | {
            "seed": self.run.seed,
            "precision": precision,
            "dataset": self.dataset.name,
            FINGERPRINT: self.dataset.fingerprint,
            "image_shape": list(self.dataset.image_shape),
            "num_images": self.dataset.num_images,
        }

    def flags(self):
        """Every flag and its value, a flat dict for JSON, with which the run can be repeated."""
        return values_of(self.run) | {"model": self.family.name} | values_of(self.family)

    def text(self, model, precision):
        """What is about to happen, in several lines for a person to check.

        Args:
            model: the compiled model.
            precision: "float32" or "bfloat16".
        """
        dataset, family = self.dataset, self.family
        height, width, channels = dataset.image_shape
        if self.budget.steps is None:
            length = f"{self.budget.seconds / 60:g} minutes on the clock"
        else:
            epochs = self.budget.steps / dataset.steps_per_epoch
            length = f"{self.budget.steps:,} steps ({epochs:.4g} epochs)"
        networks = getattr(family, "networks", None)
        kind = f", {networks.name} networks" if networks else ""
        sizes = ", ".join(
            f"{name} {count:,} parameters" for name, count in parameters_of(model).items()
        )
        constant_steps = getattr(family, "constant_steps", None)
        falling = f" falling from step {constant_steps:,}" if constant_steps else ""
        latents = f"{family.latent_dim} latents, " if networks else ""
        lines = {
            "data": f"{dataset.name}: {dataset.num_images:,} images of {height}x{width}x{channels}"
            f"{places_of(dataset)}",
            "model": f"{family.name}{kind}: {sizes}",
            "recipe": f"{family.describe(model)}, batches of {family.batch_size}, learning rate "
            f"{family.learning_rate:g}{falling}, {latents}seed {self.run.seed}",
            "device": f"{device()}, {precision}",
            "length": length,
            "run": f"{self.folder.path}",
            "export": f"{self.model_folder}",
        }
        return "\n".join(f"{title:8}{text}" for title, text in lines.items())

    def as_dict(self, model, precision):
        """The same for JSON, with every flag."""
        return {
            "command": self.run.command,
            "flags": self.flags(),
            "settings": self.settings(precision),
            "steps": self.budget.steps,
            "seconds": self.budget.seconds,
            "parameters": parameters_of(model),
            "recipe": self.family.describe(model),
            "device": device(),
            "run": str(self.folder.path),
            "export": str(self.model_folder),
        }


def plan_of(run, family):
    """Loads what a run needs, once, and finds out whether it can do what was requested.

    Args:
        run, family: as in `Plan`.

    Raises:
        InputError: there is no such data, or nothing to measure against.
    """
    dataset = family.load(run)
    name = run.name or f"{dataset.name}_{family.name}"
    return Plan(
        run,
        family,
        dataset,
        held_out_of(run, family),
        budget_of(run, dataset),
        RunFolder(Path(run.out, name)),
        Path(run.export_dir, name),
    )


def held_out_of(run, family):
    """The images that a model is measured and monitored against; None where there are none.

    Raises:
        InputError: there are none, and `--measure` needs them.
    """
    if not (run.measure or family.is_monitored):
        return None
    try:
        return family.load(run, "test")
    except InputError as error:
        if not run.measure:
            return None
        reason = str(error).rstrip(".")
        message = f"--measure compares with the test split: {reason}. Leave --measure out"
        if family.is_monitored:
            message += ", and give other images to tfgan.evaluate by --reference"
        raise InputError(message) from error


def parameters_of(model):
    """How many parameters each network has, a dict."""
    return {name: getattr(model, name).count_params() for name in model.networks}


def device():
    """What trains, in words."""
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    return f"{len(gpus)} GPU" if gpus else f"CPU ({os.cpu_count()} cores)"


def places_of(dataset):
    """Where the images lie, in words; of two data sets by their names."""
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
