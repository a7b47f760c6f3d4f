"""docs/corrections.md, both sides: what the published patterns do, and that the corrections do not.

The patterns are re-enacted here in small, not copied. Page and tests are in the same order.
"""

import re
from itertools import islice
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import make_gan, random_batch, step_by_operation
from keras import layers

from tfgan import data, losses
from tfgan.models.adversarial import adam
from tfgan.networks import (
    convolutional_discriminator,
    convolutional_generator,
    dense_discriminator,
    dense_generator,
)

UNBUILT_FLATTEN = "it looks like it has unbuilt state"
NOT_TRAINABLE = "The model does not have any trainable weights"
pytestmark = [
    pytest.mark.filterwarnings(f"ignore:.*{UNBUILT_FLATTEN}"),
    pytest.mark.filterwarnings(f"ignore:{NOT_TRAINABLE}"),
]


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(0)


def uniform(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def largest_change(model, act):
    """The largest absolute change of any weight that `act()` makes."""
    before = model.get_weights()
    act()
    return max(np.abs(new - old).max() for new, old in zip(model.get_weights(), before))


def count(model, kind):
    return sum(isinstance(layer, kind) for layer in model.layers)


def test_the_page_names_every_test_in_order():
    page = Path(__file__).parents[1] / "docs" / "corrections.md"
    named = re.findall(r"`(test_\w+)`", page.read_text(encoding="utf-8"))
    defined = re.findall(r"^def (test_\w+)", Path(__file__).read_text(encoding="utf-8"), re.M)
    assert named == defined[1:]


# feature_vectors.txt


@pytest.mark.parametrize("source", ["def f():\nx = 1\n", "class A:\ndef f(self):\nx = 1\n"])
def test_indentation_is_lost(source):
    with pytest.raises(IndentationError, match="expected an indented block"):
        compile(source, "published", "exec")


@pytest.mark.usefixtures("eagerly")
def test_training_function_is_a_comment():
    with pytest.raises(IndentationError, match="expected an indented block after function"):
        compile("def train(generator):\n    # ...\n\nif True:\n    pass\n", "published", "exec")

    gan = make_gan()
    digits = data.load("digits", batch_size=16)
    change = largest_change(
        gan.generator,
        lambda: gan.fit(digits.batches(), steps_per_epoch=2, shuffle=False, verbose=0),
    )
    assert int(gan.step) == 2
    assert change > 1e-4


def test_stride_is_not_a_keyword():
    with pytest.raises(ValueError, match="Unrecognized keyword arguments passed to Conv2D"):
        layers.Conv2D(4, 4, stride=2, padding="same")

    ladder = [
        layer
        for layer in convolutional_discriminator((8, 8, 1), width=2).layers
        if isinstance(layer, layers.Conv2D)
    ]
    assert [layer.strides for layer in ladder] == [(2, 2), (2, 2)]


class LayersMadeInCall(keras.Model):
    """Stride-2 convolutions; normalisation and activation anew in each call; an idle Flatten."""

    def __init__(self, widths=(2, 3)):
        super().__init__()
        self.convolutions = [layers.Conv2D(width, 4, strides=2, padding="same") for width in widths]
        self.flatten = layers.Flatten()
        self.dense = layers.Dense(1, activation="sigmoid")

    def call(self, images):
        x = images
        for convolution in self.convolutions:
            x = convolution(x)
            x = layers.BatchNormalization()(x)
            x = layers.LeakyReLU()(x)
        return self.dense(x)


def test_generator_shrinks_and_takes_no_noise():
    def downward():
        ladder = [layers.Conv2D(2, 4, strides=2, padding="same") for _ in range(4)]
        return keras.Sequential([*ladder, layers.Conv2D(1, 7, padding="same", activation="tanh")])

    with pytest.raises(ValueError, match="expected min_ndim=4, found ndim=2"):
        downward()(uniform(2, 100))
    assert downward()(uniform(2, 28, 28, 1)).shape == (2, 2, 2, 1)
    assert downward()(uniform(2, 64, 64, 1)).shape == (2, 4, 4, 1)
    assert downward()(uniform(2, 1, 1, 100)).shape == (2, 1, 1, 1)

    corrected = convolutional_generator((28, 28, 3), latent_dim=100, width=2, depth=4)
    assert corrected(uniform(2, 100)).shape == (2, 28, 28, 3)


def test_layers_made_in_call_are_never_tracked():
    model = LayersMadeInCall()
    images = uniform(4, 8, 8, 1)
    with tf.GradientTape() as tape:
        model(images, training=True)
    # Kernel and bias of two convolutions and a dense layer; then gamma and beta, twice.
    assert len(model.trainable_variables) == len(model.variables) == 6
    assert len(tape.watched_variables()) == 10
    model.compile("adam", "binary_crossentropy", run_eagerly=True)
    model.fit(images, np.ones((4, 2, 2, 1)), verbose=0)
    assert len(model.optimizer.variables) == 2 + 2 * 6  # Iteration and rate; Adam's two moments.

    corrected = convolutional_discriminator((8, 8, 1), width=2, normalization="batch")
    assert count(corrected, layers.BatchNormalization) == 2
    # Without the convolutions' two biases, which the normalisation would take away again.
    assert len(corrected.trainable_variables) == 8
    assert len(corrected.non_trainable_variables) == 4


def test_layers_made_in_call_do_not_normalize_in_inference():
    model = LayersMadeInCall()
    images = uniform(4, 8, 8, 1)

    def without_normalisation(x):
        for convolution in model.convolutions:
            x = tf.nn.leaky_relu(convolution(x) / np.sqrt(1.001), 0.3)
        return model.dense(x)

    before = model(images).numpy()
    np.testing.assert_allclose(before, without_normalisation(images), atol=1e-6)
    for _ in range(3):
        trained = model(5 * images + 3, training=True)
    assert np.abs(trained - model(5 * images + 3)).max() > 1e-2
    np.testing.assert_array_equal(model(images), before)

    corrected = convolutional_discriminator((8, 8, 1), width=2, normalization="batch")
    before = corrected(images).numpy()
    for _ in range(3):
        corrected(5 * images + 3, training=True)
    assert np.abs(corrected(images) - before).max() > 1e-4


def compiled(model):
    model.compile("adam", "binary_crossentropy", jit_compile=False)
    return model


IN_A_GRAPH = {
    "tf.function": lambda model, images, folder: tf.function(lambda x: model(x))(images),
    "predict": lambda model, images, folder: model.predict(images, verbose=0),
    "fit": lambda model, images, folder: compiled(model).fit(
        images, np.ones_like(model(images)), verbose=0
    ),
    "train_on_batch": lambda model, images, folder: compiled(model).train_on_batch(
        images, np.ones_like(model(images))
    ),
    "export": lambda model, images, folder: model.export(folder, verbose=False),
    "tf.saved_model.save": lambda model, images, folder: tf.saved_model.save(model, folder),
}


TAKES_LONG = ("predict", "fit", "train_on_batch", "export")


@pytest.mark.parametrize(
    "use",
    [pytest.param(use, marks=[pytest.mark.slow] * (use in TAKES_LONG)) for use in IN_A_GRAPH],
)
def test_layers_made_in_call_fail_in_every_graph(use, tmp_path):
    images = uniform(4, 8, 8, 1)
    model = LayersMadeInCall()
    model(images)
    with pytest.raises(ValueError, match=r"tf\.function only supports singleton tf\.Variables"):
        IN_A_GRAPH[use](model, images, str(tmp_path / "published"))

    corrected = convolutional_discriminator((8, 8, 1), width=2, normalization="batch")
    IN_A_GRAPH[use](corrected, images, str(tmp_path / "corrected"))


def test_flatten_is_never_called():
    model = LayersMadeInCall(widths=(2, 2, 2, 2))
    with pytest.warns(UserWarning, match=UNBUILT_FLATTEN):
        answers = model(uniform(4, 28, 28, 1))
    assert answers.shape == (4, 2, 2, 1)
    assert model(uniform(4, 2, 2, 1)).shape == (4, 1, 1, 1)
    assert not model.flatten.built
    loss = keras.losses.BinaryCrossentropy()
    with pytest.raises(ValueError, match="`target` and `output` must have the same rank"):
        loss(np.ones((4, 1)), answers)
    assert np.isfinite(loss(tf.ones_like(answers), answers))

    corrected = convolutional_discriminator((28, 28, 1), width=2)
    assert corrected(uniform(4, 28, 28, 1)).shape == (4, 1)
    with pytest.raises(ValueError, match=r"expected shape=\(None, 28, 28, 1\)"):
        corrected(uniform(4, 2, 2, 1))


def test_subclasses_do_not_reload(tmp_path):
    path = tmp_path / "model.keras"
    model = LayersMadeInCall()
    model(uniform(4, 8, 8, 1))
    model.save(path)
    with pytest.raises(TypeError, match="Could not locate class 'LayersMadeInCall'"):
        keras.models.load_model(path)
    with pytest.raises(TypeError, match="got an unexpected keyword argument 'trainable'"):
        keras.models.load_model(path, custom_objects={"LayersMadeInCall": LayersMadeInCall})

    corrected = convolutional_discriminator((8, 8, 1), width=2)
    corrected.save(path)
    images = uniform(4, 8, 8, 1)
    np.testing.assert_array_equal(keras.models.load_model(path)(images), corrected(images))


def test_sigmoid_before_the_loss():
    sigmoid = keras.Sequential([layers.Dense(1, activation="sigmoid", kernel_initializer="ones")])
    keras_loss = keras.losses.BinaryCrossentropy()
    zero = np.zeros((1, 1))

    def loss_and_gradient(loss):
        logit = tf.constant([[40.0]])
        with tf.GradientTape() as tape:
            tape.watch(logit)
            value = loss(logit)
        return np.array([value, np.squeeze(tape.gradient(value, logit))])

    def by_hand(logit):
        return tf.reduce_mean(-tf.math.log(1 - sigmoid(logit)))

    value, gradient = loss_and_gradient(by_hand)
    assert np.isinf(value) and np.isnan(gradient)
    # Keras' loss finds the logits that its own sigmoid left on the tensor, if on that very one.
    found = loss_and_gradient(lambda logit: keras_loss(zero, sigmoid(logit)))
    np.testing.assert_allclose(found, [40, 1])
    lost = loss_and_gradient(lambda logit: keras_loss(zero, tf.identity(sigmoid(logit))))
    np.testing.assert_allclose(lost, [15.942, 0], atol=1e-3)
    twice = keras.losses.BinaryCrossentropy(from_logits=True)
    doubled = loss_and_gradient(lambda logit: twice(zero, tf.identity(sigmoid(logit))))
    np.testing.assert_allclose(doubled, [1.313, 0], atol=1e-3)

    corrected = loss_and_gradient(
        lambda logit: losses.cross_entropy_discriminator(tf.constant([[1000.0]]), logit)
    )
    np.testing.assert_allclose(corrected, [40, 1])
    for discriminator in (convolutional_discriminator, dense_discriminator):
        last = discriminator((8, 8, 1), width=2).layers[-1]
        assert last.activation is keras.activations.linear


# confidence_risk.txt


def test_names_are_never_imported_and_train_never_called():
    published = {}
    exec(
        "from tensorflow.keras.layers import Dense\n"
        "def generator_model():\n    return Conv2DTranspose(1, 1), Activation('tanh')\n"
        "def activation():\n    return Activation('tanh')\n"
        "def train():\n    return np.ones(1)\n",
        published,
    )
    assert published["Dense"] is keras.layers.Dense
    for function, name in [
        ("generator_model", "Conv2DTranspose"),
        ("activation", "Activation"),
        ("train", "np"),
    ]:
        with pytest.raises(NameError, match=f"name '{name}' is not defined"):
            published[function]()

    corrected = dense_generator((8, 8, 3), latent_dim=4, width=2)
    assert count(corrected, layers.Conv2DTranspose) == 4
    assert corrected.layers[-1].activation is keras.activations.tanh


def transposed_convolutions(side):
    """100 numbers through a dense layer and four transposed convolutions, tanh at the end alone."""
    latents = keras.Input((100,))
    x = layers.Dense(side * side * 8, activation="relu")(latents)
    x = layers.Reshape((side, side, 8))(x)
    for filters, stride in ((4, 1), (4, 2), (2, 2), (3, 2)):
        x = layers.Conv2DTranspose(filters, 5, strides=stride, padding="same")(x)
    return keras.Model(latents, layers.Activation("tanh")(x))


def small_discriminator(shape=(8, 8, 3), batch_normalization=False):
    """A flattened picture through a dense layer to a probability."""
    images = keras.Input(shape)
    x = layers.Dense(4, activation="relu")(layers.Flatten()(images))
    if batch_normalization:
        x = layers.BatchNormalization(name="normalization")(x)
    return keras.Model(images, layers.Dense(1, activation="sigmoid")(x))


def small_generator():
    """Eight numbers to an 8x8x3 picture in [-1, 1]."""
    latents = keras.Input((8,))
    x = layers.Dense(192, activation="tanh")(latents)
    return keras.Model(latents, layers.Reshape((8, 8, 3))(x))


def test_generator_and_discriminator_disagree_on_the_size():
    pictures = transposed_convolutions(8)(uniform(2, 100))
    assert pictures.shape == (2, 64, 64, 3)
    published = small_discriminator((28, 28, 3))
    with pytest.raises(
        ValueError, match=r"expected shape=\(None, 28, 28, 3\), found shape=\(2, 64, 64, 3\)"
    ):
        published(pictures)
    with pytest.raises(ValueError, match="expected axis -1 of input shape to have value 2352"):
        published(uniform(2, 28, 28, 1))

    for shape in [(28, 28, 3), (64, 64, 3)]:
        corrected = dense_generator(shape, latent_dim=4, width=2)
        assert dense_discriminator(shape, width=2)(corrected(uniform(2, 4))).shape == (2, 1)


def transposed_stack(model):
    """From the first transposed convolution to what the last activation receives."""
    stack = [layer for layer in model.layers if isinstance(layer, layers.Conv2DTranspose)]
    return keras.Model(stack[0].input, model.layers[-1].input)


def departure_from_affine(function, shape):
    """The largest |f(a) + f(b) - f(0) - f(a + b)| as a share of the largest |f(a)|."""
    a, b = uniform(2, *shape, seed=1), uniform(2, *shape, seed=2)
    value, other, at_zero, both = (function(x).numpy() for x in (a, b, 0 * a, a + b))
    return np.abs(value + other - at_zero - both).max() / np.abs(value).max()


def test_transposed_convolutions_collapse_into_one_affine_map():
    published = transposed_convolutions(1)
    for variable in published.variables:
        variable.assign(uniform(*variable.shape))
    assert departure_from_affine(transposed_stack(published), (1, 1, 8)) < 1e-5

    corrected = dense_generator((8, 8, 3), latent_dim=4, width=2)
    assert departure_from_affine(transposed_stack(corrected), (1, 1, 8)) > 0.1
    assert count(corrected, layers.ReLU) == count(corrected, layers.BatchNormalization) == 4


def test_nothing_is_compiled():
    with pytest.raises(ValueError, match=r"You must call `compile\(\)` before using the model"):
        small_discriminator().train_on_batch(uniform(4, 8, 8, 3), np.ones((4, 1)))

    gan = make_gan()
    assert isinstance(gan.generator_optimizer, keras.optimizers.Adam)
    assert isinstance(gan.discriminator_optimizer, keras.optimizers.Adam)


def published_loop(discriminator, pictures, z, batch_size, epochs, learning_rate):
    """The loop's treatment of its arguments: the pictures that each step gets."""
    received = []
    for _ in range(epochs):
        for step in range(batch_size):
            pictures = pictures[step * batch_size : (step + 1) * batch_size]
            received.append(pictures)
            discriminator.train_on_batch(pictures, np.ones((len(pictures), 1)))
    return received


@pytest.mark.slow
def test_learning_rate_and_z_are_never_used():
    discriminator = compiled(small_discriminator())
    change = largest_change(
        discriminator,
        lambda: published_loop(discriminator, uniform(1, 8, 8, 3), None, 1, 1, learning_rate=0.0),
    )
    assert change == pytest.approx(1e-3, rel=1e-2)

    gan = make_gan(generator_optimizer=adam(0.0), discriminator_optimizer=adam(0.0))
    batch = random_batch()
    assert largest_change(gan.discriminator, lambda: gan.train_step(batch)) == 0
    gan.discriminator_optimizer.learning_rate = 0.01
    assert largest_change(gan.discriminator, lambda: gan.train_step(batch)) > 1e-3
    # The noise is an argument too: of the seed and the step.
    np.testing.assert_array_equal(gan.training_latents(4), gan.training_latents(4))
    assert not np.array_equal(gan.training_latents(4), make_gan().training_latents(4))


@pytest.mark.usefixtures("eagerly")
def test_steps_are_counted_by_the_batch_size():
    discriminator = compiled(small_discriminator())
    for batch_size in (1, 2):
        pictures = uniform(100, 8, 8, 3)
        assert len(published_loop(discriminator, pictures, None, batch_size, 1, 0)) == batch_size

    for batch_size, steps in ((1, 1498), (64, 23)):
        assert data.load("digits", batch_size).steps_per_epoch == steps


@pytest.mark.slow
def test_images_are_overwritten_by_their_own_slice():
    discriminator = compiled(small_discriminator())
    pictures = uniform(100, 8, 8, 3)
    received = published_loop(discriminator, pictures, None, 4, 2, 0)
    assert [len(batch) for batch in received] == [4, 0, 0, 0, 0, 0, 0, 0]
    # The published labels are as many as ever.
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"Incompatible shapes: \[0,1\] vs\. \[4,1\]"
    ):
        discriminator.train_on_batch(pictures[:0], np.ones((4, 1)))
    with pytest.raises(ValueError, match="`target` and `output` must have the same shape"):
        compiled(discriminator).train_on_batch(pictures[:3], np.ones((4, 1)))

    digits = data.load("digits", batch_size=256)
    sizes = [len(batch["image"]) for batch in islice(digits.batches(), 10)]
    assert sizes == [256] * 10


