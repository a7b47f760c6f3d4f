"""ONNX Runtime Web: what runs a generator inside a page."""

import dataclasses
import hashlib
import io
import tarfile
from pathlib import Path

import requests

from tfgan.errors import InputError
from tfgan.files import atomic_folder, user_cache

VERSION = "1.30.0"
ADDRESS = f"https://registry.npmjs.org/onnxruntime-web/-/onnxruntime-web-{VERSION}.tgz"
# Of the package, as its registry publishes it (there in base64).
SHA512 = (
    "ab4cbe26baedba45d2cec05610c71c55fa97db92d19a8b171c5f8269126683ca"
    "590a5cdc57bb2f35ce2b298de32f4d956fb42644c0ecd528a0a91e025c07ca61"
)
# The smallest that runs on the processor alone, and with it the script that starts it.
SCRIPT, BINARY = "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"
_TIMEOUT_SECONDS = 30


@dataclasses.dataclass(frozen=True)
class Runtime:
    """Attributes: the two files' content.

    Attributes:
        script: an ECMAScript module, bytes.
        binary: WebAssembly, bytes.
    """

    script: bytes
    binary: bytes


def runtime_of(folder=None):
    """Reads the runtime, out of the user's cache by default, where it is fetched to once.

    Args:
        folder: one that holds the two files, such as `dist` of the npm package onnxruntime-web.

    Returns:
        A `Runtime`.

    Raises:
        InputError: a file is missing from the folder; there is no network; what came is not what
            was published.
    """
    if folder is None:
        folder = user_cache() / f"onnxruntime-web-{VERSION}"
        if not folder.exists():
            _fetch(folder)
    try:
        return Runtime(*(Path(folder, name).read_bytes() for name in (SCRIPT, BINARY)))
    except OSError as error:
        raise InputError(
            f"--runtime needs a folder with {SCRIPT} and {BINARY}, such as dist of onnxruntime-web "
            f"{VERSION}. Received: {folder} ({error.strerror}: {Path(error.filename).name})"
        ) from error


def _fetch(folder):
    """Downloads the package and keeps the two files; the folder appears whole or not at all."""
    print(f"fetching {ADDRESS} (33 MB, once) ...", flush=True)
    try:
        answer = requests.get(ADDRESS, timeout=_TIMEOUT_SECONDS)
        answer.raise_for_status()
    except requests.RequestException as error:
        raise InputError(
            f"{ADDRESS} cannot be fetched ({type(error).__name__}): pass --runtime with a folder "
            f"that holds {SCRIPT} and {BINARY} of that package"
        ) from error
    received = hashlib.sha512(answer.content).hexdigest()
    if received != SHA512:
        raise InputError(
            f"{ADDRESS} is not what was published: its SHA-512 must begin with {SHA512[:16]}. "
            f"Received: {received[:16]}"
        )
    with (
        atomic_folder(folder, exist_ok=True) as temporary,
        tarfile.open(fileobj=io.BytesIO(answer.content)) as package,
    ):
        for name in (SCRIPT, BINARY):
            with package.extractfile(f"package/dist/{name}") as file:
                (temporary / name).write_bytes(file.read())
