import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import make_gan

from tfgan.errors import InputError
from tfgan.losses import LOSSES, AdversarialLoss, cross_entropy_discriminator
from tfgan.models import GAN
from tfgan.networks import convolutional_discriminator, convolutional_generator
from tfgan.noise import latents_for_step, latents_from_seeds
from tfgan.penalties import gradient_penalty, r1, r2


def make_smallest_gan(**compile_arguments):
    """One dense layer per network, where a graph is the point: it is soon traced."""
    keras.utils.set_random_seed(3)
    latents, images = keras.Input((6,)), keras.Input((8, 8, 1))
    x = keras.layers.Dense(64, activation="tanh")(latents)
    # Logits about 0, as those of the real networks are at first.
    critic = keras.layers.Dense(1, kernel_initializer=keras.initializers.RandomNormal(stddev=0.01))
    return make_gan(
        generator=keras.Model(latents, keras.layers.Reshape((8, 8, 1))(x)),
        discriminator=keras.Model(images, critic(keras.layers.Flatten()(images))),
        **compile_arguments,
    )


def values_of(variables):
    return [np.array(variable) for variable in variables]


def equal(left, right):
    return [np.array_equal(a, b) for a, b in zip(left, right, strict=True)]


def every_value(gan):
    """All that training changes: networks, EMA, slots, step, metrics."""
    return values_of(
        [
            *gan.generator.variables,
            *gan.discriminator.variables,
            *gan.ema_generator.variables,
            *gan.generator_optimizer.variables,
            *gan.discriminator_optimizer.variables,
            gan.step,
        ]
    )


def frozen():
    """An optimizer that does not update its network."""
    return keras.optimizers.SGD(0.0)


@pytest.mark.usefixtures("eagerly")
def test_both_networks_are_updated_from_the_weights_before_the_step(batch):
    """Plain SGD written out by hand, each network's gradient at the old weights of both."""
    rate = 0.5
    gan = make_gan(
        generator_optimizer=keras.optimizers.SGD(rate),
        discriminator_optimizer=keras.optimizers.SGD(rate),
        r1_gamma=0.3,
        penalty_interval=4,
    )
    latents = latents_for_step(gan.seed, 0, 4, gan.latent_dim)
    real = batch["image"]
    g, d = gan.generator, gan.discriminator
    with tf.GradientTape(persistent=True) as tape:
        fake_logits, real_logits = d(g(latents, training=True)), d(real)
        g_loss = tf.reduce_mean(-tf.math.log_sigmoid(fake_logits))
        d_loss = tf.reduce_mean(-tf.math.log_sigmoid(real_logits)) + tf.reduce_mean(
            -tf.math.log_sigmoid(-fake_logits)
        )
        with tf.GradientTape() as inner:
            inner.watch(real)
            score = d(real)
        squared_norms = tf.reduce_sum(inner.gradient(score, real) ** 2, [1, 2, 3])
        # gamma / 2, counted four times because it is evaluated at every fourth step.
        d_objective = d_loss + 4 * 0.5 * 0.3 * tf.reduce_mean(squared_norms)
    expected = {
        "generator": tape.gradient(g_loss, g.trainable_variables),
        "discriminator": tape.gradient(d_objective, d.trainable_variables),
    }
    before = {network: values_of(getattr(gan, network).trainable_variables) for network in expected}
    gan.train_step(batch)
    for network, gradients in expected.items():
        for old, new, gradient in zip(
            before[network], getattr(gan, network).trainable_variables, gradients
        ):
            np.testing.assert_allclose(new, old - rate * gradient, rtol=1e-4, atol=1e-6)


@pytest.mark.usefixtures("eagerly")
def test_r1_counts_at_every_interval_only(batch):
    with_penalty = make_smallest_gan(
        generator_optimizer=frozen(),
        discriminator_optimizer=keras.optimizers.SGD(1e-2),
        r1_gamma=100.0,
        penalty_interval=3,
    )
    without = make_smallest_gan(
        generator_optimizer=frozen(),
        discriminator_optimizer=keras.optimizers.SGD(1e-2),
        r1_gamma=0.0,
    )
    moved_alike = []
    for _ in range(4):
        without.discriminator.set_weights(with_penalty.discriminator.get_weights())
        without.step.assign(with_penalty.step)
        # Batch normalization's statistics play no part in a training step.
        with_penalty.train_step(batch)
        without.train_step(batch)
        moved_alike.append(
            all(
                np.allclose(a, b, rtol=1e-4, atol=1e-7)
                for a, b in zip(
                    with_penalty.discriminator.get_weights(), without.discriminator.get_weights()
                )
            )
        )
    assert moved_alike == [False, True, True, False]


