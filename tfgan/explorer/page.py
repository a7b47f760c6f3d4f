"""The explorer's page: one that asks a server for its images, and one that draws them itself."""

import base64
import gzip
import json
from importlib import resources

import numpy as np

# The page is one file: nothing is loaded, from here or elsewhere, but what it asks of a server.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src blob: data:; base-uri 'none'; "
    "form-action 'none'; "
)
SERVED_POLICY = f"{_POLICY}script-src 'unsafe-inline'; connect-src 'self'; frame-ancestors 'none'"
_STANDALONE_POLICY = f"{_POLICY}script-src 'unsafe-inline' 'wasm-unsafe-eval' blob:"


def served_page():
    """The page that a server draws for, HTML; its policy is a header."""
    return _page(source="from_server.js")


def standalone_page(description, generator, runtime):
    """The page that needs no server.

    Args:
        description: what `description_of` gave.
        generator: an ONNX file's bytes: `latents` float32 [N, D], and where the model is
            conditional `labels` int32 [N] or [N, A] -> `images` float32 [N, H, W, C] in [0, 1].
        runtime: what runs it, a `tfgan.explorer.runtime.Runtime`.

    Returns:
        HTML.
    """
    packed = {"script": runtime.script, "binary": runtime.binary, "generator": generator}
    # `<` could end the element.
    model = json.dumps(description, allow_nan=False).replace("<", "\\u003c")
    content = [
        "<!-- ONNX Runtime Web: Copyright (c) Microsoft Corporation. MIT License. -->",
        f'<script type="application/json" id="model">{model}</script>',
        *(
            # The same model gives the same file: no time of the day.
            f'<script type="text/plain" id="{name}">'
            f"{base64.b64encode(gzip.compress(each, mtime=0)).decode()}</script>"
            for name, each in packed.items()
        ),
    ]
    policy = f'<meta http-equiv="Content-Security-Policy" content="{_STANDALONE_POLICY}">'
    return _page("from_file.js", policy, "\n".join(content))


def _page(source, policy="", content=""):
    page = _read("page.html").replace("<!-- POLICY -->\n", policy and f"{policy}\n")
    page = page.replace("<!-- CONTENT -->\n", content and f"{content}\n")
    return page.replace("/* SOURCE */\n", _read(source))


def _read(name):
    return resources.files("tfgan.explorer").joinpath(name).read_text("utf-8")


def description_of(generator, sliders, folder):
    """What the page has to know of the model, for JSON.

    Args:
        generator: a `LatentGenerator`.
        sliders: a list of `tfgan.explorer.sliders.Slider`s.
        folder: where the model lies, as its commands name it; None where the page gives none.
    """
    height, width, channels = generator.image_shape
    return {
        "name": generator.name,
        "family": generator.card.get("family"),
        "folder": folder,
        "latent_dim": generator.latent_dim,
        "height": height,
        "width": width,
        "channels": channels,
        "condition": generator.condition and generator.condition.choices(),
        "sliders": [
            {
                "title": slider.title,
                "kind": slider.kind,
                "detail": slider.detail,
                "vector": np.asarray(slider.vector, float).tolist(),
            }
            for slider in sliders
        ],
    }
