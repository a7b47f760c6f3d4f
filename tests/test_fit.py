"""What people pass to `fit` and its like trains as its dict would, or is refused in one line."""

import re
import typing
import warnings
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from smallest_models import FAMILIES, SHAPE, WANTED, arrays, make, random_images

from tfgan import data
from tfgan.errors import InputError
from tfgan.models.batches import InOneLine, checked

QUIETLY = {"verbose": 0, "shuffle": False}


def one_line(message):
    """A pattern of an error's whole message."""
    return re.compile(rf"\A[^\n]*{message}[^\n]*\Z")


def weights_after(model, **fit_arguments):
    model.fit(**QUIETLY | fit_arguments)
    return model.get_weights()


def assert_same(left, right):
    for a, b in zip(left, right, strict=True):
        np.testing.assert_array_equal(a, b)


class Batches(keras.utils.PyDataset):
    def __init__(self, batch):
        super().__init__()
        self.batch = batch

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return self.batch


def generator_of(batch):
    yield batch


CONTAINERS = {
    "dataset": tf.data.Dataset.from_tensors,
    "generator": generator_of,
    "PyDataset": Batches,
}
# What is left of a batch's names, in the order of `batch_spec`.
STRUCTURES = {
    "dict": lambda batch: batch,
    "tuple of a dict": lambda batch: (batch,),
    "tuple": lambda batch: tuple(batch.values()),
}
# What Keras' callbacks find is that of a model with two optimizers, or with one.
QUICK_AND_SLOW = [
    family if family in ("gan", "vae") else pytest.param(family, marks=pytest.mark.slow)
    for family in FAMILIES
]
PLAIN = [family for family in FAMILIES if family != "pix2pix_masked"]


@pytest.mark.parametrize(
    ("family", "structure", "container"),
    [
        *((family, "tuple", "dataset") for family in PLAIN),
        ("pix2pix_masked", "tuple of a dict", "dataset"),
        *(("pix2pix", structure, "generator") for structure in STRUCTURES),
        *(("gan", structure, "PyDataset") for structure in STRUCTURES),
    ],
)
def test_containers_of_batches(family, structure, container):
    batch = arrays(family)
    expected = weights_after(make(family), x=tf.data.Dataset.from_tensors(batch))
    if container != "dataset" and structure == "dict":
        # Keras takes a bare dict from a data set alone.
        structure = "tuple of a dict"
    received = CONTAINERS[container](STRUCTURES[structure](batch))
    assert_same(weights_after(make(family), x=received), expected)


@pytest.mark.parametrize("family", PLAIN)
def test_arrays(family):
    batch = arrays(family)
    expected = weights_after(make(family), x=batch, batch_size=4)
    given = dict(zip("xy", batch.values()))
    assert_same(weights_after(make(family), **given, batch_size=4), expected)


@pytest.mark.parametrize("family", PLAIN)
def test_a_list_of_arrays(family):
    batch = arrays(family)
    if family == "conditional_gan":
        batch["label"] = batch["label"][:, None]
    expected = make(family)
    expected.train_step(batch)
    model = make(family)
    model.train_step(([*batch.values()],))
    assert_same(model.get_weights(), expected.get_weights())


@pytest.mark.parametrize(
    "batch", [random_images(), {"image": random_images()}, (random_images(),)], ids=type
)
@pytest.mark.parametrize("iterator", [iter, lambda batches: (each for each in batches)])
def test_iterators_of_batches(batch, iterator):
    """Keras takes generators of tuples, and no other iterators."""
    expected = weights_after(make("gan"), x=tf.data.Dataset.from_tensors(arrays("gan")))
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "`shuffle=True`")
        model = make("gan")
        model.fit(iterator([batch]), steps_per_epoch=1, verbose=0)
    assert_same(model.get_weights(), expected)


@pytest.mark.parametrize("data", ["digits", Path("pictures")])
def test_what_has_to_be_loaded_first(data):
    with pytest.raises(InputError, match=one_line(rf"tfgan.data.load\('{data}'\)")):
        make("gan").fit(data)


