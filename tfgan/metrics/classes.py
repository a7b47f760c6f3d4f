"""Metrics from the classes that a classifier gives to images."""

from dataclasses import dataclass

import numpy as np
from scipy import stats
from scipy.special import rel_entr

from tfgan.errors import InputError
from tfgan.metrics.frechet import as_features

_NORMAL_QUANTILE = stats.norm.ppf(0.975)


@dataclass(frozen=True, eq=False)
class ClassBalance:
    """How evenly the classes come.

    Attributes:
        frequencies: float64 [K], the share of each class; they sum to 1.
        reference: float64 [K], the shares they are compared with.
        total_variation: 1/2 sum |frequencies - reference|, in [0, 1]; above 0 by chance alone, by
            about sqrt(K / (2 pi N)) for even classes.
        p_value: Of a chi-square test that the shares are equal; trust it where each class is
            expected at least 5 times.
    """

    frequencies: np.ndarray
    reference: np.ndarray
    total_variation: float
    p_value: float


@dataclass(frozen=True)
class ModeCount:
    """Attributes: modes, the number of classes that occur; kl, in [0, inf], in nats."""

    modes: int
    kl: float


@dataclass(frozen=True, eq=False)
class ClassDiversity:
    """How far apart the images of one class lie.

    Attributes:
        distances: float64 [K], the root mean square distance between two of a class; NaN where a
            class has fewer than 2 images.
        mean: Of those that are not NaN, each class counted once.
    """

    distances: np.ndarray
    mean: float


@dataclass(frozen=True, eq=False)
class LabelAgreement:
    """How often images show the class that was requested of them.

    Attributes:
        counts: int64 [K], the images that were conditioned on each class.
        shares: float64 [K], those of them that do; NaN where none was requested.
        lows, highs: float64 [K], Wilson's 95% intervals of the shares.
        value: The mean of the shares, each class counted once however often it was requested.
        low, high: The 95% interval of the mean.
    """

    counts: np.ndarray
    shares: np.ndarray
    lows: np.ndarray
    highs: np.ndarray
    value: float
    low: float
    high: float


def classifier_score(probabilities) -> float:
    """exp(E KL(p(y|x) || p(y))), with p(y) the mean of p(y|x) over the images.

    With the Inception network's probabilities this is the Inception Score; with another classifier
    it has the same form and another scale. It sees no real images, and does not notice that each
    class holds one image only: state it beside a distance. It is biased by the sample size.

    Args:
        probabilities: [N, K], rows that sum to 1 within 1e-3 (they are normalized in float64).

    Returns:
        A number in [1, K]: 1 where all rows agree, K where the rows are certain and even.

    Raises:
        InputError: Wrong rank, non-finite or negative values, or rows that don't sum to 1.

    Reference:
        Salimans et al. 2016 (arXiv 1606.03498), section 4.
    """
    probabilities = as_features("class probability", probabilities, 1)
    sums = probabilities.sum(axis=1, keepdims=True)
    if probabilities.min() < 0 or np.abs(sums - 1).max() > 1e-3:
        raise InputError(
            "Class probabilities must be at least 0 and sum to 1 in each row (a softmax, not "
            f"logits). Received: a minimum of {probabilities.min():.3g} and sums from "
            f"{sums.min():.3g} to {sums.max():.3g}."
        )
    probabilities = probabilities / sums
    divergences = rel_entr(probabilities, probabilities.mean(axis=0)).sum(axis=1)
    return float(np.exp(divergences.mean()))


