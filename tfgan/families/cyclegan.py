"""`--model cyclegan`: images from images without pairs; see `tfgan.models.cyclegan`."""

import dataclasses
from functools import partial

from tfgan.arguments import given
from tfgan.cli.flags import flag
from tfgan.families.base import COUNT, NUM_MEASURED, WEIGHT, loading
from tfgan.families.translation import Translation
from tfgan.startup import start_tensorflow


def domain_flag(letter):
    """The flag of a domain: a data set or folder, a class of it, a variant."""
    return flag(
        None,
        f"images of domain {letter}: a data set or folder, and behind colons a class, or a variant "
        "of it: inverted, thick, grey, colored, relief",
        metavar="NAME[:PART...]",
        shown=f"train{letter} of --dataset",
    )


@dataclasses.dataclass(frozen=True)
class CycleGAN(Translation):
    """The flags of `--model cyclegan`."""

    name = "cyclegan"
    summary = "images from images, between two domains, without pairs"

    domain_a: str | None = domain_flag("A")
    domain_b: str | None = domain_flag("B")
    cycle_weight: float = flag(
        10.0, "weight of the cycle-consistency loss", WEIGHT, metavar="LAMBDA"
    )
    identity_weight: float | None = flag(
        None,
        "weight of the identity loss: that images of the target domain are left alone; 0 where the "
        "domains differ in color alone",
        WEIGHT,
        metavar="LAMBDA",
        shown="half of --cycle-weight",
    )
    batch_size: int = flag(4, "images of either domain in a batch", COUNT, metavar="N")

    def check(self, run, refuse):
        super().check(run, refuse)
        domains = [self.domain_a, self.domain_b]
        if domains.count(None) == 1:
            refuse("--domain-a and --domain-b go together")
        if None in domains and run.dataset == "digits":
            refuse(
                "--model cyclegan needs --domain-a and --domain-b, or --dataset with a folder that "
                "has trainA and trainB"
            )
        if None not in domains and run.dataset != "digits":
            refuse(
                f"--dataset is not used beside --domain-a and --domain-b. Received: {run.dataset!r}"
            )

    def load(self, run, split="train"):
        start_tensorflow()
        from tfgan.data.unpaired import load_unpaired, load_unpaired_folder

        options = loading(run, self.batch_size, split)
        options["jitter"] = self.jitter and split == "train"
        if self.domain_a is None:
            return load_unpaired_folder(run.dataset, **options)
        return load_unpaired(self.domain_a, self.domain_b, data_dir=run.data_dir, **options)

    def build(self, dataset, seed):
        from tfgan import networks
        from tfgan.models import CycleGAN

        shape, width = dataset.image_shape, given(width=self.width)
        generators = [networks.residual_generator(shape, **width) for _ in range(2)]
        discriminators = [networks.patch_discriminator(shape, **width) for _ in range(2)]
        return CycleGAN(*generators, *discriminators, seed=seed)

    def compile(self, model, total_steps):
        model.compile(
            *self.optimizers(total_steps),
            cycle_weight=self.cycle_weight,
            identity_weight=self.identity_weight,
        )

    def describe(self, model):
        weights = f"{model.cycle_weight:g} cycle + {model.identity_weight:g} identity"
        return f"least_squares loss + {weights}"

    def samples(self, model, dataset):
        return CycleSamples(model, dataset)

    def usage(self, model):
        return "--input image.png --out translated.png"

    def measure(self, exported, train, held_out):
        from tfgan import metrics

        directions = exported.translate, partial(exported.translate, direction="BtoA")
        return metrics.measure_domains(
            *directions, train, held_out, split=held_out.split, num=NUM_MEASURED
        )


class CycleSamples:
    """A | B' | A'' and B | A' | B'', of the first images of two domains.

    Args:
        model: a `tfgan.CycleGAN`.
        dataset: the `UnpairedDataset`.
    """

    def __init__(self, model, dataset):
        from tfgan.families.samples import NUM_TRANSLATED

        self.model = model
        examples = dataset.examples(NUM_TRANSLATED // 2)
        self.a, self.b = ((examples[key] + 1.0) / 2.0 for key in ("image_a", "image_b"))

    def live(self):
        """As `SeedSamples.live`."""
        return self.cycles(self.model.a_to_b, self.model.b_to_a)

    def served(self, exported):
        """As `SeedSamples.served`."""
        return self.cycles(exported.translate, partial(exported.translate, direction="BtoA"))

    def further(self):
        """As `SeedSamples.further`."""
        return {}

    def cycles(self, a_to_b, b_to_a):
        """The grid of these two functions of images."""
        import numpy as np

        from tfgan.families.samples import groups

        fake_b, fake_a = a_to_b(self.a), b_to_a(self.b)
        from_a, _ = groups(self.a, fake_b, b_to_a(fake_b))
        from_b, columns = groups(self.b, fake_a, a_to_b(fake_a))
        return np.concatenate([from_a, from_b]), columns