@pytest.mark.parametrize("family", ["gan", "vae"])
def test_labels_beside_images_are_left_out(family):
    x, y = random_images(), np.arange(4)
    expected = weights_after(make(family), x=x, batch_size=4)
    assert_same(weights_after(make(family), x=x, y=y, batch_size=4), expected)
    labeled = tf.data.Dataset.from_tensors((x, y))
    assert_same(weights_after(make(family), x=labeled), expected)


def test_the_second_completes_a_dict():
    batch = arrays("pix2pix_masked")
    expected = weights_after(make("pix2pix_masked"), x=batch, batch_size=4)
    y = batch.pop("image")
    assert_same(weights_after(make("pix2pix_masked"), x=batch, y=y, batch_size=4), expected)


@pytest.mark.parametrize("family", ["gan", "conditional_gan", "vae"])
def test_a_data_set_of_this_package(family):
    digits = data.load("digits", batch_size=749)
    expected = weights_after(
        make(family), x=digits.batches(), steps_per_epoch=digits.steps_per_epoch
    )
    assert_same(weights_after(make(family), x=digits), expected)


def test_the_data_sets_of_pairs_too(tmp_path):
    from tfgan.data.dataset import ImageDataset
    from tfgan.data.transformed import TransformedDataset
    from tfgan.data.unpaired import UnpairedDataset

    bytes_ = np.uint8(127.5 * (random_images(8) + 1))
    a, b = (
        TransformedDataset(
            "a", ImageDataset("a", bytes_, None, None, 4, seed), lambda x, _: {"image": x}
        )
        for seed in (1, 2)
    )
    model = make("cyclegan")
    model.fit(UnpairedDataset("ab", a, b), epochs=2, verbose=0)
    assert int(model.step) == 4
    pairs = TransformedDataset("p", a.dataset, lambda x, _: {"image": x, "condition": -x})
    model = make("pix2pix")
    model.fit(pairs, verbose=0, validation_data=pairs)
    assert int(model.step) == 2
    assert len(repr(pairs)) < 500 and repr(a.dataset) == "<ImageDataset 'a': 8 images of 8x8x1>"


def test_a_folder_by_keras(tmp_path):
    """`image_dataset_from_directory` gives pairs of float32 in [0, 255] and labels."""
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        keras.utils.save_img(tmp_path / label / "0.png", random_images(1)[0])
    batches = keras.utils.image_dataset_from_directory(
        tmp_path, image_size=SHAPE[:2], color_mode="grayscale", verbose=False
    )
    with pytest.raises(InputError, match=one_line(r"image must be in \[-1, 1\].*x / 127.5 - 1")):
        make("gan").fit(batches, **QUIETLY)
    scaled = batches.map(lambda images, labels: (images / 127.5 - 1, labels))
    for family in ("gan", "conditional_gan"):
        model = make(family)
        model.fit(scaled, **QUIETLY)
        assert int(model.step) == 1


@pytest.mark.parametrize("family", FAMILIES)
def test_one_batch(family):
    model = make(family)
    logs = model.train_on_batch(arrays(family), return_dict=True)
    assert int(model.step) == 1 and np.isfinite([*logs.values()]).all()
    logs = model.test_on_batch(arrays(family), return_dict=True)
    assert MONITORED[family].removeprefix("val_") in logs
    assert int(model.step) == 1 and np.isfinite([*logs.values()]).all()
    model.evaluate(arrays(family), verbose=0)


@pytest.mark.parametrize("mode", ["eager", "graph"])
@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
def test_pixels_out_of_range_are_refused_in_one_line(method, mode):
    model = make("gan", run_eagerly=mode == "eager", r1_gamma=0.0)
    before = [np.array(variable) for variable in model.trainable_variables]
    batch = {"image": 127.5 * (random_images() + 1)}
    with pytest.raises(InputError, match=one_line(r"image must be in \[-1, 1\].*from .* to 2")):
        getattr(model, method)(batch)
    assert_same(before, [np.array(variable) for variable in model.trainable_variables])


