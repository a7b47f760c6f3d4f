"""The warm-up requests of an exported model, read with TensorFlow Serving's own declaration."""

import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2


def warm_up_logs(version_folder):
    """A version's `PredictionLog`s, in order."""
    file = version_folder / "assets.extra" / "tf_serving_warmup_requests"
    records = tf.data.TFRecordDataset(str(file)).as_numpy_iterator()
    return [prediction_log_pb2.PredictionLog.FromString(record) for record in records]


def warm_up_requests(version_folder):
    """The same as (signature, dict of arrays), as `cpp_loader.serve` takes them."""
    requests = [log.predict_log.request for log in warm_up_logs(version_folder)]
    return [
        (
            request.model_spec.signature_name,
            {name: tf.make_ndarray(value) for name, value in request.inputs.items()},
        )
        for request in requests
    ]