def test_the_penalties_add_up_with_their_weights(batch):
    gan = make_gan(r1_gamma=3.0, r2_gamma=5.0, gradient_penalty_weight=7.0)
    fake = gan.generator(latents_for_step(gan.seed, 0, 4, gan.latent_dim), training=True)
    d = gan.discriminator
    expected = 1.5 * r1(d, batch["image"]) + 2.5 * r2(d, fake)
    expected += 7 * gradient_penalty(d, batch["image"], fake, gan.step_seed(purpose=3))
    total = float(gan.penalty(d, batch["image"], fake))
    assert total == pytest.approx(float(expected), rel=1e-6)
    assert make_gan(r1_gamma=0).penalty(d, batch["image"], fake) == 0


@pytest.mark.usefixtures("eagerly")
def test_the_generator_moves_at_every_so_manieth_step(batch):
    gan = make_smallest_gan(discriminator_steps=3)
    moved = []
    for _ in range(6):
        before = [
            values_of(network.trainable_variables) for network in (gan.generator, gan.discriminator)
        ]
        gan.train_step(batch)
        after = [
            values_of(network.trainable_variables) for network in (gan.generator, gan.discriminator)
        ]
        moved.append(tuple(not any(equal(*pair)) for pair in zip(before, after)))
    assert moved == [(False, True), (False, True), (True, True)] * 2
    assert int(gan.generator_optimizer.iterations) == 2


def test_real_and_generated_images_are_augmented_differently_at_every_step(batch):
    gan = make_gan(augmentation=("translation",))
    images = batch["image"]
    augmented = [gan.augmented(images, purpose).numpy() for purpose in (1, 2, 1)]
    gan.step.assign_add(1)
    augmented.append(gan.augmented(images, 1).numpy())
    np.testing.assert_array_equal(augmented[0], augmented[2])
    assert not np.array_equal(augmented[0], augmented[1]) and not np.array_equal(
        augmented[0], augmented[3]
    )
    np.testing.assert_array_equal(make_gan().augmented(images, 1), images)


@pytest.mark.usefixtures("eagerly")
def test_the_discriminator_sees_augmented_images_alone(batch):
    """A step with augmentation equals one on images augmented by hand."""
    settings = {
        "generator_optimizer": frozen(),
        "discriminator_optimizer": keras.optimizers.SGD(0.1),
    }
    gan = make_gan(augmentation=("cutout",), r1_gamma=0, **settings)
    real = gan.augmented(batch["image"], 1)
    latents = latents_for_step(gan.seed, 0, 4, gan.latent_dim)
    fake = gan.augmented(gan.generator(latents, training=True), 2)
    with tf.GradientTape() as tape:
        loss = cross_entropy_discriminator(gan.discriminator(real), gan.discriminator(fake))
    weights = gan.discriminator.trainable_variables
    expected = [w - 0.1 * g for w, g in zip(weights, tape.gradient(loss, weights))]
    gan.train_step(batch)
    for weight, value in zip(weights, expected):
        np.testing.assert_allclose(weight, value, rtol=1e-4, atol=1e-6)


@pytest.mark.usefixtures("eagerly")
@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_trains(loss, batch):
    gan = make_smallest_gan(loss=loss)
    for _ in range(3):
        logs = gan.train_step(batch)
    assert all(np.isfinite(value) for value in logs.values())


def test_two_instances_do_not_share_a_trace(batch):
    first, second = (make_smallest_gan(loss=loss, r1_gamma=0.0) for loss in ("minimax", "hinge"))
    first_logs, second_logs = first.train_step(batch), second.train_step(batch)
    assert int(first.step) == int(second.step) == 1
    assert float(first_logs["generator_loss"]) != float(second_logs["generator_loss"])


@pytest.mark.parametrize("drive", ["loop", pytest.param("fit", marks=pytest.mark.slow)])
def test_compiling_again_takes_the_new_loss_and_optimizers(drive, batch):
    def train(gan):
        if drive == "loop":
            return float(gan.train_step(batch)["discriminator_loss"])
        batches = tf.data.Dataset.from_tensors(batch)
        history = gan.fit(batches, verbose=0, shuffle=False).history
        return history["discriminator_loss"][0]

    gan = make_smallest_gan(
        loss="hinge",
        generator_optimizer=frozen(),
        discriminator_optimizer=frozen(),
        r1_gamma=0.0,
    )
    train(gan)
    gan.compile(keras.optimizers.SGD(0.1), frozen(), loss="least_squares", r1_gamma=0.0)
    gan.reset_metrics()
    before = values_of(gan.generator.trainable_variables)
    # Freshly initialized logits are about 0: the hinge loss is 2 there, least squares 0.5.
    assert train(gan) == pytest.approx(0.5, abs=0.1)
    assert not any(equal(before, values_of(gan.generator.trainable_variables)))
    assert int(gan.generator_optimizer.iterations) == 1


