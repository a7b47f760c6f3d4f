"""A small classifier trained on real images alone, whose features most metrics use."""

import dataclasses
import hashlib
import json
import shutil
import sys

import keras
import numpy as np
from keras import layers

from tfgan.errors import InputError
from tfgan.files import atomic_folder, user_cache
from tfgan.metrics.classes import has_labels, labels_among
from tfgan.networks.precision import computing_in

# Part of the cache's key: raise it with any change to the network or its training.
_VERSION = 1
_BATCH_SIZE = 128
_FEATURES = 128
# Small data sets are seen more often, so that each training takes about as many steps.
_IMAGES_SEEN = 150_000
_PEAK_LEARNING_RATE = 2e-3


@dataclasses.dataclass(frozen=True)
class Classifier:
    """A trained classifier.

    Attributes:
        model: float32 [N, H, W, C] in [-1, 1] -> features float32 [N, 128], logits [N, K].
        accuracy: On the test split (or, without one, on the unseen half), in [0, 1].
        unseen: Indices of the training images that it was not trained on.
    """

    model: keras.Model
    accuracy: float
    unseen: np.ndarray


def trained_classifier(dataset, test, seed=0, cache=True):
    """Trains a classifier on one half of the training images, or finds it trained.

    The other half stays unseen, so that a classifier's own training images are never taken for
    typical ones. It never sees a generator.

    Args:
        dataset: The labeled training split, an `ImageDataset`; a negative label stands for none.
        test: The test split, on which the accuracy is measured; where it is None or has no labels,
            the half that stays unseen takes its place.
        seed: Of the halves, the initial weights and the order.
        cache: Whether to look in the user's cache folder first, and to store it there.

    Returns:
        A `Classifier`.

    Raises:
        InputError: The data set has no labels.
    """
    if not has_labels(dataset):
        raise InputError(
            f"The data set {dataset.name!r} has no labels to train a classifier on. "
            "Choose the features 'random' or 'pixels'."
        )
    order = np.random.default_rng(seed).permutation(np.flatnonzero(dataset.labels >= 0))
    seen, unseen = np.array_split(order, 2)
    key = hashlib.sha256(json.dumps([_VERSION, keras.__version__, seed]).encode())
    key.update(np.ascontiguousarray(dataset.images).data)
    key.update(dataset.labels.data)
    folder = user_cache() / f"classifier-{dataset.name}-{key.hexdigest()[:16]}"
    model = _load(folder, len(dataset.class_names)) if cache else None
    if model is None:
        model = _train(dataset, seen, seed)
        if cache:
            try:
                _store(model, folder)
            except OSError as error:
                # What was trained is as good, and the next one who asks has to wait again.
                print(f"note: the classifier cannot be kept in {folder.parent} ({error})")
    # Not kept with the classifier: it is of the test split as much.
    if test is None or not has_labels(test):
        test = dataset.subset(unseen)
    return Classifier(model, _accuracy(model, test, dataset.class_names), unseen)


@computing_in("float32")
def _network(image_shape, num_classes, seed):
    # Seeds follow the order of the layers: the same network gets the same weights anywhere.
    seeds = iter(range(1000 * seed, 1000 * (seed + 1)))
    images = keras.Input(image_shape, name="images")
    x = images
    for filters, kernel_size in ((32, 5), (64, 3), (128, 3)):
        # Images of 8x8 are halved twice only.
        strides = 2 if min(x.shape[1:3]) > 3 else 1
        x = layers.Conv2D(
            filters,
            kernel_size,
            strides=strides,
            padding="same",
            use_bias=False,
            kernel_initializer=keras.initializers.HeNormal(seed=next(seeds)),
        )(x)
        x = layers.BatchNormalization()(x)
        x = layers.ReLU()(x)
    x = layers.Flatten()(x)
    x = layers.Dropout(0.3, seed=next(seeds))(x)
    features = layers.Dense(
        _FEATURES,
        activation="relu",
        kernel_initializer=keras.initializers.HeNormal(seed=next(seeds)),
        name="features",
    )(x)
    x = layers.Dropout(0.3, seed=next(seeds))(features)
    logits = layers.Dense(
        num_classes,
        kernel_initializer=keras.initializers.GlorotUniform(seed=next(seeds)),
        name="logits",
    )(x)
    return keras.Model(images, [features, logits], name="classifier")


def _train(dataset, seen, seed):
    part = dataclasses.replace(
        dataset,
        images=dataset.images[seen],
        labels=dataset.labels[seen],
        batch_size=min(_BATCH_SIZE, len(seen)),
        seed=seed,
    )
    model = _network(dataset.image_shape, len(dataset.class_names), seed)
    classify = keras.Model(model.input, model.output[1])
    epochs = max(1, round(_IMAGES_SEEN / part.num_images))
    classify.compile(
        keras.optimizers.Adam(
            keras.optimizers.schedules.CosineDecay(
                _PEAK_LEARNING_RATE, epochs * part.steps_per_epoch
            )
        ),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=False,
    )
    print(f"training a classifier on {part.num_images:,} images of {dataset.name}, once")
    classify.fit(
        part.batches().map(lambda batch: (batch["image"], batch["label"])),
        # One bar for all epochs.
        steps_per_epoch=epochs * part.steps_per_epoch,
        shuffle=False,
        # In a log file, a line at the end.
        verbose=1 if sys.stdout.isatty() else 2,
    )
    return model


def _accuracy(model, test, class_names):
    """The share of the labeled test images whose class is read right.

    Args:
        model: Of a `Classifier`.
        test: An `ImageDataset`, which may have its classes in another order.
        class_names: Of the classifier's classes.
    """
    labels = labels_among(test, class_names)
    images = test.images[test.labels >= 0].astype(np.float32) / 127.5 - 1.0
    logits = model.predict(images, batch_size=512, verbose=0)[1]
    return float(np.mean(logits.argmax(axis=1) == labels[test.labels >= 0]))


def _load(folder, num_classes):
    """The model of so many classes that was stored; None where none is, or it cannot be read."""
    if not folder.exists():
        return None
    try:
        model = keras.saving.load_model(folder / "classifier.keras", compile=False)
        if model.output_shape[1][-1] != num_classes:
            raise ValueError(f"it knows {model.output_shape[1][-1]} classes, not {num_classes}")
        return model
    # A file that was emptied or cut off raises what zipfile, h5py or Keras happen to.
    except Exception as error:
        reason = " ".join(str(error).split())[:100]
        print(f"note: {folder} cannot be read ({reason}): the classifier is trained again")
        return None


def _store(model, folder):
    """Stores a model, in place of what cannot be read."""
    with atomic_folder(folder, exist_ok=True) as temporary:
        model.save(temporary / "classifier.keras")
        shutil.rmtree(folder, ignore_errors=True)
