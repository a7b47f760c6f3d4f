"""Pictures drawn from a model one after another, of which those are kept that pass a rule."""

import dataclasses

import numpy as np
from tqdm import tqdm

from tfgan.conditions.sampling import conditions_for
from tfgan.errors import InputError
from tfgan.metrics.rejection import fit_rejection

# The rule is fitted on the pictures of this seed and those after it, which nobody is given.
FIRST_FITTED_SEED = 2**62
NUM_FITTED = 10_000
# So many candidates on end that are all rejected are enough.
MOST_IN_VAIN = 10_000
_CANDIDATES = 512


@dataclasses.dataclass(frozen=True, eq=False)
class Kept:
    """What was kept.

    Attributes:
        images: uint8 [N, H, W, C].
        seeds: int64 [N], of these pictures.
        num_candidates: how many were drawn until the last of them.
    """

    images: np.ndarray
    seeds: np.ndarray
    num_candidates: int


def keeper_for(draw, inputs, train, extractor, *, keep_fraction=None, max_risk=None, seed=0):
    """Fits a rejection rule for a model, on pictures that it is not asked for.

    Args:
        draw: a function from seeds int64 [N], and what else is told, to pictures uint8
            [N, H, W, C].
        inputs: what the model takes, as `model_card.inputs_of_seeds` tells it.
        train: an `ImageDataset`: the pictures that the model was trained on, or others like them.
        extractor: of their features.
        keep_fraction, max_risk: one of the two, as `tfgan.metrics.rejection.fit_rejection` has it.
        seed: of the real pictures that are taken, and of the rule's parts.

    Returns:
        A function from pictures uint8 [N, H, W, C] and their seeds to bool [N].

    Raises:
        InputError: as `fit_rejection`; or a conditional model cannot be told what `train` shows.
    """
    unseen = extractor.unseen_of(train.num_images)
    rows = np.sort(np.random.default_rng(seed).permutation(unseen)[:NUM_FITTED])
    # As the real pictures of the fit are: else the rule would reject classes that come too often.
    told = conditions_for(inputs, train.subset(rows), NUM_FITTED)
    seeds = np.arange(FIRST_FITTED_SEED, FIRST_FITTED_SEED + NUM_FITTED, dtype=np.int64)
    fake = [
        draw(seeds[part], **{name: values[part] for name, values in told.items()})
        for part in tqdm(_parts(NUM_FITTED), desc="pictures to fit with", delay=1)
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


def draw_kept(draw, keeps, first_seed, num, told):
    """Draws candidates, one seed after another, until enough of them are kept.

    Candidate n has the seed `first_seed + n` and is told what comes n-th in turn, as it would be
    where nothing is rejected. Each picture that is kept stands where its turn comes, so that what
    is asked for keeps its proportions: a candidate whose turn is full is not drawn.

    Args:
        draw: as in `keeper_for`.
        keeps: what `keeper_for` returned.
        first_seed: of the first candidate.
        num: of pictures to keep.
        told: what a conditional model is told in turn, a dict such as `{"labels": int32 [L]}`;
            empty for other models.

    Returns:
        A `Kept`: picture j was told `told` at j modulo L.

    Raises:
        InputError: 10,000 candidates on end were rejected.
    """
    turns = len(next(iter(told.values()), [None]))
    wanted = np.bincount(np.arange(num) % turns, minlength=turns)
    kept = [[] for _ in range(turns)]
    num_candidates = in_vain = cycle = 0
    with tqdm(total=num, desc="kept", unit="picture", delay=1) as progress:
        while progress.n < num:
            missing = np.flatnonzero(wanted > [len(each) for each in kept])
            cycles = cycle + np.arange(max(1, _CANDIDATES // len(missing)))
            cycle = cycles[-1] + 1
            numbers = (cycles[:, None] * turns + missing).ravel()
            seeds, turn = first_seed + numbers, np.tile(missing, len(cycles))
            images = np.concatenate(
                [
                    draw(seeds[part], **{name: each[turn[part]] for name, each in told.items()})
                    for part in _parts(len(seeds))
                ]
            )
            for row, is_kept in enumerate(keeps(images, seeds)):
                mine = kept[turn[row]]
                if len(mine) == wanted[turn[row]]:
                    continue
                num_candidates += 1
                in_vain = 0 if is_kept else in_vain + 1
                if is_kept:
                    # A copy: a part of the batch would hold on to all of it.
                    mine.append((seeds[row], images[row].copy()))
                    progress.update()
            if in_vain >= MOST_IN_VAIN:
                raise InputError(
                    f"{in_vain:,} candidates on end were rejected, up to the seed {seeds[-1]}: "
                    "ask for less, with a larger --max-risk or --keep-fraction"
                )
    seeds, images = zip(*(kept[j % turns][j // turns] for j in range(num)))
    return Kept(np.stack(images), np.array(seeds, np.int64), num_candidates)