@pytest.mark.parametrize(
    ("family", "name"),
    [(family, name) for family in FAMILIES for name in WANTED[family] if name != "label"],
)
def test_every_kind_of_image_has_its_range(family, name):
    model = make(family)
    limits = r"\[0, 1\]" if name == "mask" else r"\[-1, 1\]"
    for wrong in (1.01, -1.01, 255.0, np.inf):
        batch = arrays(family)
        batch[name] = batch[name].copy()
        batch[name][2, 3, 4, 0] = wrong
        with pytest.raises(InputError, match=one_line(f"{name} must be in {limits}.*from .* to")):
            model.train_step(batch)
    assert int(model.step) == 0


def test_rounding_is_no_error():
    make("gan").train_step(
        {"image": tf.cast(tf.cast(random_images(), tf.bfloat16), tf.float32) * 1.0001}
    )


@pytest.mark.parametrize("dtype", ["uint8", "float64", "float16", "bfloat16"])
def test_dtypes_of_images(dtype):
    bytes_ = np.random.default_rng(0).integers(0, 256, (4, *SHAPE), np.uint8)
    expected = make("gan")
    expected.train_step({"image": tf.cast(bytes_, tf.float32) / 127.5 - 1})
    model = make("gan")
    images = bytes_ if dtype == "uint8" else tf.cast(bytes_ / 127.5 - 1, dtype)
    model.train_step({"image": images})
    tolerance = 0 if dtype == "uint8" else 1e-2
    for a, b in zip(model.get_weights(), expected.get_weights()):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", ["int32", "int64", "bool", "string"])
def test_dtypes_that_could_mean_anything(dtype):
    images = tf.fill((4, *SHAPE), "a") if dtype == "string" else tf.ones((4, *SHAPE), dtype)
    with pytest.raises(InputError, match=one_line(rf"image must be float.*Received: {dtype}")):
        make("gan").train_step({"image": images})


def test_an_axis_of_one_may_be_missing_or_in_excess():
    batch = arrays("conditional_gan")
    expected, model = make("conditional_gan"), make("conditional_gan")
    expected.train_step(batch)
    model.train_step({"image": batch["image"][..., 0], "label": batch["label"][:, None]})
    assert_same(model.get_weights(), expected.get_weights())


@pytest.mark.parametrize("family", ["gan", "conditional_gan", "pix2pix", "cyclegan", "vae"])
def test_pixels_from_0_to_1_are_warned_of_once(family):
    model = make(family)
    batch = {
        name: (values + 1) / 2 if values.ndim == 4 else values
        for name, values in arrays(family).items()
    }
    with pytest.warns(UserWarning, match="below 0.*2 \\* x - 1"):
        model.train_step(batch)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.train_step(batch)
        make(family).train_step(arrays(family))


def test_pixels_from_0_to_1_are_warned_of_once_of_a_graph():
    model = make("gan", run_eagerly=False, r1_gamma=0.0)
    with pytest.warns(UserWarning, match="below 0.*2 \\* x - 1") as warned:
        model.fit((random_images() + 1) / 2, batch_size=2, epochs=2, verbose=0)
    assert len([each for each in warned if "below 0" in str(each.message)]) == 1


@pytest.mark.parametrize(
    ("family", "batch", "message"),
    [
        ("gan", {"picture": random_images()}, "dict with 'image'.*a dict with 'picture'"),
        ("gan", (random_images(),) * 4, "a tuple of 4"),
        ("gan", (random_images(), np.arange(4), np.ones(4)), "sample_weight"),
        ("gan", (), "a tuple of 0"),
        (
            "gan",
            {"image": random_images()[:, :7]},
            r"image must be of shape \[N, 8, 8, 1\].*7, 8, 1",
        ),
        ("gan", {"image": tf.ragged.constant([[1.0], [1.0, 0.5]])}, "image must be"),
        ("conditional_gan", random_images(), "'image' and 'label', or a tuple of 2.*shape"),
        ("conditional_gan", {"image": random_images()}, "'label'.*a dict with 'image'"),
        ("conditional_gan", (random_images(), np.eye(10)[:4]), "label must be integers.*float64"),
        (
            "conditional_gan",
            (random_images(), np.eye(10, dtype=int)[:4]),
            r"label must be of shape \[N",
        ),
        ("pix2pix", random_images(), "'condition' and 'image'"),
        (
            "pix2pix_masked",
            (random_images(), random_images()),
            "'condition' and 'image' and 'mask'",
        ),
        ("cyclegan", {"image": random_images()}, "'image_a' and 'image_b'"),
    ],
)
@pytest.mark.parametrize("run_eagerly", [False, True])
def test_what_cannot_be_meant(family, batch, message, run_eagerly):
    model = make(family, run_eagerly=run_eagerly)
    for step in (model.train_step, model.test_step):
        with pytest.raises(InputError, match=one_line(message)):
            step(batch)
    assert int(model.step) == 0


