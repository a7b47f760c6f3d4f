"""Images drawn from a model one after another, of which those are accepted that pass a rule."""

import dataclasses

import numpy as np
from tqdm import tqdm

from tfgan.conditions.sampling import conditions_for
from tfgan.errors import InputError
from tfgan.metrics.rejection import fit_rejection

# The rule is fitted on the images of this seed and those after it, which nobody is given.
FIRST_FITTED_SEED = 2**62
NUM_FITTED = 10_000
# So many candidates on end that are all rejected are enough.
MAX_CONSECUTIVE_REJECTIONS = 10_000
_CANDIDATES = 512


@dataclasses.dataclass(frozen=True, eq=False)
class AcceptedSamples:
    """What was accepted.

    Attributes:
        images: uint8 [N, H, W, C].
        seeds: int64 [N], of these images.
        num_candidates: how many were drawn until the last of them.
    """

    images: np.ndarray
    seeds: np.ndarray
    num_candidates: int


def fit_filter(draw, inputs, train, extractor, *, keep_fraction=None, max_risk=None, seed=0):
    """Fits a rejection rule for a model, on images that are not requested of it.

    Args:
        draw: a function from seeds int64 [N], and what else the model takes, to images uint8
            [N, H, W, C].
        inputs: what the model takes, as `model_card.inputs_of_seeds` tells it.
        train: an `ImageDataset`: the images that the model was trained on, or others like them.
        extractor: of their features.
        keep_fraction, max_risk: one of the two, as `tfgan.metrics.rejection.fit_rejection` has it.
        seed: of the real images that are taken, and of the rule's parts.

    Returns:
        A function from images uint8 [N, H, W, C] and their seeds to bool [N].

    Raises:
        InputError: as `fit_rejection`; or `train` shows no condition that the model takes.
    """
    unseen = extractor.unseen_of(train.num_images)
    rows = np.sort(np.random.default_rng(seed).permutation(unseen)[:NUM_FITTED])
    # As the real images of the fit are: else the rule would reject classes that come too often.
    condition = conditions_for(inputs, train.subset(rows), NUM_FITTED)
    seeds = np.arange(FIRST_FITTED_SEED, FIRST_FITTED_SEED + NUM_FITTED, dtype=np.int64)
    fake = [
        draw(seeds[part], **{name: values[part] for name, values in condition.items()})
        for part in tqdm(_parts(NUM_FITTED), desc="images to fit with", delay=1)
    ]
    rule = fit_rejection(
        extractor(train.images[rows])[0],
        extractor(np.concatenate(fake))[0],
        keep_fraction=keep_fraction,
        max_risk=max_risk,
        seed=seed,
    )
    return lambda images, seeds: rule.accepts(extractor(images)[0], seeds)


def _parts(length):
    return [slice(start, start + _CANDIDATES) for start in range(0, length, _CANDIDATES)]


def sample_accepted(draw, accepts, first_seed, num, condition):
    """Draws candidates, one seed after another, until enough of them are accepted.

    Candidate n has the seed `first_seed + n` and the condition that comes n-th in turn, as it
    would where nothing is rejected. Each accepted image stands where its turn comes, so that the
    conditions keep their proportions: a candidate whose turn is full is not drawn.

    Args:
        draw: as in `fit_filter`.
        accepts: what `fit_filter` returned.
        first_seed: of the first candidate.
        num: of images to accept.
        condition: what a conditional model takes in turn, a dict such as `{"labels": int32 [L]}`;
            empty for other models.

    Returns:
        An `AcceptedSamples`: image j has the condition at j modulo L.

    Raises:
        InputError: 10,000 candidates on end were rejected.
    """
    turns = len(next(iter(condition.values()), [None]))
    wanted = np.bincount(np.arange(num) % turns, minlength=turns)
    accepted = [[] for _ in range(turns)]
    num_candidates = consecutive_rejections = cycle = 0
    with tqdm(total=num, desc="kept", unit="image", delay=1) as progress:
        while progress.n < num:
            missing = np.flatnonzero(wanted > [len(each) for each in accepted])
            cycles = cycle + np.arange(max(1, _CANDIDATES // len(missing)))
            cycle = cycles[-1] + 1
            numbers = (cycles[:, None] * turns + missing).ravel()
            seeds, turn = first_seed + numbers, np.tile(missing, len(cycles))
            images = np.concatenate(
                [
                    draw(
                        seeds[part], **{name: each[turn[part]] for name, each in condition.items()}
                    )
                    for part in _parts(len(seeds))
                ]
            )
            for row, is_accepted in enumerate(accepts(images, seeds)):
                mine = accepted[turn[row]]
                if len(mine) == wanted[turn[row]]:
                    continue
                num_candidates += 1
                consecutive_rejections = 0 if is_accepted else consecutive_rejections + 1
                if is_accepted:
                    # A copy: a part of the batch would hold on to all of it.
                    mine.append((seeds[row], images[row].copy()))
                    progress.update()
            if consecutive_rejections >= MAX_CONSECUTIVE_REJECTIONS:
                raise InputError(
                    f"{consecutive_rejections:,} candidates on end were rejected, up to the seed "
                    f"{seeds[-1]}: ask for less, with a larger --max-risk or --keep-fraction"
                )
    seeds, images = zip(*(accepted[j % turns][j // turns] for j in range(num)))
    return AcceptedSamples(np.stack(images), np.array(seeds, np.int64), num_candidates)
