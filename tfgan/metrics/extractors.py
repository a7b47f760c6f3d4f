"""Images in, features out: what the metrics compare images by."""

import dataclasses
import hashlib
from collections.abc import Callable

import numpy as np
from tqdm import tqdm

from tfgan.errors import InputError
from tfgan.metrics.classes import has_labels
from tfgan.metrics.uncertainty import fewest_rows
from tfgan.networks.precision import computing_in

NAMES = ("auto", "classifier", "random", "pixels", "inception")
_BATCH_SIZE = 512
_PIXEL_COMPONENTS = 64
# Images that these are fitted to.
_MOST_FITTED, _FEWEST_FITTED = 10_000, 10
# A side, for any features: what `confidence_risk` needs.
_FEWEST_IMAGES = 40
_DIMENSIONS = {"classifier": 128, "random": 224, "inception": 2048}


@dataclasses.dataclass(frozen=True)
class Extractor:
    """Features of images, and what they came from.

    Attributes:
        name: What it is, for a metric card.
        digest: Hash of everything that decides its features.
        features_of: Images uint8 [N, H, W, C] -> features float32 [N, D] and class
            probabilities float32 [N, K], or None where there are no classes.
        unseen: Indices of the training images that it was not made from; None for all.
    """

    name: str
    digest: str
    features_of: Callable
    unseen: np.ndarray | None = None

    def unseen_of(self, num_images):
        """`unseen`, written out where it is all of so many training images: int [M]."""
        return np.arange(num_images) if self.unseen is None else self.unseen

    def __call__(self, images, progress=False):
        """Features float32 [N, D] and probabilities float32 [N, K] or None.

        Args:
            images: uint8 [N, H, W, C], or floats in [0, 1], which are rounded to it: an image
                that is looked at or stored has 256 levels.
            progress: Shows a bar.
        """
        images = rounded(images)
        starts = tqdm(
            range(0, len(images), _BATCH_SIZE), desc=self.name, delay=1, disable=not progress
        )
        batches = [self.features_of(images[start : start + _BATCH_SIZE]) for start in starts]
        features = np.concatenate([features for features, _ in batches])
        if batches[0][1] is None:
            return features, None
        return features, np.concatenate([probabilities for _, probabilities in batches])


def rounded(images):
    """Images as uint8 [N, H, W, C] in [0, 255].

    Args:
        images: uint8; uint16, of which 65,535 is white; floats in [0, 1]; or bool; [N, H, W, C] or
            [N, H, W].

    Raises:
        InputError: Another shape or type, or floats outside of [0, 1].
    """
    images = np.asarray(images)
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4 or not len(images):
        raise InputError(f"images must be [N, H, W, C] or [N, H, W]. Received: {images.shape}")
    if images.dtype == np.uint8:
        return images
    if images.dtype == bool:
        return 255 * images.astype(np.uint8)
    # Of either order of bytes.
    if images.dtype.kind == "u" and images.dtype.itemsize == 2:
        return np.round(images / np.float32(257)).astype(np.uint8)
    if not np.issubdtype(images.dtype, np.floating):
        raise InputError(
            "images must be uint8, uint16, bool or float in [0, 1]. Received: "
            f"{images.dtype}. Convert them, to uint8 where 255 is white"
        )
    low, high = images.min(), images.max()
    if not (low >= 0 and high <= 1):
        raise InputError(f"float images must lie in [0, 1]. Received: [{low:.3g}, {high:.3g}]")
    # 16 bits are too few for the product.
    return np.round(images * np.result_type(images, np.float32).type(255)).astype(np.uint8)


def extractor_for(name, train, test, seed=0, num=None):
    """The extractor of a name.

    Args:
        name: `classifier`: a small classifier trained on half of the labeled training images.
            `random`: a fixed convolutional network with random weights, for sets without labels.
            `pixels`: the first principal components of the pixels of some training images, at
            most half of them. `inception`: Inception-v3 with Keras' ImageNet weights, which have to
            be downloaded; not the network of the published FID. `auto`: `classifier` with labels,
            else `random`; `pixels` where there are too few images for these.
        train, test: `ImageDataset`s of the two splits; the latter for the classifier's accuracy,
            and None where there is none.
        seed: Of everything that is drawn.
        num: Images on the smaller of the sides that will be compared: `auto` takes features that
            suit so many, and `pixels` has no more components than intervals allow. None: enough.

    Raises:
        InputError: Another name, no labels for a classifier, no weights for Inception.
    """
    usual, name = suited(name, train), suited(name, train, num)
    if name == "classifier":
        return _classifier(train, test, seed)
    if name == "random":
        return _random_network(train.image_shape, seed)
    if name == "pixels":
        extractor = _components_for(train, seed, num)
        remark = f", as the images are too few for the features {usual!r}" if usual != name else ""
        return dataclasses.replace(extractor, name=extractor.name + remark)
    if name == "inception":
        return _inception()
    raise InputError(f"features must be one of {', '.join(NAMES)}. Received: {name!r}")


