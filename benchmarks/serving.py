"""How fast, and how evenly, an exported model answers one client: images/s and latencies.

Every contender draws from one model, in turn, so that a change of the machine's speed meets all of
them:

  model.predict  the Keras generator, latents in
  eager call     the same
  tf.function    a bare tf.function over the generator, latents in
  C++ loader     the SavedModel in a process without Python's TensorFlow
  gRPC, REST     the same behind the stand-in server of the tests, which is not TensorFlow Serving

The last three with each signature.
"""

import contextlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
from tqdm import tqdm

from benchmarks.timing_arguments import parse_timing
from tfgan.cli.parser import run
from tfgan.startup import start_tensorflow

ROOT = Path(__file__).parents[1]
SIGNATURES = ("serving_default", "from_seeds", "png")
NAME = "model"

EPILOG = """\
examples:
  python -m benchmarks.serving
  python -m benchmarks.serving --batch-sizes 1 --rounds 50
"""


def parse(argv=None):
    """Parses the command line."""
    return parse_timing(
        argv, "serving", __doc__, EPILOG, batch_sizes=[1, 8, 64], rounds=5, calls=20
    )


def timed(function):
    """A function from a number of calls to the seconds of each."""

    def times(calls):
        seconds = []
        for _ in range(calls):
            start = perf_counter()
            function()
            seconds.append(perf_counter() - start)
        return seconds

    return times


def in_this_process(gan, latents):
    """Contenders without a server: names to functions of a number of calls."""
    import tensorflow as tf

    generator = gan.ema_generator
    graph = tf.function(
        lambda latents: generator(latents, training=False),
        input_signature=[tf.TensorSpec([None, gan.latent_dim])],
    )
    tensor = tf.constant(latents)
    return {
        "model.predict": timed(lambda: generator.predict(latents, verbose=0)),
        "eager call": timed(lambda: generator(tensor, training=False)),
        "tf.function": timed(lambda: graph(tensor).numpy()),
    }


def in_the_loader(process, latents):
    """Contenders in `loader_process`."""

    def times(signature, calls):
        batch_size, latent_dim = latents.shape
        order = {"signature": signature, "batch_size": batch_size, "latent_dim": latent_dim}
        process.stdin.write(json.dumps(order | {"calls": calls}) + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    return {
        f"C++ loader, {signature}": lambda calls, signature=signature: times(signature, calls)
        for signature in SIGNATURES
    }


def at_the_server(stub, session, url, latents):
    """Contenders behind a server."""
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2

    contenders = {}
    for signature in SIGNATURES:
        name, values = "seeds", np.arange(len(latents))
        if signature == "serving_default":
            name, values = "latents", latents

        def call_grpc(signature=signature, name=name, values=values):
            request = predict_pb2.PredictRequest()
            request.model_spec.name = NAME
            request.model_spec.signature_name = signature
            request.inputs[name].CopyFrom(tf.make_tensor_proto(values))
            (output,) = stub.Predict(request).outputs.values()
            tf.make_ndarray(output)

        def call_rest(signature=signature, name=name, values=values):
            request = {"signature_name": signature, "inputs": {name: values.tolist()}}
            session.post(f"{url}:predict", json=request).json()["outputs"]

        contenders[f"gRPC, {signature}"] = timed(call_grpc)
        contenders[f"REST, {signature}"] = timed(call_rest)
    return contenders


@contextlib.contextmanager
def started(gan, folder):
    """All contenders: a function from latents to names and functions of a number of calls."""
    import grpc
    import requests
    from tensorflow_serving.apis import prediction_service_pb2_grpc

    from tfgan.export.saved_model import export_saved_model

    sys.path.insert(0, str(ROOT / "tests"))
    from server_process import STAND_IN, running

    model_folder = Path(folder) / NAME
    version_folder, _ = export_saved_model(gan, model_folder)
    flags = [f"--model_name={NAME}", f"--model_base_path={model_folder}"]
    far_end = [sys.executable, str(ROOT / "benchmarks" / "loader_process.py"), str(version_folder)]
    with (
        running(STAND_IN, NAME, *flags) as (_, port, rest_port),
        subprocess.Popen(
            far_end,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process,
        grpc.insecure_channel(
            f"localhost:{port}", options=[("grpc.max_receive_message_length", -1)]
        ) as channel,
        requests.Session() as session,
    ):
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        url = f"http://localhost:{rest_port}/v1/models/{NAME}"
        try:
            yield lambda latents: {
                **in_this_process(gan, latents),
                **in_the_loader(process, latents),
                **at_the_server(stub, session, url, latents),
            }
        finally:
            process.kill()


def table(seconds):
    """A Markdown table of `{batch size: {contender: seconds of each call}}`."""
    head, rows = ["path"], {}
    for batch_size, times in seconds.items():
        head += [f"batch {batch_size}: images/s", "p50 / p95 / p99, ms"]
        for name, values in times.items():
            p50, p95, p99 = 1000 * np.percentile(values, [50, 95, 99])
            rate = f"{1000 * batch_size / p50:,.0f}"
            rows.setdefault(name, [name]).extend([rate, f"{p50:.1f} / {p95:.1f} / {p99:.1f}"])
    lines = [head, ["---"] * len(head), *rows.values()]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def bench(arguments):
    """Prints the table."""
    import tfgan

    shape = (28, 28, 1)
    gan = tfgan.GAN(tfgan.convolutional_generator(shape), tfgan.convolutional_discriminator(shape))
    seconds = {}
    total = arguments.rounds * len(arguments.batch_sizes)
    with (
        tempfile.TemporaryDirectory() as folder,
        started(gan, folder) as contenders,
        tqdm(total=total) as bar,
    ):
        for batch_size in arguments.batch_sizes:
            latents = np.random.default_rng(0).normal(size=(batch_size, gan.latent_dim))
            functions = contenders(latents.astype(np.float32))
            for times in functions.values():
                times(2)
            seconds[batch_size] = {name: [] for name in functions}
            for _ in range(arguments.rounds):
                for name, times in functions.items():
                    seconds[batch_size][name] += times(arguments.calls)
                bar.update()
    print(table(seconds))
    return 0


def main(argv=None):
    """Entry point; returns the exit status."""
    arguments = parse(argv)
    start_tensorflow()
    return run(bench, arguments)


if __name__ == "__main__":
    sys.exit(main())
