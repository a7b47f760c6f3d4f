"""Directions in the latent space along which images change: three ways to find them.

Pure functions of arrays, but for `first_kernel` and `activations`, which take a functional Keras
model apart. A direction is a vector of length 1; several are the rows of a matrix.
"""

import keras
import numpy as np
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import train_test_split

from tfgan.errors import InputError

# Of a singular value of unit vectors: two of them at an angle of 16 degrees have one of this size.
_LEAST_SIZE = 0.2


def closed_form_directions(kernel, num):
    """The directions that change the output of the first layer most, from its weights alone.

    They maximize |n A|^2 over orthonormal n: the eigenvectors of A A^T (semantic factorization,
    SeFa).

    Args:
        kernel: A, float [D, M]: the first layer gives z A for the latents z, and perhaps a bias.
        num: of directions, at most D.

    Returns:
        float64 [num, D], those that change most first.

    Raises:
        InputError: more directions than dimensions.

    Reference:
        Shen and Zhou 2021 (arXiv 2007.06600), equation 6.
    """
    _require_at_most(len(kernel), num)
    _, vectors = np.linalg.eigh(kernel.astype(np.float64) @ kernel.T)
    return _with_sign(vectors.T[::-1][:num])


def component_directions(features, latents, num):
    """The directions that go with the principal components of what a layer gives (GANSpace).

    The features of random latents are brought to their first principal components x, and the
    latents regressed on them: column k of the U that minimizes sum |U x - z|^2 is direction k.
    For the output of a linear first layer these would be SeFa's directions; the first nonlinear
    layer, or the images themselves, give others.

    Args:
        features: float [N, ...]: activations, or images.
        latents: float [N, D]: what they were made from.
        num: of directions, at most D.

    Returns:
        float64 [num, D], those of most variance first.

    Raises:
        InputError: more directions than dimensions.

    Reference:
        Härkönen et al. 2020 (arXiv 2004.02546), section 2.2.
    """
    _require_at_most(np.shape(latents)[1], num)
    features = np.reshape(features, (len(features), -1))
    components = PCA(num, svd_solver="randomized", random_state=0).fit_transform(features)
    regression = LinearRegression().fit(components, latents)
    return _with_sign(_unit(regression.coef_.T))


def supervised_directions(latents, values):
    """The directions along which an attribute changes most, by a linear probe of it.

    Of a measurement, a least-squares fit: for standard normal latents its direction is that of
    the mean gradient of the measurement (Stein's lemma). Of a class, multinomial logistic
    regression: a direction for every class.

    Args:
        latents: float [N, D].
        values: float [N], a measurement, NaN where there is none; or integers [N], classes, -1
            where there is none.

    Returns:
        `(directions, score)`: float64 [1, D] for a measurement, [K, D] for the K classes that
        occur, in ascending order; and on a fifth of the examples, which the probe has not seen,
        its R^2, or the share of classes that it tells right.

    Raises:
        InputError: the attribute does not vary, or in too few examples to fit a probe.

    Reference:
        Shen et al. 2020 (arXiv 2005.09635), section 2.2; Stein 1981, lemma 1.
    """
    latents, values = np.asarray(latents), np.asarray(values)
    is_measurement = np.issubdtype(values.dtype, np.floating)
    known = np.isfinite(values) if is_measurement else values >= 0
    latents, values = latents[known], values[known]
    if len(np.unique(values)) < 2:
        raise InputError("the attribute is the same everywhere: there is no direction to find")
    probe = LinearRegression() if is_measurement else LogisticRegression(max_iter=1000)
    seen, unseen, seen_values, unseen_values = train_test_split(
        latents, values, test_size=0.2, random_state=0
    )
    if len(np.unique(seen_values)) < 2:
        raise InputError(
            f"the attribute differs in too few of {len(values)} examples to find a direction"
        )
    score = probe.fit(seen, seen_values).score(unseen, unseen_values)
    probe.fit(latents, values)
    coefficients = np.atleast_2d(probe.coef_)
    # Of two classes, scikit-learn gives one direction: that towards the second.
    is_pair = not is_measurement and len(coefficients) == 1
    return _unit(np.concatenate([-coefficients, coefficients]) if is_pair else coefficients), score


