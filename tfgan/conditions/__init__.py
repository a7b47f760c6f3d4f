"""What a model can be conditioned on (条件): a class, attributes, a text.

A condition tells its name in a batch (`batch_key`), what signatures take (`spec`), how that is
checked and brought to what networks take (`checked`, `encoded_spec`), and makes each network an
encoder of its own (`encoder`).
"""

import importlib

_HOMES = {"LabelCondition": "tfgan.conditions.label", "TextCondition": "tfgan.conditions.text"}

_KINDS = {"label": "LabelCondition", "text": "TextCondition"}

__all__ = [*_HOMES]


def from_config(config):
    """The condition of a model card, which tells its kind.

    Args:
        config: what a condition's `get_config` returned, and its `kind`, a dict.
    """
    config = dict(config)
    # Cards of before tell no kind.
    kind = config.pop("kind", "text" if "vocabulary" in config else "label")
    return __getattr__(_KINDS[kind]).from_config(config)


def __getattr__(name):
    # TensorFlow takes seconds to import; what is sampled is chosen without it.
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
