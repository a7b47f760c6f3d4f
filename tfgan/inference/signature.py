"""One thing that a trained model answers: a function of NumPy arrays, whoever computes it."""

import dataclasses

import numpy as np

from tfgan.errors import InputError
from tfgan.export.saved_models import asserted
from tfgan.serving.limits import in_parts, most_images
from tfgan.startup import quiet_stderr


@dataclasses.dataclass(frozen=True)
class Spec:
    """What a signature says of an input or an output.

    Attributes:
        dtype: its name, such as "float32"; "string" for texts and the bytes of files.
        shape: a tuple, whose open sides are None, such as (None, 28, 28, 1); None where even the
            number of sides is open.
    """

    dtype: str
    shape: tuple | None

    def fits(self, shape):
        """Whether an array of a shape may be passed."""
        if self.shape is None:
            return True
        return len(shape) == len(self.shape) and all(
            side in (None, length) for side, length in zip(self.shape, shape)
        )


class Signature:
    """A function of arrays by keyword, which returns a dict of arrays by the outputs' names.

    What is asked for is split into as many requests as the model's limit takes; see
    `tfgan.serving.limits`.

    Args:
        model: what messages call the model, its folder or its address.
        inputs, outputs: dicts from a name to its `Spec`.
        max_images: examples per request.
        request: function of arrays by keyword, at most `max_images` long, of the inputs' dtypes; it
            returns a dict of arrays.
    """

    def __init__(self, model, inputs, outputs, max_images, request):
        self.model = model
        self.inputs = inputs
        self.outputs = outputs
        self.max_images = max_images
        self._request = request

    def __call__(self, **arrays):
        """Answers.

        Args:
            **arrays: arrays, or lists, [N, ...] for each of `inputs`; any N. Images are float32
                [N, H, W, C] in [0, 1].

        Returns:
            A dict of arrays [N, ...] by the names of `outputs`; strings are bytes.

        Raises:
            InputError: an input is missing, one too many, of another shape or dtype; or the model
                refuses its values.
        """
        if arrays.keys() != self.inputs.keys():
            taken, given = (", ".join(sorted(names)) for names in (self.inputs, arrays))
            raise InputError(f"{self.model} takes {taken}. Received: {given or 'nothing'}")
        arrays = {name: self._array(name, values) for name, values in arrays.items()}
        return in_parts(self._request, self.max_images)(**arrays)

    def _array(self, name, values):
        spec = self.inputs[name]
        is_text = spec.dtype == "string"
        try:
            # As objects, since NumPy's own strings lose the zeros at the end of a file.
            array = np.asarray(values, object if is_text else None)
        except ValueError as error:
            raise InputError(f"{self.model} takes {name} as one array: {error}") from error
        if not spec.fits(array.shape):
            raise InputError(
                f"{self.model} takes {name} {spec.shape}. Received: {name} {array.shape}"
            )
        if is_text:
            return array
        is_number = array.dtype.kind in "buif"
        with np.errstate(invalid="ignore"):
            converted = array.astype(spec.dtype) if is_number else array
        # Floats may be rounded, seeds and labels not.
        is_rounded = converted.dtype.kind in "iu" and not np.array_equal(converted, array)
        if is_rounded or not is_number:
            raise InputError(f"{self.model} takes {name} {spec.dtype}. Received: {array.dtype}")
        return converted


def signatures_of(model, specs, request_of):
    """A model's signatures: a dict from a name to its `Signature`.

    Args:
        model: what messages call the model.
        specs: a dict from a name to `(inputs, outputs)`, each a dict from a name to its `Spec`.
        request_of: function of a signature's name and those two to its request; see `Signature`.
    """
    all_specs = [each for pair in specs.values() for each in pair]
    return {
        name: Signature(
            model,
            *pair,
            # The bytes of files tell no size: they are as large as other signatures' images.
            _max_images(pair) or _max_images(all_specs) or most_images((None,) * 3),
            request_of(name, *pair),
        )
        for name, pair in specs.items()
    }


def _max_images(specs):
    """Examples per request by the largest images of some specs, or None where there are none."""
    shapes = [each["images"].shape for each in specs if "images" in each]
    limits = [most_images(shape[1:]) for shape in shapes if shape and len(shape) == 4]
    return min(limits, default=None)


def loaded_signatures(saved_model, folder):
    """The signatures of a loaded SavedModel; see `signatures_of`.

    Args:
        saved_model: what `tf.saved_model.load` gave.
        folder: its folder, for the messages.
    """
    import tensorflow as tf

    def request_of(name, inputs, _):
        def request(**arrays):
            tensors = {key: tf.constant(array, inputs[key].dtype) for key, array in arrays.items()}
            try:
                # TensorFlow writes a failed check to the terminal besides raising it.
                with quiet_stderr():
                    # By the model, which is held on to: a loaded object's functions die with it.
                    answer = saved_model.signatures[name](**tensors)
                    return {key: value.numpy() for key, value in answer.items()}
            except tf.errors.InvalidArgumentError as error:
                raise InputError(f"{folder}: {asserted(error.message)}") from error

        return request

    specs = {
        name: (
            _specs(function.structured_input_signature[1]),
            _specs(function.structured_outputs),
        )
        for name, function in saved_model.signatures.items()
    }
    return signatures_of(folder, specs, request_of)


def _specs(tensors):
    return {
        name: Spec(spec.dtype.name, None if spec.shape.rank is None else tuple(spec.shape))
        for name, spec in tensors.items()
    }