@pytest.mark.parametrize("shape", [(8, 8, 1), (4, 8, 7, 1), (4, 8, 8, 2)], ids=str)
def test_shapes_that_only_the_batch_itself_knows(shape):
    """Such as those of a data set that was not batched, and of Python functions."""
    of_unknown_shape = tf.data.Dataset.from_generator(
        lambda: [np.zeros(shape, np.float32) - 0.5],
        output_signature=tf.TensorSpec(None, tf.float32),
    )
    message = rf"of shape \[N, 8, 8, 1\]. Received: {' '.join(map(str, shape))}"
    with pytest.raises(InputError, match=one_line(message)):
        make("gan", run_eagerly=False, r1_gamma=0.0).fit(of_unknown_shape, **QUIETLY)


@pytest.mark.parametrize(
    ("wanted", "right", "wrong"),
    [
        ((None,), [(4,), (0,)], [(4, 10), (4, 1), (), (1, 4)]),
        ((None, 2), [(4, 2)], [(4, 3), (2,), (4, 1), (4, 2, 2)]),
        ((None, None, None, 1), [(2, 8, 8, 1), (2, 3, 5, 1)], [(2, 8, 8, 3), (2, 8, 8), (2, 1)]),
        ((None, 8, 8, 1), [(2, 8, 8, 1)], [(2, 1, 1, 1), (8, 8, 1), (2, 8, 8, 1, 1)]),
    ],
    ids=str,
)
def test_every_shape_that_only_the_batch_itself_knows(wanted, right, wrong):
    spec = tf.TensorSpec(wanted, tf.float32)
    in_graph = tf.function(
        lambda values: checked({"x": values}, {"x": spec})["x"],
        input_signature=[tf.TensorSpec(None, tf.float32)],
    )
    for shape in right:
        assert in_graph(tf.zeros(shape)).shape == shape
    for shape in wrong:
        with pytest.raises(InputError, match=one_line(r"x must be of shape \[N.*Received: ")):
            InOneLine(in_graph)(tf.zeros(shape))


def test_an_image_is_no_batch():
    with pytest.raises(InputError, match=one_line(r"image must be of shape .* \(8, 8, 1\)")):
        make("gan").train_step(random_images()[0])


@pytest.mark.parametrize("arguments", [{"sample_weight": np.ones(4)}, {"class_weight": {0: 2.0}}])
def test_weights_of_images_are_refused(arguments):
    with pytest.raises(InputError, match=one_line(f"leave {next(iter(arguments))} out")):
        make("gan").fit(random_images(), np.zeros(4), **arguments)
    if "sample_weight" in arguments:
        with pytest.raises(InputError, match=one_line("leave sample_weight out")):
            make("gan").evaluate(random_images(), **arguments)
    with pytest.raises(InputError, match=one_line("sample_weight")):
        make("gan").train_on_batch(random_images(), np.zeros(4), **arguments)


def test_batches_without_an_end_are_refused():
    class Endless(Batches):
        num_batches = None

    endless = tf.data.Dataset.from_tensors(arrays("gan")).repeat()
    for batches in (endless, Endless(arrays("gan")), data.load("digits", batch_size=64).batches()):
        with pytest.raises(InputError, match=one_line("never end.*steps_per_epoch")):
            make("gan").fit(batches)
        with pytest.raises(InputError, match=one_line("never end.*validation_steps")):
            make("gan").fit(random_images(), validation_data=batches)
        with pytest.raises(InputError, match=one_line("never end.*steps")):
            make("gan").evaluate(batches)


def test_a_part_of_arrays_can_be_held_out():
    history = (
        make("gan").fit(random_images(8), validation_split=0.5, batch_size=4, verbose=0).history
    )
    assert len(history["val_generator_loss"]) == 1


