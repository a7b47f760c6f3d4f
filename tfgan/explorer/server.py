"""The explorer's HTTP interface: the page, what the model is, and images of latents.

| request | answer |
| --- | --- |
| GET / | the page |
| GET /model | JSON: the model's name, sizes, condition and sliders |
| POST /latents `{"seeds": [int]}` | `{"latents": [[float]]}`, from which `generate` draws them |
| POST /images `{"latents": [[float]], "condition": ...}` | a PNG, the images one below the other |

Everything else is refused by a status of 400 and more, and JSON `{"error": what}`. Requests that a
browser would send for another site are refused too: by the name that they ask for (a name that
leads to this machine may be anyone's), and because only JSON is taken.
"""

import io
import json

import numpy as np
from werkzeug.exceptions import (
    BadRequest,
    Forbidden,
    HTTPException,
    UnsupportedMediaType,
)
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Request, Response

from tfgan.errors import InputError
from tfgan.explorer.page import SERVED_POLICY, description_of, served_page
from tfgan.plotting import to_pil, to_uint8

MAX_IMAGES = 256
MAX_BYTES = 2**24
HOSTS = ("localhost", "127.0.0.1", "[::1]")


class Explorer:
    """A WSGI application.

    Args:
        generator: a `LatentGenerator`.
        sliders: a list of `tfgan.explorer.sliders.Slider`s.
        folder: where the model lies, as its commands name it.
    """

    def __init__(self, generator, sliders, folder):
        self.generator = generator
        self.sliders = sliders
        self.folder = str(folder)
        self.routes = Map(
            [
                Rule("/", endpoint=self.page, methods=["GET"]),
                Rule("/model", endpoint=self.model, methods=["GET"]),
                Rule("/latents", endpoint=self.latents, methods=["POST"]),
                Rule("/images", endpoint=self.images, methods=["POST"]),
                # The earlier name, with the key `told`, for one version.
                Rule("/pictures", endpoint=self.images, methods=["POST"]),
            ]
        )

    @Request.application
    def __call__(self, request):
        request.max_content_length = MAX_BYTES
        try:
            if request.host.rpartition(":")[0] not in HOSTS and request.host not in HOSTS:
                raise Forbidden(f"the explorer answers to localhost. Received: {request.host}")
            endpoint, _ = self.routes.bind_to_environ(request.environ).match()
            response = endpoint(request)
        except InputError as error:
            response = _json({"error": str(error)}, 400)
        except HTTPException as error:
            response = _json({"error": error.description}, error.code)
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    def page(self, request):
        """The page."""
        response = Response(served_page(), mimetype="text/html")
        response.headers["Content-Security-Policy"] = SERVED_POLICY
        return response

    def model(self, request):
        """What the page has to know of the model."""
        return _json(description_of(self.generator, self.sliders, self.folder))

    def latents(self, request):
        """The latents of seeds."""
        seeds = _body(request).get("seeds")
        if not (
            isinstance(seeds, list)
            and 0 < len(seeds) <= MAX_IMAGES
            and all(type(seed) is int and 0 <= seed < 2**63 for seed in seeds)
        ):
            raise InputError(f"seeds must be 1 to {MAX_IMAGES} whole numbers from 0 to 2**63 - 1")
        return _json({"latents": self.generator.latents(seeds).tolist()})

    def images(self, request):
        """The images of latents, one below the other."""
        body = _body(request)
        latents = self._latents(body.get("latents"))
        condition = self._condition(body.get("condition", body.get("told")), len(latents))
        pixels = to_uint8(self.generator.draw(latents, condition))
        png = io.BytesIO()
        to_pil(pixels.reshape(-1, *pixels.shape[2:])).save(png, "png", compress_level=1)
        return Response(png.getvalue(), mimetype="image/png")

    def _latents(self, given):
        wanted = f"latents must be 1 to {MAX_IMAGES} lists of {self.generator.latent_dim} numbers"
        try:
            with np.errstate(over="ignore"):
                latents = np.array(given, np.float32)
        except (ValueError, TypeError, OverflowError) as error:
            raise InputError(wanted) from error
        is_matrix = latents.ndim == 2 and latents.shape[1] == self.generator.latent_dim
        if not is_matrix or not 0 < len(latents) <= MAX_IMAGES:
            raise InputError(f"{wanted}. Received: {list(latents.shape)}")
        if not np.isfinite(latents).all():
            raise InputError(f"{wanted}, which are finite")
        return latents

    def _condition(self, given, num):
        """The condition that all images share, once per image."""
        spec = self.generator.condition_spec
        if spec is None or given is None:
            # The generator says what is missing or one too many.
            return None if given is None else [given] * num
        if spec.name == "texts":
            if not isinstance(given, str):
                raise InputError("condition must be a text")
            return np.array([given] * num)
        parts = given if isinstance(given, list) else [given]
        if not all(type(part) is int and 0 <= part < 2**31 for part in parts):
            raise InputError(
                "condition must be the number of a class, or a list of one per attribute"
            )
        return np.array([given] * num, np.int32)


def _body(request):
    if request.mimetype != "application/json":
        raise UnsupportedMediaType("the body must be JSON, with Content-Type: application/json")
    try:
        body = json.loads(request.get_data(), parse_constant=_refused)
    except (ValueError, RecursionError) as error:
        raise BadRequest("the body is not JSON") from error
    if not isinstance(body, dict):
        raise BadRequest("the body must be a JSON object")
    return body


def _refused(constant):
    raise ValueError(constant)


def _json(content, status=200):
    return Response(json.dumps(content), status, mimetype="application/json")
