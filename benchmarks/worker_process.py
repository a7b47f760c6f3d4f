"""The near end of a contender's process; `benchmarks.contenders.worker` is the far one."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
TAIL_LINES = 3


@contextlib.contextmanager
def worker_process(name, target, batch_size):
    """A contender in a process of its own, which ends with the `with` block.

    Args:
        name: what errors call it.
        target: `module.function` in `benchmarks.contenders`.
        batch_size: images per step.

    Yields:
        A `Worker`, not yet ready.
    """
    with (
        # Not a pipe: nobody reads while the process works, and a full pipe would stop it.
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.contenders.worker", target, str(batch_size)],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=ROOT,
            # PyTorch's contenders and the peak are measured on the CPU, and so are all. Every one
            # that is TensorFlow's has oneDNN's kernels, as the commands of this package have.
            env={
                "TF_ENABLE_ONEDNN_OPTS": "1",
                **os.environ,
                "CUDA_VISIBLE_DEVICES": "-1",
                "KERAS_BACKEND": "tensorflow",
            },
            # Ctrl-C is for the parent, which then ends its workers.
            process_group=0,
        ) as process,
    ):
        try:
            yield Worker(name, process, errors)
        finally:
            process.kill()


class Worker:
    """A contender that takes steps when told to; see `worker_process`."""

    def __init__(self, name, process, errors):
        self.name = name
        self.process = process
        self.errors = errors

    def wait_until_ready(self):
        """Returns once the contender is built and warm.

        Raises:
            ChildProcessError: its process has ended instead.
        """
        self.read()

    def run(self, steps):
        """Lets the contender take `steps` steps.

        Returns:
            dict of the floats `seconds`, and `peak_memory_mb` in 10^6 bytes.

        Raises:
            ChildProcessError: its process has ended.
        """
        # A pipe that nobody reads any more is told by the answer that never comes.
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps({"steps": steps}).encode() + b"\n")
        return self.read()

    def read(self):
        """The next answer, a dict."""
        line = self.process.stdout.readline()
        if not line:
            status = self.process.wait()
            raise ChildProcessError(
                f"contender {self.name} ended with status {status}: {self.tail_of_errors()}"
            )
        return json.loads(line)

    def tail_of_errors(self):
        """The last lines that the ended process wrote to standard error, in one."""
        self.errors.seek(0)
        lines = self.errors.read().decode(errors="replace").splitlines()
        lines = [line.strip() for line in lines if line.strip()]
        return " | ".join(lines[-TAIL_LINES:]) or "no message"