def _scaled(images):
    return images.astype(np.float32) / 127.5 - 1.0


def _digest(arrays):
    state = hashlib.sha256()
    for array in arrays:
        state.update(np.ascontiguousarray(array).data)
    return state.hexdigest()[:16]


def _classifier(train, test, seed):
    from scipy.special import softmax

    from tfgan.metrics.classifier import trained_classifier

    classifier = trained_classifier(train, test, seed)

    def features_of(images):
        features, logits = classifier.model(_scaled(images), training=False)
        return np.asarray(features), softmax(np.asarray(logits), axis=1)

    return Extractor(
        name=f"classifier of {train.name}, accuracy {classifier.accuracy:.4f}",
        digest=_digest(classifier.model.get_weights()),
        features_of=features_of,
        unseen=classifier.unseen,
    )


@computing_in("float32")
def _random_network(image_shape, seed):
    import keras
    from keras import layers

    images = keras.Input(image_shape)
    x, pooled = images, []
    for level, filters in enumerate((32, 64, 128)):
        x = layers.Conv2D(
            filters,
            3,
            strides=2,
            padding="same",
            activation="relu",
            kernel_initializer=keras.initializers.HeNormal(seed=1000 * seed + level),
        )(x)
        pooled.append(layers.GlobalAveragePooling2D()(x))
    network = keras.Model(images, layers.Concatenate()(pooled))
    return Extractor(
        name="random convolutional network",
        digest=_digest(network.get_weights()),
        features_of=lambda images: (np.asarray(network(_scaled(images), training=False)), None),
    )


def suited(name, train, num=None):
    """The name of the features that `extractor_for` chooses, of the same arguments."""
    if name != "auto":
        return name
    usual = "classifier" if has_labels(train) else "random"
    if num is None or min(num, num_unseen(usual, train)) >= fewest_images(usual):
        return usual
    return "pixels"


def fewest_images(name):
    """The images per side that are needed to compare by the features of a name, and intervals."""
    return max(_FEWEST_IMAGES, fewest_rows(_DIMENSIONS.get(name, 0)))


def num_unseen(name, train):
    """How many training images the features of a name leave for the floor."""
    if name == "classifier":
        return np.sum(train.labels >= 0) // 2 if has_labels(train) else train.num_images
    return max(0, train.num_images - (_num_fitted(train) if name == "pixels" else 0))


def _num_fitted(train):
    half = min(_MOST_FITTED, train.num_images // 2)
    return max(_FEWEST_FITTED, min(half, train.num_images - _FEWEST_IMAGES))


def _components_for(train, seed, num):
    """Principal components of at most half of the training images; the others make the floor.

    The components of few images fit these better than others, and would tell them from those.
    """
    order = np.random.default_rng(seed).permutation(train.num_images)
    num_fitted = _num_fitted(train)
    fitted, unseen = np.sort(order[:num_fitted]), np.sort(order[num_fitted:])
    smallest = min(num or len(unseen), len(unseen))
    allowed = [
        each
        for each in range(1, min(num_fitted, _PIXEL_COMPONENTS + 1))
        if fewest_rows(each) <= smallest
    ]
    extractor = principal_components(train.images[fitted], len(allowed) or 1, seed)
    return dataclasses.replace(extractor, unseen=unseen)


def principal_components(images, most=_PIXEL_COMPONENTS, seed=0):
    """The `Extractor` of the first principal components of the pixels of uint8 [N, H, W, C].

    Args:
        images: What they are fitted to.
        most: At most so many, and at most 64.
        seed: Of the randomized decomposition.
    """
    from sklearn.decomposition import PCA

    def flat(images):
        return images.reshape(len(images), -1).astype(np.float32) / 255.0

    pixels = flat(images)
    components = min(_PIXEL_COMPONENTS, most, *pixels.shape)
    projection = PCA(components, svd_solver="randomized", random_state=seed).fit(pixels)
    return Extractor(
        name=f"{components} principal components of the pixels",
        digest=_digest([projection.components_, projection.mean_]),
        features_of=lambda images: (projection.transform(flat(images)), None),
    )


def _inception():
    import keras

    try:
        with computing_in("float32"):
            network = keras.applications.InceptionV3(include_top=False, pooling="avg")
    # Keras raises a bare Exception where a download fails.
    except Exception as error:
        raise InputError(
            "the features 'inception' need Keras' ImageNet weights of Inception-v3, which cannot "
            f"be downloaded ({' '.join(str(error).split())[:100]}). Choose other features"
        ) from error

    def features_of(images):
        if images.shape[-1] == 1:
            images = np.repeat(images, 3, axis=-1)
        resized = keras.ops.image.resize(
            images[..., :3].astype(np.float32), (299, 299), interpolation="bilinear", antialias=True
        )
        inputs = keras.applications.inception_v3.preprocess_input(resized)
        return np.asarray(network(inputs, training=False)), None

    return Extractor(
        name="Inception-v3 of keras.applications, ImageNet",
        digest=_digest(network.get_weights()),
        features_of=features_of,
    )
