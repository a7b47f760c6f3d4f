"""Servers to send requests to: the stand-in, and TensorFlow Serving where it is installed."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
import requests

SERVERS = ("stand_in_server", "tensorflow_model_server")
START_SECONDS = 120


def command_of(server):
    """The command that starts a server; skips where it is not installed."""
    if server == "stand_in_server":
        return [sys.executable, str(Path(__file__).with_name("stand_in_server.py"))]
    executable = shutil.which(server)
    if executable is None:
        pytest.skip("no tensorflow_model_server on the PATH")
    return [executable]


def free_port():
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(server, name, *flags, port=None, rest_port=None):
    """A server that answers for the model `name`, as `(process, gRPC port, REST port)`."""
    port, rest_port = port or free_port(), rest_port or free_port()
    command = [*command_of(server), f"--port={port}", f"--rest_api_port={rest_port}", *flags]
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "2"}
    # Into a file: a pipe that nobody reads would fill up and stop the server.
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        try:
            deadline = time.monotonic() + START_SECONDS
            while not is_available(f"http://localhost:{rest_port}/v1/models/{name}"):
                if process.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    raise RuntimeError(f"{server} does not start: {log.read().decode()}")
                time.sleep(0.05)
            yield process, port, rest_port
        finally:
            process.kill()
            process.wait()


def is_available(url):
    try:
        answer = requests.get(url, timeout=10)
    except requests.ConnectionError:
        return False
    return answer.ok and "AVAILABLE" in {
        status["state"] for status in answer.json()["model_version_status"]
    }
