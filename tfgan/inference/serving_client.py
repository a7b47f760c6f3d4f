"""A model that a TensorFlow Serving has, over its REST interface."""

import base64
import contextlib
import functools
import io
import re

import numpy as np
import requests
from PIL import Image

from tfgan.errors import InputError
from tfgan.inference.signature import Spec, signatures_of
from tfgan.serving.limits import in_parts, most_images

CONNECT_SECONDS = 10
# The first call of a signature, on a busy server, can take long.
ANSWER_SECONDS = 300


def is_url(model):
    """Whether a model is named by an address rather than by a folder."""
    return re.match("https?://", str(model), re.IGNORECASE) is not None


class ServingClient:
    """Asks a server. It is not asked before something is wanted of it.

    Args:
        url: `http://HOST:PORT/v1/models/NAME`, with `/versions/N` or `/labels/LABEL` behind it or
            without.

    Attributes:
        name: the model's.

    Raises:
        InputError: the address is another one; and in all methods, if nothing answers there, or
            something else than a server of models.
    """

    def __init__(self, url):
        self.url = url.rstrip("/")
        match = re.fullmatch(r".+/v1/models/([^/:]+)(/(versions|labels)/[^/:]+)?", self.url)
        if not match:
            raise InputError(
                "the address of a model must be like http://localhost:8501/v1/models/NAME. "
                f"Received: {self.url}"
            )
        self.name = match[1]

    def signatures(self):
        """The model's signatures: a dict from a name to its `Signature`."""

        def request_of(name, _, outputs):
            def request(**arrays):
                answer = self.predict(name, arrays)
                with self._understood():
                    # Serving leaves the name of a single output out.
                    named = answer if len(outputs) > 1 else dict.fromkeys(outputs, answer)
                    return {key: _array(named[key], spec) for key, spec in outputs.items()}

            return request

        metadata = self._answer("GET", "/metadata")
        with self._understood():
            specs = {
                name: (_specs(definition["inputs"]), _specs(definition["outputs"]))
                for name, definition in _definitions(metadata).items()
            }
        return signatures_of(self.url, specs, request_of)

    def pixels(self, **inputs):
        """The images that the signature `png` draws of seeds.

        They come as PNG: the pixels are exact, and take a fraction of what the same numbers take
        when written out.

        Args:
            **inputs: `seeds` int64 [N], and what a conditional model takes besides.

        Returns:
            uint8 [N, H, W, C].
        """

        def request(**inputs):
            answer = self.predict("png", inputs)
            with self._understood():
                return {"images": np.stack([_decoded(one["b64"]) for one in answer])}

        return in_parts(request, self._max_images)(**inputs)["images"]

    def predict(self, signature_name, inputs):
        """A server's answer to a request by columns, as its JSON has it."""
        inputs = {name: _json(values) for name, values in inputs.items()}
        request = {"signature_name": signature_name, "inputs": inputs}
        answer = self._answer("POST", ":predict", request)
        with self._understood():
            return answer.json()["outputs"]

    @functools.cached_property
    def _max_images(self):
        """How many images the model draws at once, by the size that the server tells."""
        # What is wrong with an address or a server is for the request itself to say.
        with contextlib.suppress(InputError), self._understood():
            definitions = _definitions(self._answer("GET", "/metadata"))
            return most_images(_specs(definitions["from_seeds"]["outputs"])["images"].shape[1:])
        return most_images((None,) * 3)

    def _answer(self, method, path, request=None):
        try:
            answer = requests.request(
                method, self.url + path, json=request, timeout=(CONNECT_SECONDS, ANSWER_SECONDS)
            )
        except requests.RequestException as error:
            raise InputError(f"no answer from {self.url}: {_reason(error)}") from error
        if not answer.ok:
            raise InputError(
                f"{self.url} answers with status {answer.status_code}: {_message(answer)}"
            )
        return answer

    @contextlib.contextmanager
    def _understood(self):
        """Says so where an answer is not what is expected."""
        try:
            yield
        # Something else than TensorFlow Serving, or than a model of this package.
        except (AttributeError, KeyError, OSError, TypeError, ValueError) as error:
            raise InputError(f"{self.url} answers, but not with images") from error


def _definitions(metadata):
    definitions = metadata.json()["metadata"]["signature_def"]["signature_def"]
    # In no order; and beside the signatures stands what TensorFlow runs as it loads a model.
    return {name: definitions[name] for name in sorted(definitions) if name[:2] != "__"}


def _specs(tensors):
    """What a server tells of inputs or outputs, a dict from a name to its `Spec`."""
    return {name: Spec(_dtype(one["dtype"]), _shape(one)) for name, one in tensors.items()}


def _dtype(name):
    """NumPy's name of a type, such as "float32" for "DT_FLOAT"."""
    return "float32" if name == "DT_FLOAT" else name.removeprefix("DT_").lower()


def _shape(tensor):
    shape = tensor["tensor_shape"]
    if shape.get("unknown_rank"):
        return None
    sizes = [int(dim["size"]) for dim in shape.get("dim", [])]
    return tuple(None if size < 0 else size for size in sizes)


def _json(values):
    """An array for JSON: numbers and texts as they are, the bytes of files [N] in base64."""
    if values.dtype != object:
        return values.tolist()
    return [
        {"b64": base64.b64encode(each).decode()} if isinstance(each, bytes) else each
        for each in values.tolist()
    ]


def _array(answer, spec):
    """An output in JSON as an array; strings as bytes."""
    if spec.dtype == "string":
        # An output whose name ends in _bytes comes in base64.
        strings = [
            base64.b64decode(one["b64"]) if isinstance(one, dict) else one.encode()
            for one in answer
        ]
        return np.array(strings, object)
    return np.array(answer, spec.dtype)


def _decoded(png):
    with Image.open(io.BytesIO(base64.b64decode(png))) as image:
        pixels = np.asarray(image)
    return pixels[..., None] if pixels.ndim == 2 else pixels


def _reason(error):
    """What is wrong with a connection, without the names of the libraries that found it out."""
    if isinstance(error, requests.Timeout):
        return "it takes too long"
    if isinstance(error, requests.ConnectionError):
        return "no server is reached there. Is it running, and are host and port right?"
    return str(error).splitlines()[0]


def _message(answer):
    """The first line of what a server says of an error."""
    try:
        text = answer.json()["error"]
    except (ValueError, KeyError, TypeError):
        text = answer.text
    return next(iter(str(text).strip().splitlines()), "no message")