@pytest.mark.usefixtures("eagerly")
def test_logs_are_means_since_the_reset(batch):
    gan = make_gan(generator_optimizer=frozen(), discriminator_optimizer=frozen(), r1_gamma=0.0)
    singles = []
    for _ in range(3):
        gan.reset_metrics()
        singles.append(float(gan.train_step(batch)["fake_logit"]))
    gan.step.assign(0)
    gan.reset_metrics()
    for _ in range(3):
        mean = float(gan.train_step(batch)["fake_logit"])
    assert len(set(singles)) == 3
    assert mean == pytest.approx(np.mean(singles), rel=1e-5)


@pytest.mark.usefixtures("eagerly")
def test_clipping_by_norm_is_the_optimizers_own(batch):
    clip = 1e-3
    gan = make_gan(
        generator_optimizer=keras.optimizers.SGD(1.0, global_clipnorm=clip),
        discriminator_optimizer=keras.optimizers.SGD(1.0, global_clipnorm=clip),
    )
    before = values_of(gan.generator.trainable_variables)
    gan.train_step(batch)
    assert distance(before, values_of(gan.generator.trainable_variables)) == pytest.approx(
        clip, rel=1e-3
    )


@pytest.mark.usefixtures("eagerly")
def test_normalized_gradients_have_length_one(batch):
    gan = make_gan(
        generator_optimizer=keras.optimizers.SGD(0.25),
        discriminator_optimizer=keras.optimizers.SGD(0.25),
        normalize_gradients=True,
        r1_gamma=0.0,
    )
    for network in (gan.generator, gan.discriminator):
        before = values_of(network.trainable_variables)
        # Both networks are updated in one step, so each is measured in a step of its own.
        gan.train_step(batch)
        assert distance(before, values_of(network.trainable_variables)) == pytest.approx(
            0.25, rel=1e-3
        )


def distance(left, right):
    return np.sqrt(sum(np.sum((a - b).astype(np.float64) ** 2) for a, b in zip(left, right)))


