"""What a conditional model can be asked for (条件): a class, attributes, a text.

A condition tells its name in a batch (`batch_key`), what signatures take (`spec`), how that is
checked and brought to what networks take (`checked`, `encoded_spec`), and makes each network an
encoder of its own (`encoder`).
"""

from tfgan.conditions.label import LabelCondition
from tfgan.conditions.text import TextCondition

__all__ = ["LabelCondition", "TextCondition"]
