"""Starts a server of models, and ends it."""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import requests

STAND_IN = [sys.executable, str(Path(__file__).with_name("stand_in_server.py"))]
START_SECONDS = 120


@contextlib.contextmanager
def running(command, name, *flags, port=None, rest_port=None):
    """A server, as `(process, gRPC port, REST port)`, once it answers for a model.

    Args:
        command: `STAND_IN`, or the path of another server in a list.
        name: the model's.
        *flags: further flags.
        port, rest_port: free ones by default.
    """
    port, rest_port = port or free_port(), rest_port or free_port()
    command = [*command, f"--port={port}", f"--rest_api_port={rest_port}", *flags]
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "2"}
    # Into a file: a pipe that nobody reads would fill up and stop the server.
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        try:
            deadline = time.monotonic() + START_SECONDS
            while not is_available(f"http://localhost:{rest_port}/v1/models/{name}"):
                if process.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    raise RuntimeError(f"{command} does not start: {log.read().decode()}")
                time.sleep(0.05)
            yield process, port, rest_port
        finally:
            process.kill()
            process.wait()


def shell_environment(**others):
    """The environment of a page's command: `python` is this one, and finds this checkout."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return os.environ | {"PATH": path, "PYTHONPATH": str(Path(__file__).parents[1])} | others


def free_port():
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]


def is_available(url):
    """Whether a server answers under a model's address that it has the model."""
    try:
        answer = requests.get(url, timeout=10)
    except requests.ConnectionError:
        return False
    return answer.ok and "AVAILABLE" in {
        status["state"] for status in answer.json()["model_version_status"]
    }
