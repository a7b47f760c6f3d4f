"""Pictures from a model that a TensorFlow Serving has, over its REST interface."""

import base64
import contextlib
import functools
import io
import re

import numpy as np
import requests
from PIL import Image

from tfgan.errors import InputError
from tfgan.serving.limits import in_parts, most_images

CONNECT_SECONDS = 10
# The first call of a signature, on a busy server, can take long.
ANSWER_SECONDS = 300


def is_url(model):
    """Whether a model is named by an address rather than by a folder."""
    return re.match("https?://", model, re.IGNORECASE) is not None


def load(url):
    """A function from seeds int64 [N], and what else is told, to pictures uint8 [N, H, W, C].

    A server draws them. They come as PNG: the pixels are exact, and take a fraction of what the
    same numbers take when written out.

    Args:
        url: `http://HOST:PORT/v1/models/NAME`, with `/versions/N` or `/labels/LABEL` behind it or
            without.

    Raises:
        InputError: the address is another one; and in the function, if nothing answers there, or
            not with pictures.
    """
    url = _checked(url)

    def pictures(**inputs):
        answer = _predict(url, "png", inputs)
        with _understood(url):
            return np.stack([_pixels(one["b64"]) for one in answer.json()["outputs"]])

    # Once, and not before something is drawn.
    most = functools.cache(lambda: _most(url))

    def draw(seeds, **told):
        return in_parts(pictures, most())(seeds=seeds, **told)

    return draw


def _most(url):
    """How many pictures a model's signatures draw at once, by the size that a server tells."""
    # What is wrong with an address or a server is for the request itself to say.
    with contextlib.suppress(InputError), _understood(url):
        definitions = _answer(url, "GET", "/metadata").json()["metadata"]["signature_def"]
        return most_images(_shape(definitions["signature_def"]["from_seeds"]["outputs"]["images"]))
    return most_images((None,) * 3)


def signatures(url):
    """The signatures of a model at a server that give `images`.

    Args:
        url: as in `load`.

    Returns:
        A dict by their names of `(shapes, call)`: the shape of one example by the inputs' names,
        and a function from a dict of arrays to pictures float32 [N, H, W, C].

    Raises:
        InputError: the address is another one, nothing answers there, or something else than a
            server of models; in the function likewise.
    """
    url = _checked(url)

    def call(name, inputs):
        answer = _predict(url, name, inputs)
        with _understood(url):
            return np.array(answer.json()["outputs"], np.float32)

    answer = _answer(url, "GET", "/metadata")
    with _understood(url):
        definitions = answer.json()["metadata"]
        return {
            name: (
                {key: _shape(value) for key, value in definition["inputs"].items()},
                functools.partial(call, name),
            )
            for name, definition in definitions["signature_def"]["signature_def"].items()
            if "images" in definition["outputs"]
        }


def _shape(tensor):
    """The shape of one example, out of what a server tells of an input."""
    return tuple(int(dim["size"]) for dim in tensor["tensor_shape"].get("dim", [])[1:])


def _checked(url):
    url = url.rstrip("/")
    if not re.fullmatch(r".+/v1/models/[^/:]+(/(versions|labels)/[^/:]+)?", url):
        raise InputError(
            "the address of a model must be like http://localhost:8501/v1/models/NAME. "
            f"Received: {url}"
        )
    return url


def _predict(url, signature_name, inputs):
    """A server's answer to a request by columns: its JSON has `outputs`."""
    inputs = {name: values.tolist() for name, values in inputs.items()}
    request = {"signature_name": signature_name, "inputs": inputs}
    return _answer(url, "POST", ":predict", request)


def _answer(url, method, path, request=None):
    try:
        answer = requests.request(
            method, url + path, json=request, timeout=(CONNECT_SECONDS, ANSWER_SECONDS)
        )
    except requests.RequestException as error:
        raise InputError(f"no answer from {url}: {_reason(error)}") from error
    if not answer.ok:
        raise InputError(f"{url} answers with status {answer.status_code}: {_message(answer)}")
    return answer


@contextlib.contextmanager
def _understood(url):
    """Says so where an answer is not what is expected."""
    try:
        yield
    # Something else than TensorFlow Serving, or than a model of this package.
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise InputError(f"{url} answers, but not with pictures") from error


def _pixels(png):
    with Image.open(io.BytesIO(base64.b64decode(png))) as picture:
        pixels = np.asarray(picture)
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
