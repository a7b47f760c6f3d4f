"""`tfgan.networks.spectral` against NumPy's singular values and finite differences."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgan.networks.spectral import SpectralConv2D, SpectralDense
from tfgan.penalties import r1


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def convolution(dtype="float32"):
    keras.utils.set_random_seed(1)
    layer = SpectralConv2D(5, (3, 2), dtype=dtype)
    layer.build((None, 6, 6, 4))
    return layer


def dense(dtype="float32"):
    keras.utils.set_random_seed(1)
    layer = SpectralDense(5, dtype=dtype)
    layer.build((None, 7))
    return layer


any_layer = pytest.mark.parametrize("make", [convolution, dense])


def inputs_for(layer, count=3):
    shape = (count, 6, 6, 4) if isinstance(layer, SpectralConv2D) else (count, 7)
    return tf.constant(normal(*shape), layer.dtype)


def variables(layer):
    """The kernel that is trained, as a matrix, and u, as a vector: float64."""
    kernel = next(variable for variable in layer.trainable_variables if variable.name == "kernel")
    (u,) = layer.non_trainable_variables
    return np.reshape(kernel, (-1, kernel.shape[-1])).astype(float), np.ravel(u).astype(float)


def used_kernel(layer):
    """The matrix by which a layer without bias multiplies, read off its outputs."""
    matrix, _ = variables(layer)
    inputs = np.eye(len(matrix))
    if isinstance(layer, SpectralConv2D):
        # Images as large as the kernel: each is one patch.
        inputs = inputs.reshape(-1, *layer.kernel_size, layer.input_spec.axes[-1])
    return np.reshape(layer(tf.constant(inputs, layer.dtype)), matrix.shape)


def trained(layer, calls=60):
    inputs = inputs_for(layer, 1)
    for _ in range(calls):
        layer(inputs, training=True)
    return layer


@any_layer
def test_the_used_kernel_has_the_spectral_norm_1(make):
    layer = trained(make())
    matrix, _ = variables(layer)
    used = used_kernel(layer)
    assert np.linalg.norm(used, 2) == pytest.approx(1, rel=1e-4)
    np.testing.assert_allclose(used, matrix / np.linalg.norm(matrix, 2), rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(np.reshape(layer.kernel, matrix.shape), used, atol=1e-6)


@any_layer
def test_one_call_makes_one_step_of_the_algorithm(make):
    # Algorithm 1, with the weights transposed; its sigma is that of the step that follows.
    layer = make("float64")
    matrix, u = variables(layer)
    assert np.linalg.norm(u) == pytest.approx(1)
    for _ in range(3):
        v = matrix @ u / np.linalg.norm(matrix @ u)
        u = matrix.T @ v / np.linalg.norm(matrix.T @ v)
        layer(inputs_for(layer), training=True)
        np.testing.assert_allclose(variables(layer)[1], u, rtol=1e-12)
    v = matrix @ u / np.linalg.norm(matrix @ u)
    np.testing.assert_allclose(used_kernel(layer), matrix / (v @ matrix @ u), rtol=1e-12)


@any_layer
def test_the_norm_comes_down_to_1_call_by_call(make):
    layer = make("float64")
    norms = [np.linalg.norm(used_kernel(trained(layer, calls=1)), 2) for _ in range(20)]
    assert 1 < norms[0] < 2
    assert norms == sorted(norms, reverse=True)
    assert norms[-1] == pytest.approx(1, rel=1e-3)


@any_layer
def test_only_training_moves_u_and_nothing_moves_the_kernel(make):
    layer = make()
    inputs = inputs_for(layer)
    before = layer.get_weights()
    for arguments in ({}, {"training": False}, {"training": None}):
        layer(inputs, **arguments)
        for was, now in zip(before, layer.get_weights()):
            np.testing.assert_array_equal(was, now)
    in_training = layer(inputs, training=True)
    unequal = [
        variable.name
        for variable, was in zip(layer.weights, before)
        if not np.array_equal(variable, was)
    ]
    assert unequal == ["u"]
    assert [variable.name for variable in layer.trainable_variables] == ["kernel", "bias"]
    # The vectors of that call are the ones that are kept.
    np.testing.assert_array_equal(layer(inputs, training=False), in_training)


@any_layer
def test_the_scale_of_the_kernel_does_not_count_but_the_bias_does(make):
    layer = trained(make())
    inputs = inputs_for(layer)
    before = layer(inputs)
    kernel, _, u = layer.get_weights()
    layer.set_weights([1e-4 * kernel, np.arange(5.0), u])
    np.testing.assert_allclose(layer(inputs, training=True), before + np.arange(5), atol=1e-4)


@pytest.mark.parametrize("calls", [0, 1, 60])
@any_layer
def test_the_gradient_takes_u_and_v_for_constants(make, calls):
    layer = trained(make("float64"), calls)
    matrix, u = variables(layer)
    v = matrix @ u / np.linalg.norm(matrix @ u)
    upstream = normal(*matrix.shape)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.reshape(layer.kernel, matrix.shape) * upstream)
    gradient = np.reshape(tape.gradient(loss, layer.trainable_variables[0].value), matrix.shape)

    step = 1e-6
    for index in np.ndindex(matrix.shape):
        nudge = np.zeros_like(matrix)
        nudge[index] = step
        above, below = (
            np.sum(moved / (v @ moved @ u) * upstream) for moved in (matrix + nudge, matrix - nudge)
        )
        assert gradient[index] == pytest.approx((above - below) / (2 * step), rel=1e-6, abs=1e-7)


def network(dtype="float32"):
    keras.utils.set_random_seed(2)
    return keras.Sequential(
        [
            keras.Input((5, 4, 2), dtype=dtype),
            SpectralConv2D(3, 3, strides=2, activation="tanh", dtype=dtype),
            keras.layers.Flatten(dtype=dtype),
            SpectralDense(4, activation="tanh", dtype=dtype),
            SpectralDense(1, dtype=dtype),
        ]
    )


def test_the_gradient_of_a_gradient_against_finite_differences():
    discriminator = network("float64")
    images = tf.constant(normal(3, 5, 4, 2))

    def penalty():
        return r1(lambda images, training: discriminator(images, training=False), images)

    # The last bias has no part in it.
    weights = discriminator.trainable_variables[:-1]
    with tf.GradientTape() as tape:
        loss = penalty()
    gradients = tape.gradient(loss, weights)
    step = 1e-5
    for weight, gradient in zip(weights, gradients):
        direction = normal(*weight.shape)
        direction /= np.linalg.norm(direction)
        value = weight.numpy()
        weight.assign(value + step * direction)
        above = penalty()
        weight.assign(value - step * direction)
        below = penalty()
        weight.assign(value)
        expected = float(above - below) / (2 * step)
        assert np.sum(gradient * direction) == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_the_gradient_of_a_gradient_in_training_in_a_graph():
    discriminator = network()
    vectors = [variable for variable in discriminator.variables if variable.name == "u"]
    before = [vector.numpy() for vector in vectors]
    traces = []

    @tf.function
    def gradients(images):
        traces.append(1)
        with tf.GradientTape() as tape:
            loss = r1(discriminator, images) + tf.reduce_mean(discriminator(images, training=True))
        return tape.gradient(loss, discriminator.trainable_variables)

    for _ in range(3):
        for gradient in gradients(tf.constant(normal(3, 5, 4, 2), tf.float32)):
            assert np.isfinite(gradient).all() and np.any(gradient)
    assert len(traces) == 1
    # A single unit has one unit vector; it may change its sign alone.
    moved = [not np.array_equal(was, now) for was, now in zip(before, vectors)]
    assert moved == [True, True, False]


def test_a_descent_keeps_the_norm_at_1():
    layer = trained(dense())
    optimizer = keras.optimizers.SGD(0.5)
    targets = tf.constant(normal(20, 5, seed=1), tf.float32)
    inputs = inputs_for(layer, 20)
    losses = []
    for _ in range(20):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((layer(inputs, training=True) - targets) ** 2)
        optimizer.apply(tape.gradient(loss, layer.trainable_variables), layer.trainable_variables)
        losses.append(float(loss))
    assert losses[-1] < losses[0]
    layer.bias.assign(np.zeros(5))
    assert np.linalg.norm(used_kernel(layer), 2) == pytest.approx(1, rel=0.02)


@any_layer
def test_sigma_is_computed_in_float32_in_mixed_precision(make):
    exact, mixed = make(), make("mixed_bfloat16")
    kernel, bias, u = exact.get_weights()
    # A kernel that bfloat16 holds exactly: what differs would be the computation.
    kernel = tf.cast(tf.cast(kernel, tf.bfloat16), tf.float32)
    for layer in (exact, mixed):
        layer.set_weights([kernel, bias, u])
        trained(layer, calls=3)
    assert {variable.dtype for variable in mixed.weights} == {"float32"}
    np.testing.assert_allclose(mixed.u, exact.u, atol=1e-6)
    inputs = inputs_for(mixed)
    outputs = mixed(inputs)
    assert outputs.dtype == tf.bfloat16
    np.testing.assert_allclose(tf.cast(outputs, tf.float32), exact(inputs), atol=0.05)


def test_a_keras_file_keeps_u(tmp_path):
    model = network()
    images = normal(4, 5, 4, 2).astype(np.float32)
    for _ in range(3):
        model(images, training=True)
    model.save(tmp_path / "model.keras")
    model.save_weights(tmp_path / "model.weights.h5")
    reloaded = keras.models.load_model(tmp_path / "model.keras")
    rebuilt = network()
    rebuilt.load_weights(tmp_path / "model.weights.h5")
    for was, *now in zip(model.weights, reloaded.weights, rebuilt.weights):
        np.testing.assert_array_equal(was, now[0])
        np.testing.assert_array_equal(was, now[1])
    for training in (False, True, True):
        expected = model(images, training=training)
        np.testing.assert_array_equal(reloaded(images, training=training), expected)
        np.testing.assert_array_equal(rebuilt(images, training=training), expected)


def test_a_clone_is_of_the_same_layers():
    model = network()
    clone = keras.models.clone_model(model)
    assert [type(layer) for layer in clone.layers] == [type(layer) for layer in model.layers]
    clone.set_weights(model.get_weights())
    images = inputs_for(convolution())[:, :5, :4, :2]
    np.testing.assert_array_equal(clone(images), model(images))


@pytest.mark.parametrize(
    "layer",
    [
        SpectralConv2D(6, 3, strides=2, padding="same", use_bias=False, groups=2),
        SpectralDense(6, use_bias=False, kernel_initializer="ones"),
    ],
    ids=["convolution", "dense"],
)
def test_from_config(layer):
    config = keras.saving.serialize_keras_object(layer)
    assert config["registered_name"] == f"tfgan>{type(layer).__name__}"
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is type(layer)
    assert again.get_config() == layer.get_config()
    inputs = tf.ones((2, 4, 4, 4))
    assert again(inputs).shape == again.compute_output_shape(inputs.shape)
    assert [variable.name for variable in again.weights] == ["kernel", "u"]