def test_images_are_never_shuffled():
    pictures = uniform(100, 8, 8, 3)
    received = published_loop(compiled(small_discriminator()), pictures, None, 1, 3, 0)
    np.testing.assert_array_equal(np.concatenate(received), pictures[[0, 0, 0]])

    digits = data.load("digits", batch_size=1498)
    first, second = (batch["label"].numpy() for batch in islice(digits.batches(), 2))
    assert not np.array_equal(first, digits.labels)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(np.sort(first), np.sort(digits.labels))


def test_images_are_never_scaled():
    as_read = np.arange(256, dtype=np.uint8)
    assert as_read.max() == 255 and np.abs(small_generator()(uniform(2, 8))).max() <= 1
    assert (as_read / 127.5 - 1).dtype == np.float64

    batch = next(iter(data.load("digits", batch_size=64).batches()))["image"].numpy()
    assert (batch.dtype, batch.min(), batch.max()) == (np.float32, -1, 1)


@pytest.mark.usefixtures("eagerly")
def test_prediction_carries_no_gradient():
    generator, discriminator = small_generator(), small_discriminator()
    with tf.GradientTape() as tape:
        pictures = generator.predict(uniform(4, 8), verbose=0)
        score = tf.reduce_mean(discriminator(pictures))
    assert isinstance(pictures, np.ndarray)
    assert tape.gradient(score, generator.trainable_variables) == [None, None]

    # The corrected generator learns through the discriminator, and through nothing else.
    gan = make_gan()
    kernel = gan.discriminator.get_layer("logits").kernel
    value = np.array(kernel)
    before = [np.array(variable) for variable in gan.generator.trainable_variables]
    kernel.assign(np.zeros_like(value))
    gan.train_step(random_batch())
    for variable, value_before in zip(gan.generator.trainable_variables, before):
        np.testing.assert_array_equal(variable, value_before)
    kernel.assign(value)
    gan.train_step(random_batch())
    for variable, value_before in zip(gan.generator.trainable_variables, before):
        assert np.abs(variable - value_before).max() > 1e-4