def orthogonalized(direction, others):
    """What is left of a direction at right angles to some others.

    Others that are nearly the same, such as those of a stroke's thickness and of its width, count
    as one: what they differ by is mostly noise of their probes, and could be anything.

    Args:
        direction: float [D].
        others: float [K, D], of any lengths but 0.

    Returns:
        float64 [D], of length 1.

    Raises:
        InputError: the others leave nothing of it.

    Reference:
        Shen et al. 2020 (arXiv 2005.09635), equation 8: conditional manipulation.
    """
    direction = np.asarray(direction, np.float64)
    others = np.reshape(others, (-1, len(direction)))
    # An orthonormal basis of what the others span.
    _, sizes, basis = np.linalg.svd(_unit(others), full_matrices=False)
    basis = basis[sizes > _LEAST_SIZE]
    left = direction - basis.T @ (basis @ direction)
    if np.linalg.norm(left) < 1e-6 * np.linalg.norm(direction):
        raise InputError("the other directions leave nothing of this one")
    return left / np.linalg.norm(left)


def random_directions(num, latent_dim, seed=0):
    """Directions drawn evenly from the sphere, what the found ones are compared with.

    Returns:
        float64 [num, latent_dim].
    """
    return _unit(np.random.default_rng(seed).standard_normal((num, latent_dim)))


def first_kernel(network):
    """The weights with which a generator's first layer takes the latents.

    Args:
        network: a functional Keras model, whose first input is the latents [N, D]; they may be
            joined to a condition on the way.

    Returns:
        float32 [D, M].

    Raises:
        InputError: the latents go into another kind of layer.
    """
    layer = _first_layer(network)
    latent_dim = network.inputs[0].shape[-1]
    # Where a condition is joined to them, the latents come first.
    return layer.kernel.numpy()[:latent_dim]


def activations(network, inputs, layer=None):
    """What a layer of a generator gives.

    Args:
        network: a functional Keras model, whose first input is the latents.
        inputs: latents float [N, D], or a list of them and an encoded condition.
        layer: its name; by default the first activation, so the first layer that is not linear.

    Returns:
        float32 [N, ...].

    Raises:
        InputError: there is no such layer.
    """
    names = [each.name for each in network.layers]
    if layer is None:
        after = names.index(_first_layer(network).name)
        kinds = (keras.layers.LeakyReLU, keras.layers.ReLU, keras.layers.Activation)
        layer = next(
            (each.name for each in network.layers[after:] if isinstance(each, kinds)), None
        )
    if layer not in names:
        raise InputError(f"the layer must be one of {', '.join(names)}. Received: {layer!r}")
    part = keras.Model(network.inputs, network.get_layer(layer).output)
    return part.predict(inputs, batch_size=256, verbose=0)


def _first_layer(network):
    reached = network.inputs[0]
    for layer in network.layers:
        inputs = layer.input if isinstance(layer.input, list) else [layer.input]
        if not any(tensor is reached for tensor in inputs):
            continue
        if isinstance(layer, keras.layers.Dense):
            return layer
        if isinstance(layer, keras.layers.Concatenate):
            reached = layer.output
    raise InputError("the latents go into no dense layer, from whose weights to take directions")


def _require_at_most(latent_dim, num):
    if num > latent_dim:
        raise InputError(f"there are at most {latent_dim} directions. Received: {num}")


def _unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _with_sign(rows):
    """Rows whose largest number is positive: an eigenvector's sign means nothing."""
    largest = np.take_along_axis(rows, np.abs(rows).argmax(axis=1)[:, None], axis=1)
    return rows * np.sign(largest)