@pytest.mark.usefixtures("eagerly")
def test_the_ema_follows_with_a_growing_decay(batch):
    gan = make_gan(r1_gamma=0.0)
    emas = values_of(gan.ema_generator.variables)
    for step in range(3):
        gan.train_step(batch)
        decay = (1 + step) / (10 + step)
        emas = [
            decay * ema + (1 - decay) * np.array(value)
            for ema, value in zip(emas, gan.generator.variables)
        ]
    for ema, expected in zip(gan.ema_generator.variables, emas):
        np.testing.assert_allclose(ema, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.usefixtures("eagerly")
def test_the_decay_does_not_grow_beyond_its_limit(batch):
    gan = make_gan(r1_gamma=0.0)
    gan.step.assign(10**6)
    before = values_of(gan.ema_generator.variables)
    gan.train_step(batch)
    for old, new, value in zip(before, gan.ema_generator.variables, gan.generator.variables):
        np.testing.assert_allclose(new, 0.999 * old + 0.001 * np.array(value), rtol=1e-3, atol=1e-6)


@pytest.mark.usefixtures("eagerly")
def test_batch_normalization_statistics_have_an_ema_like_the_weights(batch):
    gan = make_gan(r1_gamma=0.0)
    for _ in range(2):
        gan.train_step(batch)
    moved = [
        variable.path
        for variable, initial in zip(
            gan.ema_generator.non_trainable_variables,
            make_gan().ema_generator.non_trainable_variables,
        )
        if not np.allclose(variable, initial)
    ]
    assert len(moved) == len(gan.ema_generator.non_trainable_variables) == 6


@pytest.mark.usefixtures("eagerly")
def test_a_random_state_has_no_ema(batch):
    latents = keras.Input((6,))
    x = keras.layers.Dropout(0.5, seed=1)(latents)
    x = keras.layers.Reshape((8, 8, 1))(keras.layers.Dense(64, activation="tanh")(x))
    gan = make_gan(generator=keras.Model(latents, x), ema_decay=0.0)
    gan.train_step(batch)
    assert len(gan.generator.variables) == len(gan.generator.weights) + 1
    for ema, value in zip(gan.ema_generator.weights, gan.generator.weights, strict=True):
        np.testing.assert_allclose(ema, value, atol=1e-6)


def test_generate_gives_the_seeds_images_in_any_batch(gan):
    together = gan.generate([4, 5, 6, 7]).numpy()
    alone = gan.generate([6]).numpy()
    np.testing.assert_allclose(together[2], alone[0], atol=1e-6)
    latents = latents_from_seeds(tf.constant([4, 5, 6, 7], tf.int64), gan.latent_dim)
    np.testing.assert_allclose(together, (gan(latents).numpy() + 1) / 2, atol=1e-6)
    assert together.min() >= 0 and together.max() <= 1


@pytest.mark.usefixtures("eagerly")
def test_keras_file_keeps_weights_slots_settings_and_goes_on_alike(tmp_path, batch):
    gan = make_smallest_gan(
        loss="hinge",
        discriminator_steps=2,
        r1_gamma=0.5,
        r2_gamma=0.25,
        gradient_penalty_weight=2.0,
        penalty_interval=2,
        augmentation=("translation", "cutout"),
        normalize_gradients=True,
    )
    # Of two steps one moves the generator, and one has the penalties.
    for _ in range(2):
        gan.train_step(batch)
    gan.save(tmp_path / "gan.keras")
    reloaded = keras.saving.load_model(tmp_path / "gan.keras")
    assert all(equal(every_value(gan), every_value(reloaded)))
    for _ in range(2):
        gan.train_step(batch)
        reloaded.train_step(batch)
    assert all(equal(every_value(gan), every_value(reloaded)))


def test_optimizer_settings_survive_the_keras_file(tmp_path):
    gan = make_gan(
        generator_optimizer=keras.optimizers.Adam(0.02, beta_1=0.3),
        discriminator_optimizer=keras.optimizers.RMSprop(0.01),
        steps_per_execution=4,
    )
    gan.save(tmp_path / "gan.keras")
    reloaded = keras.saving.load_model(tmp_path / "gan.keras")
    assert reloaded.steps_per_execution == 4
    assert reloaded.generator_optimizer.beta_1 == 0.3
    assert isinstance(reloaded.discriminator_optimizer, keras.optimizers.RMSprop)


def test_the_networks_have_optimizers_of_their_own(gan):
    assert gan.generator_optimizer is not gan.discriminator_optimizer


@pytest.mark.usefixtures("eagerly")
def test_a_pair_of_functions_is_a_loss(batch):
    pair = AdversarialLoss(
        discriminator=lambda real, fake: tf.reduce_mean(fake) * 0 + 7.0,
        generator=lambda real, fake: tf.reduce_mean(fake),
    )
    logs = make_gan(loss=pair).train_step(batch)
    assert float(logs["discriminator_loss"]) == 7.0


def test_a_gradient_that_is_not_finite_is_named(batch):
    """The loss stays finite; its gradient does not."""
    gan = make_smallest_gan(
        loss=AdversarialLoss(
            discriminator=lambda real, fake: tf.reduce_mean(tf.sqrt(fake * 0)),
            generator=lambda real, fake: tf.reduce_mean(fake),
        ),
        r1_gamma=0.0,
    )
    before = values_of(gan.discriminator.trainable_variables)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"gradient of .*/(kernel|bias)"):
        gan.train_step(batch)
    assert all(equal(before, values_of(gan.discriminator.trainable_variables)))


def test_a_loss_that_is_not_finite_is_named():
    gan = make_smallest_gan(r1_gamma=0.0)
    with pytest.raises(tf.errors.InvalidArgumentError, match="non-finite discriminator loss"):
        gan.train_step({"image": tf.fill((4, 8, 8, 1), np.float32("nan"))})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"loss": "no_such_loss"}, "non_saturating.*no_such_loss"),
        ({"r1_gamma": -1.0}, "r1_gamma.*at least 0.*-1"),
        ({"r2_gamma": -0.1}, "r2_gamma.*at least 0.*-0.1"),
        ({"gradient_penalty_weight": -2}, "gradient_penalty_weight.*at least 0.*-2"),
        ({"penalty_interval": 0}, "penalty_interval.*at least 1.*0"),
        ({"discriminator_steps": 0}, "discriminator_steps.*at least 1.*0"),
        ({"augmentation": ["blur"]}, "color, translation, cutout.*blur"),
    ],
)
def test_bad_compile_arguments(arguments, message):
    with pytest.raises(InputError, match=message):
        make_smallest_gan(**arguments)


def test_networks_that_do_not_fit_together():
    with pytest.raises(InputError, match=r"\(8, 8, 1\).*\(28, 28, 3\)"):
        GAN(
            convolutional_generator((8, 8, 1), width=4),
            convolutional_discriminator((28, 28, 3), width=4),
        )


def test_r1_grows_with_the_number_of_pixels_by_default():
    assert make_gan(image_shape=(28, 28, 1)).r1_gamma == 1.0
    assert make_gan(image_shape=(56, 28, 3)).r1_gamma == 2.0