REALS, FAKES = uniform(4, 8, 8, 3, seed=1), uniform(4, 8, 8, 3, seed=2)


@pytest.mark.parametrize(
    ("reals", "fakes", "eagerly", "learns_from_fakes"),
    [
        pytest.param(REALS, FAKES, False, True, id="one trace"),
        pytest.param(REALS, FAKES, True, False, id="eager"),
        pytest.param(
            REALS.astype(np.float64), FAKES, False, False, id="float64", marks=pytest.mark.slow
        ),
        pytest.param(REALS, FAKES[:3], False, False, id="batch size", marks=pytest.mark.slow),
    ],
)
def test_trainable_is_read_when_the_step_is_traced(reals, fakes, eagerly, learns_from_fakes):
    discriminator = small_discriminator(batch_normalization=True)
    discriminator.compile("adam", "binary_crossentropy", run_eagerly=eagerly, jit_compile=False)
    moving_mean = discriminator.get_layer("normalization").moving_mean
    for _ in range(2):
        discriminator.trainable = True
        assert largest_change(
            discriminator, lambda: discriminator.train_on_batch(reals, np.ones((len(reals), 1)))
        )
        discriminator.trainable = False
        statistics = np.array(moving_mean)
        change = largest_change(
            discriminator, lambda: discriminator.train_on_batch(fakes, np.zeros((len(fakes), 1)))
        )
        assert (change > 0) == learns_from_fakes
        assert np.array_equal(moving_mean, statistics) != learns_from_fakes