def class_balance(labels, reference_labels=None, num_classes: int | None = None) -> ClassBalance:
    """The shares of the classes against those of reference labels, or against even shares.

    Args:
        labels: Integers [N] in [0, K).
        reference_labels: Integers [M] in [0, K): a sample, whose own chance the test allows for.
            None compares with 1 / K for each class.
        num_classes: K; by default as many as the largest label of either asks for.

    Returns:
        A `ClassBalance`; its p-value is Pearson's chi-square, of goodness of fit without reference
        labels and of homogeneity (2 x K) with them.

    Raises:
        InputError: Wrong rank, not integers, none at all, or labels outside [0, K).
    """
    labels = _as_labels("labels", labels)
    given = [labels]
    if reference_labels is not None:
        given.append(_as_labels("reference labels", reference_labels))
    counts = [_count(each, num_classes or 1 + max(map(np.max, given))) for each in given]
    frequencies = counts[0] / counts[0].sum()
    if reference_labels is None:
        reference = np.full_like(frequencies, 1 / len(frequencies))
        p_value = stats.chisquare(counts[0]).pvalue if len(frequencies) > 1 else 1.0
    else:
        reference = counts[1] / counts[1].sum()
        occurring = np.stack(counts)[:, np.sum(counts, axis=0) > 0]
        p_value = stats.chi2_contingency(occurring, correction=False).pvalue
    distance = np.abs(frequencies - reference).sum() / 2
    return ClassBalance(frequencies, reference, float(distance), float(p_value))


def mode_count(labels, num_modes: int, reference=None) -> ModeCount:
    """The number of modes that occur, and KL(generated || reference) over all of them.

    The generated shares q come first: KL = sum q log(q / p), the direction called reverse KL. A
    mode that is missing adds 0 to it, so it stays finite: 7 of 10 even modes give log(10 / 7).
    This is the measure of stacked MNIST, whose 1,000 modes are counted over 26,000 samples; it
    grows by about (modes - 1) / (2 N) by chance alone.

    Args:
        labels: Integers [N] in [0, num_modes): the mode of each generated image.
        num_modes: How many modes there are.
        reference: [num_modes] shares of the data, at least 0, normalized here; None means even.

    Returns:
        A `ModeCount`; kl is inf where the data has none of a mode that was generated.

    Raises:
        InputError: Labels or shares of another shape, labels outside [0, num_modes), or shares
            that are negative or all 0.

    Reference:
        Srivastava et al. 2017, VEEGAN (arXiv 1705.07761), section 4; Lin et al. 2018, PacGAN
        (arXiv 1712.04086), section 4.
    """
    counts = _count(_as_labels("labels", labels), num_modes)
    reference = np.ones(num_modes) if reference is None else np.asarray(reference, np.float64)
    if reference.shape != (num_modes,) or not np.all(reference >= 0) or not reference.sum() > 0:
        raise InputError(
            f"The reference must be {num_modes} shares, none negative and not all 0. "
            f"Received: shape {reference.shape}, {reference.tolist()[:5]} ..."
        )
    kl = rel_entr(counts / counts.sum(), reference / reference.sum()).sum()
    return ModeCount(int(np.count_nonzero(counts)), float(max(0.0, kl)))


def label_agreement(read, labels, num_classes: int) -> LabelAgreement:
    """The share of images that show what they were conditioned on, class by class and on average.

    The interval of the mean is normal, with the variances of the classes' shares added up.

    Args:
        read: Integers [N] in [0, K), the classes that a classifier takes the images for.
        labels: Integers [N] in [0, K), those that they were conditioned on.
        num_classes: K.

    Returns:
        A `LabelAgreement`.

    Raises:
        InputError: Wrong rank, not integers, none at all, or labels outside [0, K).

    Reference:
        Wilson 1927, "Probable inference, the law of succession, and statistical inference".
    """
    labels = _as_labels("labels", labels)
    counts = _count(labels, num_classes)
    agreeing = np.bincount(labels[np.asarray(read) == labels], minlength=num_classes)
    occurs = counts > 0
    shares, lows, highs = np.full((3, num_classes), np.nan)
    shares[occurs] = agreeing[occurs] / counts[occurs]
    lows[occurs], highs[occurs] = _wilson(shares[occurs], counts[occurs])
    value = float(shares[occurs].mean())
    # A success and a failure added: even a share of 1 is not certain.
    smooth = (agreeing[occurs] + 1) / (counts[occurs] + 2)
    error = np.sqrt(np.sum(smooth * (1 - smooth) / counts[occurs])) / np.count_nonzero(occurs)
    reach = float(_NORMAL_QUANTILE * error)
    return LabelAgreement(
        counts, shares, lows, highs, value, max(0.0, value - reach), min(1.0, value + reach)
    )


