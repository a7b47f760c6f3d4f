"""`--model pix2pix`: images from images, learned from pairs; see `tfgan.models.pix2pix`."""

import dataclasses
from pathlib import Path

from tfgan import data
from tfgan.arguments import given
from tfgan.cli.flags import flag
from tfgan.data.folder import check_is_folder
from tfgan.errors import InputError
from tfgan.families.base import COUNT, NUM_MEASURED, WEIGHT, loading
from tfgan.families.translation import Translation
from tfgan.names import DIRECTIONS, LOSSES, SCALES, TASKS
from tfgan.startup import start_tensorflow


@dataclasses.dataclass(frozen=True)
class Pix2Pix(Translation):
    """The flags of `--model pix2pix`."""

    name = "pix2pix"
    summary = (
        "images from images, learned from pairs: those that a --task\n"
        "                 makes of any data set, or those of a folder"
    )

    task: str | None = flag(
        None,
        "what to make of the images of any data set: fill in holes, colors from gray, detail from "
        "a small image, images from their edges or from noisy ones, a rendering in relief",
        choices=TASKS,
        shown="pairs of a folder",
    )
    scale: int | None = flag(
        None,
        "how many times smaller the small image of super_resolution is",
        type=int,
        choices=SCALES,
        shown="4",
    )
    direction: str | None = flag(
        None,
        "what to make of which half of a folder's pairs",
        choices=DIRECTIONS,
        shown="AtoB",
    )
    depth: int | None = flag(None, "halvings", COUNT, metavar="N", shown="down to about 4 pixels")
    loss: str = flag("non_saturating", "what generator and discriminator minimize", choices=LOSSES)
    l1_weight: float = flag(
        100.0, "how much the distance from the target counts", WEIGHT, metavar="LAMBDA"
    )

    def check(self, run, refuse):
        super().check(run, refuse)
        if self.task is None and run.dataset == "digits":
            refuse(
                "--model pix2pix needs a --task, or --dataset with a folder of pairs A|B. Tasks: "
                f"{', '.join(TASKS)}"
            )
        if self.task is not None and self.direction is not None:
            refuse("--direction is for a folder of pairs A|B, without --task")
        if self.scale is not None and self.task != "super_resolution":
            refuse("--scale is for --task super_resolution")

    def settings(self, dataset):
        direction = None if self.task else self.direction or "AtoB"
        return super().settings(dataset) | {"direction": direction}

    def load(self, run, split="train"):
        jitter = self.jitter and split == "train"
        if self.task is not None:
            start_tensorflow()
            from tfgan.data.pairs import pairs_of

            options = loading(run, self.batch_size, split)
            images = data.load(run.dataset, data_dir=run.data_dir, **options)
            return pairs_of(images, self.task, self.scale, jitter)
        folder = Path(run.dataset).expanduser()
        if folder.is_file():
            check_is_folder(folder)
        if not folder.is_dir():
            raise InputError(
                f"--model pix2pix without --task needs a folder of pairs A|B, and {run.dataset} is "
                "none. Pass --task, or a folder that has train and test"
            )
        if split == "test" and (folder / "val").is_dir() and not (folder / "test").is_dir():
            split = "val"
        start_tensorflow()
        from tfgan.data.pairs import load_pairs

        options = loading(run, self.batch_size, split)
        return load_pairs(run.dataset, direction=self.direction or "AtoB", jitter=jitter, **options)

    def build(self, dataset, seed):
        from tfgan import networks
        from tfgan.models import Pix2Pix

        shape, width = dataset.image_shape, given(width=self.width)
        channels = dataset.condition_shape[-1] + dataset.has_mask
        return Pix2Pix(
            networks.unet_generator(shape, channels, **width, **given(depth=self.depth)),
            networks.patch_discriminator(shape, channels, **width),
            masked=dataset.has_mask,
            seed=seed,
        )

    def compile(self, model, total_steps):
        model.compile(*self.optimizers(total_steps), loss=self.loss, l1_weight=self.l1_weight)

    def describe(self, model):
        return f"{self.loss} loss + {self.l1_weight:g} L1"

    def samples(self, model, dataset):
        return PairSamples(model, dataset)

    def usage(self, model):
        mask = "--mask holes.png " if model.masked else ""
        return f"--input image.png {mask}--out translated.png"

    def measure(self, exported, train, held_out):
        from tfgan import metrics

        return metrics.measure_pairs(
            exported.translate, held_out, split=held_out.split, num=NUM_MEASURED
        )


class PairSamples:
    """Condition | output | target, of the first pairs of a data set.

    Args:
        model: a `tfgan.Pix2Pix`.
        dataset: the `TransformedDataset`.
    """

    def __init__(self, model, dataset):
        from tfgan.families.samples import NUM_TRANSLATED

        self.model = model
        examples = dataset.examples(NUM_TRANSLATED)
        self.target = (examples["image"] + 1.0) / 2.0
        self.condition = (examples["condition"] + 1.0) / 2.0
        self.masks = examples.get("mask")

    def live(self):
        """As `SeedSamples.live`."""
        return self.grouped(self.model.translate(self.condition, self.masks))

    def served(self, exported):
        """As `SeedSamples.served`."""
        return self.grouped(exported.translate(self.condition, self.masks))

    def further(self):
        """As `SeedSamples.further`."""
        return {}

    def grouped(self, output):
        """The grid with these outputs, float [N, H, W, C] in [0, 1]."""
        from tfgan.families.samples import groups

        return groups(self.condition, output, self.target)
