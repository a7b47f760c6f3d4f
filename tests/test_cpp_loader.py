"""The C++ loader client itself, on a model that is small enough to know every answer of."""

import re
import subprocess
import sys
from pathlib import Path

import cpp_loader
import numpy as np
import pytest
import tensorflow as tf
from cpp_loader import pack_strings, refusals, serve, unpack_strings

# What uses the loader in the default run finds out whether it loads.
pytestmark = pytest.mark.slow

WEIGHTS = np.array([[1, 2], [3, 4], [5, 6]], "float32")
TRICKY = [b"", b"\0", b"end\0\0", b"\0\xff\x89PNG", b"longer than an inline string " * 9 + b"\0"]


class Toy(tf.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weights = tf.Variable(WEIGHTS)
        # A lookup table only works after the model's initializer ran, which is the loader's job.
        keys = tf.range(len(TRICKY), dtype=tf.int64)
        values = tf.constant(TRICKY)
        initializer = tf.lookup.KeyValueTensorInitializer(keys, values)
        self.table = tf.lookup.StaticHashTable(initializer, b"?")

    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32, name="x")])
    def project(self, x):
        return {"y": x @ self.weights, "rows": tf.shape(x)[0]}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int64, name="index")])
    def names(self, index):
        return {"name": self.table.lookup(index), "next": index + 1}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def measure(self, text):
        return {
            "length": tf.strings.length(text),
            "echo": text,
            "first": tf.io.decode_raw(tf.strings.substr(text + "\0", 0, 1), tf.uint8),
        }

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, 2], tf.uint8, name="a"),
            tf.TensorSpec([], tf.int32, name="b"),
        ]
    )
    def mix(self, a, b):
        return {"product": tf.cast(a, tf.int32) * b}

    @tf.function(input_signature=[])
    def constant(self):
        return {"weights": tf.identity(self.weights)}


@pytest.fixture(scope="module")
def saved_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("toy")
    toy = Toy()
    names = ("project", "names", "measure", "mix", "constant")
    tf.saved_model.save(toy, str(path), signatures={name: getattr(toy, name) for name in names})
    return path


def test_answers_in_order(saved_model: Path) -> None:
    batches = (1, 3, 7, 0)
    inputs = [np.arange(3 * n, dtype="float32").reshape(n, 3) for n in batches]
    indices = [np.arange(n, dtype="int64") for n in batches]
    requests = [("project", {"x": x}) for x in inputs]
    requests += [("names", {"index": index}) for index in indices]
    answers = serve(saved_model, requests)
    for x, answer in zip(inputs, answers[:4]):
        assert answer.keys() == {"y", "rows"}
        assert answer["y"].dtype == np.float32
        np.testing.assert_allclose(answer["y"], x @ WEIGHTS)
        assert answer["rows"].shape == ()
        assert answer["rows"] == len(x)
    for index, answer in zip(indices, answers[4:]):
        assert answer["name"] == [TRICKY[i] if i < len(TRICKY) else b"?" for i in index]
        assert answer["next"].dtype == np.int64
        np.testing.assert_array_equal(answer["next"], index + 1)


def test_other_dtypes_and_shapes(saved_model: Path) -> None:
    a = np.array([[200, 1], [2, 255]], "uint8")
    answers = serve(
        saved_model,
        [
            ("measure", {"text": TRICKY}),
            ("measure", {"text": np.array(["é", "ab"])}),
            ("measure", {"text": []}),
            ("mix", {"b": np.int32(-3), "a": a}),
            ("mix", {"a": a.T, "b": np.array(2, "int32")}),
            ("constant", {}),
        ],
    )
    assert answers[0]["echo"] == TRICKY
    np.testing.assert_array_equal(answers[0]["length"], [len(text) for text in TRICKY])
    first = [[(text + b"\0")[0]] for text in TRICKY]
    assert answers[0]["first"].dtype == np.uint8
    np.testing.assert_array_equal(answers[0]["first"], first)
    assert answers[1]["echo"] == ["é".encode(), b"ab"]
    assert answers[2]["echo"] == []
    np.testing.assert_array_equal(answers[3]["product"], a.astype("int32") * -3)
    np.testing.assert_array_equal(answers[4]["product"], a.T.astype("int32") * 2)
    np.testing.assert_array_equal(answers[5]["weights"], WEIGHTS)


