"""A stand-in for TensorFlow Serving, for tests only. It is not TensorFlow Serving.

    python tests/stand_in_server.py --port=8500 --rest_api_port=8501 \\
        --model_name=NAME --model_base_path=FOLDER        (or --model_config_file=FILE)

It takes `tensorflow_model_server`'s flags, speaks as much of its REST and gRPC interfaces as a
client of this project needs, with the official protobufs, and runs models with TensorFlow's C++
loader. No Python code of TensorFlow, Keras or this project is in the process. Answers and statuses
are Serving's; the wording of errors is not always.
"""

import argparse
import base64
import importlib.util
import json
import re
import struct
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cpp_loader
import grpc
import numpy as np
from google.protobuf import json_format, text_format

# TensorFlow's protobufs are plain Python files in a package whose import would open the C++
# library, which cannot be there twice. So the package is put in place without being run.
sys.modules["tensorflow"] = importlib.util.module_from_spec(importlib.util.find_spec("tensorflow"))

from tensorflow.core.framework import tensor_pb2, types_pb2  # noqa: E402
from tensorflow.core.protobuf import saved_model_pb2  # noqa: E402
from tensorflow_serving.apis import (  # noqa: E402
    get_model_metadata_pb2,
    predict_pb2,
    prediction_log_pb2,
    prediction_service_pb2_grpc,
)
from tensorflow_serving.config import model_server_config_pb2  # noqa: E402

NUM_THREADS = 8
HTTP_STATUS = {grpc.StatusCode.INVALID_ARGUMENT: 400, grpc.StatusCode.NOT_FOUND: 404}
GRPC_STATUS = {code.value[0]: code for code in grpc.StatusCode}
# Each type that requests may have, with the field of a TensorProto that may hold its values.
DTYPES = {
    types_pb2.DT_FLOAT: (np.dtype("float32"), "float_val"),
    types_pb2.DT_INT32: (np.dtype("int32"), "int_val"),
    types_pb2.DT_INT64: (np.dtype("int64"), "int64_val"),
    types_pb2.DT_STRING: (np.dtype("object"), "string_val"),
}


