"""How much a request may ask for; clients ask in as many requests as that takes.

One request must not exhaust a server's memory.
"""

import numpy as np

# As many images as have this many pixels together, such as 4,096 of 32x32 or 64 of 256x256; and no
# more of smaller ones.
_MAX_PIXELS = 2**22
_MAX_IMAGES = 4096
# Of the files that a request brings: of one, which is decoded as a whole, and of all together,
# which are decoded one after another.
MAX_FILE_PIXELS = 2**25
MAX_FILES_PIXELS = 2**27


def most_images(image_shape):
    """How many images one request may ask for.

    Args:
        image_shape: `(height, width, channels)`; a side that another tool's model leaves open is
            None, or -1 where a server tells it.
    """
    height, width = (max(side or 1, 1) for side in image_shape[:2])
    return min(max(_MAX_PIXELS // (height * width), 1), _MAX_IMAGES)


def in_parts(call, most):
    """A function that is called for so many examples at most, made one for any number.

    Args:
        call: function of arrays [N, ...] by name; it returns a dict of arrays [N, ...].
        most: the largest N that it takes.
    """

    def call_in_parts(**inputs):
        num = max(len(values) for values in inputs.values())
        answers = [
            call(**{name: values[start : start + most] for name, values in inputs.items()})
            for start in range(0, num, most) or [0]
        ]
        if len(answers) == 1:
            return answers[0]
        return {name: np.concatenate([each[name] for each in answers]) for name in answers[0]}

    return call_in_parts