GOOD = np.ones((2, 3), "float32")


BAD_REQUESTS = [
    ("absent", {"x": GOOD}, "^absent: no signature 'absent', only .*'project'"),
    ("project", {"z": GOOD}, r"got inputs \['z'\], want \['x'\]"),
    ("project", {"x": GOOD, "z": GOOD}, r"got inputs \['x', 'z'\]"),
    ("project", {}, r"got inputs \[\], want \['x'\]"),
    ("project", {"x": GOOD[:, :2]}, "TensorFlow error 3: .*Matrix size-incompatible"),
    ("project", {"x": GOOD[0]}, "TensorFlow error 3: .*ndims"),
    ("project", {"x": GOOD.astype("int32")}, "TensorFlow error .*int32"),
    ("project", {"x": [b"one"]}, "TensorFlow error .*string"),
    ("project", {"x": GOOD.astype("float64")}, "no support for inputs of dtype float64"),
]


def test_a_bad_request_is_an_error(saved_model: Path) -> None:
    good = ("project", {"x": GOOD})
    # One after another in one process, with good ones in between, which it goes on to answer.
    requests = [request for bad in BAD_REQUESTS for request in (good, bad[:2])]
    said = refusals(saved_model, requests)
    assert list(said) == list(range(1, len(requests), 2))
    for words, (*_, message) in zip(said.values(), BAD_REQUESTS):
        assert re.search(message, words), words
    with pytest.raises(RuntimeError) as error:
        serve(saved_model, requests[:2])
    assert str(error.value).startswith("exit status 1\n")


def test_no_saved_model_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="Could not find SavedModel"):
        serve(tmp_path, [("project", {"x": GOOD})])


def test_numbers_are_not_packed_as_strings() -> None:
    with pytest.raises(TypeError):
        pack_strings([5])


def test_packed_strings_keep_shape_and_bytes() -> None:
    packed = pack_strings(np.array(TRICKY + [b"x"], dtype=object).reshape(2, 3))
    assert packed.shape == (2, 3)
    assert unpack_strings(packed) == TRICKY + [b"x"]


def test_an_imported_keras_is_an_error(saved_model: Path, tmp_path: Path) -> None:
    code = (
        "import sys, types, cpp_loader; sys.modules['keras'] = types.ModuleType('keras');"
        "cpp_loader.main(*sys.argv[1:])"
    )
    np.savez(tmp_path / "requests.npz", **{"a/project/x": GOOD})
    paths = [saved_model, tmp_path / "requests.npz", tmp_path / "answers.npz"]
    process = subprocess.run(
        [sys.executable, "-c", code, *map(str, paths)],
        cwd=Path(cpp_loader.__file__).parent,
        capture_output=True,
        text=True,
    )
    assert process.returncode == 1
    assert "served with ['keras'] imported" in process.stderr
    with np.load(tmp_path / "answers.npz") as answers:
        np.testing.assert_allclose(answers["a/project/y"], GOOD @ WEIGHTS)


def test_import_opens_no_library() -> None:
    code = (
        "import sys, cpp_loader; cpp_loader.pack_strings([b'a']);"
        "assert not set(cpp_loader.FORBIDDEN_MODULES) & set(sys.modules);"
        "assert 'libtensorflow' not in open('/proc/self/maps').read()"
    )
    folder = Path(cpp_loader.__file__).parent
    subprocess.run([sys.executable, "-c", code], cwd=folder, check=True)