@pytest.mark.slow
def test_trainable_turned_off_before_the_first_trace():
    discriminator = compiled(small_discriminator())
    ones = np.ones((4, 1))
    discriminator.trainable = False
    discriminator.train_on_batch(FAKES, 0 * ones)
    discriminator.trainable = True
    assert largest_change(discriminator, lambda: discriminator.train_on_batch(REALS, ones)) == 0
    with pytest.raises(ValueError, match="Creating variables on a non-first call"):
        discriminator.train_on_batch(REALS.astype(np.float64), ones)

    # Corrected: each player's own variables are named in the step, and fakes count.
    gan = make_gan(
        generator_optimizer=keras.optimizers.SGD(0.0),
        discriminator_optimizer=keras.optimizers.SGD(0.1),
        r1_gamma=0,
    )
    weights, after = gan.discriminator.get_weights(), []
    kernel = gan.generator.layers[-2].kernel
    for scale in (1.0, 1.0, 0.0):
        gan.discriminator.set_weights(weights)
        gan.step.assign(0)
        kernel.assign(kernel * scale)
        with step_by_operation():
            gan.train_step(random_batch())
        after.append(np.concatenate([np.ravel(x) for x in gan.discriminator.get_weights()]))
    np.testing.assert_array_equal(after[0], after[1])
    assert np.abs(after[1] - after[2]).max() > 1e-5
    assert gan.discriminator.trainable


