"""What `compile` and the first step take of users: optimizers, loss scales, strategies, weights."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from smallest_models import FAMILIES, SHAPE, arrays, dense, make, random_images

from tfgan.errors import InputError
from tfgan.losses import AdversarialLoss
from tfgan.models import GAN, CycleGAN
from tfgan.networks.spectral import SpectralDense
from tfgan.optimizers import Adam

SCALED = keras.optimizers.LossScaleOptimizer
TWO = [family for family in FAMILIES if family != "vae"]


def one_line(message):
    """A pattern of an error's whole message."""
    return re.compile(rf"\A[^\n]*{message}[^\n]*\Z")


def names_of(family):
    return FAMILIES[family]().optimizers


def with_optimizers(family, make_optimizer, **arguments):
    return make(family, **{name: make_optimizer() for name in names_of(family)}, **arguments)


def trained(model, family, steps=3):
    for _ in range(steps):
        model.train_step(arrays(family))
    return model.get_weights()


@pytest.mark.parametrize(
    "argument",
    [
        {"metrics": ["mae"]},
        {"weighted_metrics": ["mae"]},
        {"loss_weights": [1.0]},
        {"no_such": 1},
    ],
)
@pytest.mark.parametrize("family", FAMILIES)
def test_arguments_that_would_be_ignored(family, argument):
    (name,) = argument
    with pytest.raises(InputError, match=one_line(rf"optimizer.*Received: {name}")):
        make(family, **argument)


@pytest.mark.parametrize("family", TWO)
def test_one_optimizer_is_not_enough_for_two(family):
    with pytest.raises(InputError, match=one_line("takes generator_optimizer and discriminator")):
        make(family, optimizer="adam")
    shared, wrapped = keras.optimizers.Adam(), keras.optimizers.Adam()
    for make_optimizer in (lambda: shared, lambda: SCALED(wrapped)):
        with pytest.raises(InputError, match=one_line("must be two optimizers.*one Adam")):
            with_optimizers(family, make_optimizer)


@pytest.mark.parametrize("family", FAMILIES)
def test_an_optimizer_of_another_model(family):
    other = make(family)
    used = {name: getattr(other, name) for name in other.optimizers}
    with pytest.raises(InputError, match=one_line("must be a new optimizer")):
        make(family, **used)
    # Of the same model they go on.
    other.compile(**used)


@pytest.mark.parametrize("family", FAMILIES)
def test_an_ema_of_an_optimizer_that_comes_to_nothing(family):
    with pytest.raises(InputError, match=one_line("use_ema.*ema_decay")):
        with_optimizers(family, lambda: keras.optimizers.SGD(use_ema=True))
    with_optimizers(family, lambda: keras.optimizers.SGD(use_ema=True, ema_overwrite_frequency=2))


def test_a_network_in_two_roles():
    made = FAMILIES["cyclegan"]()
    a, b = made.discriminator_a, made.discriminator_b
    for networks in (
        (made.generator_ab, made.generator_ab, a, b),
        (made.generator_ab, made.generator_ba, a, a),
    ):
        with pytest.raises(InputError, match=one_line("no weight in common")):
            CycleGAN(*networks).compile()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_whose_compile_failed_is_not_compiled(family):
    model = make(family)
    with pytest.raises(ValueError):
        model.compile(**{model.optimizers[-1]: "no_such"})
    with pytest.raises(ValueError, match="must call `compile"):
        model.fit(arrays(family))


@pytest.mark.parametrize("family", FAMILIES)
def test_xla_is_refused(family):
    with pytest.raises(InputError, match=one_line("jit_compile must be False")):
        make(family, jit_compile=True)


