"""Runs the signatures of a SavedModel with TensorFlow's C++ loader, as TensorFlow Serving does.

    python tests/cpp_loader.py SAVED_MODEL_DIR REQUESTS.npz ANSWERS.npz

REQUESTS.npz holds `<request id>/<signature>/<input name>` arrays (a request without inputs is one
empty array named `<request id>/<signature>`), ANSWERS.npz gets `<request id>/<signature>/<output
name>`. A string tensor is stored as `pack_strings` writes it. Tests call `serve`, which runs this
file as a process of its own: the model is loaded with no Python code of Keras or of this package
at hand, and the C++ library cannot be opened beside the one that `import tensorflow` loads.
"""

import ctypes
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from ctypes import c_char_p, c_int, c_int64, c_size_t, c_void_p
from pathlib import Path

import numpy as np

FORBIDDEN_MODULES = ("tensorflow", "keras", "tfgan")
# TF_DataType numbers.
TF_STRING = 7
NUMERIC = {1: "float32", 3: "int32", 4: "uint8", 9: "int64"}
TSTRING_SIZE = 24  # sizeof(TF_TString), as its header notes.

Signature = tuple[dict[str, str], dict[str, str]]  # Tensor names of the inputs, of the outputs.


class Buffer(ctypes.Structure):
    _fields_ = (("data", c_void_p), ("length", c_size_t), ("deallocator", c_void_p))


class Output(ctypes.Structure):
    _fields_ = (("operation", c_void_p), ("index", c_int))


# The result and then the arguments of each C function, by the letters of C_TYPES.
C_TYPES = {"p": c_void_p, "s": c_char_p, "i": c_int, "d": c_int64, "z": c_size_t, "v": None}
PROTOTYPES = {
    "TF_NewStatus": "p",
    "TF_DeleteStatus": "vp",
    "TF_GetCode": "ip",
    "TF_Message": "sp",
    "TF_NewGraph": "p",
    "TF_NewSessionOptions": "p",
    "TF_LoadSessionFromSavedModel": "pppspippp",
    "TF_GraphOperationByName": "pps",
    "TF_SessionRun": "vppppippipipp",
    "TF_AllocateTensor": "pipiz",
    "TF_DeleteTensor": "vp",
    "TF_TensorType": "ip",
    "TF_NumDims": "ip",
    "TF_Dim": "dpi",
    "TF_TensorByteSize": "zp",
    "TF_TensorData": "pp",
    "TF_StringInit": "vp",
    "TF_StringCopy": "vpsz",
    "TF_StringGetDataPointer": "pp",
    "TF_StringGetSize": "zp",
}


def open_library() -> ctypes.CDLL:
    # find_spec locates a top-level package without importing it.
    spec = importlib.util.find_spec("tensorflow")
    if spec is None or not spec.origin:
        raise RuntimeError("the tensorflow package is not installed")
    library = ctypes.CDLL(str(Path(spec.origin).with_name("libtensorflow_cc.so.2")))
    for name, letters in PROTOTYPES.items():
        function = getattr(library, name)
        function.restype, *function.argtypes = (C_TYPES[letter] for letter in letters)
    return library


def pack_strings(values: np.ndarray | list[bytes]) -> np.ndarray:
    """Stores strings without pickle, and with the trailing NULs that dtype 'S' would drop."""
    array = np.array(values, dtype=object) if isinstance(values, list) else values
    # bytes(5) would be five NULs; memoryview refuses whatever is not bytes.
    flat = [x.encode() if isinstance(x, str) else bytes(memoryview(x)) for x in array.ravel()]
    width = max([1, *map(len, flat)])
    packed = np.zeros(len(flat), [("length", "<i8"), ("bytes", f"V{width}")])
    for record, item in zip(packed, flat):
        record["length"], record["bytes"] = len(item), np.void(item.ljust(width, b"\0"))
    return packed.reshape(array.shape)


def unpack_strings(packed: np.ndarray) -> list[bytes]:
    return [record["bytes"].tobytes()[: record["length"]] for record in packed.ravel()]