class RequestError(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def invalid(message):
    return RequestError(grpc.StatusCode.INVALID_ARGUMENT, message)


def not_found(message):
    return RequestError(grpc.StatusCode.NOT_FOUND, message)


class Version:
    """A SavedModel in memory, which has answered its warm-up requests."""

    def __init__(self, folder):
        saved_model = saved_model_pb2.SavedModel.FromString(
            (folder / "saved_model.pb").read_bytes()
        )
        self.signatures = saved_model.meta_graphs[0].signature_def
        self.model = cpp_loader.Model(str(folder))
        warm_up = folder / "assets.extra" / "tf_serving_warmup_requests"
        for record in records_of(warm_up) if warm_up.exists() else ():
            request = prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
            inputs = {name: to_array(name, proto) for name, proto in request.inputs.items()}
            self.predict(request.model_spec.signature_name, inputs)

    def predict(self, name, inputs):
        if name not in self.signatures:
            raise RequestError(
                grpc.StatusCode.FAILED_PRECONDITION, f'Serving signature key "{name}" not found.'
            )
        expected = self.signatures[name].inputs
        if inputs.keys() != expected.keys():
            raise invalid(
                f"the inputs are {sorted(inputs)}, but those of the signature {name!r} are "
                f"{sorted(expected)}"
            )
        for key, array in inputs.items():
            dtype = DTYPES[expected[key].dtype][0]
            if array.dtype != dtype:
                raise invalid(f"the input {key!r} is {array.dtype}, but must be {dtype}")
        inputs = {
            key: cpp_loader.pack_strings(array) if array.dtype.kind == "O" else array
            for key, array in inputs.items()
        }
        try:
            return self.model.run(name, inputs)
        except RuntimeError as error:
            code, message = re.fullmatch(
                r"TensorFlow error (\d+): (.*)", str(error), re.DOTALL
            ).groups()
            raise RequestError(GRPC_STATUS[int(code)], message) from error


class Servable:
    """A model's folder, and those of its versions that were asked for."""

    def __init__(self, config):
        self.folder = Path(config.base_path)
        self.policy = config.model_version_policy
        self.labels = config.version_labels
        self.loaded = {}
        self.lock = threading.Lock()

    def available(self):
        """Version numbers, ascending: the latest, unless the configuration has another policy."""
        found = sorted(int(entry.name) for entry in self.folder.iterdir() if entry.name.isdigit())
        if self.policy.WhichOneof("policy_choice") == "all":
            return found
        if self.policy.WhichOneof("policy_choice") == "specific":
            return [version for version in found if version in self.policy.specific.versions]
        return found[-(self.policy.latest.num_versions or 1) :]

    def version(self, number=None, label=None):
        """The `Version` that is meant and its number: the latest, where none is named."""
        if label is not None:
            if label not in self.labels:
                raise invalid(f"Unrecognized servable version label: {label}")
            number = self.labels[label]
        available = self.available()
        if not available or number not in (None, *available):
            raise not_found(f"Servable not found for request: version {number or 'Latest'}")
        number = number or available[-1]
        with self.lock:
            if number not in self.loaded:
                self.loaded[number] = Version(self.folder / str(number))
        return number, self.loaded[number]


def records_of(file):
    """The records of a TFRecord file; their checksums are left unread."""
    content = file.read_bytes()
    start = 0
    while start < len(content):
        (length,) = struct.unpack_from("<Q", content, start)
        yield content[start + 12 : start + 12 + length]
        start += 12 + length + 4


def to_array(name, proto):
    """A TensorProto as an array."""
    if proto.dtype not in DTYPES:
        raise invalid(f"the input {name!r} is {types_pb2.DataType.Name(proto.dtype)}")
    dtype, field = DTYPES[proto.dtype]
    shape = [dim.size for dim in proto.tensor_shape.dim]
    if proto.tensor_content:
        return np.frombuffer(proto.tensor_content, dtype).reshape(shape)
    values = list(getattr(proto, field))
    # The last value stands for all that are left out.
    values += values[-1:] * (int(np.prod(shape)) - len(values))
    return np.array(values, dtype).reshape(shape)


def to_proto(array):
    """An output of the C++ loader as a TensorProto."""
    proto = tensor_pb2.TensorProto()
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    if array.dtype.names:
        proto.dtype = types_pb2.DT_STRING
        proto.string_val.extend(cpp_loader.unpack_strings(array))
    else:
        proto.dtype = next(key for key, (dtype, _) in DTYPES.items() if dtype == array.dtype)
        proto.tensor_content = array.tobytes()
    return proto


def from_json(name, value, dtype):
    """A value of a JSON request as an array of the dtype that the signature declares."""

    def decoded(value):
        if isinstance(value, list):
            return [decoded(one) for one in value]
        if isinstance(value, dict) and value.keys() == {"b64"}:
            return base64.b64decode(value["b64"])
        if not isinstance(value, str):
            raise invalid(f"JSON Value: {json.dumps(value)} is not of expected type: string")
        return value.encode()

    if dtype.kind == "O":
        return np.array(decoded(value), dtype)

    def check(value):
        if isinstance(value, list):
            for one in value:
                check(one)
        elif isinstance(value, bool) or not isinstance(
            value, int if dtype.kind == "i" else (int, float)
        ):
            raise invalid(f"JSON Value: {json.dumps(value)} is not of expected type: {dtype}")

    check(value)
    try:
        return np.array(value, dtype)
    except (ValueError, OverflowError) as error:
        raise invalid(f"the input {name!r} is no {dtype} tensor: {error}") from error


def to_json(name, array):
    """An output of the C++ loader for a JSON answer: strings `*_bytes` in base64."""
    if not array.dtype.names:
        return array.tolist()
    strings = cpp_loader.unpack_strings(array)
    if name.endswith("_bytes"):
        return [{"b64": base64.b64encode(string).decode()} for string in strings]
    return [string.decode() for string in strings]


def rest_predict(version, body):
    """The answer to the body of a REST request, both as dicts for JSON."""
    try:
        request = json.loads(body)
    except ValueError as error:
        raise invalid(f"JSON Parse error: {error}") from error
    if not isinstance(request, dict) or ("instances" in request) == ("inputs" in request):
        raise invalid("the request must be a JSON object with either 'instances' or 'inputs'")
    signature_name = request.get("signature_name", "serving_default")
    if signature_name not in version.signatures:
        raise invalid(f'Serving signature name: "{signature_name}" not found in signature def')
    specs = version.signatures[signature_name].inputs
    columns = request.get("inputs")
    if "instances" in request:
        rows = request["instances"]
        if not isinstance(rows, list) or not rows:
            raise invalid("'instances' must be a list that is not empty")
        if isinstance(rows[0], dict) and rows[0].keys() != {"b64"}:
            if any(not isinstance(row, dict) or row.keys() != rows[0].keys() for row in rows):
                raise invalid("the elements of 'instances' must have the same keys")
            columns = {name: [row[name] for row in rows] for name in rows[0]}
        else:
            columns = rows
    if not isinstance(columns, dict):
        if len(specs) > 1:
            raise invalid(f"the inputs must be named: {sorted(specs)}")
        columns = {next(iter(specs)): columns}
    if unknown := columns.keys() - specs.keys():
        raise invalid(f"no input is named {sorted(unknown)}, but {sorted(specs)}")
    inputs = {
        name: from_json(name, value, DTYPES[specs[name].dtype][0])
        for name, value in columns.items()
    }
    outputs = {
        name: to_json(name, array)
        for name, array in version.predict(signature_name, inputs).items()
    }
    values = next(iter(outputs.values())) if len(outputs) == 1 else outputs
    if "inputs" in request:
        return {"outputs": values}
    if len(outputs) > 1:
        values = [dict(zip(outputs, row)) for row in zip(*outputs.values())]
    return {"predictions": values}


def metadata_of(version):
    signatures = get_model_metadata_pb2.SignatureDefMap()
    for name, signature in version.signatures.items():
        signatures.signature_def[name].CopyFrom(signature)
    return signatures


class GrpcService(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, servables):
        self.servables = servables

    def _version(self, spec):
        if spec.name not in self.servables:
            raise not_found(f"Servable not found for request: Latest({spec.name})")
        choice = spec.WhichOneof("version_choice")
        number = spec.version.value if choice == "version" else None
        label = spec.version_label if choice == "version_label" else None
        return self.servables[spec.name].version(number, label)

    def Predict(self, request, context):
        try:
            number, version = self._version(request.model_spec)
            name = request.model_spec.signature_name or "serving_default"
            inputs = {key: to_array(key, proto) for key, proto in request.inputs.items()}
            outputs = version.predict(name, inputs)
        except RequestError as error:
            context.abort(error.code, str(error))
        response = predict_pb2.PredictResponse()
        response.model_spec.name = request.model_spec.name
        response.model_spec.version.value = number
        response.model_spec.signature_name = name
        for key, array in outputs.items():
            response.outputs[key].CopyFrom(to_proto(array))
        return response

    def GetModelMetadata(self, request, context):
        try:
            number, version = self._version(request.model_spec)
        except RequestError as error:
            context.abort(error.code, str(error))
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        response.model_spec.name = request.model_spec.name
        response.model_spec.version.value = number
        response.metadata["signature_def"].Pack(metadata_of(version))
        return response


class RestHandler(BaseHTTPRequestHandler):
    servables: dict
    protocol_version = "HTTP/1.1"
    # An answer's head and body are two packets, which must not wait for each other.
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self):
        self.answer(b"")

    def do_POST(self):
        self.answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def answer(self, body):
        try:
            status, content = 200, self.content(body)
        except RequestError as error:
            status, content = HTTP_STATUS.get(error.code, 500), {"error": str(error)}
        encoded = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    def content(self, body):
        match = re.fullmatch(
            r"/v1/models/([^/:]+)(?:/versions/(\d+)|/labels/([^/:]+))?(/metadata|:predict)?",
            self.path,
        )
        if not match or (self.command == "POST") != (match[4] == ":predict"):
            raise invalid(f"Malformed request: {self.command} {self.path}")
        name, number, label, what = match.groups()
        if name not in self.servables:
            raise not_found(f"Servable not found for request: Latest({name})")
        number, version = self.servables[name].version(number and int(number), label)
        if what == ":predict":
            return rest_predict(version, body)
        if what == "/metadata":
            signatures = json_format.MessageToDict(
                metadata_of(version), preserving_proto_field_name=True
            )
            spec = {"name": name, "signature_name": "", "version": str(number)}
            return {"model_spec": spec, "metadata": {"signature_def": signatures}}
        status = {"error_code": "OK", "error_message": ""}
        return {
            "model_version_status": [
                {"version": str(number), "state": "AVAILABLE", "status": status}
            ]
        }

    def log_message(self, *arguments):
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8500)
    parser.add_argument("--rest_api_port", type=int, default=8501)
    parser.add_argument("--model_name", default="default")
    parser.add_argument("--model_base_path")
    parser.add_argument("--model_config_file", type=Path)
    parser.add_argument("--allow_version_labels_for_unavailable_models", default="false")
    arguments = parser.parse_args()
    config = model_server_config_pb2.ModelServerConfig()
    if arguments.model_config_file:
        text_format.Parse(arguments.model_config_file.read_text(), config)
    else:
        config.model_config_list.config.add(
            name=arguments.model_name, base_path=arguments.model_base_path
        )
    servables = {one.name: Servable(one) for one in config.model_config_list.config}
    # Loaded and warm before the ports open.
    for servable in servables.values():
        for number in servable.available():
            servable.version(number)
    RestHandler.servables = servables
    rest_server = ThreadingHTTPServer(("localhost", arguments.rest_api_port), RestHandler)
    # As in Serving, messages may have any size.
    options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    grpc_server = grpc.server(ThreadPoolExecutor(NUM_THREADS), options=options)
    service = GrpcService(servables)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(service, grpc_server)
    grpc_server.add_insecure_port(f"localhost:{arguments.port}")
    grpc_server.start()
    rest_server.serve_forever()


if __name__ == "__main__":
    main()
