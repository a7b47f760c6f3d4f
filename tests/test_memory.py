"""What a training process holds in memory, read from the operating system (Linux)."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux' /proc"),
]

TRAIN_AND_PRINT_MEMORY = r"""
import re, sys
from pathlib import Path
from tfgan.startup import start_tensorflow
start_tensorflow()
from tfgan import train
from tfgan.training import callbacks

def megabytes(field):
    kib = re.search(field + r":\s+(\d+) kB", Path("/proc/self/status").read_text())[1]
    return int(kib) * 1024 / 1e6

original = callbacks.History.on_epoch_end

def on_epoch_end(self, epoch, logs=None):
    original(self, epoch, logs)
    if epoch + 1 in (5, 200):
        print("\nresident", megabytes("VmRSS"))

callbacks.History.on_epoch_end = on_epoch_end
status = train.main(sys.argv[1:])
print("\npeak", megabytes("VmHWM"))
sys.exit(status)
"""


NARROW = ["--width", "8", "--precision", "float32"]


def memory_of(folder, *arguments):
    """Trains in a process of its own; returns its resident sizes and its peak, in 10^6 bytes."""
    done = subprocess.run(
        [sys.executable, "-c", TRAIN_AND_PRINT_MEMORY, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    resident = [float(line[1]) for line in lines if line[:1] == ["resident"]]
    return resident, next(float(line[1]) for line in lines if line[:1] == ["peak"])


def test_memory_does_not_grow_with_the_epochs(tmp_path):
    # Large batches make short epochs: what could grow is what each epoch's end leaves behind.
    resident, _ = memory_of(tmp_path, "--epochs", "200", "--batch-size", "128", *NARROW)
    after_5, after_200 = resident
    assert after_200 < 1.02 * after_5


@pytest.mark.mnist
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_training_on_mnist_peaks_below_a_gigabyte_and_a_half(precision, tmp_path, mnist_data_dir):
    flags = ["--data-dir", str(mnist_data_dir), "--steps", "200", "--precision", precision]
    _, peak = memory_of(tmp_path, "--dataset", "mnist", *flags)
    assert peak < 1500
