"""Arguments that several functions take, and their checks. They need no TensorFlow."""

from numbers import Integral, Real

from tfgan.errors import InputError


def given(**values):
    """The arguments that are not None, a dict: for others a function's own default counts."""
    return {name: value for name, value in values.items() if value is not None}


def require_at_least(minimum, **numbers):
    """Refuses what is no number, or one below a minimum.

    Raises:
        InputError: with the number's name.
    """
    for name, number in numbers.items():
        # Asked this way round, a NaN is refused too.
        if not isinstance(number, Real) or not number >= minimum:
            raise InputError(f"{name} must be at least {minimum}. Received: {number!r}")


def require_integers(minimum, **numbers):
    """Refuses what is no integer, or one below a minimum.

    Raises:
        InputError: with the integer's name.
    """
    for name, number in numbers.items():
        if not isinstance(number, Integral):
            raise InputError(f"{name} must be an integer. Received: {number!r}")
        require_at_least(minimum, **{name: number})


def checked_image_shape(image_shape):
    """An image's shape as a tuple `(height, width, channels)`.

    Raises:
        InputError: it is not three integers of at least 1.
    """
    try:
        shape = tuple(image_shape)
    except TypeError:
        shape = ()
    if len(shape) != 3 or not all(isinstance(side, Integral) and side >= 1 for side in shape):
        raise InputError(
            "image_shape must be (height, width, channels), three integers of at least 1. "
            f"Received: {image_shape!r}"
        )
    return tuple(map(int, shape))


def checked_seed(seed):
    """A seed as an int of 64 bits.

    Raises:
        InputError: it is no integer, or has more bits.
    """
    if not isinstance(seed, Integral) or not -(2**63) <= seed < 2**63:
        raise InputError(f"seed must be an integer from -2**63 to 2**63 - 1. Received: {seed!r}")
    return int(seed)