def _wilson(share, size):
    """Wilson's 95% intervals of shares of so many each: both ends, of the same shape."""
    z = _NORMAL_QUANTILE
    middle = (share + z**2 / (2 * size)) / (1 + z**2 / size)
    reach = z / (1 + z**2 / size) * np.sqrt(share * (1 - share) / size + (z / (2 * size)) ** 2)
    return np.clip(middle - reach, 0, 1), np.clip(middle + reach, 0, 1)


def within_class_diversity(features, labels, num_classes: int | None = None) -> ClassDiversity:
    """sqrt(E |x - x'|^2) over pairs of different images of one class.

    A conditional generator that draws one image for each label has 0 here, and yet a perfect
    class balance. Compare with the same number of real images. The root mean square rather than
    the mean, because it follows from the moments: E |x - x'|^2 = 2 tr(C), C with n - 1.

    Args:
        features: [N, D].
        labels: Integers [N] in [0, K).
        num_classes: K; by default as many as the largest label asks for.

    Returns:
        A `ClassDiversity`.

    Raises:
        InputError: Wrong rank, non-finite features, labels of another length or outside [0, K), or
            no class with 2 images.
    """
    features, labels = as_features("given", features), _as_labels("labels", labels)
    if len(labels) != len(features):
        raise InputError(
            f"Each row of features needs a label. Received: {len(features)} rows and "
            f"{len(labels)} labels."
        )
    counts = _count(labels, num_classes or 1 + labels.max())
    distances = np.full(len(counts), np.nan)
    for label in np.flatnonzero(counts >= 2):
        traces = features[labels == label].var(axis=0, ddof=1).sum()
        distances[label] = np.sqrt(2 * traces)
    if np.isnan(distances).all():
        raise InputError(
            "Diversity within classes needs a class with at least 2 images. Received: "
            f"{len(labels)} images, all of different classes."
        )
    return ClassDiversity(distances, float(np.nanmean(distances)))


def has_labels(dataset):
    """Whether some images of an `ImageDataset` have a label; a negative one stands for none."""
    return dataset.labels is not None and bool((dataset.labels >= 0).any())


def labels_among(dataset, class_names):
    """The labels of a data set as another one numbers the classes: int32 [N].

    Args:
        dataset: A labeled `ImageDataset`; a negative label stands for none.
        class_names: Of the other, or None where it has none; its numbers are taken for the same.

    Returns:
        Places among `class_names`; -1 for other classes, and for none.
    """
    if class_names is None or dataset.class_names in (None, class_names):
        return np.asarray(dataset.labels)
    place = {name: index for index, name in enumerate(class_names)}
    # The last stands for none.
    places = np.array([*(place.get(name, -1) for name in dataset.class_names), -1], np.int32)
    return places[dataset.labels]


def _as_labels(name: str, labels) -> np.ndarray:
    labels = np.asarray(labels)
    if labels.ndim != 1 or len(labels) == 0 or not np.issubdtype(labels.dtype, np.integer):
        raise InputError(
            f"The {name} must be integers [N]. Received: shape {labels.shape}, {labels.dtype}."
        )
    return labels.astype(np.int64)


def _count(labels: np.ndarray, num_classes: int) -> np.ndarray:
    if labels.min() < 0 or labels.max() >= num_classes:
        raise InputError(
            f"Labels must lie in [0, {num_classes}). Received: {labels.min()} to {labels.max()}."
        )
    return np.bincount(labels, minlength=num_classes)