@pytest.mark.parametrize(
    ("family", "normalize_gradients"),
    [*((family, False) for family in FAMILIES), ("gan", True), ("vae", True)],
)
def test_a_loss_scale_changes_nothing_in_float32(family, normalize_gradients):
    """Powers of two, by which nothing is rounded but what is too small for float32."""
    settings = {"normalize_gradients": normalize_gradients}
    if family in ("gan", "conditional_gan"):
        settings |= {"r2_gamma": 0.5, "gradient_penalty_weight": 1.0, "penalty_interval": 1}
    expected = trained(
        with_optimizers(family, lambda: keras.optimizers.SGD(0.1), **settings), family, steps=2
    )
    for make_optimizer in (
        lambda: SCALED(keras.optimizers.SGD(0.1)),
        lambda: keras.optimizers.SGD(0.1, loss_scale_factor=1024.0),
    ):
        received = trained(with_optimizers(family, make_optimizer, **settings), family, steps=2)
        for a, b in zip(received, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_a_gradient_that_overflows_is_left_out_and_the_scale_halved():
    model = with_optimizers(
        "gan", lambda: SCALED(keras.optimizers.SGD(0.1), initial_scale=2.0**127), r1_gamma=0.0
    )
    before = [np.array(weight) for weight in model.trainable_variables]
    # Logits of which the sum over pixels is beyond what float32 holds at that scale.
    model.generator_optimizer.dynamic_scale.assign(np.inf)
    model.discriminator_optimizer.dynamic_scale.assign(np.inf)
    model.train_step(arrays("gan"))
    for old, new in zip(before, model.trainable_variables):
        np.testing.assert_array_equal(new, old)
    assert int(model.step) == 1
    assert int(model.generator_optimizer.iterations) == 0


@pytest.mark.parametrize("make_optimizer", [lambda: SCALED(Adam()), lambda: Adam()])
def test_a_gradient_that_is_not_finite_at_any_scale_is_named(make_optimizer):
    loss = AdversarialLoss(
        discriminator=lambda real, fake: tf.reduce_mean(tf.sqrt(fake * 0)),
        generator=lambda real, fake: tf.reduce_mean(fake),
    )
    model = with_optimizers("gan", make_optimizer, loss=loss, r1_gamma=0.0)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"non-finite gradient of .*/kernel"):
        for _ in range(40):
            model.train_step(arrays("gan"))


@pytest.mark.parametrize("family", FAMILIES)
def test_float16(family):
    """Networks that compute in float16 train, their optimizers scaled as Keras scales them."""
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = make(family)
        for name in model.optimizers:
            assert isinstance(getattr(model, name), SCALED)
        # Before the first step of a scale of 32,768 that fits, some are left out.
        before = [np.array(weight) for weight in model.trainable_variables]
        for _ in range(4):
            logs = model.train_step(arrays(family))
        assert all(np.isfinite(value) for value in logs.values())
        moved = [
            not np.array_equal(old, new) for old, new in zip(before, model.trainable_variables)
        ]
        assert any(moved)
        assert {each.dtype for each in model.weights} <= {"float32", "int64", "int32"}
        assert not any(
            isinstance(getattr(plain, name), SCALED)
            for plain in [make(family, auto_scale_loss=False)]
            for name in plain.optimizers
        )
    finally:
        keras.config.set_dtype_policy("float32")


def test_the_scale_is_part_of_the_file(tmp_path):
    model = with_optimizers("gan", lambda: SCALED(Adam(1e-3)))
    trained(model, "gan")
    model.discriminator_optimizer.dynamic_scale.assign(7.0)
    model.save(tmp_path / "gan.keras")
    reloaded = keras.saving.load_model(tmp_path / "gan.keras")
    assert float(reloaded.discriminator_optimizer.dynamic_scale) == 7.0
    assert int(reloaded.discriminator_optimizer.iterations) == 3
    checkpoint = tf.train.Checkpoint(model=model).write(str(tmp_path / "checkpoint"))
    fresh = with_optimizers("gan", lambda: SCALED(Adam(1e-3)))
    tf.train.Checkpoint(model=fresh).read(checkpoint)
    assert float(fresh.discriminator_optimizer.dynamic_scale) == 7.0
    assert int(fresh.discriminator_optimizer.iterations) == 3


def test_gradients_can_be_accumulated():
    """Of two steps, the first moves nothing, and the second by the mean of both gradients."""

    def make_gan(**accumulating):
        return make(
            "gan",
            generator_optimizer=keras.optimizers.SGD(0.0),
            discriminator_optimizer=keras.optimizers.SGD(0.1, **accumulating),
            r1_gamma=0.0,
        )

    accumulated, single = make_gan(gradient_accumulation_steps=2), make_gan()
    initial = accumulated.discriminator.get_weights()
    expected = [np.array(weight) for weight in initial]
    for seed in range(2):
        for old, new in zip(initial, accumulated.discriminator.get_weights()):
            np.testing.assert_array_equal(new, old)
        batch = {"image": random_images(seed=seed)}
        accumulated.train_step(batch)
        # Each step of the other starts from the same weights.
        single.discriminator.set_weights(initial)
        single.train_step(batch)
        moved = zip(expected, single.discriminator.get_weights(), initial)
        expected = [total + 0.5 * (new - old) for total, new, old in moved]
    for weight, value in zip(accumulated.discriminator.get_weights(), expected):
        np.testing.assert_allclose(weight, value, atol=1e-6)


