"""Warm-up requests: what TensorFlow Serving runs when it loads a model, before it answers anybody.

The first call of a signature takes many times as long as the next ones.
"""

from pathlib import Path

import tensorflow as tf
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

# Where TensorFlow Serving looks for it, within a version's folder.
WARM_UP_FILE = Path("assets.extra", "tf_serving_warmup_requests")

# The records are `PredictionLog`s of the package tensorflow-serving-api, which training does not
# need. So the fields that are used here are declared again, under the same numbers: a file holds
# nothing else of a declaration. A message within a message is stored as bytes are.
_DECLARATIONS = """
name: "tfgan/warm_up.proto"
package: "tfgan"
message_type {
  name: "PredictionLog"
  field { name: "predict_log" number: 6 type_name: "PredictLog" }
}
message_type {
  name: "PredictLog"
  field { name: "request" number: 1 type_name: "PredictRequest" }
}
message_type {
  name: "PredictRequest"
  field { name: "model_spec" number: 1 type_name: "ModelSpec" }
  field { name: "inputs" number: 2 label: LABEL_REPEATED type_name: "Input" }
}
message_type {
  name: "ModelSpec"
  field { name: "name" number: 1 type: TYPE_STRING }
  field { name: "signature_name" number: 3 type: TYPE_STRING }
}
message_type {
  name: "Input"
  field { name: "key" number: 1 type: TYPE_STRING }
  field { name: "value" number: 2 type: TYPE_BYTES }
}
"""


def write_warm_up(folder, model_name, requests):
    """Writes the file of warm-up requests into a SavedModel.

    Args:
        folder: the SavedModel's.
        model_name: the name under which it will be served.
        requests: dict from a signature's name to its inputs, a dict of arrays by their names.
    """
    path = Path(folder) / WARM_UP_FILE
    path.parent.mkdir(exist_ok=True)
    prediction_log = _prediction_log_class()
    with tf.io.TFRecordWriter(str(path)) as writer:
        for signature_name, inputs in requests.items():
            log = prediction_log()
            request = log.predict_log.request
            request.model_spec.name = model_name
            request.model_spec.signature_name = signature_name
            for name, value in inputs.items():
                request.inputs.add(key=name, value=tf.make_tensor_proto(value).SerializeToString())
            writer.write(log.SerializeToString())


def _prediction_log_class():
    # A pool of its own: the default one is where the real declarations go.
    pool = descriptor_pool.DescriptorPool()
    pool.Add(text_format.Parse(_DECLARATIONS, descriptor_pb2.FileDescriptorProto()))
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("tfgan.PredictionLog"))