@pytest.mark.parametrize("family", ["gan", "conditional_gan"])
def test_evaluate_reports_the_ema_and_does_so_again(family):
    model = make(family, r1_gamma=0.0)
    batches = tf.data.Dataset.from_tensor_slices(arrays(family, 6)).batch(4)
    first = model.evaluate(batches, verbose=0, return_dict=True)
    assert {*first} == {"generator_loss", "discriminator_loss", "real_logit", "fake_logit"}
    assert model.evaluate(batches, verbose=0, return_dict=True) == first
    # Every image counts alike, in whatever batches.
    whole = model.evaluate(batches.unbatch().batch(6), verbose=0, return_dict=True)
    assert whole == pytest.approx(first, rel=1e-5)
    # Another generator alone changes nothing, another EMA does.
    model.generator.set_weights([weight + 1 for weight in model.generator.get_weights()])
    assert model.evaluate(batches, verbose=0, return_dict=True) == first
    model.ema_generator.set_weights(model.generator.get_weights())
    changed = model.evaluate(batches, verbose=0, return_dict=True)
    assert changed["real_logit"] == first["real_logit"]
    assert changed["fake_logit"] != first["fake_logit"]


def test_evaluate_computes_what_it_says():
    model = make("gan", loss="wasserstein")
    real = random_images(6)
    report = model.evaluate(real, batch_size=6, verbose=0, return_dict=True)
    # The seeds are those from 0 on.
    fake = 2.0 * model.generate(np.arange(6)) - 1.0
    real_logit = float(np.mean(model.discriminator(real)))
    fake_logit = float(np.mean(model.discriminator(fake)))
    expected = {
        "generator_loss": -fake_logit,
        "discriminator_loss": fake_logit - real_logit,
        "real_logit": real_logit,
        "fake_logit": fake_logit,
    }
    assert report == pytest.approx(expected, rel=1e-4, abs=1e-6)


MONITORED = {
    "gan": "val_generator_loss",
    "conditional_gan": "val_discriminator_loss",
    "vae": "val_negative_elbo",
    "pix2pix": "val_l1",
    "pix2pix_masked": "val_l1",
    "cyclegan": "val_cycle_loss",
}


@pytest.mark.parametrize("family", QUICK_AND_SLOW)
def test_callbacks_that_monitor_validation(family, tmp_path):
    model = make(family)
    monitor = MONITORED[family]
    model.fit(
        arrays(family, 8),
        batch_size=4,
        epochs=3,
        verbose=0,
        validation_data=arrays(family),
        callbacks=[
            keras.callbacks.ModelCheckpoint(
                tmp_path / "best.keras", monitor=monitor, mode="min", save_best_only=True
            ),
            # Nothing improves by so much.
            keras.callbacks.EarlyStopping(monitor, mode="min", min_delta=1e3, patience=1),
        ],
    )
    # The first epoch is the best so far, the second the one that is waited for.
    assert int(model.step) == 4
    reloaded = keras.saving.load_model(tmp_path / "best.keras")
    assert type(reloaded) is type(model) and int(reloaded.step) in (2, 4)


def optimizers_of(model):
    return [getattr(model, name) for name in model.optimizers]


def with_constant_rates(family, **arguments):
    names = (
        ("optimizer",) if family == "vae" else ("generator_optimizer", "discriminator_optimizer")
    )
    rates = dict(zip(names, (1e-3, 4e-3)))
    return make(
        family, **{name: keras.optimizers.SGD(rate) for name, rate in rates.items()}, **arguments
    )


@pytest.mark.parametrize("family", QUICK_AND_SLOW)
def test_learning_rate_callbacks_move_every_optimizer(family):
    model = with_constant_rates(family)
    before = [float(each.learning_rate) for each in optimizers_of(model)]
    halving = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    model.fit(arrays(family), batch_size=4, verbose=0, callbacks=[halving])
    after = [float(each.learning_rate) for each in optimizers_of(model)]
    np.testing.assert_allclose(after, np.divide(before, 2), rtol=1e-6)
    plateau = keras.callbacks.ReduceLROnPlateau(
        MONITORED[family].removeprefix("val_"), 0.1, patience=1, mode="min", min_delta=1e3
    )
    model.fit(arrays(family), batch_size=4, epochs=2, verbose=0, callbacks=[plateau])
    reduced = [float(each.learning_rate) for each in optimizers_of(model)]
    np.testing.assert_allclose(reduced, np.multiply(after, 0.1), rtol=1e-6)