# The compiled protobuf classes come only by importing tensorflow, and only four nested fields are
# wanted here, so this walks protobuf's wire format, which never changes for a given field number.
def fields(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yields the number and bytes of each length-delimited field, skipping all others."""
    position = 0

    def varint() -> int:
        nonlocal position
        value = shift = 0
        while True:
            byte = message[position]
            position += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while position < len(message):
        number, wire_type = divmod(varint(), 8)
        if wire_type == 0:
            varint()
            continue
        length = varint() if wire_type == 2 else {1: 8, 5: 4}[wire_type]
        if wire_type == 2:
            yield number, message[position : position + length]
        position += length


def map_field(message: memoryview, number: int) -> dict[str, memoryview]:
    entries = (dict(fields(value)) for found, value in fields(message) if found == number)
    empty = memoryview(b"")
    return {bytes(entry.get(1, empty)).decode(): entry.get(2, empty) for entry in entries}


def read_signatures(meta_graph: memoryview) -> dict[str, Signature]:
    """Reads MetaGraphDef.signature_def (5), its inputs (1) and outputs (2), and TensorInfo.name."""

    def tensor_names(signature: memoryview, number: int) -> dict[str, str]:
        tensors = map_field(signature, number).items()
        return {key: bytes(dict(fields(info)).get(1, b"")).decode() for key, info in tensors}

    signatures = map_field(meta_graph, 5).items()
    return {name: (tensor_names(value, 1), tensor_names(value, 2)) for name, value in signatures}


class Model:
    """A session on a SavedModel, with the "serve" tag that TensorFlow Serving asks for."""

    def __init__(self, directory: str) -> None:
        self.tf = open_library()
        status = self.tf.TF_NewStatus()
        self.graph = self.tf.TF_NewGraph()
        options, tags, buffer = self.tf.TF_NewSessionOptions(), (c_char_p * 1)(b"serve"), Buffer()
        self.session = self.tf.TF_LoadSessionFromSavedModel(
            *(options, None, os.fsencode(directory), tags, 1),
            *(self.graph, ctypes.byref(buffer), status),
        )
        self.check(status)
        serialized = ctypes.string_at(buffer.data, buffer.length)
        self.signatures = read_signatures(memoryview(serialized))

    def check(self, status: int) -> None:
        code = self.tf.TF_GetCode(status)
        message = self.tf.TF_Message(status).decode(errors="replace")
        self.tf.TF_DeleteStatus(status)
        if code:
            raise RuntimeError(f"TensorFlow error {code}: {message}")

    def output(self, tensor_name: str) -> Output:
        name, _, index = tensor_name.rpartition(":")
        operation = self.tf.TF_GraphOperationByName(self.graph, name.encode())
        if not operation:
            raise RuntimeError(f"the graph has no tensor {tensor_name!r}")
        return Output(operation, int(index))

    def to_tensor(self, array: np.ndarray) -> int:
        dims = (c_int64 * array.ndim)(*array.shape)
        if array.dtype.names == ("length", "bytes"):
            size = array.size * TSTRING_SIZE
            tensor = self.tf.TF_AllocateTensor(TF_STRING, dims, array.ndim, size)
            # TF_StringDealloc is left out on purpose: the session may still share this buffer
            # after the run, and the process is short.
            for index, item in enumerate(unpack_strings(array)):
                pointer = self.tf.TF_TensorData(tensor) + index * TSTRING_SIZE
                self.tf.TF_StringInit(pointer)
                self.tf.TF_StringCopy(pointer, item, len(item))
            return tensor
        for code, dtype in NUMERIC.items():
            if array.dtype == dtype:
                content = array.tobytes()
                tensor = self.tf.TF_AllocateTensor(code, dims, array.ndim, len(content))
                ctypes.memmove(self.tf.TF_TensorData(tensor), content, len(content))
                return tensor
        raise RuntimeError(f"no support for inputs of dtype {array.dtype}")

    def to_array(self, tensor: int) -> np.ndarray:
        code, data = self.tf.TF_TensorType(tensor), self.tf.TF_TensorData(tensor)
        shape = [self.tf.TF_Dim(tensor, axis) for axis in range(self.tf.TF_NumDims(tensor))]
        if code in NUMERIC:
            content = ctypes.string_at(data, self.tf.TF_TensorByteSize(tensor))
            return np.frombuffer(content, NUMERIC[code]).reshape(shape)
        if code != TF_STRING:
            raise RuntimeError(f"no support for outputs of TF_DataType {code}")
        get_data, get_size = self.tf.TF_StringGetDataPointer, self.tf.TF_StringGetSize
        pointers = [data + index * TSTRING_SIZE for index in range(int(np.prod(shape)))]
        strings = [ctypes.string_at(get_data(pointer), get_size(pointer)) for pointer in pointers]
        return pack_strings(strings).reshape(shape)

    def run(self, signature: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        if signature not in self.signatures:
            raise RuntimeError(f"no signature {signature!r}, only {sorted(self.signatures)}")
        input_names, output_names = self.signatures[signature]
        if inputs.keys() != input_names.keys():
            raise RuntimeError(f"got inputs {sorted(inputs)}, want {sorted(input_names)}")
        # The rest is the session's to judge: it checks dtypes, but not the shapes a signature
        # declares, so that a wrong shape fails only in an operation that cannot take it.
        feeds = (Output * len(inputs))(*(self.output(input_names[name]) for name in inputs))
        fetches = (Output * len(output_names))(*map(self.output, output_names.values()))
        values = (c_void_p * len(inputs))(*map(self.to_tensor, inputs.values()))
        results = (c_void_p * len(output_names))()
        # Of this call alone: several threads may run the session at once.
        status = self.tf.TF_NewStatus()
        self.tf.TF_SessionRun(
            *(self.session, None, feeds, values, len(feeds), fetches, results, len(fetches)),
            *(None, 0, None, status),
        )
        for tensor in values:
            self.tf.TF_DeleteTensor(tensor)
        self.check(status)
        answer = {name: self.to_array(result) for name, result in zip(output_names, results)}
        for tensor in results:
            self.tf.TF_DeleteTensor(tensor)
        return answer


def main(directory: str, requests_path: str, answers_path: str) -> None:
    requests: dict[tuple[str, str], dict[str, np.ndarray]] = {}
    with np.load(requests_path) as stored:
        for key in stored.files:
            identifier, signature, *name = key.split("/", 2)
            inputs = requests.setdefault((identifier, signature), {})
            if name:
                inputs[name[0]] = stored[key]
    model = Model(directory)
    answers, errors = {}, []
    for (identifier, signature), inputs in requests.items():
        try:
            answer = model.run(signature, inputs)
        except RuntimeError as error:
            errors.append(f"request {identifier}/{signature}: {error}")
            continue
        answers.update({f"{identifier}/{signature}/{name}": answer[name] for name in answer})
    if errors:
        raise RuntimeError("\n".join(errors))
    np.savez(answers_path, **answers)
    imported = [name for name in FORBIDDEN_MODULES if name in sys.modules]
    if imported:
        raise RuntimeError(f"served with {imported} imported, which TensorFlow Serving has not")


def serve(
    saved_model_dir: str | os.PathLike[str],
    requests: Sequence[tuple[str, Mapping[str, np.ndarray | list[bytes]]]],
) -> list[dict[str, np.ndarray | list[bytes]]]:
    """Answers (signature, inputs) requests in order, from one process; strings as list[bytes]."""
    arrays: dict[str, np.ndarray] = {}
    for index, (signature, inputs) in enumerate(requests):
        if not inputs:
            arrays[f"{index}/{signature}"] = np.zeros(0, "uint8")
        for name, value in inputs.items():
            strings = isinstance(value, list) or value.dtype.kind in "OSU"
            arrays[f"{index}/{signature}/{name}"] = pack_strings(value) if strings else value
    # On the CPU, because the TensorFlow of the calling process may hold all of the GPU's memory.
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "2"}
    with tempfile.TemporaryDirectory() as folder:
        paths = Path(folder, "requests.npz"), Path(folder, "answers.npz")
        np.savez(paths[0], **arrays)
        command = [sys.executable, __file__, os.fspath(saved_model_dir), *map(str, paths)]
        process = subprocess.run(
            command, env=environment, capture_output=True, text=True, errors="replace"
        )
        if process.returncode:
            raise RuntimeError(f"exit status {process.returncode}\n{process.stderr}")
        answers: list[dict[str, np.ndarray | list[bytes]]] = [{} for _ in requests]
        with np.load(paths[1]) as stored:
            for key in stored.files:
                index, _, name = key.split("/", 2)
                value = stored[key]
                answers[int(index)][name] = unpack_strings(value) if value.dtype.names else value
    return answers


def refusals(
    saved_model_dir: str | os.PathLike[str],
    requests: Sequence[tuple[str, Mapping[str, np.ndarray | list[bytes]]]],
) -> dict[int, str]:
    """What the process says of each request that it refuses, by the request's place."""
    try:
        serve(saved_model_dir, requests)
    except RuntimeError as error:
        _, *parts = re.split(r"^(?:cpp_loader: )?request (\d+)/", str(error), flags=re.MULTILINE)
        return {int(index): words for index, words in zip(parts[::2], parts[1::2])}
    return {}


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except RuntimeError as failure:
        sys.exit(f"cpp_loader: {failure}")
