"""Opens a page that draws with a SavedModel while its latents are moved."""

import contextlib
import socket
import sys
import webbrowser

from tfgan import saved_models
from tfgan.command_line import ArgumentParser, number, run, start_tensorflow
from tfgan.errors import InputError

HOST = "127.0.0.1"
PORT = 8700

EPILOG = """\
examples:
  python -m tfgan.explore saved_models/digits_gan
  python -m tfgan.explore saved_models/shapes_cgan --port 9000 --no-open

The page is served to this machine alone, until Ctrl-C.
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
        default=PORT,
        metavar="N",
        help=f"of the page; 0 is any that is free (default: {PORT})",
    )
    parser.add_argument("--no-open", action="store_true", help="do not open a browser")
    return parser.parse_args(argv)


def explore(arguments):
    """Serves the page until it is interrupted; returns the exit status."""
    saved_models.find(arguments.model)
    try:
        listening = socket.create_server((HOST, arguments.port))
    except OSError as error:
        raise InputError(
            f"--port {arguments.port} cannot be had: pass another, or 0 for any"
        ) from error
    start_tensorflow()
    from werkzeug.serving import WSGIRequestHandler, make_server

    from tfgan.explorer.server import Explorer
    from tfgan.explorer.sliders import sliders_of
    from tfgan.latent.generator import LatentGenerator

    class Quiet(WSGIRequestHandler):
        def log_request(self, *args):
            """A line for every picture would bury the address."""

    generator = LatentGenerator.load(arguments.model)
    print(
        f"looking for directions in the {generator.latent_dim} dimensions of {generator.name} ..."
    )
    application = Explorer(generator, sliders_of(generator), arguments.model)
    server = make_server(
        HOST,
        arguments.port,
        application,
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