class Unreached(keras.layers.Layer):
    def build(self, shape):
        self.unused = self.add_weight(shape=(3,), name="unused")

    def call(self, inputs):
        return inputs


@pytest.mark.parametrize("run_eagerly", [False, True])
@pytest.mark.parametrize("method", ["train_step", "train_on_batch", "fit"])
def test_a_weight_that_the_loss_does_not_reach(method, run_eagerly):
    images = keras.Input(SHAPE)
    logits = keras.layers.Dense(1)(Unreached()(keras.layers.Flatten()(images)))
    model = GAN(make("gan").generator, keras.Model(images, logits))
    model.compile(run_eagerly=run_eagerly, r1_gamma=0.0)
    with pytest.raises(InputError, match=one_line("count in the loss.*Received: .*unused")):
        getattr(model, method)(arrays("gan"))


@pytest.mark.parametrize("run_eagerly", [False, True])
@pytest.mark.parametrize("family", ["gan", "conditional_gan", "vae", "cyclegan"])
def test_layers_that_are_frozen_or_thawed_after_compile(family, run_eagerly):
    model = make(family, run_eagerly=run_eagerly)
    (name, *_) = model.networks
    layers = getattr(model, name)._flatten_layers(recursive=True, include_self=False)
    layer = next(each for each in layers if isinstance(each, keras.layers.Dense))
    layer.trainable = False
    for method in (model.train_step, model.fit):
        with pytest.raises(InputError, match=one_line(f"compile: call it again.*{layer.name}")):
            method(arrays(family))
    model.compile(run_eagerly=True)
    frozen = [np.array(weight) for weight in layer.weights]
    trained(model, family)
    for old, new in zip(frozen, layer.weights):
        np.testing.assert_array_equal(new, old)
    layer.trainable = True
    with pytest.raises(InputError, match=one_line("compile: call it again")):
        model.fit(arrays(family))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_that_was_never_compiled_is_saved(family, tmp_path):
    model = FAMILIES[family]()
    model.save(tmp_path / "model.keras")
    reloaded = keras.saving.load_model(tmp_path / "model.keras")
    assert not reloaded.compiled
    for a, b in zip(model.get_weights(), reloaded.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("family", ["gan", "conditional_gan", "pix2pix"])
def test_what_cannot_be_saved_is_refused_before_the_first_epoch(family, tmp_path):
    model = make(family, loss=AdversarialLoss(lambda r, f: f, lambda r, f: f))
    checkpoint = keras.callbacks.ModelCheckpoint(tmp_path / "model.keras")
    with pytest.raises(InputError, match=one_line("save_weights_only=True")):
        model.fit(arrays(family), callbacks=[checkpoint])
    assert int(model.step) == 0
    model.save_weights(tmp_path / "model.weights.h5")


def gan_of(cls):
    keras.utils.set_random_seed(3)
    made = FAMILIES["gan"]()
    return cls(made.generator, made.discriminator, seed=5)


@pytest.mark.parametrize("run_eagerly", [False, True])
def test_a_subclass_with_a_step_of_its_own_takes_batches_of_its_own(run_eagerly):
    class Own(GAN):
        def train_step(self, batch):
            self.step.assign_add(1)
            return {"brightness": tf.reduce_mean(batch["shot"])}

    model = gan_of(Own)
    model.compile(run_eagerly=run_eagerly)
    history = model.fit({"shot": np.full((4, 3), 7.0, np.float32)}, verbose=0).history
    assert history == {"brightness": [7.0]} and int(model.step) == 1
    # Its other steps are the family's.
    with pytest.raises(InputError, match=one_line("a batch must be a dict with 'image'")):
        model.evaluate({"shot": np.zeros((4, 3))}, verbose=0)


def test_a_subclass_may_want_more_than_images():
    class Weighted(GAN):
        @property
        def batch_spec(self):
            return super().batch_spec | {"weight": tf.TensorSpec([None], tf.float32)}

        def train_step(self, batch):
            return {"total": tf.reduce_sum(batch["weight"])}

    model = gan_of(Weighted)
    model.compile(run_eagerly=True)
    # Numbers that are no images have no range.
    assert float(model.train_step((random_images(), np.arange(4.0)))["total"]) == 6.0


@pytest.mark.parametrize("decorate", [lambda step: step, tf.function])
def test_a_subclass_that_adds_to_the_step(decorate):
    class More(GAN):
        def train_step(self, batch):
            logs = super().train_step(batch)
            return logs | {"twice": 2 * logs["generator_loss"]}

    More.train_step = decorate(More.train_step)
    model, expected = gan_of(More), gan_of(GAN)
    # The step of one compilation does not go on with the loss of the one before.
    for loss in ("hinge", "wasserstein"):
        for each in (model, expected):
            each.compile(loss=loss, r1_gamma=0.0)
            each.reset_metrics()
            logs = each.train_step(random_images())
            if each is model:
                assert float(logs["twice"]) == 2 * float(logs["generator_loss"])
    for a, b in zip(model.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.fixture(scope="module")
def two_devices():
    """A strategy of two replicas, without two devices: what counts is their number."""

    class Two(tf.distribute.OneDeviceStrategy):
        @property
        def num_replicas_in_sync(self):
            return 2

    return Two("CPU:0")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_strategy_of_several_replicas(family, two_devices):
    message = one_line("one device.*of 2")
    with two_devices.scope():
        built = FAMILIES[family]()
    with pytest.raises(InputError, match=message):
        built.compile()
    built = FAMILIES[family]()
    with two_devices.scope(), pytest.raises(InputError, match=message):
        built.compile()
    compiled = make(family)
    with two_devices.scope(), pytest.raises(InputError, match=message):
        compiled.train_step(arrays(family))
    with tf.distribute.OneDeviceStrategy("CPU:0").scope():
        make(family)


def spectral_gan(spectral, run_eagerly=True):
    keras.utils.set_random_seed(3)
    latents = keras.Input((6,))
    x = keras.layers.LeakyReLU(0.2)(spectral(64)(latents))
    x = keras.layers.Reshape(SHAPE)(keras.layers.Activation("tanh")(spectral(64)(x)))
    model = GAN(keras.Model(latents, x), dense([keras.Input(SHAPE)], 1), seed=5)
    model.compile(run_eagerly=run_eagerly, r1_gamma=0.0)
    return model


def test_the_ema_of_a_spectral_layer_has_a_norm_of_its_own():
    """`u` is a unit vector that belongs to one kernel; a mean of those of other kernels is none."""
    model = spectral_gan(SpectralDense, run_eagerly=False)
    for _ in range(60):
        model.train_step({"image": random_images()})
    for layer in model.ema_generator.layers:
        if isinstance(layer, SpectralDense):
            assert np.linalg.norm(layer.u) == pytest.approx(1.0, abs=1e-5)
            assert np.linalg.norm(layer.kernel, 2) == pytest.approx(1.0, abs=0.02)


def test_keras_own_spectral_layers_train():
    model = spectral_gan(
        lambda units: keras.layers.SpectralNormalization(keras.layers.Dense(units))
    )
    for _ in range(3):
        model.train_step({"image": random_images()})
    assert np.isfinite(model.generate([0, 1])).all()


class Counter(keras.layers.Layer):
    """Counts its calls in training, as an integer that is a weight."""

    def build(self, shape):
        self.calls = self.add_weight(
            shape=(), dtype="int32", initializer="zeros", trainable=False, name="calls"
        )

    def call(self, inputs, training=False):
        if training:
            self.calls.assign_add(1)
        return inputs


def test_integers_are_taken_over_by_the_ema():
    latents = keras.Input((6,))
    x = keras.layers.Dense(64, "tanh")(Counter()(latents))
    generator = keras.Model(latents, keras.layers.Reshape(SHAPE)(x))
    model = GAN(generator, dense([keras.Input(SHAPE)], 1))
    model.compile(run_eagerly=True, r1_gamma=0.0)
    for _ in range(3):
        model.train_step({"image": random_images()})
    (counter,) = [each for each in model.ema_generator.layers if isinstance(each, Counter)]
    assert int(counter.calls) == 3
