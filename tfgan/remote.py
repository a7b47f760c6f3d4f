"""Pictures from a model that a TensorFlow Serving has, over its REST interface."""

import base64
import io
import re

import numpy as np
import requests
from PIL import Image

from tfgan.errors import InputError

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
    url = url.rstrip("/")
    if not re.fullmatch(r".+/v1/models/[^/:]+(/(versions|labels)/[^/:]+)?", url):
        raise InputError(
            "the address of a model must be like http://localhost:8501/v1/models/NAME. "
            f"Received: {url}"
        )

    def draw(seeds, **told):
        inputs = {name: values.tolist() for name, values in {"seeds": seeds, **told}.items()}
        request = {"signature_name": "png", "inputs": inputs}
        try:
            answer = requests.post(
                f"{url}:predict", json=request, timeout=(CONNECT_SECONDS, ANSWER_SECONDS)
            )
        except requests.RequestException as error:
            raise InputError(f"no answer from {url}: {_reason(error)}") from error
        if not answer.ok:
            raise InputError(f"{url} answers with status {answer.status_code}: {_message(answer)}")
        try:
            return np.stack([_pixels(one["b64"]) for one in answer.json()["outputs"]])
        # Something else than TensorFlow Serving, or than a model of this package.
        except (ValueError, KeyError, TypeError, OSError) as error:
            raise InputError(f"{url} answers, but not with pictures in PNG") from error

    return draw


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