@pytest.mark.parametrize(
    "callback",
    [
        keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate),
        keras.callbacks.ReduceLROnPlateau("generator_loss"),
    ],
)
def test_a_rate_that_follows_a_schedule_is_not_set(callback):
    model = make("gan")
    with pytest.raises(InputError, match=one_line("compile with generator_optimizer=")):
        model.fit(random_images(), callbacks=[callback])
    assert int(model.step) == 0


@pytest.mark.parametrize("family", QUICK_AND_SLOW)
def test_a_backup_goes_on_where_it_was(family, tmp_path):
    """Interrupted in its third epoch, and started again by another model."""

    class Interruption(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    def fit(model, *callbacks):
        model.fit(arrays(family), batch_size=4, epochs=3, callbacks=[*callbacks], **QUIETLY)

    undisturbed = make(family)
    fit(undisturbed)
    backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
    with pytest.raises(KeyboardInterrupt):
        fit(make(family), backup, Interruption())
    resumed = make(family)
    fit(resumed, keras.callbacks.BackupAndRestore(tmp_path / "backup"))
    assert_same(resumed.get_weights(), undisturbed.get_weights())


@pytest.mark.parametrize("family", FAMILIES)
def test_what_else_people_call(family, tmp_path):
    model = make(family)
    printed = []
    model.summary(print_fn=lambda line, **_: printed.append(line))
    assert "Optimizer params" in "".join(printed)
    assert model.count_params() > 0
    with pytest.raises(InputError, match=one_line("tfgan.export_saved_model")):
        model.export(tmp_path / "exported")
    with pytest.raises(InputError, match=one_line("save to a .keras file")):
        model.save(tmp_path / "model.h5")


def test_a_rate_for_all_optimizers_would_move_none():
    optimizer = make("gan").optimizer
    message = one_line("read or set that of each in model.optimizer.optimizers")
    with pytest.raises(AttributeError, match=message):
        optimizer.learning_rate = 1e-4
    with pytest.raises(AttributeError, match=message):
        float(optimizer.learning_rate)


@pytest.mark.parametrize("family", ["gan", "vae"])
def test_tensorboard(family, tmp_path):
    model = make(family, **({"discriminator_steps": 2} if family == "gan" else {}))
    board = keras.callbacks.TensorBoard(tmp_path, histogram_freq=1, write_steps_per_second=True)
    model.fit(arrays(family, 8), batch_size=4, verbose=0, callbacks=[board])
    assert int(model.optimizer.iterations) == 2
    assert [*tmp_path.rglob("events.*")]


def test_fit_says_nothing_of_shuffling():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make("gan").fit(tf.data.Dataset.from_tensors(arrays("gan")), verbose=0)


class Watch(keras.layers.Layer):
    """Notes whether it is run operation by operation."""

    seen: typing.ClassVar = []

    def call(self, inputs):
        self.seen.append(tf.executing_eagerly())
        return inputs


@pytest.mark.parametrize("when", ["at compile", "afterwards"])
@pytest.mark.parametrize("run_eagerly", [False, True])
def test_run_eagerly(run_eagerly, when):
    from tfgan.models import GAN

    images = keras.Input(SHAPE)
    logits = keras.layers.Dense(1)(keras.layers.Flatten()(Watch()(images)))
    model = GAN(make("gan").generator, keras.Model(images, logits))
    at_first = run_eagerly if when == "at compile" else not run_eagerly
    model.compile(run_eagerly=at_first, r1_gamma=0.0)
    if when == "afterwards":
        model.fit(random_images(), batch_size=4, verbose=0)
        model.run_eagerly = run_eagerly
    Watch.seen.clear()
    model.fit(random_images(), batch_size=4, verbose=0)
    assert set(Watch.seen) == {run_eagerly}