@pytest.mark.usefixtures("eagerly")
def test_weighting_reaches_no_gradient():
    discriminator = compiled(small_discriminator())
    real_loss = discriminator.train_on_batch(REALS, np.ones((4, 1)))
    fake_loss = discriminator.train_on_batch(FAKES, np.zeros((4, 1)))
    assert type(0.9 * real_loss + 0.1 * fake_loss) is float
    discriminator.compile("adam", "binary_crossentropy", metrics=["accuracy"], jit_compile=False)
    with pytest.raises(TypeError, match="can't multiply sequence by non-int of type 'float'"):
        0.9 * discriminator.train_on_batch(REALS, np.ones((4, 1)))

    real_logits, fake_logits = tf.zeros((1, 1)), tf.zeros((1, 1))
    with tf.GradientTape() as tape:
        tape.watch([real_logits, fake_logits])
        loss = losses.cross_entropy_discriminator(real_logits, fake_logits)
    gradients = np.squeeze(tape.gradient(loss, [real_logits, fake_logits]))
    np.testing.assert_allclose(gradients, [-0.5, 0.5])


def test_symbolic_output_is_no_target():
    generator, discriminator = small_generator(), small_discriminator()
    noise = uniform(4, 8)
    with pytest.raises(ValueError, match=r"You must call `compile\(\)` before using the model"):
        generator.train_on_batch(noise, discriminator.output)
    with pytest.raises(ValueError, match="A KerasTensor is symbolic"):
        compiled(generator).train_on_batch(noise, discriminator.output)


@pytest.mark.slow
def test_scores_as_targets_paint_columns():
    generator = small_generator()
    generator.compile(keras.optimizers.Adam(0.02), "mse", jit_compile=False)
    scores = np.linspace(0, 0.875, 8)[:, None]
    noise = uniform(8, 8)
    for _ in range(300):
        generator.train_on_batch(noise, scores)
    pictures = generator.predict(noise, verbose=0)
    np.testing.assert_allclose(pictures.mean(axis=(0, 1, 3)), scores[:, 0], atol=0.05)
    np.testing.assert_allclose(pictures.mean(axis=(1, 2, 3)), scores.mean(), atol=0.05)
    with pytest.raises(ValueError, match="`target` and `output` must have the same rank"):
        compiled(generator).train_on_batch(noise, scores)
    generator.compile("adam", "mse", jit_compile=False)
    with pytest.raises(ValueError, match="Dimensions must be equal, but are 4 and 8"):
        generator.train_on_batch(noise[:4], scores[:4])

    # Corrected: the target is "real", asked of the logits.
    logits = tf.zeros((4, 1))
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = losses.non_saturating_generator(logits, logits)
    np.testing.assert_allclose(tape.gradient(loss, logits), np.full((4, 1), -0.125))
