"""Opens a page that draws with a SavedModel while its latents are moved."""

import contextlib
import socket
import sys
import tempfile
import webbrowser
from pathlib import Path

from tfgan.cli.parser import EXIT_FAULT, ArgumentParser, number, run
from tfgan.errors import InputError
from tfgan.export import formats, saved_models
from tfgan.files import write_text
from tfgan.startup import start_tensorflow

HOST = "127.0.0.1"
PORT = 8700

EPILOG = """\
examples:
  python -m tfgan.explore saved_models/digits_gan
  python -m tfgan.explore saved_models/shapes_cgan --port 9000 --no-open
  python -m tfgan.explore saved_models/digits_gan --standalone digits.html

The page is served to this machine alone, until Ctrl-C. With --standalone it is written to one file
to share, which holds the model and needs no server and no network.
"""


def parse(argv=None):
    """Parses the command line; TensorFlow is not imported for it."""
    parser = ArgumentParser(prog="python -m tfgan.explore", description=__doc__, epilog=EPILOG)
    parser.add_argument(
        "model", metavar="MODEL", help="a SavedModel's folder, or one that holds its versions"
    )
    parser.add_argument(
        "--port",
        type=number(int, 0, maximum=65535),
        metavar="N",
        help=f"of the page; 0 is any that is free (default: {PORT})",
    )
    parser.add_argument("--no-open", action="store_true", help="do not open a browser")
    parser.add_argument(
        "--standalone",
        type=Path,
        metavar="PATH",
        help="write the page with the model in it to a new .html file instead of serving it",
    )
    parser.add_argument(
        "--runtime",
        type=Path,
        metavar="DIR",
        help="a folder with the files of onnxruntime-web that --standalone puts into the page "
        "(default: fetched once into the user's cache)",
    )
    arguments = parser.parse_args(argv)
    if arguments.standalone is None:
        if arguments.runtime is not None:
            parser.error("--runtime is for --standalone")
        arguments.port = PORT if arguments.port is None else arguments.port
    elif arguments.port is not None or arguments.no_open:
        parser.error("--port and --no-open are for a page that is served, not for --standalone")
    elif arguments.standalone.suffix != ".html":
        parser.error(f"--standalone must end in .html. Received: '{arguments.standalone}'")
    return arguments


def explore(arguments):
    """Serves the page until it is interrupted, or writes it; returns the exit status."""
    folder = saved_models.find(arguments.model)
    if arguments.standalone:
        return write(folder, arguments.standalone, arguments.runtime)
    return serve(folder, arguments)


def write(folder, out, runtime_folder):
    """Writes the page that holds its model; returns the exit status.

    Args:
        folder: of one version of a SavedModel.
        out: the new file.
        runtime_folder: holds the files of onnxruntime-web, or None.
    """
    from tfgan.explorer.runtime import runtime_of

    if out.exists():
        raise InputError(f"--standalone {out} exists: pass a new file")
    formats.require_packages("onnx", "--standalone")
    runtime = runtime_of(runtime_folder)
    start_tensorflow()
    import tensorflow as tf

    from tfgan.explorer.page import description_of, standalone_page
    from tfgan.export import conversion
    from tfgan.inference.exported_model import ExportedModel
    from tfgan.latent.generator import LatentGenerator

    # On the CPU: a GPU would compare its own rounding.
    with tf.device("CPU"):
        model = ExportedModel.load(folder)
    generator = LatentGenerator.of_exported(model)
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary, "generator.onnx")
        difference = conversion.write_and_compare(model, "onnx", None, path)
        content = path.read_bytes()
    bound = conversion.BOUNDS[None]
    if not difference <= bound:
        print(
            f"error: the images of {out} would differ from those of {folder} by "
            f"{difference:.2g}, more than {bound:.2g}: it was not written",
            file=sys.stderr,
        )
        return EXIT_FAULT
    # Where the model lies here is nothing to those whom the page is sent.
    description = description_of(generator, _sliders(generator), folder=None)
    page = standalone_page(description, content, runtime)
    write_text(out, page)
    print(f"{folder} -> {out} ({out.stat().st_size:,} bytes): open it in a browser")
    return 0


def _sliders(generator):
    from tfgan.explorer.sliders import sliders_of

    print(
        f"looking for directions in the {generator.latent_dim} dimensions of {generator.name} ...",
        flush=True,
    )
    return sliders_of(generator)


def serve(folder, arguments):
    """Serves the page until it is interrupted; returns the exit status.

    Args:
        folder: of one version of a SavedModel.
        arguments: what `parse` returned.
    """
    try:
        listening = socket.create_server((HOST, arguments.port))
    except OSError as error:
        raise InputError(
            f"--port {arguments.port} cannot be had: pass another, or 0 for any"
        ) from error
    start_tensorflow()
    from werkzeug.serving import WSGIRequestHandler, make_server

    from tfgan.explorer.server import Explorer
    from tfgan.latent.generator import LatentGenerator

    class Quiet(WSGIRequestHandler):
        def log_request(self, *args):
            """A line for every image would bury the address."""

    generator = LatentGenerator.load(folder)
    server = make_server(
        HOST,
        arguments.port,
        Explorer(generator, _sliders(generator), arguments.model),
        threaded=True,
        request_handler=Quiet,
        fd=listening.fileno(),
    )
    address = f"http://{HOST}:{server.port}/"
    print(f"the explorer of {generator.name}: {address} (Ctrl-C stops it)", flush=True)
    if not arguments.no_open:
        webbrowser.open(address)
    with contextlib.suppress(KeyboardInterrupt):
        server.serve_forever()
    server.server_close()
    listening.close()
    return 0


def main(argv=None):
    """Entry point; returns the exit status."""
    arguments = parse(argv)
    return run(explore, arguments)


if __name__ == "__main__":
    sys.exit(main())
